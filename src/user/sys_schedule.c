/* SPDX-License-Identifier: MIT */
/* System calls about scheduling: the host's is what it is, and programs are told so. */
#include <asm/unistd.h>
#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <time.h>
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

/* Whether there is such a task; the caller itself for 0. */
static int64_t find(struct keg_task *task, uint64_t pid)
{
	struct keg_user *user = task->process->user;
	bool found;

	if ((pid_t)pid < 0)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	found = (pid_t)pid == 0 || keg_task_find(user, (pid_t)pid) ||
		keg_process_find(user, (pid_t)pid);
	pthread_mutex_unlock(&user->lock);
	return found ? 0 : -ESRCH;
}

/* sched_setattr(2): struct sched_attr as Linux 3.14 had it. */
static int64_t sys_sched_getattr(struct keg_task *task, const uint64_t args[6])
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} told = {.size = sizeof(told)};
	struct keg_user *user = task->process->user;
	uint32_t size = (uint32_t)args[2];
	int64_t result = find(task, args[0]);

	if (size < sizeof(told) || size > 4096 || (uint32_t)args[3] || !args[1])
		return -EINVAL;
	if (result < 0)
		return result;
	pthread_mutex_lock(&user->lock);
	told.nice = task->process->niceness;
	pthread_mutex_unlock(&user->lock);
	return keg_space_write(task->process->space, args[1], &told, sizeof(told));
}

/* Of SCHED_OTHER, which has no slice that programs could count on: as Linux says it of an idle
 * machine. */
static int64_t sys_sched_rr_get_interval(struct keg_task *task, const uint64_t args[6])
{
	const struct timespec slice = {0, 4000000};
	int64_t result = find(task, args[0]);

	return result < 0 ? result
			  : keg_space_write(task->process->space, args[1], &slice, sizeof(slice));
}

/* ---- I/O priorities: ioprio_set(2). They are none, as programs begin; a choice does nothing. ----
 */

static int64_t find_ioprio(struct keg_task *task, const uint64_t args[6])
{
	enum { PROCESS = 1, GROUP, USER };

	if ((int)args[0] < PROCESS || (int)args[0] > USER)
		return -EINVAL;
	return (int)args[0] == PROCESS ? find(task, args[1]) : 0;
}

static int64_t sys_ioprio_get(struct keg_task *task, const uint64_t args[6])
{
	return find_ioprio(task, args);
}

static int64_t sys_ioprio_set(struct keg_task *task, const uint64_t args[6])
{
	enum { NONE, REAL_TIME, BEST_EFFORT, IDLE };
	uint32_t class = (uint32_t)args[2] >> 13 & 7, level = (uint32_t)args[2] & 7;

	if (class > IDLE || (class == NONE && level != 0))
		return -EINVAL;
	/* It takes a privilege. */
	if (class == REAL_TIME)
		return -EPERM;
	return find_ioprio(task, args);
}

/* ---- Memory policies: get_mempolicy(2). It is the default, of one node. ---- */

static int64_t sys_get_mempolicy(struct keg_task *task, const uint64_t args[6])
{
	enum { NODE = 1, ADDRESS = 2, ALLOWED = 4 };
	uint64_t flags = args[4], nodes = args[2];
	const uint64_t allowed = flags & ALLOWED;
	struct keg_space *space = task->process->space;
	const int32_t policy = 0;

	if (flags & ~(uint64_t)(NODE | ADDRESS | ALLOWED) || (flags & ALLOWED && flags != ALLOWED))
		return -EINVAL;
	if (flags & ADDRESS ? flags == ADDRESS && !args[3] : args[3] != 0 || flags == NODE)
		return -EINVAL;
	if (args[1] && (nodes < 1 || nodes > 65536))
		return -EINVAL;
	if (args[0] && keg_space_write(space, args[0], &policy, sizeof(policy)) < 0)
		return -EFAULT;
	/* A set of `nodes` bits, of which the first is the machine's only node. */
	for (uint64_t at = 0; args[1] && at < (nodes + 63) / 64; at++) {
		const uint64_t word = at == 0 && allowed ? 1 : 0;

		if (keg_space_write(space, args[1] + at * 8, &word, sizeof(word)) < 0)
			return -EFAULT;
	}
	return 0;
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
	{__NR_sched_getattr, "sched_getattr", "dpux", sys_sched_getattr},
	{__NR_sched_rr_get_interval, "sched_rr_get_interval", "dp", sys_sched_rr_get_interval},
	{__NR_ioprio_get, "ioprio_get", "dd", sys_ioprio_get},
	{__NR_ioprio_set, "ioprio_set", "ddx", sys_ioprio_set},
	{__NR_get_mempolicy, "get_mempolicy", "ppuxx", sys_get_mempolicy},
	{__NR_getpriority, "getpriority", "dd", sys_getpriority},
	{__NR_setpriority, "setpriority", "ddd", sys_setpriority},
	{0},
};
