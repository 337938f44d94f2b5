/* SPDX-License-Identifier: MIT */
/* Blocking system calls that a kick ends. */
#include "user/block.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#include "kvm/interruptible.h"
#include "user/task.h"

int64_t keg_block(struct keg_task *task, long number, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f)
{
	const uint64_t args[6] = {a, b, c, d, e, f};
	int64_t result;

	/* The kicker sets `attention`, then looks whether the task blocks; here it is the other way
	 * around, and both are sequentially consistent: at least one sees the other. */
	atomic_store(&task->blocking, true);
	result = keg_interruptible_call(&task->attention, number, args);
	atomic_store(&task->blocking, false);
	return result;
}

int64_t keg_block_until(struct keg_task *task, uint64_t deadline)
{
	const uint64_t second = 1000000000;
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / second), .tv_nsec = (long)(deadline % second)};

	return keg_block(task, SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME,
		(uint64_t)(uintptr_t)&until, 0, 0, 0);
}

void keg_block_wake(struct keg_task *task)
{
	if (atomic_load(&task->blocking) && task->process->user->kick_signal)
		pthread_kill(task->thread, task->process->user->kick_signal);
}
