/* SPDX-License-Identifier: MIT */
/*
 * A set of address ranges that do not overlap, each with a value: what a bus, a memory map and the
 * memory slots are made of. Finding is O(log n). Any thread may find while another changes the set.
 */
#ifndef KEG_BASE_RANGES_H
#define KEG_BASE_RANGES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [first, last]: with the last address, so that a range may end at 2^64 - 1. */
struct keg_range {
	uint64_t first;
	uint64_t last;
	void *value;
};

struct keg_ranges {
	pthread_rwlock_t lock;
	struct keg_range *items; /* sorted by address */
	size_t count;
	size_t capacity;
};

/* Whether [start, start + size) is not empty and does not go beyond 2^64. */
static inline bool keg_range_valid(uint64_t start, uint64_t size)
{
	return size != 0 && start <= UINT64_MAX - (size - 1);
}

int keg_ranges_init(struct keg_ranges *ranges);
void keg_ranges_fini(struct keg_ranges *ranges);

/*
 * -EEXIST if it overlaps; *other then is the one in the way. -ENOMEM. Neither notes a message: only
 * the caller knows the names.
 */
int keg_ranges_insert(
	struct keg_ranges *ranges, const struct keg_range *range, struct keg_range *other);

/* Removes the range that begins at `first`. False if there is none. */
bool keg_ranges_remove(struct keg_ranges *ranges, uint64_t first);

/* The range that holds `address`. */
bool keg_ranges_find(struct keg_ranges *ranges, uint64_t address, struct keg_range *found);

/* The first range that ends at or above `address`: the one that holds it, or else the next one. */
bool keg_ranges_next(struct keg_ranges *ranges, uint64_t address, struct keg_range *found);

/* The same for who holds the lock, so that the value stays what it is until he lets go. */
bool keg_ranges_next_locked(
	const struct keg_ranges *ranges, uint64_t address, struct keg_range *found);

/* A range that overlaps [first, last]. */
bool keg_ranges_overlap(
	struct keg_ranges *ranges, uint64_t first, uint64_t last, struct keg_range *found);

#endif
