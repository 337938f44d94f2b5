/* SPDX-License-Identifier: MIT */
/* execve(2): another program in the same process. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/files.h"
#include "user/load.h"
#include "user/mounts.h"
#include "user/plugin.h"
#include "user/process.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/time.h"

/* Ends the process's other tasks and waits for it: the one that goes on is the process's only one,
 * and has its number. -EINTR it is to end itself, for another that was first. */
static int end_others(struct keg_task *task)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;
	int result = 0;

	pthread_mutex_lock(&user->lock);
	if (process->exiting || user->dying) {
		result = -EINTR;
	} else if (process->task_count > 1) {
		process->exiting = true;
		process->survivor = task;
		keg_process_kick(process, task);
		while (process->task_count > 1 && process->survivor == task)
			pthread_cond_wait(&user->changed, &user->lock);
		if (process->survivor == task)
			process->exiting = false;
		else
			result = -EINTR;
		process->survivor = NULL;
	}
	if (result == 0)
		task->tid = process->pid;
	pthread_mutex_unlock(&user->lock);
	return result;
}

/* What does not survive a program (execve(2), Description). */
static void reset(struct keg_task *task)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;

	keg_files_exec(process->files);
	keg_timers_exec(process);
	pthread_mutex_lock(&user->lock);
	keg_actions_exec(process->actions);
	task->altstack = task->altstack_size = 0;
	task->altstack_flags = 0;
	task->clear_tid = task->robust_list = 0;
	process->dumpable = 1;
	keg_process_leave_vfork(process);
	pthread_mutex_unlock(&user->lock);
}

/* What a new program needs of its own, made before the old one is given up. */
struct own {
	struct keg_space *space;
	uint32_t *space_users;
	struct keg_files *files; /* NULL: they are its own already */
	struct keg_actions *actions;
};

static void discard(struct own *own)
{
	keg_space_destroy(own->space);
	keg_files_release(own->files);
	keg_actions_release(own->actions);
	free(own->space_users);
}

static int make_own(struct keg_process *process, struct own *own)
{
	struct keg_user *user = process->user;
	int result;

	own->space_users = calloc(1, sizeof(*own->space_users));
	own->actions = keg_actions_create();
	if (!own->space_users || !own->actions ||
		keg_space_create(user->host, user->pages, user->lore, &own->space) < 0)
		return -ENOMEM;
	/* Files may be shared with a process that made this one by CLONE_FILES: not from now on.
	 * The record locks are the table's: they stay with the process. */
	result = keg_files_shared(process->files) ? keg_files_copy(process->files, &own->files) : 0;
	return result;
}

/* The new takes the old one's place, once there is no other task to see it. */
static void replace(struct keg_task *task, struct own *own, struct keg_cpu *old)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;
	uint32_t *users = process->space_users;
	struct keg_space *left = process->space;
	struct keg_files *files = own->files ? process->files : NULL;
	struct keg_actions *actions = process->actions;
	bool last;

	pthread_mutex_lock(&user->lock);
	process->space = own->space;
	if (own->files)
		process->files = own->files;
	/* They may be others' too, by CLONE_SIGHAND. */
	memcpy(own->actions->of, actions->of, sizeof(actions->of));
	process->actions = own->actions;
	last = *users == 1;
	/* With the lock: who uses the old space as well may end it at any moment. */
	keg_cpu_destroy(old);
	if (!last) {
		--*users;
		process->space_users = own->space_users;
		*process->space_users = 1;
		own->space_users = NULL;
	}
	pthread_mutex_unlock(&user->lock);
	own->space = last ? left : NULL;
	own->files = files;
	own->actions = actions;
	discard(own);
}

/* Loads into a fresh space on a vCPU of its machine, which becomes the task's. */
static int load(struct keg_task *task, struct keg_space *space, const struct keg_load *what,
	struct keg_cpu **old)
{
	struct keg_user *user = task->process->user;
	struct keg_cpu *cpu;
	int result = keg_cpu_create(keg_space_machine(space), &cpu);

	if (result < 0)
		return -ENOMEM;
	/* With the lock: a kick finds one or the other; it is marked in `attention` as well. */
	pthread_mutex_lock(&user->lock);
	*old = task->cpu;
	task->cpu = cpu;
	pthread_mutex_unlock(&user->lock);
	result = keg_load_program(task, space, what);
	if (result == 0)
		result = end_others(task);
	if (result < 0) {
		pthread_mutex_lock(&user->lock);
		task->cpu = *old;
		pthread_mutex_unlock(&user->lock);
		keg_cpu_destroy(cpu);
	}
	return result;
}

int keg_process_exec(struct keg_task *task, const struct keg_load *what)
{
	struct keg_process *process = task->process;
	struct own own = {0};
	struct keg_cpu *old = NULL;
	int result;

	if (keg_plugin_binds(process))
		return -EPERM;
	result = make_own(process, &own);
	if (result == 0)
		result = load(task, own.space, what, &old);
	if (result < 0) {
		discard(&own);
		return result;
	}
	replace(task, &own, old);
	keg_plugin_replaced(process);
	reset(task);
	return 0;
}

/* What is to be executed: where it is, and as what: a script and /proc hear of the name. */
struct target {
	struct keg_place place;
	char given[PATH_MAX];
	char name[PATH_MAX + 32];
};

static int find_target(
	struct keg_task *task, int at, uint64_t path, uint32_t flags, struct target *target)
{
	char *given = target->given;
	ssize_t length = keg_space_read_string(task->process->space, given, path, PATH_MAX);

	if (length < 0)
		return (int)length;
	/* execveat(2), "Interpreter scripts" */
	if (at == AT_FDCWD || given[0] == '/')
		snprintf(target->name, sizeof(target->name), "%s", given);
	else
		snprintf(target->name, sizeof(target->name), "/dev/fd/%d%s%s", at,
			given[0] ? "/" : "", given);
	return keg_mounts_walk(task, at, given, flags, &target->place);
}

static int64_t execute(struct keg_task *task, int at, uint64_t path_at, uint64_t arguments_at,
	uint64_t environment_at, uint32_t flags)
{
	struct keg_space *space = task->process->space;
	struct keg_words arguments = {0}, environment = {0};
	struct target *target = malloc(sizeof(*target));
	int result;

	if (!target)
		return -ENOMEM;
	result = find_target(task, at, path_at, flags, target);
	if (result == 0)
		result = keg_words_read(&arguments, space, arguments_at);
	if (result == 0)
		result = keg_words_read(&environment, space, environment_at);
	if (result == 0)
		result = keg_process_exec(task, &(struct keg_load){target->place.path, target->name,
							&arguments, &environment});
	keg_words_free(&arguments);
	keg_words_free(&environment);
	free(target);
	return result < 0 ? result : KEG_REGISTERS_SET;
}

int64_t keg_sys_execve(struct keg_task *task, const uint64_t args[6])
{
	return execute(task, AT_FDCWD, args[0], args[1], args[2], KEG_WALK_FOLLOW);
}

int64_t keg_sys_execveat(struct keg_task *task, const uint64_t args[6])
{
	uint32_t flags = KEG_WALK_FOLLOW;

	if (args[4] & ~(uint64_t)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (args[4] & AT_SYMLINK_NOFOLLOW)
		flags = 0;
	if (args[4] & AT_EMPTY_PATH)
		flags |= KEG_WALK_EMPTY;
	return execute(task, (int)args[0], args[1], args[2], args[3], flags);
}
