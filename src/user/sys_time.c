/* SPDX-License-Identifier: MIT */
/* Calls that tell the time, and that let it pass. */
#include <asm/unistd.h>
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <sys/times.h>

#include "user/block.h"
#include "user/space.h"
#include "user/sys_time.h"
#include "user/task.h"
#include "user/time.h"

#define NS_PER_SECOND 1000000000u
#define NS_PER_TICK   (NS_PER_SECOND / 100) /* times(2)'s: sysconf(_SC_CLK_TCK) is 100 */

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)};
}

/* Of that size, from the program's memory or to it, unless it gave no address. */
static int put(struct keg_task *task, uint64_t at, const void *from, size_t size)
{
	return at ? keg_space_write(task->process->space, at, from, size) : 0;
}

static int64_t keg_sys_clock_gettime(struct keg_task *task, const uint64_t args[6])
{
	struct timespec time;
	uint64_t ns;
	int result = keg_clock_read(task, (clockid_t)args[0], &ns);

	if (result < 0)
		return result;
	time = to_timespec(ns);
	return keg_space_write(task->process->space, args[1], &time, sizeof(time));
}

static int64_t keg_sys_clock_getres(struct keg_task *task, const uint64_t args[6])
{
	clockid_t clock = (clockid_t)args[0];
	struct timespec resolution = {.tv_nsec = 1};
	uint64_t ns;
	int result = keg_clock_read(task, clock, &ns);

	if (result < 0)
		return result;
	if (clock >= 0 && clock_getres(clock, &resolution))
		return -EINVAL;
	return put(task, args[1], &resolution, sizeof(resolution));
}

/* The clocks are the host's. */
static int64_t keg_sys_set_clock(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return -EPERM;
}

static uint64_t realtime(struct keg_task *task)
{
	uint64_t ns = 0;

	(void)keg_clock_read(task, CLOCK_REALTIME, &ns);
	return ns;
}

static int64_t keg_sys_gettimeofday(struct keg_task *task, const uint64_t args[6])
{
	const struct timezone none = {0};
	const struct timespec now = to_timespec(realtime(task));
	const struct timeval time = {now.tv_sec, now.tv_nsec / 1000};

	if (put(task, args[0], &time, sizeof(time)) < 0)
		return -EFAULT;
	return put(task, args[1], &none, sizeof(none));
}

static int64_t keg_sys_time(struct keg_task *task, const uint64_t args[6])
{
	const int64_t now = (int64_t)(realtime(task) / NS_PER_SECOND);

	return put(task, args[0], &now, sizeof(now)) < 0 ? -EFAULT : now;
}

static clock_t ticks(const struct timeval *time)
{
	return time->tv_sec * 100 + time->tv_usec / 10000;
}

static int64_t keg_sys_times(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct tms times;

	pthread_mutex_lock(&process->user->lock);
	times = (struct tms){
		.tms_utime = (clock_t)(keg_process_cpu_ns(process) / NS_PER_TICK),
		.tms_cutime = ticks(&process->children.ru_utime),
		.tms_cstime = ticks(&process->children.ru_stime),
	};
	pthread_mutex_unlock(&process->user->lock);
	if (put(task, args[0], &times, sizeof(times)) < 0)
		return -EFAULT;
	return (int64_t)(keg_now_ns() / NS_PER_TICK);
}

/* ---- Sleeping ---- */

/* `left_at`: where what is left is written when it is interrupted; 0: nowhere. */
static int64_t sleep_for(struct keg_task *task, const struct timespec *time, uint64_t left_at)
{
	int64_t ns = keg_time_ns(time);
	struct timespec left;
	uint64_t deadline, now;

	if (ns < 0)
		return ns;
	deadline = keg_time_deadline(task, ns);
	if (keg_block_until(task, deadline) == 0)
		return 0;
	now = keg_now_ns();
	if (now >= deadline)
		return 0;
	left = to_timespec(deadline - now);
	if (put(task, left_at, &left, sizeof(left)) < 0)
		return -EFAULT;
	task->restart_deadline = deadline;
	return KEG_RESTART_SLEEP;
}

static int64_t keg_sys_nanosleep(struct keg_task *task, const uint64_t args[6])
{
	struct timespec time;

	if (keg_space_read(task->process->space, &time, args[0], sizeof(time)) < 0)
		return -EFAULT;
	return sleep_for(task, &time, args[1]);
}

static int64_t sleep_until(struct keg_task *task, clockid_t clock, const struct timespec *time)
{
	int64_t result;

	if (keg_time_ns(time) < 0)
		return -EINVAL;
	result = keg_block(task, __NR_clock_nanosleep, (uint64_t)clock, TIMER_ABSTIME,
		(uint64_t)(uintptr_t)time, 0, 0, 0);
	return result == -EINTR ? KEG_RESTART_NO_HANDLER : result;
}

/* Sleeps until the process has run so long on a processor, looking now and then. */
static int64_t sleep_by_cpu(struct keg_task *task, const struct timespec *time, bool absolute)
{
	const uint64_t grain = 1000000;
	int64_t ns = keg_time_ns(time);
	uint64_t now, until;

	if (ns < 0)
		return ns;
	keg_clock_read(task, CLOCK_PROCESS_CPUTIME_ID, &now);
	until = absolute ? (uint64_t)ns : now + (uint64_t)ns;
	while (now < until) {
		if (keg_block_until(task, keg_now_ns() + grain) == -EINTR)
			return absolute ? KEG_RESTART_NO_HANDLER : -EINTR;
		keg_clock_read(task, CLOCK_PROCESS_CPUTIME_ID, &now);
	}
	return 0;
}

static int64_t keg_sys_clock_nanosleep(struct keg_task *task, const uint64_t args[6])
{
	clockid_t clock = (clockid_t)args[0];
	bool absolute = args[1] & TIMER_ABSTIME;
	struct timespec time;

	if (keg_space_read(task->process->space, &time, args[2], sizeof(time)) < 0)
		return -EFAULT;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return absolute ? sleep_until(task, clock, &time) : sleep_for(task, &time, args[3]);
	case CLOCK_PROCESS_CPUTIME_ID:
		return sleep_by_cpu(task, &time, absolute);
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

const struct keg_syscall keg_syscalls_time[] = {
	{__NR_clock_gettime, "clock_gettime", "cp", keg_sys_clock_gettime},
	{__NR_clock_getres, "clock_getres", "cp", keg_sys_clock_getres},
	{__NR_clock_settime, "clock_settime", "ct", keg_sys_set_clock},
	{__NR_clock_adjtime, "clock_adjtime", "cp", keg_sys_set_clock},
	{__NR_settimeofday, "settimeofday", "pp", keg_sys_set_clock},
	{__NR_adjtimex, "adjtimex", "p", keg_sys_set_clock},
	{__NR_gettimeofday, "gettimeofday", "pp", keg_sys_gettimeofday},
	{__NR_time, "time", "p", keg_sys_time},
	{__NR_times, "times", "p", keg_sys_times},
	{__NR_nanosleep, "nanosleep", "tp", keg_sys_nanosleep},
	{__NR_clock_nanosleep, "clock_nanosleep", "cxtp", keg_sys_clock_nanosleep},
	{__NR_getitimer, "getitimer", "dp", keg_sys_getitimer},
	{__NR_setitimer, "setitimer", "dpp", keg_sys_setitimer},
	{__NR_alarm, "alarm", "u", keg_sys_alarm},
	{__NR_timer_create, "timer_create", "cpp", keg_sys_timer_create},
	{__NR_timer_settime, "timer_settime", "dxpp", keg_sys_timer_settime},
	{__NR_timer_gettime, "timer_gettime", "dp", keg_sys_timer_gettime},
	{__NR_timer_getoverrun, "timer_getoverrun", "d", keg_sys_timer_getoverrun},
	{__NR_timer_delete, "timer_delete", "d", keg_sys_timer_delete},
	{__NR_timerfd_create, "timerfd_create", "cx", keg_sys_timerfd_create},
	{__NR_timerfd_settime, "timerfd_settime", "fxpp", keg_sys_timerfd_settime},
	{__NR_timerfd_gettime, "timerfd_gettime", "fp", keg_sys_timerfd_gettime},
	{0, NULL, NULL, NULL},
};
