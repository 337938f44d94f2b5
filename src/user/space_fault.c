/* SPDX-License-Identifier: MIT */
/*
 * What is mapped at a fault. A fault costs as much as the making of forty pages, so there are
 * always more than the one that was touched: more and more, as an area is used.
 */
#include "user/space_inside.h"

enum {
	WINDOW_MEMORY = 16, /* pages, at first */
	WINDOW_FILE = 128,
	WINDOW_MOST = KEG_LARGE,
	/* So many faults in an area double the window. */
	FAULTS_MEMORY = 8,
	FAULTS_FILE = 1,
	/* Areas of no more pages are mapped when they are made: nearly all are used soon. */
	EAGER_MEMORY = 64,
};

static uint64_t bytes(uint32_t count)
{
	return (uint64_t)count << KEG_PAGE_SHIFT;
}

int keg_space_take(struct keg_space *space, uint32_t *count, keg_page *first)
{
	while (keg_pages_take_memory(space->pages, *count, false, first) != 0) {
		if (*count == 1)
			return -ENOMEM;
		*count /= 2;
	}
	return 0;
}

/* Less than three quarters are in use: there is enough to map more than is asked for. */
static bool is_plenty(struct keg_space *space)
{
	struct keg_pages_usage usage;

	keg_pages_usage(space->pages, &usage);
	return usage.used < usage.limit / 4 * 3;
}

/* How many pages to map around a fault: twice as many when it goes on where the last one ended, in
 * either direction, and when there have been several. */
static uint32_t choose_window(struct keg_space *space, struct keg_area *area, uint64_t at)
{
	const uint32_t least = area->object ? WINDOW_FILE : WINDOW_MEMORY;
	const uint32_t more = area->object ? FAULTS_FILE : FAULTS_MEMORY;
	const bool onward = area->last_end != 0 &&
			    (at == area->last_end || at + bytes(least) == area->last_start ||
				    at + KEG_PAGE == area->last_start);

	if (area->window < least)
		area->window = least;
	else if ((onward || ++area->faults % more == 0) && area->window < WINDOW_MOST)
		area->window *= 2;
	/* What is mapped after a mark is copied back at each reset: no more than is needed. */
	return space->mark || !is_plenty(space) ? 1 : area->window;
}

/* [*start, *end): pages of the area around `at` that are not mapped, at most so many. */
static void choose_range(struct keg_space *space, const struct keg_area *area, uint64_t at,
	uint32_t window, uint64_t *start, uint64_t *end)
{
	uint64_t low = at & ~(bytes(window) - 1), high = low + bytes(window), mapped;

	low = low < area->start ? area->start : low;
	high = high > area->end ? area->end : high;
	while ((mapped = keg_machine_next(space->machine, low, at)) < at)
		low = mapped + KEG_PAGE;
	*start = low;
	*end = keg_machine_next(space->machine, at, high);
}

/* ---- Private anonymous memory ---- */

static bool map_large(struct keg_space *space, const struct keg_area *area, uint64_t at)
{
	const uint64_t start = at & ~(KEG_LARGE_BYTES - 1), end = start + KEG_LARGE_BYTES;
	keg_page first;

	if (start < area->start || end > area->end || area->flags & KEG_AREA_SMALL ||
		area->end - area->start < 2 * KEG_LARGE_BYTES || space->mark ||
		keg_machine_next(space->machine, start, end) != end || !is_plenty(space) ||
		keg_pages_take_memory(space->pages, KEG_LARGE, true, &first) != 0)
		return false;
	if (keg_machine_map(space->machine, start, first, KEG_LARGE,
		    keg_area_bits(area, false) | KEG_PTE_LARGE) != 0) {
		keg_pages_release(space->pages, first, KEG_LARGE);
		return false;
	}
	space->resident += KEG_LARGE;
	return true;
}

static int note_hot(struct keg_space *space, uint64_t at, keg_page first, uint32_t count)
{
	int result = 0;

	for (uint32_t i = 0; space->mark && result == 0 && i < count; i++)
		result = keg_mark_hot(space, at + bytes(i), 0, first + i);
	return result;
}

static int map_memory(struct keg_space *space, struct keg_area *area, uint64_t at)
{
	uint64_t start, end;
	uint32_t count;
	keg_page first;
	int result;

	if (map_large(space, area, at))
		return 0;
	choose_range(space, area, at, choose_window(space, area, at), &start, &end);
	count = (uint32_t)((end - start) >> KEG_PAGE_SHIFT);
	result = keg_space_take(space, &count, &first);
	if (result != 0)
		return result;
	/* Fewer than were wished for: from the page on that is needed. */
	if (at >= start + bytes(count))
		start = end - at < bytes(count) ? end - bytes(count) : at;
	result = note_hot(space, start, first, count);
	if (result == 0)
		result = keg_machine_map(
			space->machine, start, first, count, keg_area_bits(area, false));
	if (result != 0) {
		keg_pages_release(space->pages, first, count);
		return -ENOMEM;
	}
	space->resident += count;
	area->last_start = start;
	area->last_end = start + bytes(count);
	return 0;
}

/* ---- Objects ---- */

/* Maps what of the range from `at` on follows in the arena: how many bytes, or what failed. */
static int64_t map_part(
	struct keg_space *space, const struct keg_area *area, uint64_t at, uint64_t end)
{
	const bool is_private = !(area->flags & KEG_AREA_SHARED);
	uint32_t count = (uint32_t)((end - at) >> KEG_PAGE_SHIFT);
	keg_page first;
	int result = keg_object_get(
		area->object, keg_area_offset(area, at) >> KEG_PAGE_SHIFT, &count, &first);

	if (result != 0)
		return result == -ENOMEM ? result : -ENXIO;
	if (keg_machine_map(space->machine, at, first, count, keg_area_bits(area, is_private)) !=
		0) {
		keg_pages_release(space->pages, first, count);
		return -ENOMEM;
	}
	space->resident += count;
	return (int64_t)bytes(count);
}

static int map_object(struct keg_space *space, struct keg_area *area, uint64_t at)
{
	const bool file = keg_object_stat(area->object);
	uint64_t start, end;

	choose_range(space, area, at,
		space->mark && file ? WINDOW_FILE : choose_window(space, area, at), &start, &end);
	area->last_end = end;
	area->last_start = start;
	while (start < end) {
		const int64_t done = map_part(space, area, start, end);

		if (done < 0 && start > at)
			break;
		if (done < 0 && start == at)
			return (int)done;
		start = done < 0 ? at : start + (uint64_t)done;
	}
	return 0;
}

/* ---- All ---- */

int keg_space_provide(
	struct keg_space *space, struct keg_area *area, uint64_t at, enum keg_touch access)
{
	int result = 0;

	at = keg_page_down(at);
	if (keg_machine_entry(space->machine, at) == 0)
		result = area->object ? map_object(space, area, at) : map_memory(space, area, at);
	if (result == 0 && access == KEG_TOUCH_WRITE)
		result = keg_space_break(space, area, at);
	return result;
}

/* The bits of an entry that needs nothing more. */
static uint64_t wanted(const struct keg_area *area)
{
	return keg_area_is_data(area) ? KEG_PTE_WRITE : KEG_PTE_PRESENT;
}

/* What populate does in one area: where it came to. */
static uint64_t populate_area(
	struct keg_space *space, struct keg_area *area, uint64_t at, uint64_t end)
{
	const enum keg_touch touch = keg_area_is_data(area) ? KEG_TOUCH_WRITE : KEG_TOUCH_READ;
	const uint32_t window = area->window;

	end = end < area->end ? end : area->end;
	while (at < end) {
		area->window = WINDOW_MOST;
		if (keg_space_provide(space, area, at, touch) != 0 ||
			!(keg_machine_entry(space->machine, at) & wanted(area)))
			break;
		while (at < end && keg_machine_entry(space->machine, at) & wanted(area))
			at += KEG_PAGE;
	}
	area->window = window;
	return at;
}

void keg_space_populate(struct keg_space *space, uint64_t start, uint64_t end)
{
	for (uint64_t at = start; at < end;) {
		struct keg_area *area = keg_areas_at(&space->areas, at);
		const uint64_t behind = area ? area->end : 0;

		if (!area || area->protection == PROT_NONE)
			return;
		at = populate_area(space, area, at, end);
		if (at < end && at < behind)
			return;
	}
}

void keg_space_be_eager(struct keg_space *space, uint64_t start, uint64_t end)
{
	const struct keg_area *area = keg_areas_at(&space->areas, start);
	const uint64_t pages = (end - start) >> KEG_PAGE_SHIFT;

	if (!area || space->mark || area->flags & (KEG_AREA_SHARED | KEG_AREA_SMALL))
		return;
	if (pages <= (area->object ? KEG_EAGER_FILE : EAGER_MEMORY) &&
		(area->object || area->protection & PROT_WRITE) && is_plenty(space))
		keg_space_populate(space, start, end);
}

/* A stack that was touched below its end grows to there, if it may. */
static struct keg_area *grow_stack(struct keg_space *space, uint64_t at)
{
	const size_t i = keg_areas_find(&space->areas, at);
	struct keg_area *area = i < space->areas.count ? &space->areas.at[i] : NULL;
	const uint64_t below = i > 0 ? space->areas.at[i - 1].end : KEG_SPACE_BOTTOM;
	uint64_t start = keg_page_down(at);

	if (!area || !(area->flags & KEG_AREA_GROWS_DOWN) || at >= area->start ||
		area->end - start > space->limits.stack || start < below ||
		(i > 0 && start - below < KEG_STACK_GAP) ||
		!keg_space_may_grow(space, area->start - start, 0))
		return NULL;
	space->size += area->start - start;
	keg_mark_disturb(space, start, area->start);
	area->offset -= area->object ? area->start - start : 0;
	area->start = start;
	return area;
}

static int fault(struct keg_space *space, uint64_t at, enum keg_touch access)
{
	static const int needed[] = {
		[KEG_TOUCH_READ] = PROT_READ | PROT_WRITE | PROT_EXEC,
		[KEG_TOUCH_WRITE] = PROT_WRITE,
		[KEG_TOUCH_EXECUTE] = PROT_EXEC,
	};
	struct keg_area *area;

	if (at >= KEG_USER_TOP)
		return -EFAULT;
	area = keg_areas_at(&space->areas, at);
	if (!area)
		area = grow_stack(space, at);
	if (!area)
		return -EFAULT;
	if (!(area->protection & needed[access]))
		return -EACCES;
	space->faults++;
	return keg_space_provide(space, area, at, access);
}

int keg_space_fault(struct keg_space *space, uint64_t at, enum keg_touch access)
{
	int result;

	pthread_rwlock_wrlock(&space->lock);
	result = fault(space, at, access);
	pthread_rwlock_unlock(&space->lock);
	return result;
}
