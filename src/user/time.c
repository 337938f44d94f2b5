/* SPDX-License-Identifier: MIT */
/* Clocks and deadlines. */
#include "user/time.h"

#include <errno.h>

#include "user/commons.h"
#include "user/task.h"
#include "user/vdso.h"

static const int64_t ns_per_second = 1000000000;

static uint64_t to_ns(const struct timespec *time)
{
	return (uint64_t)time->tv_sec * (uint64_t)ns_per_second + (uint64_t)time->tv_nsec;
}

uint64_t keg_clock_ns(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return to_ns(&now);
}

uint64_t keg_now_ns(void)
{
	return keg_clock_ns(CLOCK_MONOTONIC);
}

int keg_time_condition(pthread_cond_t *condition)
{
	pthread_condattr_t monotonic;
	int rc = pthread_condattr_init(&monotonic);

	if (rc)
		return rc;
	rc = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(condition, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return rc;
}

int64_t keg_time_ns(const struct timespec *time)
{
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= ns_per_second)
		return -EINVAL;
	if (time->tv_sec >= INT64_MAX / ns_per_second)
		return INT64_MAX;
	return time->tv_sec * ns_per_second + time->tv_nsec;
}

uint64_t keg_time_deadline(struct keg_task *task, int64_t ns)
{
	uint64_t deadline = task->restart_deadline, now;

	task->restart_deadline = 0;
	if (deadline)
		return deadline;
	now = keg_now_ns();
	return now + (uint64_t)ns > INT64_MAX ? INT64_MAX : now + (uint64_t)ns;
}

uint64_t keg_task_cpu_ns(struct keg_task *task)
{
	struct timespec time;
	clockid_t clock;

	/* A thread that is not there yet, or is not the task's any more, has run nothing. */
	if (!task->thread || pthread_getcpuclockid(task->thread, &clock) ||
		clock_gettime(clock, &time))
		return 0;
	return to_ns(&time);
}

uint64_t keg_process_cpu_ns(struct keg_process *process)
{
	const struct timeval *user = &process->usage.ru_utime, *system = &process->usage.ru_stime;
	uint64_t sum = ((uint64_t)user->tv_sec + (uint64_t)system->tv_sec) * 1000000000u +
		       ((uint64_t)user->tv_usec + (uint64_t)system->tv_usec) * 1000u;

	for (struct keg_task *task = process->tasks; task; task = task->next)
		sum += keg_task_cpu_ns(task);
	return sum;
}

/* The processor time of a task or process, by an id as clock_getcpuclockid(3) makes it: the id's
 * complement above three bits (the kernel's posix-timers.h). */
static int read_cpu_clock(struct keg_task *task, clockid_t clock, uint64_t *ns)
{
	enum { CPU_CLOCKS = 3, PER_THREAD = 4 };
	struct keg_user *user = task->process->user;
	struct keg_process *process;
	struct keg_task *other;
	pid_t id = ~(clock >> 3);
	int result = 0;

	if ((clock & 3) == CPU_CLOCKS)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	other = id ? keg_task_find(user, id) : task;
	process = id ? keg_process_find(user, id) : task->process;
	if (clock & PER_THREAD && other && other->process == task->process)
		*ns = keg_task_cpu_ns(other);
	else if (!(clock & PER_THREAD) && process)
		*ns = keg_process_cpu_ns(process);
	else
		result = -EINVAL;
	pthread_mutex_unlock(&user->lock);
	return result;
}

int keg_clock_read(struct keg_task *task, clockid_t clock, uint64_t *ns)
{
	struct keg_user *user = task->process->user;
	struct timespec time;

	if (clock < 0)
		return read_cpu_clock(task, clock, ns);
	if (clock == CLOCK_PROCESS_CPUTIME_ID) {
		pthread_mutex_lock(&user->lock);
		*ns = keg_process_cpu_ns(task->process);
		pthread_mutex_unlock(&user->lock);
		return 0;
	}
	if (user->commons->vdso && keg_vdso_read(user->commons->vdso, clock, ns))
		return 0;
	/* The task's thread is this one. */
	if (clock > CLOCK_TAI || clock_gettime(clock, &time))
		return -EINVAL;
	*ns = to_ns(&time);
	return 0;
}
