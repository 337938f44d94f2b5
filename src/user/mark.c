/* SPDX-License-Identifier: MIT */
/*
 * The state that a program is brought back to: its memory (space.h), and here the rest of it.
 *
 * A reset after a call that did nothing but compute and write to memory copies the pages that were
 * written, and makes no system call.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/files.h"
#include "user/mounts.h"
#include "user/plugin.h"
#include "user/process.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/time.h"

struct keg_mark_state {
	struct keg_user_registers regs;
	keg_sigset mask;
	uint64_t altstack, altstack_size;
	int32_t altstack_flags;
	uint64_t clear_tid, robust_list;
	char name[16];
	struct keg_sigaction actions[KEG_SIGNALS + 1];
	struct rlimit limits[RLIM_NLIMITS];
	void *xstate; /* xstate_size bytes */
	mode_t umask;
	char directory[PATH_MAX];

	struct keg_file **files; /* by number; each held; NULL: none */
	int file_count;
};

void keg_mark_state_free(struct keg_mark_state *mark)
{
	if (!mark)
		return;
	for (int i = 0; i < mark->file_count; i++)
		keg_file_put(mark->files[i]);
	free(mark->files);
	free(mark->xstate);
	free(mark);
}

/* Which files are open. */
static int note_files(struct keg_mark_state *mark, struct keg_files *files)
{
	int last = -1;

	for (int at = keg_files_next(files, 0); at >= 0; at = keg_files_next(files, at + 1))
		last = at;
	mark->files = calloc((size_t)last + 2, sizeof(struct keg_file *));
	if (!mark->files)
		return keg_fail(ENOMEM, "out of memory for a mark");
	mark->file_count = last + 1;
	for (int at = 0; at <= last; at++)
		mark->files[at] = keg_files_get(files, at);
	return 0;
}

/* Closes those that were not open then. */
static void close_files(const struct keg_mark_state *mark, struct keg_files *files)
{
	for (int at = keg_files_next(files, 0); at >= 0; at = keg_files_next(files, at + 1)) {
		struct keg_file *file = keg_files_get(files, at);
		bool was_open = at < mark->file_count && file == mark->files[at];

		keg_file_put(file);
		if (!was_open)
			keg_files_close(files, at);
	}
}

static void note_task(struct keg_mark_state *mark, const struct keg_task *task)
{
	mark->regs = task->cpu->regs;
	mark->mask = task->mask;
	mark->altstack = task->altstack;
	mark->altstack_size = task->altstack_size;
	mark->altstack_flags = task->altstack_flags;
	mark->clear_tid = task->clear_tid;
	mark->robust_list = task->robust_list;
	memcpy(mark->name, task->name, sizeof(mark->name));
}

/* Lock held. */
static void restore_task(const struct keg_mark_state *mark, struct keg_task *task)
{
	struct keg_cpu *cpu = task->cpu;

	cpu->bases_changed |=
		cpu->regs.fs_base != mark->regs.fs_base || cpu->regs.gs_base != mark->regs.gs_base;
	cpu->regs = mark->regs;
	task->mask = mark->mask;
	task->restore_mask = task->forced = task->exited = false;
	task->awaited = 0;
	task->altstack = mark->altstack;
	task->altstack_size = mark->altstack_size;
	task->altstack_flags = mark->altstack_flags;
	task->clear_tid = mark->clear_tid;
	task->robust_list = mark->robust_list;
	task->syscall = KEG_NO_SYSCALL;
	task->restart_deadline = 0;
	task->pending->set = 0;
	task->pending->count = 0;
	memcpy(task->name, mark->name, sizeof(task->name));
	atomic_store(&task->attention, 0);
}

static void note_process(struct keg_mark_state *mark, const struct keg_process *process)
{
	memcpy(mark->actions, process->actions->of, sizeof(mark->actions));
	memcpy(mark->limits, process->limits, sizeof(mark->limits));
	keg_fs_directory(process->fs, mark->directory);
	mark->umask = keg_fs_umask(process->fs);
}

/* Lock held. */
static void restore_process(const struct keg_mark_state *mark, struct keg_process *process)
{
	struct keg_user *user = process->user;

	memcpy(process->actions->of, mark->actions, sizeof(mark->actions));
	memcpy(process->limits, mark->limits, sizeof(process->limits));
	process->pending->set = 0;
	process->pending->count = 0;
	process->state = KEG_PROCESS_RUNS;
	process->exiting = process->out_of_memory = false;
	process->survivor = NULL;
	process->status = 0;
	if (user->plugin->ended || user->report.end)
		user->report = (struct keg_user_stop){0};
	user->plugin->ended = false;
}

static int note_xstate(struct keg_user *user, struct keg_mark_state *mark)
{
	int ret = keg_plugin_know_xstate(user);

	if (ret)
		return ret;
	mark->xstate = malloc(user->plugin->xstate_size);
	if (!mark->xstate)
		return keg_fail(ENOMEM, "out of memory for a mark");
	memcpy(mark->xstate, user->plugin->xstate, user->plugin->xstate_size);
	return keg_stub_set_xstate(user);
}

static int note(struct keg_user *user, struct keg_mark_state *mark)
{
	struct keg_process *process = user->first;
	int ret = note_files(mark, process->files);

	if (!ret)
		ret = keg_stub_make(user);
	if (!ret)
		ret = note_xstate(user, mark);
	if (ret)
		return ret;
	note_task(mark, user->first_task);
	note_process(mark, process);
	/* With keg's own instructions in it. */
	ret = keg_space_mark(process->space);
	return ret ? keg_fail_errno(-ret, "marking the program's memory") : 0;
}

int keg_user_mark(struct keg_user *user)
{
	struct keg_mark_state *mark;
	int ret = keg_plugin_at_rest(user);

	if (!ret)
		ret = keg_plugin_alone(user);
	if (ret)
		return ret;
	if (!keg_plugin_of(user))
		return -ENOMEM;
	if (user->plugin->ended)
		return keg_fail(EINVAL, "the program has ended: there is no state to mark");
	mark = calloc(1, sizeof(*mark));
	if (!mark)
		return keg_fail(ENOMEM, "out of memory for a mark");
	ret = note(user, mark);
	if (ret) {
		keg_mark_state_free(mark);
		return ret;
	}
	keg_mark_state_free(user->plugin->mark);
	user->plugin->mark = mark;
	return 0;
}

/* Ends what the program has made since: threads, and processes, which nobody waits for. */
static void end_others(struct keg_user *user)
{
	struct keg_process *first = user->first, *next;

	pthread_mutex_lock(&user->lock);
	first->exiting = true;
	first->survivor = user->first_task;
	keg_process_kick(first, user->first_task);
	for (struct keg_process *each = user->processes; each; each = each->next)
		if (each != first)
			keg_process_end(each, SIGKILL);
	pthread_cond_broadcast(&user->changed);
	while (user->task_count > 1)
		pthread_cond_wait(&user->changed, &user->lock);
	for (struct keg_process *each = user->processes; each; each = next) {
		next = each->next;
		if (each != first)
			keg_process_free(each);
	}
	pthread_mutex_unlock(&user->lock);
	keg_task_reap(user);
}

static void restore_xstate(struct keg_plugin *plugin)
{
	if (!plugin->was_reset)
		memcpy(plugin->xstate, plugin->mark->xstate, plugin->xstate_size);
	plugin->xstate_known = plugin->xstate_stale = plugin->was_reset = true;
}

/* Timers end, if there are any: a mark has none. */
static void end_timers(struct keg_process *process)
{
	struct keg_timers *timers = process->timers;

	process->timers = NULL;
	if (timers)
		keg_timers_destroy(timers);
}

int keg_user_reset(struct keg_user *user)
{
	struct keg_plugin *plugin = user->plugin;
	const struct keg_mark_state *mark;
	char directory[PATH_MAX];
	int ret = keg_plugin_at_rest(user);

	if (ret)
		return ret;
	if (!plugin || !plugin->mark)
		return keg_fail(EINVAL, "there is no mark to come back to: keg_user_mark()");
	mark = plugin->mark;
	if (keg_plugin_alone(user))
		end_others(user);
	end_timers(user->first);
	pthread_mutex_lock(&user->lock);
	restore_task(mark, user->first_task);
	restore_process(mark, user->first);
	pthread_mutex_unlock(&user->lock);
	close_files(mark, user->first->files);
	keg_fs_directory(user->first->fs, directory);
	if (strcmp(directory, mark->directory) != 0)
		keg_fs_set_directory(user->first->fs, mark->directory);
	keg_fs_set_umask(user->first->fs, mark->umask);
	restore_xstate(plugin);
	plugin->held = plugin->called = plugin->returned = false;
	ret = keg_space_reset(user->first->space);
	return ret ? keg_fail_errno(-ret, "resetting the program's memory") : 0;
}
