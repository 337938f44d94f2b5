/* SPDX-License-Identifier: MIT */
/* mremap(2) and brk(2): areas that grow, shrink and move. */
#include "user/space_inside.h"

/* ---- Moving ---- */

/* Leads the pages of [from, from + length) to `to`, where tables may be lacking: -ENOMEM, and then
 * those before *done have moved. */
static int move_entries(
	struct keg_space *space, uint64_t from, uint64_t length, uint64_t to, uint64_t *done)
{
	struct keg_shed shed = {.machine = space->machine, .pages = space->pages};
	const uint64_t end = from + length;
	struct keg_entry_run run;
	uint64_t at = from;
	int result = 0;

	while (result == 0 && keg_entry_run(space, at, end, &run)) {
		const uint64_t behind = run.at + ((uint64_t)run.count << KEG_PAGE_SHIFT);

		at = run.at;
		result = keg_machine_map(
			space->machine, to + (run.at - from), run.first, run.count, run.bits);
		if (result != 0)
			break;
		for (; at < behind; at += KEG_PAGE)
			keg_machine_set_entry(space->machine, at, 0);
		keg_shed_add(&shed, run.first, run.count);
	}
	keg_shed_end(&shed);
	*done = at - from;
	return result;
}

/* Moves the part of the area at [at, at + length) to an empty place, where it has `grown` bytes. */
static int move(struct keg_space *space, uint64_t at, uint64_t length, uint64_t to, uint64_t grown)
{
	struct keg_areas *areas = &space->areas;
	struct keg_area moved;
	uint64_t done;
	int result;

	if (keg_areas_reserve_cut(areas, at, at + length, 1) != 0 ||
		keg_space_split(space, at, at + length) != 0)
		return -ENOMEM;
	keg_areas_split(areas, at);
	keg_areas_split(areas, at + length);
	result = move_entries(space, at, length, to, &done);
	if (result != 0) {
		/* What there was has its tables yet. */
		move_entries(space, to, done, at, &done);
		keg_areas_merge(areas, at, at + length);
		return -ENOMEM;
	}
	moved = keg_area_copy(keg_areas_at(areas, at));
	keg_space_count(space, &moved, -1);
	keg_areas_remove(areas, at, at + length);
	moved.start = to;
	moved.end = to + grown;
	moved.last_start = moved.last_end = 0;
	keg_areas_insert(areas, &moved);
	keg_space_count(space, &moved, 1);
	keg_mark_disturb(space, at, at + length);
	keg_mark_disturb(space, to, to + grown);
	keg_areas_merge(areas, to, to + grown);
	return 0;
}

/* ---- mremap ---- */

struct wish {
	uint64_t at, length, grown, to;
	int flags;
};

static bool may_grow(const struct keg_space *space, const struct keg_area *area, uint64_t more)
{
	if (keg_area_is_data(area) && keg_space_is_hopeless(space, more))
		return false;
	return keg_space_may_grow(space, more, keg_area_is_data(area) ? more : 0);
}

static bool grow_in_place(struct keg_space *space, struct keg_area *area, const struct wish *wish)
{
	const uint64_t end = wish->at + wish->grown;

	if (area->end != wish->at + wish->length || !keg_range_is_user(wish->at, wish->grown) ||
		!keg_areas_free(&space->areas, area->end, end))
		return false;
	keg_space_count(space, area, -1);
	keg_mark_disturb(space, area->end, end);
	area->end = end;
	keg_space_count(space, area, 1);
	keg_areas_merge(&space->areas, area->start, end);
	return true;
}

static int64_t move_to(struct keg_space *space, const struct wish *wish)
{
	const uint64_t kept = wish->length < wish->grown ? wish->length : wish->grown;
	int result = keg_space_unmap_locked(space, wish->to, wish->to + wish->grown);

	if (result == 0 && kept < wish->length)
		result = keg_space_unmap_locked(space, wish->at + kept, wish->at + wish->length);
	if (result == 0)
		result = move(space, wish->at, kept, wish->to, wish->grown);
	return result ? result : (int64_t)wish->to;
}

static int64_t remap(struct keg_space *space, struct wish *wish)
{
	struct keg_area *area = keg_areas_at(&space->areas, wish->at);

	if (!area || wish->length > area->end - wish->at)
		return -EFAULT;
	if (wish->grown > wish->length && !may_grow(space, area, wish->grown - wish->length))
		return -ENOMEM;
	if (wish->flags & MREMAP_FIXED)
		return move_to(space, wish);
	if (wish->grown < wish->length) {
		const int result = keg_space_unmap_locked(
			space, wish->at + wish->grown, wish->at + wish->length);

		return result ? result : (int64_t)wish->at;
	}
	if (wish->grown == wish->length || grow_in_place(space, area, wish))
		return (int64_t)wish->at;
	if (!(wish->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	wish->to = keg_areas_gap(&space->areas, KEG_SPACE_BOTTOM, space->base, wish->grown,
		!area->object && wish->grown >= KEG_LARGE_BYTES ? KEG_LARGE_BYTES : KEG_PAGE);
	return wish->to ? move_to(space, wish) : -ENOMEM;
}

static int check(const struct wish *wish)
{
	if (wish->flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) || wish->at % KEG_PAGE != 0 ||
		wish->length == 0 || wish->grown == 0 || !keg_range_is_user(wish->at, wish->length))
		return -EINVAL;
	if (wish->grown > KEG_USER_TOP)
		return -ENOMEM;
	if (!(wish->flags & MREMAP_FIXED))
		return 0;
	if (!(wish->flags & MREMAP_MAYMOVE) || wish->to % KEG_PAGE != 0 ||
		!keg_range_is_user(wish->to, wish->grown) ||
		(wish->to < wish->at + wish->length && wish->at < wish->to + wish->grown))
		return -EINVAL;
	return wish->to < KEG_SPACE_BOTTOM ? -EPERM : 0;
}

int64_t keg_space_remap(struct keg_space *space, uint64_t at, uint64_t old_length,
	uint64_t new_length, int flags, uint64_t new_at)
{
	struct wish wish = {at, keg_page_up(old_length), keg_page_up(new_length), new_at, flags};
	int64_t result = check(&wish);

	if (result != 0)
		return result;
	pthread_rwlock_wrlock(&space->lock);
	result = remap(space, &wish);
	pthread_rwlock_unlock(&space->lock);
	return result;
}

/* ---- brk ---- */

int keg_space_set_brk(struct keg_space *space, uint64_t start)
{
	if (start >= KEG_USER_TOP)
		return -EINVAL;
	pthread_rwlock_wrlock(&space->lock);
	space->brk_start = space->brk = start;
	pthread_rwlock_unlock(&space->lock);
	return 0;
}

static bool set_break(struct keg_space *space, uint64_t to)
{
	const uint64_t old = keg_page_up(space->brk), end = keg_page_up(to);
	struct keg_area more = {
		.start = old,
		.end = end,
		.protection = PROT_READ | PROT_WRITE,
	};

	if (space->brk_start == 0 || to < space->brk_start || to > KEG_USER_TOP ||
		to - space->brk_start > space->limits.data ||
		keg_space_is_hopeless(space, to - space->brk_start))
		return false;
	if (end <= old)
		return end == old || keg_space_unmap_locked(space, end, old) == 0;
	if (!keg_areas_free(&space->areas, old, end))
		return false;
	more.name = keg_area_name("[heap]");
	if (keg_space_map_locked(space, &more, false) != 0) {
		keg_area_release(&more);
		return false;
	}
	keg_space_be_eager(space, old, end);
	return true;
}

uint64_t keg_space_brk(struct keg_space *space, uint64_t to)
{
	uint64_t now;

	pthread_rwlock_wrlock(&space->lock);
	if (set_break(space, to))
		space->brk = to;
	now = space->brk;
	pthread_rwlock_unlock(&space->lock);
	return now;
}
