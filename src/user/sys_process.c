/* SPDX-License-Identifier: MIT */
/* The system calls that make, end and wait for processes and threads, and name their groups. */
#include <asm/unistd.h>
#include <errno.h>

#include "user/pidfd.h"
#include "user/process.h"

static int64_t sys_exit(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;

	/* The loop ends the task when it sees this. */
	pthread_mutex_lock(&user->lock);
	task->exited = true;
	task->exit_status = (int)(args[0] & 0xff) << 8;
	atomic_store(&task->attention, 1);
	pthread_mutex_unlock(&user->lock);
	return KEG_REGISTERS_SET;
}

static int64_t sys_exit_group(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;

	pthread_mutex_lock(&user->lock);
	keg_process_end(task->process, (int)(args[0] & 0xff) << 8);
	pthread_mutex_unlock(&user->lock);
	return KEG_REGISTERS_SET;
}

static int64_t sys_getpid(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	return task->process->pid;
}

static int64_t sys_gettid(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	return task->tid;
}

static int64_t sys_getppid(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	pid_t pid;

	(void)args;
	pthread_mutex_lock(&user->lock);
	pid = task->process->parent ? task->process->parent->pid : 1;
	pthread_mutex_unlock(&user->lock);
	return pid;
}

static int64_t sys_set_tid_address(struct keg_task *task, const uint64_t args[6])
{
	task->clear_tid = args[0];
	return task->tid;
}

/* The process that a call names: its own for 0. Lock held. */
static struct keg_process *named(struct keg_task *task, uint64_t pid)
{
	return (pid_t)pid ? keg_process_find(task->process->user, (pid_t)pid) : task->process;
}

static int64_t get_group(struct keg_task *task, uint64_t pid)
{
	struct keg_user *user = task->process->user;
	struct keg_process *process;
	int64_t result = -ESRCH;

	pthread_mutex_lock(&user->lock);
	process = named(task, pid);
	if (process)
		result = process->group;
	pthread_mutex_unlock(&user->lock);
	return result;
}

static int64_t sys_getpgid(struct keg_task *task, const uint64_t args[6])
{
	return get_group(task, args[0]);
}

static int64_t sys_getpgrp(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	return get_group(task, 0);
}

static int64_t sys_getsid(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	struct keg_process *process;
	int64_t result = -ESRCH;

	pthread_mutex_lock(&user->lock);
	process = named(task, args[0]);
	if (process)
		result = process->session;
	pthread_mutex_unlock(&user->lock);
	return result;
}

/* Whether the session has a process in that group. */
static bool has_group(const struct keg_user *user, pid_t session, pid_t group)
{
	for (const struct keg_process *each = user->processes; each; each = each->next) {
		if (each->group == group && each->session == session)
			return true;
	}
	return false;
}

static int set_group(struct keg_task *task, uint64_t pid, pid_t group)
{
	struct keg_process *process = named(task, pid);

	if (!process || (process != task->process && process->parent != task->process))
		return -ESRCH;
	group = group ? group : process->pid;
	if (group < 0)
		return -EINVAL;
	if (process->session != task->process->session || process->session == process->pid)
		return -EPERM;
	if (group != process->pid && !has_group(process->user, process->session, group))
		return -EPERM;
	process->group = group;
	return 0;
}

static int64_t sys_setpgid(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	int result;

	pthread_mutex_lock(&user->lock);
	result = set_group(task, args[0], (pid_t)args[1]);
	pthread_mutex_unlock(&user->lock);
	return result;
}

static int64_t sys_setsid(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;
	int64_t result = -EPERM;

	(void)args;
	pthread_mutex_lock(&user->lock);
	if (process->group != process->pid)
		result = process->group = process->session = process->pid;
	pthread_mutex_unlock(&user->lock);
	return result;
}

const struct keg_syscall keg_syscalls_process[] = {
	{__NR_clone, "clone", "Cpppx", keg_sys_clone},
	{__NR_clone3, "clone3", "pu", keg_sys_clone3},
	{__NR_fork, "fork", "", keg_sys_fork},
	{__NR_vfork, "vfork", "", keg_sys_vfork},
	{__NR_execve, "execve", "saa", keg_sys_execve},
	{__NR_execveat, "execveat", "Dsaax", keg_sys_execveat},
	{__NR_exit, "exit", "d", sys_exit},
	{__NR_exit_group, "exit_group", "d", sys_exit_group},
	{__NR_wait4, "wait4", "dwxp", keg_sys_wait4},
	{__NR_waitid, "waitid", "ddpxp", keg_sys_waitid},
	{__NR_pidfd_open, "pidfd_open", "dx", keg_sys_pidfd_open},
	{__NR_getpid, "getpid", "", sys_getpid},
	{__NR_gettid, "gettid", "", sys_gettid},
	{__NR_getppid, "getppid", "", sys_getppid},
	{__NR_set_tid_address, "set_tid_address", "p", sys_set_tid_address},
	{__NR_getpgid, "getpgid", "d", sys_getpgid},
	{__NR_getpgrp, "getpgrp", "", sys_getpgrp},
	{__NR_getsid, "getsid", "d", sys_getsid},
	{__NR_setpgid, "setpgid", "dd", sys_setpgid},
	{__NR_setsid, "setsid", "", sys_setsid},
	{0},
};
