/* SPDX-License-Identifier: MIT */
/* Waiters and wakers by key: what futex(2)'s operations are made of. */
#ifndef KEG_USER_FUTEX_WAIT_H
#define KEG_USER_FUTEX_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "user/space.h"

struct keg_task;
struct keg_futexes;
struct keg_futex_bucket;

/* On the stack of the thread that waits. */
struct keg_futex_waiter {
	struct keg_futex_key key;
	uint32_t bits;
	_Atomic uint32_t word; /* 1: woken. The thread sleeps on it, by the host's futex(2) */
	_Atomic(struct keg_futex_bucket *) bucket; /* NULL: it is in none */
	struct keg_futex_waiter *next, *previous;
};

/* Looks at the program's word, or changes it, with the locks held: a negative errno ends it. */
typedef int64_t keg_futex_check(void *context);

/* Waits if `check` returns 0; begin, then end. -EINTR, -ETIMEDOUT at `until` (NULL: never). */
int64_t keg_futex_wait_begin(struct keg_futexes *futexes, struct keg_futex_waiter *waiter,
	keg_futex_check *check, void *context);
int64_t keg_futex_wait_end(struct keg_task *task, struct keg_futex_waiter *waiter,
	const struct timespec *until, bool realtime);

/* How many were woken. */
int keg_futex_wake_key(struct keg_futexes *futexes, const struct keg_futex_key *key, uint32_t count,
	uint32_t bits);

struct keg_futex_move {
	struct keg_futex_key from, to;
	uint32_t wake;    /* of those that wait for `from` */
	uint32_t requeue; /* the most of the rest that wait for `to` then; or, of both, are woken */
};
/* FUTEX_CMP_REQUEUE: how many were woken or moved, if `check` returns 0. */
int64_t keg_futex_requeue_key(struct keg_futexes *futexes, const struct keg_futex_move *move,
	keg_futex_check *check, void *context);
/* FUTEX_WAKE_OP: wakes waiters for `from`, and if `change` returns 1 also those for `to`. */
int64_t keg_futex_wake_both(struct keg_futexes *futexes, const struct keg_futex_move *move,
	keg_futex_check *change, void *context);

#endif
