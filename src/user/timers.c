/* SPDX-License-Identifier: MIT */
/* Timers that send signals: a thread for each process that has any. */
#include "user/timers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/thread.h"
#include "user/signals.h"
#include "user/task.h"

#define NS_PER_SECOND 1000000000u

/* However short an interval is, the thread leaves the lock to others in between. */
#define GRAIN 50000u

/* Processor time is looked at no more often than this, while it is far from running out. */
#define CPU_GRAIN 1000000u

static bool is_cpu_clock(clockid_t clock)
{
	return clock == CLOCK_PROCESS_CPUTIME_ID;
}

uint64_t keg_timer_now(struct keg_timers *timers, const struct keg_timer *timer)
{
	if (is_cpu_clock(timer->clock))
		return keg_process_cpu_ns(timers->process);
	return keg_clock_ns(timer->clock);
}

uint64_t keg_timer_left(struct keg_timers *timers, const struct keg_timer *timer)
{
	uint64_t now;

	if (!timer->armed)
		return 0;
	now = keg_timer_now(timers, timer);
	/* It is about to expire, and not disarmed. */
	return timer->expires > now ? timer->expires - now : 1;
}

void keg_timer_set(
	struct keg_timers *timers, struct keg_timer *timer, uint64_t expires, uint64_t interval)
{
	timer->armed = expires != 0;
	timer->expires = expires;
	timer->interval = interval;
	pthread_cond_signal(&timers->changed);
}

/* ---- The thread ---- */

static void send(struct keg_timers *timers, struct keg_timer *timer, int overrun)
{
	struct keg_task *task;
	siginfo_t info = timer->info;

	if (timer->silent)
		return;
	if (info.si_code == SI_TIMER)
		info.si_overrun = overrun;
	if (!timer->tid) {
		keg_signal_process(timers->process, &info);
		return;
	}
	task = keg_task_find(timers->process->user, timer->tid);
	if (task && task->process == timers->process)
		keg_signal_task(task, &info);
}

/* Expires, if it is time: the nanoseconds until it may be next, UINT64_MAX never. */
static uint64_t look(struct keg_timers *timers, struct keg_timer *timer)
{
	uint64_t now, periods = 1, left, share;

	if (!timer->armed)
		return UINT64_MAX;
	now = keg_timer_now(timers, timer);
	if (now >= timer->expires) {
		if (timer->interval)
			periods += (now - timer->expires) / timer->interval;
		else
			timer->armed = false;
		timer->expires += periods * timer->interval;
		send(timers, timer, periods > INT32_MAX ? INT32_MAX : (int)(periods - 1));
		if (!timer->armed)
			return UINT64_MAX;
	}
	left = timer->expires - now;
	if (!is_cpu_clock(timer->clock))
		return left;
	share = left / (timers->process->task_count ? timers->process->task_count : 1);
	return share > CPU_GRAIN ? share : CPU_GRAIN;
}

static void *timers_main(void *context)
{
	struct keg_timers *timers = context;
	pthread_mutex_t *lock = &timers->process->user->lock;

	pthread_mutex_lock(lock);
	while (!timers->ends) {
		uint64_t least = UINT64_MAX, until;

		for (int i = 0; i < KEG_TIMERS; i++) {
			uint64_t left = look(timers, &timers->at[i]);

			least = left < least ? left : least;
		}
		if (least == UINT64_MAX) {
			pthread_cond_wait(&timers->changed, lock);
			continue;
		}
		least = least < GRAIN ? GRAIN : least;
		until = keg_now_ns() + (least < INT64_MAX / 2 ? least : INT64_MAX / 2);
		pthread_cond_timedwait(&timers->changed, lock,
			&(const struct timespec){
				(time_t)(until / NS_PER_SECOND), (long)(until % NS_PER_SECOND)});
	}
	pthread_mutex_unlock(lock);
	return NULL;
}

/* ---- Making and ending ---- */

static void make_interval_timers(struct keg_timers *timers)
{
	static const struct {
		clockid_t clock;
		int signo;
	} kinds[KEG_INTERVAL_TIMERS] = {
		[ITIMER_REAL] = {CLOCK_MONOTONIC, SIGALRM},
		[ITIMER_VIRTUAL] = {CLOCK_PROCESS_CPUTIME_ID, SIGVTALRM},
		[ITIMER_PROF] = {CLOCK_PROCESS_CPUTIME_ID, SIGPROF},
	};

	for (int i = 0; i < KEG_INTERVAL_TIMERS; i++) {
		timers->at[i].exists = true;
		timers->at[i].clock = kinds[i].clock;
		timers->at[i].info.si_signo = kinds[i].signo;
		timers->at[i].info.si_code = SI_KERNEL;
	}
}

struct keg_timers *keg_timers_of(struct keg_process *process)
{
	struct keg_timers *timers = process->timers;

	if (timers)
		return timers;
	timers = calloc(1, sizeof(*timers));
	if (!timers)
		return NULL;
	timers->process = process;
	make_interval_timers(timers);
	if (keg_time_condition(&timers->changed)) {
		free(timers);
		return NULL;
	}
	if (keg_thread_create(&timers->thread, NULL, timers_main, timers)) {
		pthread_cond_destroy(&timers->changed);
		free(timers);
		return NULL;
	}
	process->timers = timers;
	return timers;
}

void keg_timers_destroy(struct keg_timers *timers)
{
	pthread_mutex_t *lock;

	if (!timers)
		return;
	lock = &timers->process->user->lock;
	pthread_mutex_lock(lock);
	timers->ends = true;
	pthread_cond_signal(&timers->changed);
	pthread_mutex_unlock(lock);
	pthread_join(timers->thread, NULL);
	pthread_cond_destroy(&timers->changed);
	free(timers);
}

void keg_timers_exec(struct keg_process *process)
{
	pthread_mutex_lock(&process->user->lock);
	for (int i = KEG_INTERVAL_TIMERS; process->timers && i < KEG_TIMERS; i++)
		process->timers->at[i] = (struct keg_timer){.exists = false};
	pthread_mutex_unlock(&process->user->lock);
}

void keg_timers_taken(struct keg_process *process, const siginfo_t *info)
{
	struct keg_timer *timer;

	if (!process->timers || info->si_timerid < 0 || info->si_timerid >= KEG_TIMERS)
		return;
	timer = &process->timers->at[info->si_timerid];
	if (timer->exists && timer->info.si_signo == info->si_signo)
		timer->overrun = info->si_overrun;
}
