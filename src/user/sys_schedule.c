/* SPDX-License-Identifier: MIT */
/* System calls about scheduling: the host's is what it is, and programs are told so. */
#include <asm/unistd.h>
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "user/process.h"
#include "user/space.h"

/* The processors that keg itself may use; a choice among them is accepted and does nothing. */
static int64_t sys_sched_getaffinity(struct keg_task *task, const uint64_t args[6])
{
	cpu_set_t set;
	size_t size = args[1] < sizeof(set) ? (size_t)args[1] : sizeof(set);
	size_t used = (size_t)sysconf(_SC_NPROCESSORS_CONF) / 8 + 1;

	used = (used + 7) / 8 * 8;
	if (args[1] % 8 || size < used)
		return -EINVAL;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return -errno;
	if (keg_space_write(task->process->space, args[2], &set, used) < 0)
		return -EFAULT;
	return (int64_t)used;
}

static int64_t sys_nothing(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return 0;
}

static int64_t sys_refused(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return -EPERM;
}

static int64_t sys_sched_yield(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	sched_yield();
	return 0;
}

static int64_t sys_sched_getparam(struct keg_task *task, const uint64_t args[6])
{
	struct sched_param none = {0};

	return keg_space_write(task->process->space, args[1], &none, sizeof(none));
}

/* Whether getpriority(2) and setpriority(2) mean this process. */
static bool is_meant(
	const struct keg_task *task, const struct keg_process *process, int which, int who)
{
	switch (which) {
	case PRIO_PROCESS:
		return who ? process->pid == who : process == task->process;
	case PRIO_PGRP:
		return process->group == (who ? who : task->process->group);
	default:
		return who == 0 || (uid_t)who == getuid();
	}
}

/* getpriority(2) as the system call has it: 20 less the niceness. */
static int64_t sys_getpriority(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	int64_t priority = -ESRCH;

	if ((int)args[0] < PRIO_PROCESS || (int)args[0] > PRIO_USER)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	for (const struct keg_process *each = user->processes; each; each = each->next) {
		if (is_meant(task, each, (int)args[0], (int)args[1]) &&
			20 - each->niceness > priority)
			priority = 20 - each->niceness;
	}
	pthread_mutex_unlock(&user->lock);
	return priority;
}

/* It is remembered, and says nothing to the host. Nobody becomes less nice than he was. */
static int64_t sys_setpriority(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	int niceness = (int)args[2];
	int64_t result = -ESRCH;

	if ((int)args[0] < PRIO_PROCESS || (int)args[0] > PRIO_USER)
		return -EINVAL;
	niceness = niceness < -20 ? -20 : niceness > 19 ? 19 : niceness;
	pthread_mutex_lock(&user->lock);
	for (struct keg_process *each = user->processes; each; each = each->next) {
		if (!is_meant(task, each, (int)args[0], (int)args[1]))
			continue;
		if (niceness < each->niceness) {
			result = -EACCES;
			continue;
		}
		each->niceness = niceness;
		result = result == -ESRCH ? 0 : result;
	}
	pthread_mutex_unlock(&user->lock);
	return result;
}

const struct keg_syscall keg_syscalls_schedule[] = {
	{__NR_sched_getaffinity, "sched_getaffinity", "dup", sys_sched_getaffinity},
	{__NR_sched_setaffinity, "sched_setaffinity", "dup", sys_nothing},
	{__NR_sched_yield, "sched_yield", "", sys_sched_yield},
	{__NR_sched_getparam, "sched_getparam", "dp", sys_sched_getparam},
	{__NR_sched_getscheduler, "sched_getscheduler", "d", sys_nothing},
	{__NR_sched_setscheduler, "sched_setscheduler", "ddp", sys_refused},
	{__NR_sched_setparam, "sched_setparam", "dp", sys_nothing},
	{__NR_sched_get_priority_max, "sched_get_priority_max", "d", sys_nothing},
	{__NR_sched_get_priority_min, "sched_get_priority_min", "d", sys_nothing},
	{__NR_getpriority, "getpriority", "dd", sys_getpriority},
	{__NR_setpriority, "setpriority", "ddd", sys_setpriority},
	{0},
};
