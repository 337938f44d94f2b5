/* SPDX-License-Identifier: MIT */
/* Time as programs see it: clocks, deadlines, and the timers that send signals. */
#ifndef KEG_USER_TIME_H
#define KEG_USER_TIME_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct keg_task;
struct keg_process;
struct keg_timers;

/* Ends the process's timers. NULL is allowed. user->lock not held: it waits for their thread. */
void keg_timers_destroy(struct keg_timers *timers);
/* execve(2): timer_create()'s are gone, alarms stay. user->lock not held. */
void keg_timers_exec(struct keg_process *process);

/* A timer's signal has been taken: its overrun is timer_getoverrun(2)'s. user->lock held. */
void keg_timers_taken(struct keg_process *process, const siginfo_t *info);

/* A clock of the host's in nanoseconds; keg_now_ns(): CLOCK_MONOTONIC. */
uint64_t keg_clock_ns(clockid_t clock);
uint64_t keg_now_ns(void);

/* A condition whose deadlines are on it. 0 or an errno, as pthread_cond_init(). */
int keg_time_condition(pthread_cond_t *condition);

/* A span in nanoseconds; those beyond 292 years are that. -EINVAL no valid time */
int64_t keg_time_ns(const struct timespec *time);

/*
 * The end of a relative timeout on CLOCK_MONOTONIC: what task->restart_deadline says, if the call
 * is made again after an interruption; else from now.
 */
uint64_t keg_time_deadline(struct keg_task *task, int64_t ns);

/* A clock as a program names it: what it shows. -EINVAL no such clock. user->lock not held. */
int keg_clock_read(struct keg_task *task, clockid_t clock, uint64_t *ns);

/* What the task, and all of the process's that there are and were, have run on a processor.
 * user->lock held. Approximate: the host's threads, keg's own work for them included. */
uint64_t keg_task_cpu_ns(struct keg_task *task);
uint64_t keg_process_cpu_ns(struct keg_process *process);

#endif
