/* SPDX-License-Identifier: MIT */
/* Record locks between the processes of a sandbox. */
#include "user/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"

#define KEG_LOCKS_WAITERS 256
#define KEG_LOCKS_CHAIN   10 /* so far a deadlock is looked for, as Linux does */

/* An owner that waits, and for whom. */
struct waiter {
	const void *owner, *blocker; /* owner NULL: free */
};

struct keg_locks {
	_Atomic uint32_t references;
	_Atomic uint32_t count; /* read without the lock to see that there is none */
	/* Changes whenever a lock goes: what waiters wait on. */
	_Atomic uint32_t generation;
	pthread_mutex_t lock;
	struct keg_lock *items; /* in no order; no two of an owner overlap */
	uint32_t capacity;
	struct waiter waiters[KEG_LOCKS_WAITERS];
};

int keg_locks_create(struct keg_locks **locks)
{
	int rc;

	*locks = calloc(1, sizeof(**locks));
	if (!*locks)
		return -ENOMEM;
	rc = pthread_mutex_init(&(*locks)->lock, NULL);
	if (rc) {
		free(*locks);
		*locks = NULL;
		return -rc;
	}
	(*locks)->references = 1;
	return 0;
}

void keg_locks_hold(struct keg_locks *locks)
{
	atomic_fetch_add(&locks->references, 1);
}

void keg_locks_release(struct keg_locks *locks)
{
	if (atomic_fetch_sub(&locks->references, 1) != 1)
		return;
	pthread_mutex_destroy(&locks->lock);
	free(locks->items);
	free(locks);
}

static bool same_file(const struct keg_lock *a, const struct keg_lock *b)
{
	return a->device == b->device && a->inode == b->inode;
}

static bool overlap(const struct keg_lock *a, const struct keg_lock *b)
{
	return same_file(a, b) && a->first <= b->last && b->first <= a->last;
}

/* The first that another has, and that is in the way of `lock`. */
static const struct keg_lock *in_the_way(struct keg_locks *locks, const struct keg_lock *lock)
{
	const struct keg_lock *found = NULL;

	for (uint32_t i = 0; i < locks->count; i++) {
		const struct keg_lock *item = &locks->items[i];

		if (item->owner == lock->owner || !overlap(item, lock))
			continue;
		if (item->type != F_WRLCK && lock->type != F_WRLCK)
			continue;
		if (!found || item->first < found->first)
			found = item;
	}
	return found;
}

static void wake(struct keg_locks *locks)
{
	atomic_fetch_add(&locks->generation, 1);
	syscall(SYS_futex, &locks->generation, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Room for two more: one that is cut in two, and a new one. */
static int reserve(struct keg_locks *locks)
{
	uint32_t capacity = locks->capacity ? locks->capacity * 2 : 16;
	struct keg_lock *items;

	if (locks->count + 2 > KEG_LOCKS_MOST)
		return -ENOLCK;
	if (locks->count + 2 <= locks->capacity)
		return 0;
	items = reallocarray(locks->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	locks->items = items;
	locks->capacity = capacity;
	return 0;
}

static void remove_at(struct keg_locks *locks, uint32_t index)
{
	locks->items[index] = locks->items[--locks->count];
}

/* Takes the range away from what its owner has: locks shrink, fall in two, or go. */
static void cut(struct keg_locks *locks, const struct keg_lock *range)
{
	for (uint32_t i = locks->count; i-- > 0;) {
		struct keg_lock *item = &locks->items[i];
		bool before = item->first<range->first, after = item->last> range->last;

		if (item->owner != range->owner || !overlap(item, range))
			continue;
		if (before && after) {
			struct keg_lock *rest = &locks->items[locks->count++];

			*rest = *item;
			rest->first = range->last + 1;
		}
		if (before)
			item->last = range->first - 1;
		else if (after)
			item->first = range->last + 1;
		else
			remove_at(locks, i);
	}
}

/* Joins neighbours of the same kind, so that a program that locks byte by byte has one lock. */
static void add(struct keg_locks *locks, struct keg_lock lock)
{
	for (uint32_t i = locks->count; i-- > 0;) {
		const struct keg_lock *item = &locks->items[i];

		if (item->owner != lock.owner || item->type != lock.type || !same_file(item, &lock))
			continue;
		if (lock.last != UINT64_MAX && item->first == lock.last + 1)
			lock.last = item->last;
		else if (item->last != UINT64_MAX && item->last + 1 == lock.first)
			lock.first = item->first;
		else
			continue;
		remove_at(locks, i);
	}
	locks->items[locks->count++] = lock;
}

/* With the lock held. *blocker: who is in the way, of -EAGAIN. */
static int change(struct keg_locks *locks, const struct keg_lock *lock, const void **blocker)
{
	const struct keg_lock *other = NULL;
	int r;

	if (lock->type == F_UNLCK && locks->count == 0)
		return 0;
	if (lock->type != F_UNLCK)
		other = in_the_way(locks, lock);
	if (other) {
		*blocker = other->owner;
		return -EAGAIN;
	}
	r = reserve(locks);
	if (r < 0)
		return r;
	cut(locks, lock);
	if (lock->type != F_UNLCK)
		add(locks, *lock);
	if (lock->type != F_WRLCK)
		wake(locks); /* less is locked than was, perhaps */
	return 0;
}

int keg_locks_set(struct keg_locks *locks, const struct keg_lock *lock)
{
	const void *blocker;
	int r;

	pthread_mutex_lock(&locks->lock);
	r = change(locks, lock, &blocker);
	pthread_mutex_unlock(&locks->lock);
	return r;
}

/* ---- Waiting ---- */

static const void *waits_for(struct keg_locks *locks, const void *owner)
{
	for (uint32_t i = 0; i < KEG_LOCKS_WAITERS; i++) {
		if (locks->waiters[i].owner == owner)
			return locks->waiters[i].blocker;
	}
	return NULL;
}

static bool would_deadlock(struct keg_locks *locks, const void *owner, const void *blocker)
{
	for (int i = 0; i < KEG_LOCKS_CHAIN && blocker; i++) {
		if (blocker == owner)
			return true;
		blocker = waits_for(locks, blocker);
	}
	return false;
}

/* Notes that the owner waits: a place among the waiters, or a negative errno. */
static int enlist(struct keg_locks *locks, const struct keg_lock *lock, const void *blocker)
{
	/* A file's locks (pid -1) are no process's: no deadlock is seen there, as under Linux. */
	if (lock->pid >= 0 && would_deadlock(locks, lock->owner, blocker))
		return -EDEADLK;
	for (int i = 0; i < KEG_LOCKS_WAITERS; i++) {
		if (!locks->waiters[i].owner) {
			locks->waiters[i] = (struct waiter){lock->owner, blocker};
			return i;
		}
	}
	return -ENOLCK;
}

int keg_locks_wait(struct keg_locks *locks, struct keg_task *task, const struct keg_lock *lock)
{
	const void *blocker = NULL;
	uint32_t generation;
	int r, slot;

	pthread_mutex_lock(&locks->lock);
	while ((r = change(locks, lock, &blocker)) == -EAGAIN) {
		slot = enlist(locks, lock, blocker);
		if (slot < 0) {
			r = slot;
			break;
		}
		generation = atomic_load(&locks->generation);
		pthread_mutex_unlock(&locks->lock);
		r = (int)keg_block(task, SYS_futex, (uint64_t)(uintptr_t)&locks->generation,
			FUTEX_WAIT_PRIVATE, generation, 0, 0, 0);
		pthread_mutex_lock(&locks->lock);
		locks->waiters[slot].owner = NULL;
		if (r == -EINTR)
			break;
	}
	pthread_mutex_unlock(&locks->lock);
	return r;
}

void keg_locks_test(struct keg_locks *locks, struct keg_lock *lock)
{
	const struct keg_lock *other;

	pthread_mutex_lock(&locks->lock);
	other = in_the_way(locks, lock);
	if (other)
		*lock = *other;
	else
		lock->type = F_UNLCK;
	pthread_mutex_unlock(&locks->lock);
}

void keg_locks_drop(struct keg_locks *locks, const void *owner, int fd)
{
	struct keg_lock of = {.device = 0};
	struct stat st;
	bool any = false;

	if (atomic_load(&locks->count) == 0 || (fd >= 0 && fstat(fd, &st) < 0))
		return;
	if (fd >= 0)
		of = (struct keg_lock){.device = st.st_dev, .inode = st.st_ino};
	pthread_mutex_lock(&locks->lock);
	for (uint32_t i = locks->count; i-- > 0;) {
		const struct keg_lock *item = &locks->items[i];

		if (item->owner == owner && (fd < 0 || same_file(item, &of))) {
			remove_at(locks, i);
			any = true;
		}
	}
	if (any)
		wake(locks);
	pthread_mutex_unlock(&locks->lock);
}
