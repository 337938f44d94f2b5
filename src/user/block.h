/* SPDX-License-Identifier: MIT */
/*
 * System calls of the host's that may block for long: made so that a kick ends them without a race.
 *
 * The signal may come after keg has looked whether it is kicked, and before the call has begun.
 * So the look and the call are one short piece of assembly, and the kick signal's handler
 * (keg_kick_install()), when it finds its thread there, leads it to the end of it, as if the kernel
 * had answered -EINTR.
 */
#ifndef KEG_USER_BLOCK_H
#define KEG_USER_BLOCK_H

#include <stdint.h>

struct keg_task;

/*
 * The host's system call `number` with raw arguments: its result, or a negative errno; -EINTR as
 * soon as the task is kicked (keg_task_called()), at once if it is already. Callers turn
 * that into KEG_RESTART or what their call wants, and not into -EINTR: a kick need not be for a
 * signal, and one that is looked at already may come late.
 */
int64_t keg_block(struct keg_task *task, long number, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f);

/* Until CLOCK_MONOTONIC is that many nanoseconds: 0, or -EINTR. */
int64_t keg_block_until(struct keg_task *task, uint64_t deadline);

/* The half of keg_task_kick() that ends a blocking call; `attention` is set before. The task's
 * thread must not have been joined: user->lock is held, as it is when a task ends. */
void keg_block_wake(struct keg_task *task);

#endif
