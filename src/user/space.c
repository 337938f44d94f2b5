/* SPDX-License-Identifier: MIT */
/* An address space: made, ended, and looked at. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/space_inside.h"

int keg_space_create(struct keg_host *host, struct keg_pages *pages, struct keg_machine_lore *lore,
	struct keg_space **made)
{
	struct keg_space *space = calloc(1, sizeof(*space));
	int result;

	if (!space)
		return keg_fail(ENOMEM, "making an address space");
	result = pthread_rwlock_init(&space->lock, NULL);
	if (result != 0) {
		free(space);
		return keg_fail_errno(result, "making the lock of an address space");
	}
	result = keg_machine_create(host, pages, lore, &space->machine);
	if (result != 0) {
		pthread_rwlock_destroy(&space->lock);
		free(space);
		return result;
	}
	space->host = host;
	space->pages = pages;
	space->lore = lore;
	space->base = KEG_SPACE_BASE;
	space->limits = (struct keg_space_limits){UINT64_MAX, UINT64_MAX, 8u << 20};
	*made = space;
	return 0;
}

/* Its machine runs no more, so nothing needs to be forgotten. */
static void release_pages(struct keg_space *space)
{
	struct keg_entry_run run;
	uint64_t at = 0;

	while (keg_entry_run(space, at, KEG_USER_TOP, &run)) {
		keg_pages_release(space->pages, run.first, run.count);
		at = run.at + ((uint64_t)run.count << KEG_PAGE_SHIFT);
	}
}

void keg_space_destroy(struct keg_space *space)
{
	if (!space)
		return;
	release_pages(space);
	keg_mark_free(space);
	keg_machine_destroy(space->machine);
	keg_areas_fini(&space->areas);
	pthread_rwlock_destroy(&space->lock);
	free(space);
}

struct keg_machine *keg_space_machine(struct keg_space *space)
{
	return space->machine;
}

void keg_space_set_base(struct keg_space *space, uint64_t base)
{
	pthread_rwlock_wrlock(&space->lock);
	space->base = keg_page_down(base < KEG_USER_TOP ? base : KEG_USER_TOP);
	pthread_rwlock_unlock(&space->lock);
}

void keg_space_set_limits(struct keg_space *space, const struct keg_space_limits *limits)
{
	pthread_rwlock_wrlock(&space->lock);
	space->limits = *limits;
	pthread_rwlock_unlock(&space->lock);
}

bool keg_space_may_grow(const struct keg_space *space, uint64_t size, uint64_t data)
{
	const struct keg_space_limits *limits = &space->limits;

	return size <= limits->address_space && space->size <= limits->address_space - size &&
	       data <= limits->data && (data == 0 || space->data <= limits->data - data);
}

void keg_space_count(struct keg_space *space, const struct keg_area *area, int sign)
{
	const uint64_t bytes = area->end - area->start;

	space->size += sign > 0 ? bytes : -bytes;
	if (keg_area_is_data(area))
		space->data += sign > 0 ? bytes : -bytes;
}

/* ---- Looking ---- */

int keg_space_area(struct keg_space *space, uint64_t at, struct keg_area_view *view)
{
	const struct keg_area *area;
	int result = -ENOENT;
	size_t i;

	pthread_rwlock_rdlock(&space->lock);
	i = keg_areas_find(&space->areas, at);
	if (i < space->areas.count) {
		const struct stat *stat;

		area = &space->areas.at[i];
		stat = area->object ? keg_object_stat(area->object) : NULL;
		*view = (struct keg_area_view){
			.start = area->start,
			.end = area->end,
			.protection = area->protection,
			.shared = area->flags & KEG_AREA_SHARED,
			.offset = area->object ? area->offset : 0,
			.device = stat ? stat->st_dev : 0,
			.inode = stat ? stat->st_ino : 0,
		};
		strncpy(view->name, keg_area_name_text(area->name), sizeof(view->name) - 1);
		result = 0;
	}
	pthread_rwlock_unlock(&space->lock);
	return result;
}

uint32_t keg_space_count_object(struct keg_space *space, const struct keg_object *object)
{
	uint32_t count = 0;

	pthread_rwlock_rdlock(&space->lock);
	for (size_t i = 0; i < space->areas.count; i++)
		count += space->areas.at[i].object == object && space->areas.at[i].offset == 0;
	pthread_rwlock_unlock(&space->lock);
	return count;
}

bool keg_space_begins_object(struct keg_space *space, uint64_t at, const struct keg_object *object)
{
	const struct keg_area *area;
	bool begins;

	pthread_rwlock_rdlock(&space->lock);
	area = keg_areas_at(&space->areas, at);
	begins = area && area->start == at && area->object == object && area->offset == 0;
	pthread_rwlock_unlock(&space->lock);
	return begins;
}

void keg_space_usage(struct keg_space *space, struct keg_space_usage *usage)
{
	*usage = (struct keg_space_usage){0};
	pthread_rwlock_rdlock(&space->lock);
	usage->size = space->size;
	usage->data = space->data;
	usage->resident = space->resident << KEG_PAGE_SHIFT;
	usage->faults = space->faults;
	for (size_t i = 0; i < space->areas.count; i++) {
		const struct keg_area *area = &space->areas.at[i];
		const uint64_t bytes = area->end - area->start;

		if (strcmp(keg_area_name_text(area->name), "[stack]") == 0)
			usage->stack += bytes;
		if (area->object && area->protection & PROT_EXEC &&
			!(area->protection & PROT_WRITE))
			usage->text += bytes;
		if (area->flags & KEG_AREA_LOCKED)
			usage->locked += bytes;
	}
	pthread_rwlock_unlock(&space->lock);
}

int keg_space_resident(struct keg_space *space, uint64_t at, size_t count, uint8_t *resident)
{
	int result = 0;

	if (!keg_range_is_user(at, (uint64_t)count << KEG_PAGE_SHIFT))
		return -ENOMEM;
	pthread_rwlock_rdlock(&space->lock);
	for (size_t i = 0; result == 0 && i < count; i++, at += KEG_PAGE) {
		if (!keg_areas_at(&space->areas, at))
			result = -ENOMEM;
		else
			resident[i] = keg_machine_entry(space->machine, at) != 0;
	}
	pthread_rwlock_unlock(&space->lock);
	return result;
}
