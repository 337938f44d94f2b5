/* SPDX-License-Identifier: MIT */
/* setitimer(2), timer_create(2) and their kin. */
#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include "user/space.h"
#include "user/sys_time.h"
#include "user/task.h"
#include "user/timers.h"

#define NS_PER_SECOND 1000000000u
#define NS_PER_US     1000u

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){(time_t)(ns / NS_PER_SECOND), (long)(ns % NS_PER_SECOND)};
}

/* Now and a span, without overflow. */
static uint64_t later(uint64_t now, uint64_t ns)
{
	return now + ns < now || now + ns > INT64_MAX ? INT64_MAX : now + ns;
}

/* ---- Interval timers ---- */

static int64_t from_timeval(const struct timeval *time)
{
	if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000)
		return -EINVAL;
	return keg_time_ns(&(const struct timespec){time->tv_sec, time->tv_usec * NS_PER_US});
}

static struct timeval to_timeval(uint64_t ns)
{
	/* What is left is never told as nothing. */
	ns += NS_PER_US - 1;
	return (struct timeval){
		(time_t)(ns / NS_PER_SECOND), (suseconds_t)(ns % NS_PER_SECOND / NS_PER_US)};
}

/* What is left, and the interval, of one that may never have been made. Lock held. */
static struct itimerval tell(struct keg_process *process, int which)
{
	struct keg_timer *timer = process->timers ? &process->timers->at[which] : NULL;

	if (!timer || !timer->armed)
		return (struct itimerval){.it_value = {0}};
	return (struct itimerval){.it_value = to_timeval(keg_timer_left(process->timers, timer)),
		.it_interval = to_timeval(timer->interval)};
}

int64_t keg_sys_getitimer(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct itimerval value;

	if ((uint32_t)args[0] >= KEG_INTERVAL_TIMERS)
		return -EINVAL;
	pthread_mutex_lock(&process->user->lock);
	value = tell(process, (int)args[0]);
	pthread_mutex_unlock(&process->user->lock);
	return keg_space_write(process->space, args[1], &value, sizeof(value));
}

/* Sets one anew; *old what it was. */
static int set_interval_timer(struct keg_process *process, int which, uint64_t value,
	uint64_t interval, struct itimerval *old)
{
	struct keg_timers *timers;
	int result = 0;

	pthread_mutex_lock(&process->user->lock);
	*old = tell(process, which);
	timers = value || process->timers ? keg_timers_of(process) : NULL;
	if (timers) {
		struct keg_timer *timer = &timers->at[which];

		keg_timer_set(timers, timer, value ? later(keg_timer_now(timers, timer), value) : 0,
			interval);
	} else if (value) {
		result = -ENOMEM;
	}
	pthread_mutex_unlock(&process->user->lock);
	return result;
}

int64_t keg_sys_setitimer(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct itimerval given = {.it_value = {0}}, old;
	int64_t value, interval;
	int result;

	if ((uint32_t)args[0] >= KEG_INTERVAL_TIMERS)
		return -EINVAL;
	if (args[1] && keg_space_read(process->space, &given, args[1], sizeof(given)) < 0)
		return -EFAULT;
	value = from_timeval(&given.it_value);
	interval = from_timeval(&given.it_interval);
	if (value < 0 || interval < 0)
		return -EINVAL;
	result = set_interval_timer(
		process, (int)args[0], (uint64_t)value, (uint64_t)interval, &old);
	if (result == 0 && args[2])
		result = keg_space_write(process->space, args[2], &old, sizeof(old));
	return result;
}

int64_t keg_sys_alarm(struct keg_task *task, const uint64_t args[6])
{
	struct itimerval old;
	uint32_t seconds = (uint32_t)args[0];
	int result = set_interval_timer(
		task->process, ITIMER_REAL, (uint64_t)seconds * NS_PER_SECOND, 0, &old);

	if (result < 0)
		return result;
	/* Rounded, but what is left is never told as nothing (kernel/time/itimer.c's alarm). */
	if (old.it_value.tv_usec >= 500000 || (!old.it_value.tv_sec && old.it_value.tv_usec))
		old.it_value.tv_sec++;
	return old.it_value.tv_sec;
}

/* ---- timer_create(2) ---- */

/* struct sigevent as the kernel has it */
struct event {
	uint64_t value;
	int32_t signo, notify, tid;
	int32_t padding[11];
};

static int check_event(struct keg_task *task, const struct event *event)
{
	struct keg_task *target;
	int kind = event->notify & ~SIGEV_THREAD_ID;

	if (event->notify == SIGEV_NONE)
		return 0;
	if (kind != SIGEV_SIGNAL && kind != SIGEV_THREAD)
		return -EINVAL;
	if (event->signo < 1 || event->signo > KEG_SIGNALS)
		return -EINVAL;
	if (!(event->notify & SIGEV_THREAD_ID))
		return 0;
	target = keg_task_find(task->process->user, event->tid);
	return target && target->process == task->process ? 0 : -EINVAL;
}

static int check_clock(clockid_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
	case CLOCK_PROCESS_CPUTIME_ID:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

/* Lock held; the timer's number. */
static int create(struct keg_task *task, clockid_t clock, const struct event *event)
{
	struct keg_timers *timers;
	int id = KEG_INTERVAL_TIMERS, result = check_event(task, event);

	if (result < 0)
		return result;
	timers = keg_timers_of(task->process);
	if (!timers)
		return -ENOMEM;
	while (id < KEG_TIMERS && timers->at[id].exists)
		id++;
	if (id == KEG_TIMERS)
		return -EAGAIN;
	timers->at[id] = (struct keg_timer){
		.exists = true,
		.clock = clock,
		.silent = event->notify == SIGEV_NONE,
		.tid = event->notify & SIGEV_THREAD_ID ? event->tid : 0,
	};
	timers->at[id].info.si_signo = event->signo;
	timers->at[id].info.si_code = SI_TIMER;
	timers->at[id].info.si_timerid = id;
	timers->at[id].info.si_value.sival_ptr = (void *)(uintptr_t)event->value;
	return id;
}

int64_t keg_sys_timer_create(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct event event = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	int32_t id, result = check_clock((clockid_t)args[0]);

	if (result < 0)
		return result;
	if (args[1] && keg_space_read(process->space, &event, args[1], sizeof(event)) < 0)
		return -EFAULT;
	pthread_mutex_lock(&process->user->lock);
	id = create(task, (clockid_t)args[0], &event);
	if (id >= 0 && !args[1])
		process->timers->at[id].info.si_value.sival_int = id;
	pthread_mutex_unlock(&process->user->lock);
	if (id < 0)
		return id;
	/* A number that cannot be told is the program's loss: the timer is never set. */
	return keg_space_write(process->space, args[2], &id, sizeof(id));
}

/* NULL: there is no such timer. Lock held. */
static struct keg_timer *find(struct keg_process *process, uint64_t id)
{
	struct keg_timer *timer;

	if (!process->timers || (uint32_t)id < KEG_INTERVAL_TIMERS || (uint32_t)id >= KEG_TIMERS)
		return NULL;
	timer = &process->timers->at[(uint32_t)id];
	return timer->exists ? timer : NULL;
}

static struct itimerspec describe(struct keg_timers *timers, const struct keg_timer *timer)
{
	return (struct itimerspec){.it_value = to_timespec(keg_timer_left(timers, timer)),
		.it_interval = to_timespec(timer->interval)};
}

int64_t keg_sys_timer_settime(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct itimerspec given, old;
	struct keg_timer *timer;
	int64_t value, interval;
	uint64_t expires;

	if (keg_space_read(process->space, &given, args[2], sizeof(given)) < 0)
		return -EFAULT;
	value = keg_time_ns(&given.it_value);
	interval = keg_time_ns(&given.it_interval);
	if (value < 0 || interval < 0)
		return -EINVAL;
	pthread_mutex_lock(&process->user->lock);
	timer = find(process, args[0]);
	if (timer) {
		old = describe(process->timers, timer);
		expires = (uint64_t)value;
		if (value && !(args[1] & TIMER_ABSTIME))
			expires = later(keg_timer_now(process->timers, timer), expires);
		keg_timer_set(process->timers, timer, expires, (uint64_t)interval);
	}
	pthread_mutex_unlock(&process->user->lock);
	if (!timer)
		return -EINVAL;
	return args[3] ? keg_space_write(process->space, args[3], &old, sizeof(old)) : 0;
}

int64_t keg_sys_timer_gettime(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct itimerspec value;
	struct keg_timer *timer;

	pthread_mutex_lock(&process->user->lock);
	timer = find(process, args[0]);
	if (timer)
		value = describe(process->timers, timer);
	pthread_mutex_unlock(&process->user->lock);
	return timer ? keg_space_write(process->space, args[1], &value, sizeof(value)) : -EINVAL;
}

int64_t keg_sys_timer_getoverrun(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct keg_timer *timer;
	int64_t result = -EINVAL;

	pthread_mutex_lock(&process->user->lock);
	timer = find(process, args[0]);
	if (timer)
		result = timer->overrun;
	pthread_mutex_unlock(&process->user->lock);
	return result;
}

int64_t keg_sys_timer_delete(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	struct keg_timer *timer;

	pthread_mutex_lock(&process->user->lock);
	timer = find(process, args[0]);
	if (timer)
		*timer = (struct keg_timer){.exists = false};
	pthread_mutex_unlock(&process->user->lock);
	return timer ? 0 : -EINVAL;
}
