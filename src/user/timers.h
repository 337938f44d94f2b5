/* SPDX-License-Identifier: MIT */
/* A process's timers: the three of setitimer(2), and those of timer_create(2). */
#ifndef KEG_USER_TIMERS_H
#define KEG_USER_TIMERS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "user/time.h"

struct keg_user;

enum {
	KEG_INTERVAL_TIMERS = 3, /* ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */
	KEG_TIMERS = 64,         /* of each process, those included */
};

struct keg_timer {
	bool exists, armed;
	clockid_t clock;   /* CLOCK_PROCESS_CPUTIME_ID, or one that the host's thread can read */
	uint64_t expires;  /* by its clock, ns */
	uint64_t interval; /* 0: once */
	bool silent;       /* SIGEV_NONE */
	pid_t tid;         /* SIGEV_THREAD_ID; 0: the process */
	siginfo_t info;    /* what it sends */
	int overrun;       /* of the signal that was taken last */
};

/* With user->lock held. A thread looks at them: it sleeps until the first expires. */
struct keg_timers {
	struct keg_process *process;
	pthread_t thread;
	pthread_cond_t changed;
	bool ends;
	struct keg_timer at[KEG_TIMERS];
};

/* The process's, made if there are none: NULL there is no memory. Lock held. */
struct keg_timers *keg_timers_of(struct keg_process *process);

/* Arms it to expire at `expires` by its clock, or, 0, never; lock held. */
void keg_timer_set(
	struct keg_timers *timers, struct keg_timer *timer, uint64_t expires, uint64_t interval);
/* What is left of it; 0: it is not armed. Lock held. */
uint64_t keg_timer_left(struct keg_timers *timers, const struct keg_timer *timer);
/* What its clock shows; lock held. */
uint64_t keg_timer_now(struct keg_timers *timers, const struct keg_timer *timer);

#endif
