/* SPDX-License-Identifier: MIT */
/* Futexes: who waits for what, by key, in buckets with a lock each. */
#include "user/futex.h"

#include <asm/unistd.h>
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "base/error.h"
#include "user/block.h"
#include "user/futex_wait.h"
#include "user/task.h"

#define BUCKETS 256u

struct keg_futex_bucket {
	pthread_mutex_t lock;
	struct keg_futex_waiter *first, *last;
};

struct keg_futexes {
	struct keg_futex_bucket buckets[BUCKETS];
};

int keg_futexes_create(struct keg_futexes **futexes)
{
	struct keg_futexes *made = calloc(1, sizeof(*made));
	unsigned count = 0;
	int rc = 0;

	if (!made)
		return keg_fail(ENOMEM, "out of memory for futexes");
	while (!rc && count < BUCKETS)
		rc = pthread_mutex_init(&made->buckets[count++].lock, NULL);
	if (rc) {
		for (unsigned i = 0; i < count - 1; i++)
			pthread_mutex_destroy(&made->buckets[i].lock);
		free(made);
		return keg_fail_errno(rc, "making the locks of futexes");
	}
	*futexes = made;
	return 0;
}

void keg_futexes_destroy(struct keg_futexes *futexes)
{
	for (unsigned i = 0; futexes && i < BUCKETS; i++)
		pthread_mutex_destroy(&futexes->buckets[i].lock);
	free(futexes);
}

static struct keg_futex_bucket *bucket_of(
	struct keg_futexes *futexes, const struct keg_futex_key *key)
{
	/* Fibonacci hashing: the golden ratio's bits */
	uint64_t mixed = ((uintptr_t)key->of ^ key->at >> 2) * 0x9e3779b97f4a7c15ull;

	return &futexes->buckets[mixed >> 56];
}

static bool same(const struct keg_futex_key *a, const struct keg_futex_key *b)
{
	return a->of == b->of && a->at == b->at;
}

/* ---- Lists; the bucket's lock is held ---- */

static void append(struct keg_futex_bucket *bucket, struct keg_futex_waiter *waiter)
{
	waiter->next = NULL;
	waiter->previous = bucket->last;
	if (bucket->last)
		bucket->last->next = waiter;
	else
		bucket->first = waiter;
	bucket->last = waiter;
	atomic_store(&waiter->bucket, bucket);
}

static void take_out(struct keg_futex_bucket *bucket, struct keg_futex_waiter *waiter)
{
	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		bucket->first = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	else
		bucket->last = waiter->previous;
}

/* The word is the last that is touched of it: its thread may go on at once, and it is gone. A wake
 * of what is another's word by then is one that it does not mind. */
static void wake(struct keg_futex_bucket *bucket, struct keg_futex_waiter *waiter)
{
	_Atomic uint32_t *word = &waiter->word;

	take_out(bucket, waiter);
	atomic_store(&waiter->bucket, NULL);
	atomic_store(word, 1);
	syscall(__NR_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- Two buckets at a time: in order of address ---- */

static void lock_two(struct keg_futex_bucket *a, struct keg_futex_bucket *b)
{
	pthread_mutex_lock(a < b ? &a->lock : &b->lock);
	if (a != b)
		pthread_mutex_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct keg_futex_bucket *a, struct keg_futex_bucket *b)
{
	pthread_mutex_unlock(&a->lock);
	if (a != b)
		pthread_mutex_unlock(&b->lock);
}

/* ---- Waking ---- */

static int wake_some(struct keg_futex_bucket *bucket, const struct keg_futex_key *key,
	uint32_t count, uint32_t bits)
{
	struct keg_futex_waiter *next;
	int woken = 0;

	for (struct keg_futex_waiter *each = bucket->first; each && (uint32_t)woken < count;
		each = next) {
		next = each->next;
		if (!same(&each->key, key) || !(each->bits & bits))
			continue;
		wake(bucket, each);
		woken++;
	}
	return woken;
}

int keg_futex_wake_key(
	struct keg_futexes *futexes, const struct keg_futex_key *key, uint32_t count, uint32_t bits)
{
	struct keg_futex_bucket *bucket = bucket_of(futexes, key);
	int woken;

	pthread_mutex_lock(&bucket->lock);
	woken = wake_some(bucket, key, count, bits);
	pthread_mutex_unlock(&bucket->lock);
	return woken;
}

int64_t keg_futex_requeue_key(struct keg_futexes *futexes, const struct keg_futex_move *move,
	keg_futex_check *check, void *context)
{
	struct keg_futex_bucket *from = bucket_of(futexes, &move->from);
	struct keg_futex_bucket *to = bucket_of(futexes, &move->to);
	struct keg_futex_waiter *next;
	int64_t result;
	uint32_t moved = 0;

	lock_two(from, to);
	result = check(context);
	if (result == 0) {
		result = wake_some(from, &move->from, move->wake, UINT32_MAX);
		for (struct keg_futex_waiter *each = from->first; each && moved < move->requeue;
			each = next) {
			next = each->next;
			if (!same(&each->key, &move->from) || same(&move->from, &move->to))
				continue;
			take_out(from, each);
			each->key = move->to;
			append(to, each);
			moved++;
		}
	}
	unlock_two(from, to);
	return result < 0 ? result : result + moved;
}

int64_t keg_futex_wake_both(struct keg_futexes *futexes, const struct keg_futex_move *move,
	keg_futex_check *change, void *context)
{
	struct keg_futex_bucket *first = bucket_of(futexes, &move->from);
	struct keg_futex_bucket *second = bucket_of(futexes, &move->to);
	int64_t result, woken = 0;

	lock_two(first, second);
	result = change(context);
	if (result >= 0) {
		woken = wake_some(first, &move->from, move->wake, UINT32_MAX);
		if (result > 0)
			woken += wake_some(second, &move->to, move->requeue, UINT32_MAX);
	}
	unlock_two(first, second);
	return result < 0 ? result : woken;
}

/* ---- Waiting ---- */

int64_t keg_futex_wait_begin(struct keg_futexes *futexes, struct keg_futex_waiter *waiter,
	keg_futex_check *check, void *context)
{
	struct keg_futex_bucket *bucket = bucket_of(futexes, &waiter->key);
	int64_t result;

	/* With the lock: who changes the word and then wakes finds the waiter, or it finds the
	 * change. */
	pthread_mutex_lock(&bucket->lock);
	result = check(context);
	if (result == 0)
		append(bucket, waiter);
	pthread_mutex_unlock(&bucket->lock);
	return result;
}

/* Not to be woken any more: false, it has been. A requeue may lead it to another bucket. */
static bool give_up(struct keg_futex_waiter *waiter)
{
	struct keg_futex_bucket *bucket;
	bool waits = false;

	while (!waits && (bucket = atomic_load(&waiter->bucket))) {
		pthread_mutex_lock(&bucket->lock);
		waits = atomic_load(&waiter->bucket) == bucket;
		if (waits)
			take_out(bucket, waiter);
		pthread_mutex_unlock(&bucket->lock);
	}
	/* Who wakes it is not to touch it any more when it is gone. */
	while (!waits && !atomic_load(&waiter->word))
		sched_yield();
	return waits;
}

int64_t keg_futex_wait_end(struct keg_task *task, struct keg_futex_waiter *waiter,
	const struct timespec *until, bool realtime)
{
	const uint32_t operation =
		FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG | (realtime ? FUTEX_CLOCK_REALTIME : 0);
	int64_t result = 0;

	while (!atomic_load(&waiter->word)) {
		result = keg_block(task, __NR_futex, (uint64_t)(uintptr_t)&waiter->word, operation,
			0, (uint64_t)(uintptr_t)until, 0, FUTEX_BITSET_MATCH_ANY);
		if (result == -EINTR || result == -ETIMEDOUT)
			return give_up(waiter) ? result : 0;
	}
	return 0;
}
