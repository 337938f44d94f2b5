/* SPDX-License-Identifier: MIT */
/* madvise(2) and msync(2). */
#include <string.h>

#include "user/space_inside.h"

/* <asm-generic/mman-common.h>: those that the C library may not know. */
#ifndef MADV_COLD
#define MADV_COLD    20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif
#define MADV_DONTNEED_LOCKED_ 24
#define MADV_COLLAPSE_        25

enum { CLEAR_BELOW = 32 }; /* pages: to clear them costs less than to fault them in again */

enum effect {
	NOTHING = 1, /* allowed, and without effect that a program could see */
	SET,         /* a flag of areas */
	UNSET,
	DROP,
	FREE,
	POPULATE,
};

static const struct {
	int advice;
	enum effect effect;
	uint32_t flag;
} advices[] = {
	{MADV_NORMAL, NOTHING, 0},
	{MADV_RANDOM, NOTHING, 0},
	{MADV_SEQUENTIAL, NOTHING, 0},
	{MADV_WILLNEED, NOTHING, 0},
	{MADV_DONTNEED, DROP, 0},
	{MADV_DONTNEED_LOCKED_, DROP, 0},
	{MADV_FREE, FREE, 0},
	{MADV_DONTFORK, SET, KEG_AREA_NO_FORK},
	{MADV_DOFORK, UNSET, KEG_AREA_NO_FORK},
	{MADV_WIPEONFORK, SET, KEG_AREA_FORK_ZERO},
	{MADV_KEEPONFORK, UNSET, KEG_AREA_FORK_ZERO},
	{MADV_NOHUGEPAGE, SET, KEG_AREA_SMALL},
	{MADV_HUGEPAGE, UNSET, KEG_AREA_SMALL},
	{MADV_COLLAPSE_, NOTHING, 0},
	{MADV_MERGEABLE, NOTHING, 0},
	{MADV_UNMERGEABLE, NOTHING, 0},
	{MADV_DONTDUMP, NOTHING, 0},
	{MADV_DODUMP, NOTHING, 0},
	{MADV_COLD, NOTHING, 0},
	{MADV_PAGEOUT, NOTHING, 0},
	{MADV_POPULATE_READ, POPULATE, 0},
	{MADV_POPULATE_WRITE, POPULATE, 0},
};

/* Private pages that are this space's alone are zeroed where they are, if they are few. */
static bool clear(
	struct keg_space *space, const struct keg_area *area, uint64_t start, uint64_t end)
{
	struct keg_entry_run run;

	if (area->object || (end - start) >> KEG_PAGE_SHIFT > CLEAR_BELOW)
		return false;
	for (uint64_t at = start; keg_entry_run(space, at, end, &run);
		at = run.at + ((uint64_t)run.count << KEG_PAGE_SHIFT)) {
		void *host = keg_pages_at(space->pages, run.first);

		if (run.bits & KEG_PTE_COPY || !host)
			return false;
		memset(host, 0, (size_t)run.count << KEG_PAGE_SHIFT);
	}
	return true;
}

static int drop(struct keg_space *space, const struct keg_area *area, uint64_t start, uint64_t end)
{
	if (clear(space, area, start, end))
		return 0;
	if (keg_space_split(space, start, end) != 0)
		return -ENOMEM;
	keg_space_drop(space, start, end);
	return 0;
}

static int set_flag(struct keg_space *space, uint64_t start, uint64_t end, uint32_t flag, bool on)
{
	struct keg_areas *areas = &space->areas;

	if (keg_areas_reserve_cut(areas, start, end, 0) != 0)
		return -ENOMEM;
	keg_areas_split(areas, start);
	keg_areas_split(areas, end);
	for (size_t i = keg_areas_find(areas, start); i < areas->count && areas->at[i].start < end;
		i++)
		areas->at[i].flags = on ? areas->at[i].flags | flag : areas->at[i].flags & ~flag;
	return 0;
}

/* Of one area, [start, end). */
static int apply(
	struct keg_space *space, size_t which, struct keg_area *area, uint64_t start, uint64_t end)
{
	switch (advices[which].effect) {
	case DROP:
		return drop(space, area, start, end);
	case FREE: /* "may be freed": they need not be */
		return area->object ? -EINVAL : 0;
	case POPULATE:
		if (area->protection == PROT_NONE)
			return -EFAULT;
		keg_space_populate(space, start, end);
		return 0;
	case SET:
	case UNSET:
		return set_flag(
			space, start, end, advices[which].flag, advices[which].effect == SET);
	default:
		return 0;
	}
}

static int advise(struct keg_space *space, uint64_t start, uint64_t end, size_t which)
{
	int result = 0, hole = 0;

	for (uint64_t at = start; result == 0 && at < end;) {
		const size_t i = keg_areas_find(&space->areas, at);
		struct keg_area *area = i < space->areas.count ? &space->areas.at[i] : NULL;
		uint64_t until;

		if (!area || area->start >= end)
			return -ENOMEM;
		if (area->start > at) {
			hole = -ENOMEM;
			at = area->start;
		}
		until = area->end < end ? area->end : end;
		result = apply(space, which, area, at, until);
		at = until;
	}
	return result ? result : hole;
}

int keg_space_advise(struct keg_space *space, uint64_t at, uint64_t length, int advice)
{
	const size_t count = sizeof(advices) / sizeof(advices[0]);
	const uint64_t bytes = keg_page_up(length);
	size_t which = 0;
	int result;

	while (which < count && advices[which].advice != advice)
		which++;
	if (which == count || at % KEG_PAGE != 0 || (length != 0 && bytes == 0))
		return -EINVAL;
	if (length == 0)
		return 0;
	if (!keg_range_is_user(at, bytes))
		return -ENOMEM;
	pthread_rwlock_wrlock(&space->lock);
	result = advise(space, at, at + bytes, which);
	if (advices[which].effect == SET || advices[which].effect == UNSET)
		keg_areas_merge(&space->areas, at, at + bytes);
	pthread_rwlock_unlock(&space->lock);
	return result;
}

static int sync_area(const struct keg_area *area, uint64_t start, uint64_t end)
{
	if (!area->object || !(area->flags & KEG_AREA_SHARED))
		return 0;
	return keg_object_write_back(area->object, keg_area_offset(area, start) >> KEG_PAGE_SHIFT,
		(end - start) >> KEG_PAGE_SHIFT);
}

int keg_space_sync(struct keg_space *space, uint64_t at, uint64_t length, int flags)
{
	const uint64_t end = at + keg_page_up(length);
	int result = 0;

	if (at % KEG_PAGE != 0 || flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) ||
		(flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	if (!keg_range_is_user(at, end - at) || (length != 0 && end == at))
		return -ENOMEM;
	pthread_rwlock_rdlock(&space->lock);
	while (result == 0 && at < end) {
		const struct keg_area *area = keg_areas_at(&space->areas, at);

		if (!area) {
			result = -ENOMEM;
			break;
		}
		result = sync_area(area, at, area->end < end ? area->end : end);
		at = area->end;
	}
	pthread_rwlock_unlock(&space->lock);
	return result;
}
