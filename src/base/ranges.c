/* SPDX-License-Identifier: MIT */
/* Address ranges in a sorted array: small, quick to search, and quick to append to. */
#include "base/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int keg_ranges_init(struct keg_ranges *ranges)
{
	memset(ranges, 0, sizeof(*ranges));
	return -pthread_rwlock_init(&ranges->lock, NULL);
}

void keg_ranges_fini(struct keg_ranges *ranges)
{
	free(ranges->items);
	pthread_rwlock_destroy(&ranges->lock);
}

/* The index of the first range that ends at or above `address`; `count` if there is none. */
static size_t lower_bound(const struct keg_ranges *ranges, uint64_t address)
{
	size_t low = 0, high = ranges->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges->items[middle].last < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int reserve(struct keg_ranges *ranges)
{
	size_t capacity = ranges->capacity ? ranges->capacity * 2 : 8;
	struct keg_range *items;

	if (ranges->count < ranges->capacity)
		return 0;
	items = reallocarray(ranges->items, capacity, sizeof(*items));
	if (!items)
		return -ENOMEM;
	ranges->items = items;
	ranges->capacity = capacity;
	return 0;
}

static int insert_locked(
	struct keg_ranges *ranges, const struct keg_range *range, struct keg_range *other)
{
	size_t at = lower_bound(ranges, range->first);
	int rc;

	if (at < ranges->count && ranges->items[at].first <= range->last) {
		*other = ranges->items[at];
		return -EEXIST;
	}
	rc = reserve(ranges);
	if (rc)
		return rc;
	memmove(&ranges->items[at + 1], &ranges->items[at],
		(ranges->count - at) * sizeof(ranges->items[0]));
	ranges->items[at] = *range;
	ranges->count++;
	return 0;
}

int keg_ranges_insert(
	struct keg_ranges *ranges, const struct keg_range *range, struct keg_range *other)
{
	int rc;

	pthread_rwlock_wrlock(&ranges->lock);
	rc = insert_locked(ranges, range, other);
	pthread_rwlock_unlock(&ranges->lock);
	return rc;
}

bool keg_ranges_remove(struct keg_ranges *ranges, uint64_t first)
{
	bool found;
	size_t at;

	pthread_rwlock_wrlock(&ranges->lock);
	at = lower_bound(ranges, first);
	found = at < ranges->count && ranges->items[at].first == first;
	if (found) {
		ranges->count--;
		memmove(&ranges->items[at], &ranges->items[at + 1],
			(ranges->count - at) * sizeof(ranges->items[0]));
	}
	pthread_rwlock_unlock(&ranges->lock);
	return found;
}

bool keg_ranges_next_locked(
	const struct keg_ranges *ranges, uint64_t address, struct keg_range *found)
{
	size_t at = lower_bound(ranges, address);

	if (at == ranges->count)
		return false;
	*found = ranges->items[at];
	return true;
}

bool keg_ranges_next(struct keg_ranges *ranges, uint64_t address, struct keg_range *found)
{
	bool any;

	pthread_rwlock_rdlock(&ranges->lock);
	any = keg_ranges_next_locked(ranges, address, found);
	pthread_rwlock_unlock(&ranges->lock);
	return any;
}

bool keg_ranges_find(struct keg_ranges *ranges, uint64_t address, struct keg_range *found)
{
	return keg_ranges_next(ranges, address, found) && found->first <= address;
}

bool keg_ranges_overlap(
	struct keg_ranges *ranges, uint64_t first, uint64_t last, struct keg_range *found)
{
	return keg_ranges_next(ranges, first, found) && found->first <= last;
}
