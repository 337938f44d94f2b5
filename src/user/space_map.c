/* SPDX-License-Identifier: MIT */
/* mmap(2), munmap(2) and mprotect(2). */
#include "user/space_inside.h"

/* <linux/mman.h>, asm-generic: the C library may hide them. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

bool keg_range_is_user(uint64_t at, uint64_t length)
{
	return length <= KEG_USER_TOP && at <= KEG_USER_TOP - length;
}

/* ---- mmap ---- */

/* What a range replaces: bytes in areas, and those of them that count as data. */
static void sum_up(
	const struct keg_space *space, uint64_t start, uint64_t end, uint64_t *size, uint64_t *data)
{
	size_t i = keg_areas_find(&space->areas, start);

	*size = *data = 0;
	for (; i < space->areas.count && space->areas.at[i].start < end; i++) {
		const struct keg_area *area = &space->areas.at[i];
		const uint64_t high = area->end < end ? area->end : end;
		const uint64_t low = area->start > start ? area->start : start;

		*size += high - low;
		*data += keg_area_is_data(area) ? high - low : 0;
	}
}

static uint64_t beyond(uint64_t wanted, uint64_t had)
{
	return wanted > had ? wanted - had : 0;
}

/* Takes over the area's references if it succeeds. */
int keg_space_map_locked(struct keg_space *space, struct keg_area *area, bool replace)
{
	const uint64_t bytes = area->end - area->start;
	uint64_t size = 0, data = 0;
	int result;

	if (replace)
		sum_up(space, area->start, area->end, &size, &data);
	if (!keg_space_may_grow(
		    space, beyond(bytes, size), keg_area_is_data(area) ? beyond(bytes, data) : 0))
		return -ENOMEM;
	result = keg_areas_reserve_cut(&space->areas, area->start, area->end, 1);
	if (result == 0 && replace)
		result = keg_space_unmap_locked(space, area->start, area->end);
	if (result != 0)
		return result;
	keg_areas_insert(&space->areas, area);
	keg_space_count(space, area, 1);
	keg_mark_disturb(space, area->start, area->end);
	keg_areas_merge(&space->areas, area->start, area->end);
	return 0;
}

/* A place for what need not be at one: the hint if it is free, else as high as possible. */
static uint64_t choose(const struct keg_space *space, uint64_t hint, uint64_t bytes, bool memory)
{
	const uint64_t start = keg_page_down(hint);
	uint64_t alignment = memory && bytes >= KEG_LARGE_BYTES ? KEG_LARGE_BYTES : KEG_PAGE;
	uint64_t at;

	if (start >= KEG_SPACE_BOTTOM && keg_range_is_user(start, bytes) &&
		keg_areas_free(&space->areas, start, start + bytes))
		return start;
	at = keg_areas_gap(&space->areas, KEG_SPACE_BOTTOM, space->base, bytes, alignment);
	if (at == 0)
		at = keg_areas_gap(&space->areas, KEG_SPACE_BOTTOM, KEG_USER_TOP, bytes, KEG_PAGE);
	return at;
}

static int check(const struct keg_mapping *mapping, uint64_t bytes)
{
	const int type = mapping->flags & MAP_TYPE;

	if (type != MAP_PRIVATE && type != MAP_SHARED && type != MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (mapping->length == 0 || mapping->offset % KEG_PAGE != 0)
		return -EINVAL;
	if (bytes == 0 || bytes > KEG_USER_TOP)
		return -ENOMEM;
	if (mapping->object && mapping->offset + bytes < mapping->offset)
		return -EOVERFLOW;
	if (type != MAP_PRIVATE && mapping->read_only && mapping->protection & PROT_WRITE)
		return -EACCES;
	if (!(mapping->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return 0;
	if (mapping->at % KEG_PAGE != 0)
		return -EINVAL;
	if (!keg_range_is_user(mapping->at, bytes))
		return -ENOMEM;
	return mapping->at < KEG_SPACE_BOTTOM ? -EPERM : 0;
}

static uint32_t area_flags(const struct keg_mapping *mapping)
{
	const bool shared = (mapping->flags & MAP_TYPE) != MAP_PRIVATE;

	return (shared ? KEG_AREA_SHARED : 0u) |
	       (shared && mapping->read_only ? KEG_AREA_READ_ONLY : 0u) |
	       (mapping->flags & MAP_GROWSDOWN ? KEG_AREA_GROWS_DOWN : 0u) |
	       (mapping->flags & (MAP_GROWSDOWN | MAP_STACK) ? KEG_AREA_SMALL : 0u) |
	       (mapping->flags & MAP_LOCKED ? KEG_AREA_LOCKED : 0u);
}

static int place(struct keg_space *space, const struct keg_mapping *mapping, struct keg_area *area)
{
	const uint64_t bytes = keg_page_up(mapping->length);

	area->start = mapping->at;
	if (!(mapping->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
		area->start = choose(space, mapping->at, bytes, !area->object);
		if (area->start == 0)
			return -ENOMEM;
	}
	area->end = area->start + bytes;
	if (mapping->flags & MAP_FIXED_NOREPLACE &&
		!keg_areas_free(&space->areas, area->start, area->end))
		return -EEXIST;
	return keg_space_map_locked(space, area, mapping->flags & MAP_FIXED);
}

bool keg_space_is_hopeless(const struct keg_space *space, uint64_t bytes)
{
	struct keg_pages_usage usage;

	keg_pages_usage(space->pages, &usage);
	return bytes > usage.limit;
}

/* Whether the mapping says that it may need as much memory as it is large. */
static bool may_need_all(const struct keg_mapping *mapping)
{
	const bool shared = (mapping->flags & MAP_TYPE) != MAP_PRIVATE;

	if (mapping->flags & MAP_NORESERVE)
		return false;
	return shared ? !mapping->object : (mapping->protection & PROT_WRITE) != 0;
}

int64_t keg_space_map(struct keg_space *space, const struct keg_mapping *mapping)
{
	const uint64_t bytes = keg_page_up(mapping->length);
	struct keg_area area = {
		.object = mapping->object,
		.offset = mapping->offset,
		.flags = area_flags(mapping),
		.protection = mapping->protection & (PROT_READ | PROT_WRITE | PROT_EXEC),
	};
	int result = check(mapping, bytes);

	if (result == 0 && may_need_all(mapping) && keg_space_is_hopeless(space, bytes))
		result = -ENOMEM;
	if (result != 0)
		return result;
	if (area.object)
		keg_object_hold(area.object);
	else if (area.flags & KEG_AREA_SHARED)
		result = keg_object_anonymous(space->pages, bytes, &area.object);
	if (result != 0)
		return result;
	area.name = keg_area_name(mapping->name);
	pthread_rwlock_wrlock(&space->lock);
	result = place(space, mapping, &area);
	if (result == 0 && mapping->flags & (MAP_POPULATE | MAP_LOCKED))
		keg_space_populate(space, area.start, area.end);
	else if (result == 0 && !(mapping->flags & MAP_NORESERVE))
		keg_space_be_eager(space, area.start, area.end);
	pthread_rwlock_unlock(&space->lock);
	if (result != 0) {
		keg_area_release(&area);
		return result;
	}
	return (int64_t)area.start;
}

/* ---- munmap ---- */

int keg_space_unmap_locked(struct keg_space *space, uint64_t start, uint64_t end)
{
	struct keg_areas *areas = &space->areas;

	if (keg_areas_free(areas, start, end))
		return 0;
	if (keg_areas_reserve_cut(areas, start, end, 0) != 0 ||
		keg_space_split(space, start, end) != 0)
		return -ENOMEM;
	keg_areas_split(areas, start);
	keg_areas_split(areas, end);
	for (size_t i = keg_areas_find(areas, start); i < areas->count && areas->at[i].start < end;
		i++)
		keg_space_count(space, &areas->at[i], -1);
	keg_space_drop(space, start, end);
	keg_areas_remove(areas, start, end);
	return 0;
}

int keg_space_unmap(struct keg_space *space, uint64_t at, uint64_t length)
{
	const uint64_t bytes = keg_page_up(length);
	int result;

	if (at % KEG_PAGE != 0 || bytes == 0 || !keg_range_is_user(at, bytes))
		return -EINVAL;
	pthread_rwlock_wrlock(&space->lock);
	result = keg_space_unmap_locked(space, at, at + bytes);
	pthread_rwlock_unlock(&space->lock);
	return result;
}

/* ---- mprotect ---- */

/* Whether all of the range is mapped, and may be protected so: 0, -ENOMEM, -EACCES. */
static int check_protection(
	const struct keg_space *space, uint64_t start, uint64_t end, int protection)
{
	uint64_t data = 0;

	for (uint64_t at = start; at < end;) {
		const struct keg_area *area = keg_areas_at(&space->areas, at);

		if (!area)
			return -ENOMEM;
		if (protection & PROT_WRITE && area->flags & KEG_AREA_READ_ONLY)
			return -EACCES;
		if (protection & PROT_WRITE && !keg_area_is_data(area) &&
			!(area->flags & KEG_AREA_SHARED))
			data += (area->end < end ? area->end : end) - at;
		at = area->end;
	}
	return keg_space_may_grow(space, 0, data) ? 0 : -ENOMEM;
}

static int protect(struct keg_space *space, uint64_t start, uint64_t end, int protection)
{
	struct keg_areas *areas = &space->areas;
	bool opened = false;
	int result = check_protection(space, start, end, protection);

	if (result == 0)
		result = keg_areas_reserve_cut(areas, start, end, 0);
	if (result == 0)
		result = keg_space_split(space, start, end);
	if (result != 0)
		return result;
	keg_areas_split(areas, start);
	keg_areas_split(areas, end);
	for (size_t i = keg_areas_find(areas, start); i < areas->count && areas->at[i].start < end;
		i++) {
		struct keg_area *area = &areas->at[i];

		if (area->protection == protection)
			continue;
		opened = opened || (area->protection == PROT_NONE && !area->object);
		keg_space_count(space, area, -1);
		area->protection = protection;
		keg_space_count(space, area, 1);
		/* Entries are there already: no table is lacking, and nothing fails. */
		keg_space_restrict(space, area, area->start, area->end);
		keg_mark_disturb(space, area->start, area->end);
	}
	keg_areas_merge(areas, start, end);
	/* What was reserved is to be used: a heap that grows. */
	if (opened)
		keg_space_be_eager(space, start, end);
	return 0;
}

int keg_space_protect(struct keg_space *space, uint64_t at, uint64_t length, int protection)
{
	const int known = PROT_READ | PROT_WRITE | PROT_EXEC;
	const uint64_t bytes = keg_page_up(length);
	const struct keg_area *area;
	int result;

	if (at % KEG_PAGE != 0 || protection & ~(known | PROT_GROWSDOWN))
		return -EINVAL;
	if (length == 0)
		return 0;
	if (bytes == 0 || !keg_range_is_user(at, bytes))
		return -ENOMEM;
	pthread_rwlock_wrlock(&space->lock);
	area = keg_areas_at(&space->areas, at);
	if (!(protection & PROT_GROWSDOWN))
		result = protect(space, at, at + bytes, protection);
	else if (area && area->flags & KEG_AREA_GROWS_DOWN)
		result = protect(space, area->start, at + bytes, protection & known);
	else
		result = area ? -EINVAL : -ENOMEM;
	pthread_rwlock_unlock(&space->lock);
	return result;
}
