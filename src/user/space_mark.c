/* SPDX-License-Identifier: MIT */
/*
 * A state to come back to. The mark has a reference to each private page as it was; a page that is
 * written is copied then, and is "hot" from then on: reset copies the old contents into it, and
 * leaves it writable, so that the next run does not fault there. Ranges in which mappings changed
 * are "disturbed": reset maps them anew.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/space_inside.h"

enum {
	MOST_HOT = 1024,     /* pages kept so; more are copied when they are written again */
	MOST_QUIET = 32,     /* resets in which a hot page was found unchanged, and it cools down */
	MOST_DISTURBED = 64, /* ranges; then they are taken together */
};

struct pristine {
	uint64_t at;
	keg_page first;
	uint32_t count;
};

struct hot {
	uint64_t at;
	keg_page pristine; /* a reference; 0: it was not there */
	keg_page page;     /* the entry's */
	uint32_t quiet;
};

struct keg_mark {
	struct keg_areas areas;
	uint64_t brk_start, brk, size, data;
	bool resetting;
	struct pristine *pristine; /* by address */
	size_t pristine_count, pristine_room;
	struct hot *hot;
	size_t hot_count, hot_room;
	struct {
		uint64_t start, end;
	} disturbed[MOST_DISTURBED];
	uint32_t disturbed_count;
};

static uint64_t bytes(uint32_t count)
{
	return (uint64_t)count << KEG_PAGE_SHIFT;
}

/* The array with room for one more; NULL: no memory, and it is as it was. */
static void *with_room(void *array, size_t count, size_t *room, size_t size)
{
	const size_t wanted = *room ? *room * 2 : 64;
	void *more;

	if (count < *room)
		return array;
	more = reallocarray(array, wanted, size);
	if (more)
		*room = wanted;
	return more;
}

/* ---- The mark ---- */

static int keep(void *context, const struct keg_area *area, const struct keg_entry_run *run)
{
	struct keg_space *space = context;
	struct keg_mark *mark = space->mark;
	struct pristine *pristine;

	if (area->flags & KEG_AREA_SHARED)
		return 0;
	pristine = with_room(
		mark->pristine, mark->pristine_count, &mark->pristine_room, sizeof(*pristine));
	if (!pristine)
		return -ENOMEM;
	mark->pristine = pristine;
	keg_pages_hold(space->pages, run->first, run->count);
	mark->pristine[mark->pristine_count++] = (struct pristine){run->at, run->first, run->count};
	return 0;
}

void keg_mark_free(struct keg_space *space)
{
	struct keg_mark *mark = space->mark;

	if (!mark)
		return;
	space->mark = NULL;
	for (size_t i = 0; i < mark->pristine_count; i++)
		keg_pages_release(space->pages, mark->pristine[i].first, mark->pristine[i].count);
	for (size_t i = 0; i < mark->hot_count; i++)
		keg_pages_release(space->pages, mark->hot[i].pristine, 1);
	keg_areas_fini(&mark->areas);
	free(mark->pristine);
	free(mark->hot);
	free(mark);
}

static int make_mark(struct keg_space *space)
{
	struct keg_mark *mark = calloc(1, sizeof(*mark));
	int result;

	if (!mark)
		return -ENOMEM;
	space->mark = mark;
	mark->brk_start = space->brk_start;
	mark->brk = space->brk;
	mark->size = space->size;
	mark->data = space->data;
	result = keg_areas_copy(&space->areas, &mark->areas);
	for (size_t i = 0; result == 0 && i < mark->areas.count; i++)
		result = keg_space_each_private(space, &mark->areas.at[i], keep, space);
	if (result != 0)
		keg_mark_free(space);
	return result;
}

int keg_space_mark(struct keg_space *space)
{
	int result;

	pthread_rwlock_wrlock(&space->lock);
	keg_mark_free(space);
	result = make_mark(space);
	pthread_rwlock_unlock(&space->lock);
	return result ? keg_fail(ENOMEM, "marking a program's memory") : 0;
}

/* ---- What happens since ---- */

void keg_mark_disturb(struct keg_space *space, uint64_t start, uint64_t end)
{
	struct keg_mark *mark = space->mark;
	uint32_t i;

	if (!mark || mark->resetting || start >= end)
		return;
	for (i = 0; i < mark->disturbed_count; i++)
		if (start <= mark->disturbed[i].end && end >= mark->disturbed[i].start)
			break;
	if (i == MOST_DISTURBED)
		i--;
	if (i == mark->disturbed_count) {
		mark->disturbed[i].start = start;
		mark->disturbed[i].end = end;
		mark->disturbed_count++;
		return;
	}
	if (start < mark->disturbed[i].start)
		mark->disturbed[i].start = start;
	if (end > mark->disturbed[i].end)
		mark->disturbed[i].end = end;
}

int keg_mark_hot(struct keg_space *space, uint64_t at, keg_page pristine, keg_page page)
{
	struct keg_mark *mark = space->mark;
	struct hot *hot;

	/* Copied once more, since a clone has the copy: what it was at the mark does not change. */
	for (size_t i = 0; i < mark->hot_count; i++)
		if (mark->hot[i].at == at) {
			mark->hot[i].page = page;
			return 0;
		}
	hot = with_room(mark->hot, mark->hot_count, &mark->hot_room, sizeof(*hot));
	if (!hot)
		return -ENOMEM;
	mark->hot = hot;
	keg_pages_hold(space->pages, pristine, pristine != 0);
	mark->hot[mark->hot_count++] = (struct hot){at, pristine, page, 0};
	return 0;
}

/* ---- Reset: hot pages ---- */

/* Leads the entry back to the page as it was, or to none; the copy is given back. */
static void cool(struct keg_space *space, const struct hot *hot, struct keg_shed *shed)
{
	const struct keg_area *area = keg_areas_at(&space->areas, hot->at);
	const uint64_t entry = keg_machine_entry(space->machine, hot->at);

	if (entry != 0) {
		keg_machine_set_entry(space->machine, hot->at, 0);
		keg_shed_add(shed, keg_pte_page(entry), 1);
		space->resident--;
	}
	/* An entry that was there needs no new table. */
	if (hot->pristine != 0 && area) {
		keg_pages_hold(space->pages, hot->pristine, 1);
		keg_machine_map(
			space->machine, hot->at, hot->pristine, 1, keg_area_bits(area, true));
		space->resident++;
	}
}

static void copy_back(struct keg_space *space, struct hot *hot)
{
	static const uint8_t zeros[KEG_PAGE];
	void *page = keg_pages_at(space->pages, hot->page);
	const void *was = hot->pristine ? keg_pages_at(space->pages, hot->pristine) : zeros;

	if (!page || !was)
		return;
	if (memcmp(page, was, KEG_PAGE) == 0) {
		hot->quiet++;
		return;
	}
	memcpy(page, was, KEG_PAGE);
	hot->quiet = 0;
}

static void reset_hot(struct keg_space *space)
{
	struct keg_shed shed = {.machine = space->machine, .pages = space->pages, .release = true};
	struct keg_mark *mark = space->mark;

	for (size_t i = 0; i < mark->hot_count;) {
		struct hot *hot = &mark->hot[i];
		const uint64_t entry = keg_machine_entry(space->machine, hot->at);

		/* A page that is to be copied is somebody else's as well by now. */
		if (keg_pte_page(entry) == hot->page && !(entry & KEG_PTE_COPY) && i < MOST_HOT &&
			hot->quiet < MOST_QUIET) {
			copy_back(space, hot);
			i++;
			continue;
		}
		cool(space, hot, &shed);
		keg_pages_release(space->pages, hot->pristine, 1);
		*hot = mark->hot[--mark->hot_count];
	}
	keg_shed_end(&shed);
}

/* ---- Reset: mappings ---- */

/* Hot pages in the range are hot no more: it is mapped as it was. */
static void forget_hot(struct keg_space *space, uint64_t start, uint64_t end)
{
	struct keg_mark *mark = space->mark;

	for (size_t i = 0; i < mark->hot_count;) {
		if (mark->hot[i].at < start || mark->hot[i].at >= end) {
			i++;
			continue;
		}
		keg_pages_release(space->pages, mark->hot[i].pristine, 1);
		mark->hot[i] = mark->hot[--mark->hot_count];
	}
}

static int map_part(struct keg_space *space, uint64_t at, keg_page first, uint32_t count)
{
	const struct keg_area *area = keg_areas_at(&space->areas, at);
	int result;

	if (!area || count == 0)
		return 0;
	keg_pages_hold(space->pages, first, count);
	result = keg_machine_map(space->machine, at, first, count, keg_area_bits(area, true));
	if (result != 0)
		keg_pages_release(space->pages, first, count);
	else
		space->resident += count;
	return result;
}

static int map_pristine(struct keg_space *space, uint64_t start, uint64_t end)
{
	const struct keg_mark *mark = space->mark;
	int result = 0;

	for (size_t i = 0; result == 0 && i < mark->pristine_count; i++) {
		const struct pristine *run = &mark->pristine[i];
		const uint64_t run_end = run->at + bytes(run->count);
		const uint64_t low = run->at > start ? run->at : start;
		const uint64_t high = run_end < end ? run_end : end;

		if (low < high)
			result = map_part(space, low,
				run->first + (keg_page)((low - run->at) >> KEG_PAGE_SHIFT),
				(uint32_t)((high - low) >> KEG_PAGE_SHIFT));
	}
	return result;
}

static int reset_areas(struct keg_space *space)
{
	struct keg_mark *mark = space->mark;
	struct keg_areas areas;
	int result = keg_areas_copy(&mark->areas, &areas);

	for (uint32_t i = 0; result == 0 && i < mark->disturbed_count; i++)
		result = keg_space_split(space, mark->disturbed[i].start, mark->disturbed[i].end);
	if (result != 0)
		return result;
	for (uint32_t i = 0; i < mark->disturbed_count; i++) {
		forget_hot(space, mark->disturbed[i].start, mark->disturbed[i].end);
		keg_space_drop(space, mark->disturbed[i].start, mark->disturbed[i].end);
	}
	keg_areas_fini(&space->areas);
	space->areas = areas;
	space->brk_start = mark->brk_start;
	space->brk = mark->brk;
	space->size = mark->size;
	space->data = mark->data;
	/* Ranges may overlap by now, each having grown: what is mapped is dropped first. */
	for (uint32_t i = 0; result == 0 && i < mark->disturbed_count; i++) {
		keg_space_drop(space, mark->disturbed[i].start, mark->disturbed[i].end);
		result = map_pristine(space, mark->disturbed[i].start, mark->disturbed[i].end);
	}
	mark->disturbed_count = 0;
	return result;
}

int keg_space_reset(struct keg_space *space)
{
	int result = 0;

	pthread_rwlock_wrlock(&space->lock);
	if (!space->mark) {
		pthread_rwlock_unlock(&space->lock);
		return keg_fail(EINVAL, "there is no mark to reset a program's memory to");
	}
	space->mark->resetting = true;
	if (space->mark->disturbed_count > 0)
		result = reset_areas(space);
	reset_hot(space);
	space->mark->resetting = false;
	pthread_rwlock_unlock(&space->lock);
	return result ? keg_fail(ENOMEM, "resetting a program's memory") : 0;
}
