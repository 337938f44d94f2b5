/* SPDX-License-Identifier: MIT */
/*
 * Copying before writing. Of the pages around one that is written to, those that nobody else has
 * any more are made writable, and some are copied too: each saves a fault.
 */
#include <string.h>

#include "user/space_inside.h"

enum {
	AROUND_COPY = 16, /* pages copied together, at most */
	AROUND_WIDEN = 64 /* pages looked at, whether they are this space's alone */
};

static uint64_t bytes(uint32_t count)
{
	return (uint64_t)count << KEG_PAGE_SHIFT;
}

/* An aligned range of so many pages around `at`, within the area. */
static void around(
	const struct keg_area *area, uint64_t at, uint32_t count, uint64_t *start, uint64_t *end)
{
	*start = at & ~(bytes(count) - 1);
	*end = *start + bytes(count);
	*start = *start < area->start ? area->start : *start;
	*end = *end > area->end ? area->end : *end;
}

static bool is_shared(struct keg_space *space, uint64_t entry)
{
	return keg_pages_shared(space->pages, keg_pte_page(entry));
}

static int set(struct keg_space *space, uint64_t at, keg_page page, uint64_t bits)
{
	return keg_machine_map(space->machine, at, page, 1, bits);
}

static int widen(struct keg_space *space, const struct keg_area *area, uint64_t at)
{
	uint64_t start, end;

	around(area, at, AROUND_WIDEN, &start, &end);
	for (uint64_t each = start; each < end; each += KEG_PAGE) {
		const uint64_t entry = keg_machine_entry(space->machine, each);
		int result = 0;

		if (entry & KEG_PTE_COPY && !(entry & KEG_PTE_LARGE) && !is_shared(space, entry))
			result = set(space, each, keg_pte_page(entry), keg_area_bits(area, false));
		if (result != 0)
			return result;
	}
	return 0;
}

/* Pages from `at` on that are to be copied, `most` at most. */
static uint32_t count_shared(struct keg_space *space, uint64_t at, uint64_t end)
{
	uint32_t count = 0;

	for (; at < end; at += KEG_PAGE, count++) {
		const uint64_t entry = keg_machine_entry(space->machine, at);

		if (!(entry & KEG_PTE_COPY) || entry & KEG_PTE_LARGE || !is_shared(space, entry))
			break;
	}
	return count;
}

static int copy_one(struct keg_space *space, const struct keg_area *area, uint64_t at, keg_page to,
	struct keg_shed *shed)
{
	const keg_page from = keg_pte_page(keg_machine_entry(space->machine, at));
	const void *old = keg_pages_at(space->pages, from);
	void *new = keg_pages_at(space->pages, to);
	int result;

	if (!old || !new)
		return -EFAULT;
	memcpy(new, old, KEG_PAGE);
	result = space->mark ? keg_mark_hot(space, at, from, to) : 0;
	if (result == 0)
		result = set(space, at, to, keg_area_bits(area, false));
	if (result == 0)
		keg_shed_add(shed, from, 1);
	return result;
}

static int copy(struct keg_space *space, const struct keg_area *area, uint64_t at)
{
	struct keg_shed shed = {.machine = space->machine, .pages = space->pages, .release = true};
	uint64_t start, end;
	uint32_t count, i;
	keg_page first;
	int result;

	around(area, at, space->mark ? 1 : AROUND_COPY, &start, &end);
	while (start < at && count_shared(space, start, at) != (at - start) >> KEG_PAGE_SHIFT)
		start += KEG_PAGE;
	count = count_shared(space, start, end);
	if (keg_pages_take_memory(space->pages, count, false, &first) != 0) {
		start = at;
		count = 1;
		result = keg_pages_take_memory(space->pages, 1, false, &first);
		if (result != 0)
			return result;
	}
	for (i = 0, result = 0; result == 0 && i < count; i++)
		result = copy_one(space, area, start + bytes(i), first + i, &shed);
	/* Those that failed are nobody's; what went before has its entries. */
	if (result != 0)
		keg_pages_release(space->pages, first + i - 1, count - (i - 1));
	keg_shed_end(&shed);
	return result;
}

/* A shared file's page: writable, and known to the object as written, so that it is written back.
 */
static int let_write(
	struct keg_space *space, const struct keg_area *area, uint64_t at, uint64_t entry)
{
	const uint64_t write = area->protection & PROT_WRITE ? KEG_PTE_WRITE : 0;

	keg_object_mark_written(area->object, keg_area_offset(area, at) >> KEG_PAGE_SHIFT, 1);
	return set(space, at, keg_pte_page(entry), keg_area_bits(area, false) | write);
}

int keg_space_break(struct keg_space *space, struct keg_area *area, uint64_t at)
{
	uint64_t entry = keg_machine_entry(space->machine, at);

	if (entry & KEG_PTE_WRITE)
		return 0;
	if (area->flags & KEG_AREA_SHARED)
		return keg_object_stat(area->object) ? let_write(space, area, at, entry) : 0;
	if (!(entry & KEG_PTE_COPY))
		return 0;
	if (entry & KEG_PTE_LARGE && keg_space_split(space, at, at + KEG_PAGE) != 0)
		return -ENOMEM;
	return is_shared(space, entry) ? copy(space, area, at) : widen(space, area, at);
}
