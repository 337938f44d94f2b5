/* SPDX-License-Identifier: MIT */
/* The areas of an address space. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "user/area.h"
#include "user/object.h"

/* ---- Names ---- */

struct keg_area_name {
	_Atomic uint32_t references;
	char text[];
};

struct keg_area_name *keg_area_name(const char *text)
{
	const size_t length = text ? strnlen(text, 255) : 0;
	struct keg_area_name *name = length ? malloc(sizeof(*name) + length + 1) : NULL;

	if (!name)
		return NULL;
	name->references = 1;
	memcpy(name->text, text, length);
	name->text[length] = '\0';
	return name;
}

const char *keg_area_name_text(const struct keg_area_name *name)
{
	return name ? name->text : "";
}

void keg_area_name_release(struct keg_area_name *name)
{
	if (name && atomic_fetch_sub(&name->references, 1) == 1)
		free(name);
}

struct keg_area keg_area_copy(const struct keg_area *area)
{
	if (area->object)
		keg_object_hold(area->object);
	if (area->name)
		atomic_fetch_add(&area->name->references, 1);
	return *area;
}

void keg_area_release(struct keg_area *area)
{
	if (area->object)
		keg_object_release(area->object);
	keg_area_name_release(area->name);
}

/* ---- The list ---- */

void keg_areas_fini(struct keg_areas *areas)
{
	for (size_t i = 0; i < areas->count; i++)
		keg_area_release(&areas->at[i]);
	free(areas->at);
	*areas = (struct keg_areas){0};
}

int keg_areas_reserve(struct keg_areas *areas, size_t more)
{
	size_t room = areas->room ? areas->room : 32;
	struct keg_area *at;

	if (areas->count + more > KEG_AREAS)
		return -ENOMEM;
	while (room < areas->count + more)
		room *= 2;
	if (room == areas->room)
		return 0;
	at = reallocarray(areas->at, room, sizeof(*at));
	if (!at)
		return -ENOMEM;
	areas->at = at;
	areas->room = room;
	return 0;
}

static size_t is_within(const struct keg_areas *areas, uint64_t at)
{
	const struct keg_area *area = keg_areas_at(areas, at);

	return area && area->start < at;
}

int keg_areas_reserve_cut(struct keg_areas *areas, uint64_t start, uint64_t end, size_t more)
{
	return keg_areas_reserve(areas, is_within(areas, start) + is_within(areas, end) + more);
}

int keg_areas_copy(const struct keg_areas *from, struct keg_areas *to)
{
	*to = (struct keg_areas){0};
	if (keg_areas_reserve(to, from->count) != 0)
		return -ENOMEM;
	for (; to->count < from->count; to->count++)
		to->at[to->count] = keg_area_copy(&from->at[to->count]);
	return 0;
}

size_t keg_areas_find(const struct keg_areas *areas, uint64_t at)
{
	size_t low = 0, high = areas->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (areas->at[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct keg_area *keg_areas_at(const struct keg_areas *areas, uint64_t at)
{
	const size_t i = keg_areas_find(areas, at);

	return i < areas->count && areas->at[i].start <= at ? &areas->at[i] : NULL;
}

bool keg_areas_free(const struct keg_areas *areas, uint64_t start, uint64_t end)
{
	const size_t i = keg_areas_find(areas, start);

	return i == areas->count || areas->at[i].start >= end;
}

static void insert_at(struct keg_areas *areas, size_t i, const struct keg_area *area)
{
	memmove(&areas->at[i + 1], &areas->at[i], (areas->count - i) * sizeof(*area));
	areas->at[i] = *area;
	areas->count++;
}

static void remove_at(struct keg_areas *areas, size_t first, size_t count)
{
	memmove(&areas->at[first], &areas->at[first + count],
		(areas->count - first - count) * sizeof(struct keg_area));
	areas->count -= count;
}

void keg_areas_insert(struct keg_areas *areas, const struct keg_area *area)
{
	insert_at(areas, keg_areas_find(areas, area->start), area);
}

void keg_areas_split(struct keg_areas *areas, uint64_t at)
{
	const size_t i = keg_areas_find(areas, at);
	struct keg_area upper;

	if (i == areas->count || areas->at[i].start >= at)
		return;
	upper = keg_area_copy(&areas->at[i]);
	upper.offset = keg_area_offset(&upper, at);
	upper.start = at;
	areas->at[i].end = at;
	insert_at(areas, i + 1, &upper);
}

void keg_areas_remove(struct keg_areas *areas, uint64_t start, uint64_t end)
{
	const size_t first = keg_areas_find(areas, start);
	size_t i = first;

	for (; i < areas->count && areas->at[i].end <= end; i++)
		keg_area_release(&areas->at[i]);
	remove_at(areas, first, i - first);
}

static bool can_join(const struct keg_area *a, const struct keg_area *b)
{
	return a->end == b->start && a->object == b->object && a->protection == b->protection &&
	       a->flags == b->flags && (!a->object || keg_area_offset(a, b->start) == b->offset) &&
	       strcmp(keg_area_name_text(a->name), keg_area_name_text(b->name)) == 0;
}

void keg_areas_merge(struct keg_areas *areas, uint64_t start, uint64_t end)
{
	size_t i = keg_areas_find(areas, start ? start - 1 : 0);

	while (i + 1 < areas->count && areas->at[i].start < end) {
		struct keg_area *area = &areas->at[i], *next = area + 1;

		if (!can_join(area, next)) {
			i++;
			continue;
		}
		area->end = next->end;
		keg_area_release(next);
		remove_at(areas, i + 1, 1);
	}
}

uint64_t keg_areas_gap(const struct keg_areas *areas, uint64_t bottom, uint64_t top, uint64_t bytes,
	uint64_t alignment)
{
	for (size_t i = keg_areas_find(areas, top);; i--) {
		uint64_t high = top, low = bottom, at;

		if (i < areas->count && areas->at[i].start < top) {
			const bool stack = areas->at[i].flags & KEG_AREA_GROWS_DOWN;

			high = areas->at[i].start;
			if (stack)
				high -= high < KEG_STACK_GAP ? high : KEG_STACK_GAP;
		}
		if (i > 0 && areas->at[i - 1].end > low)
			low = areas->at[i - 1].end;
		if (high > low && high - low >= bytes) {
			at = (high - bytes) & ~(alignment - 1);
			if (at >= low)
				return at;
		}
		if (i == 0 || low == bottom)
			return 0;
	}
}
