/* SPDX-License-Identifier: MIT */
/* Processes: made, found, ended. What clone(2), execve(2) and wait(2) make of it is beside. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/files.h"
#include "user/mounts.h"
#include "user/pidfd.h"
#include "user/policy.h"
#include "user/process.h"
#include "user/signals.h"
#include "user/space.h"

/* Linux's limits on processes, as a program finds them: getrlimit(2). */
static void default_limits(const struct keg_user *user, struct rlimit limits[RLIM_NLIMITS])
{
	for (int i = 0; i < (int)RLIM_NLIMITS; i++)
		limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
	limits[RLIMIT_STACK].rlim_cur = 8 << 20;
	limits[RLIMIT_CORE] = (struct rlimit){0, 0};
	limits[RLIMIT_NOFILE] = (struct rlimit){user->config.files, user->config.files};
	limits[RLIMIT_NPROC] = (struct rlimit){user->config.threads, user->config.threads};
	limits[RLIMIT_MEMLOCK] = (struct rlimit){8 << 20, 8 << 20};
	limits[RLIMIT_SIGPENDING] = (struct rlimit){KEG_QUEUED, KEG_QUEUED};
	limits[RLIMIT_MSGQUEUE] = (struct rlimit){0, 0};
	limits[RLIMIT_NICE] = limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

/* A number that no process or thread has, nor a group or session. Lock held. */
pid_t keg_pid_take(struct keg_user *user)
{
	const pid_t last = 1 << 22; /* as Linux's pid_max on 64-bit machines */
	pid_t pid = user->last_pid;
	bool taken;

	do {
		pid = pid >= last ? 2 : pid + 1;
		taken = false;
		for (struct keg_process *each = user->processes; each && !taken; each = each->next)
			taken = each->pid == pid || each->group == pid || each->session == pid;
		taken = taken || keg_task_find(user, pid);
	} while (taken);
	user->last_pid = pid;
	return pid;
}

static void insert(struct keg_user *user, struct keg_process *process)
{
	struct keg_process **at = &user->processes;

	while (*at && (*at)->pid < process->pid)
		at = &(*at)->next;
	process->next = *at;
	*at = process;
	user->process_count++;
	user->processes_made++;
}

static void withdraw(struct keg_process *process)
{
	struct keg_user *user = process->user;

	for (struct keg_process **at = &user->processes; *at; at = &(*at)->next) {
		if (*at != process)
			continue;
		*at = process->next;
		user->process_count--;
		return;
	}
}

/* What a process that never ran has, but its space. Lock not held; NULL is allowed. */
static void release(struct keg_process *process)
{
	if (!process)
		return;
	keg_files_release(process->files);
	keg_fs_release(process->fs);
	keg_actions_release(process->actions);
	free(process->executable);
	free(process->space_users);
	free(process->pending);
	free(process);
}

static struct keg_process *create(struct keg_user *user)
{
	struct keg_process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->user = user;
	process->exit_signal = SIGCHLD;
	process->dumpable = 1;
	clock_gettime(CLOCK_BOOTTIME, &process->started);
	process->pending = calloc(1, sizeof(*process->pending));
	process->space_users = calloc(1, sizeof(*process->space_users));
	if (!process->pending || !process->space_users) {
		free(process->space_users);
		free(process->pending);
		free(process);
		return NULL;
	}
	*process->space_users = 1;
	return process;
}

int keg_process_first(struct keg_user *user, struct keg_process **process)
{
	struct keg_process *made = create(user);
	struct keg_task *task;
	int result;

	if (!made)
		return keg_fail(ENOMEM, "out of memory for a process");
	default_limits(user, made->limits);
	made->actions = keg_actions_create();
	if (!made->actions) {
		result = keg_fail(ENOMEM, "out of memory for the actions of signals");
		goto out;
	}
	keg_actions_ignore(made->actions, user->config.ignored);
	result = keg_fs_create(user->policy->directory, &made->fs);
	if (result == 0 && user->config.flags & KEG_USER_UMASK)
		keg_fs_set_umask(made->fs, (mode_t)user->config.umask);
	if (result == 0)
		result = keg_files_copy(user->streams, &made->files);
	if (result == 0)
		result = keg_space_create(user->host, user->pages, user->lore, &made->space);
	if (result < 0)
		goto out;
	/* Not 1, which programs take for init, and not the host's number. */
	made->pid = made->group = made->session = 2;
	user->terminal = (struct keg_terminal){made->session, made->group};
	user->last_pid = made->pid;
	insert(user, made);
	result = keg_task_create(made, &task);
	if (result < 0) {
		withdraw(made);
		goto out;
	}
	*process = made;
	return 0;
out:
	keg_space_destroy(made->space);
	release(made);
	return result;
}

/* A copy in a sandbox, which need not be its own. What there is of it when it fails is the caller's
 * to release, without the lock: a file that goes may take it. */
static bool copy(
	struct keg_user *user, struct keg_process *of, uint64_t flags, struct keg_process **process)
{
	struct keg_process *made = create(user);
	int result = 0;

	*process = made;
	if (!made)
		return false;
	memcpy(made->limits, of->limits, sizeof(made->limits));
	memcpy(made->auxv, of->auxv, sizeof(made->auxv));
	made->group = of->group;
	made->session = of->session;
	made->brk_start = of->brk_start;
	made->args_at = of->args_at, made->args_end = of->args_end;
	made->env_at = of->env_at, made->env_end = of->env_end;
	made->dumpable = of->dumpable;
	made->niceness = of->niceness;
	made->executable = of->executable ? strdup(of->executable) : NULL;
	made->files = flags & CLONE_FILES ? keg_files_share(of->files) : NULL;
	made->fs = flags & CLONE_FS ? keg_fs_share(of->fs) : NULL;
	made->actions = flags & CLONE_SIGHAND ? keg_actions_share(of->actions)
					      : keg_actions_copy(of->actions);
	if (!made->files)
		result = keg_files_copy(of->files, &made->files);
	if (result == 0 && !made->fs)
		result = keg_fs_copy(of->fs, &made->fs);
	return result == 0 && made->actions && (made->executable || !of->executable);
}

int keg_process_copy(struct keg_process *of, uint64_t flags, struct keg_process **process)
{
	struct keg_user *user = of->user;
	struct keg_process *made = NULL;
	int result = -EAGAIN;

	pthread_mutex_lock(&user->lock);
	if (user->process_count < user->config.processes)
		result = copy(user, of, flags, &made) ? 0 : -ENOMEM;
	if (result == 0) {
		made->pid = keg_pid_take(user);
		made->parent = flags & CLONE_PARENT && of->parent ? of->parent : of;
		insert(user, made);
	}
	pthread_mutex_unlock(&user->lock);
	if (result == 0)
		*process = made;
	else
		release(made);
	return result;
}

int keg_process_copy_to(struct keg_user *user, struct keg_process *of, struct keg_process **process)
{
	struct keg_process *made;

	if (!copy(user, of, 0, &made)) {
		release(made);
		return keg_fail(ENOMEM, "out of memory for a process");
	}
	made->pid = user->last_pid = of->pid;
	user->terminal = (struct keg_terminal){made->session, made->group};
	pthread_mutex_lock(&user->lock);
	insert(user, made);
	pthread_mutex_unlock(&user->lock);
	*process = made;
	return 0;
}

struct keg_space *keg_process_leave_space(struct keg_process *process)
{
	struct keg_user *user = process->user;
	struct keg_space *space = process->space;
	bool last;

	pthread_mutex_lock(&user->lock);
	last = --*process->space_users == 0;
	process->space = NULL;
	pthread_mutex_unlock(&user->lock);
	if (last)
		free(process->space_users);
	process->space_users = NULL;
	return last ? space : NULL;
}

void keg_process_free(struct keg_process *process)
{
	withdraw(process);
	keg_pidfds_forget(process);
	free(process->executable);
	free(process->pending);
	free(process);
}

struct keg_process *keg_process_find(struct keg_user *user, pid_t pid)
{
	for (struct keg_process *each = user->processes; each; each = each->next) {
		if (each->pid == pid)
			return each;
	}
	return NULL;
}

struct keg_task *keg_task_find(struct keg_user *user, pid_t tid)
{
	for (struct keg_process *each = user->processes; each; each = each->next) {
		for (struct keg_task *task = each->tasks; task; task = task->next) {
			if (task->tid == tid)
				return task;
		}
	}
	return NULL;
}

void keg_process_kick(struct keg_process *process, const struct keg_task *but)
{
	for (struct keg_task *task = process->tasks; task; task = task->next) {
		if (task != but)
			keg_task_kick(task);
	}
}

void keg_user_kick_all(struct keg_user *user)
{
	for (struct keg_process *each = user->processes; each; each = each->next)
		keg_process_kick(each, NULL);
}
