/* SPDX-License-Identifier: MIT */
/* A copy of an address space: its private pages belong to both until one of them writes. */
#include "user/space_inside.h"

/* Private pages become ones to be copied, here as well; what machines remember of them goes. */
static int make_copy(struct keg_space *space, const struct keg_area *area,
	const struct keg_entry_run *run, struct keg_shed *shed)
{
	const uint64_t bits = keg_area_bits(area, true);
	int result = 0;

	if (run->bits != bits)
		result = keg_machine_map(space->machine, run->at, run->first, run->count, bits);
	if (run->bits & KEG_PTE_WRITE)
		keg_shed_add(shed, run->first, run->count);
	return result;
}

int keg_space_each_private(
	struct keg_space *space, const struct keg_area *area, keg_run_function *use, void *context)
{
	struct keg_shed shed = {.machine = space->machine, .pages = space->pages};
	const bool is_private = !(area->flags & KEG_AREA_SHARED);
	struct keg_entry_run run;
	uint64_t at = area->start;
	int result = keg_space_split(space, area->start, area->end);

	while (result == 0 && keg_entry_run(space, at, area->end, &run)) {
		if (is_private)
			result = make_copy(space, area, &run, &shed);
		if (result == 0)
			result = use(context, area, &run);
		at = run.at + ((uint64_t)run.count << KEG_PAGE_SHIFT);
	}
	keg_shed_end(&shed);
	return result;
}

static int share(void *context, const struct keg_area *area, const struct keg_entry_run *run)
{
	struct keg_space *copy = context;
	const bool is_private = !(area->flags & KEG_AREA_SHARED);
	int result;

	keg_pages_hold(copy->pages, run->first, run->count);
	result = keg_machine_map(copy->machine, run->at, run->first, run->count,
		is_private ? keg_area_bits(area, true) : run->bits);
	if (result != 0) {
		keg_pages_release(copy->pages, run->first, run->count);
		return -ENOMEM;
	}
	copy->resident += run->count;
	return 0;
}

/* MADV_DONTFORK: not there. */
static void leave_out(struct keg_space *copy)
{
	for (size_t i = 0; i < copy->areas.count;) {
		const struct keg_area area = copy->areas.at[i];

		if (!(area.flags & KEG_AREA_NO_FORK)) {
			i++;
			continue;
		}
		keg_space_count(copy, &area, -1);
		keg_areas_remove(&copy->areas, area.start, area.end);
	}
}

static int fill(struct keg_space *space, struct keg_space *copy)
{
	int result = keg_areas_copy(&space->areas, &copy->areas);

	copy->limits = space->limits;
	copy->base = space->base;
	copy->brk_start = space->brk_start;
	copy->brk = space->brk;
	copy->size = space->size;
	copy->data = space->data;
	leave_out(copy);
	for (size_t i = 0; result == 0 && i < copy->areas.count; i++)
		if (!(copy->areas.at[i].flags & KEG_AREA_FORK_ZERO))
			result = keg_space_each_private(space, &copy->areas.at[i], share, copy);
	return result;
}

int keg_space_clone(struct keg_space *space, struct keg_space **made)
{
	struct keg_space *copy;
	int result = keg_space_create(space->host, space->pages, space->lore, &copy);

	if (result != 0)
		return result;
	pthread_rwlock_wrlock(&space->lock);
	result = fill(space, copy);
	pthread_rwlock_unlock(&space->lock);
	if (result != 0) {
		keg_space_destroy(copy);
		return result;
	}
	*made = copy;
	return 0;
}
