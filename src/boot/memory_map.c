/* SPDX-License-Identifier: MIT */
/* The memory map of a PC: regions first, then what is reserved is put in their place. */
#include "boot/memory_map.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

static uint64_t end_of(const struct keg_boot_range *range)
{
	return range->start + range->bytes;
}

static int insert(struct keg_memory_map *map, size_t at, const struct keg_boot_range *range)
{
	if (map->count == KEG_MEMORY_MAP_RANGES)
		return keg_fail(EINVAL,
			"the machine's memory is in more than %d pieces, all that a kernel can be "
			"told of",
			KEG_MEMORY_MAP_RANGES);
	memmove(&map->ranges[at + 1], &map->ranges[at], (map->count - at) * sizeof(map->ranges[0]));
	map->ranges[at] = *range;
	map->count++;
	return 0;
}

static void take_out(struct keg_memory_map *map, size_t at)
{
	map->count--;
	memmove(&map->ranges[at], &map->ranges[at + 1], (map->count - at) * sizeof(map->ranges[0]));
}

/* Cuts [start, end) out of the range at *at, and moves *at past what is left of it. */
static int cut(struct keg_memory_map *map, size_t *at, uint64_t start, uint64_t end)
{
	struct keg_boot_range *range = &map->ranges[*at], rest = *range;

	if (end <= range->start || start >= end_of(range)) {
		++*at;
		return 0;
	}
	rest.bytes = end_of(range) > end ? end_of(range) - end : 0;
	rest.start = end;
	range->bytes = start > range->start ? start - range->start : 0;
	if (range->bytes)
		++*at;
	else
		take_out(map, *at);
	if (!rest.bytes)
		return 0;
	return insert(map, (*at)++, &rest);
}

/* Joins a range with the ones before and after it, where they touch and are of one type. */
static void join(struct keg_memory_map *map, size_t at)
{
	struct keg_boot_range *ranges = map->ranges;

	if (at + 1 < map->count && ranges[at].type == ranges[at + 1].type &&
		end_of(&ranges[at]) == ranges[at + 1].start) {
		ranges[at].bytes += ranges[at + 1].bytes;
		take_out(map, at + 1);
	}
	if (at && ranges[at].type == ranges[at - 1].type &&
		end_of(&ranges[at - 1]) == ranges[at].start) {
		ranges[at - 1].bytes += ranges[at].bytes;
		take_out(map, at);
	}
}

/* Puts a range in the place of all that it overlaps. */
static int put(struct keg_memory_map *map, const struct keg_boot_range *range)
{
	size_t at = 0;
	int rc = 0;

	while (!rc && at < map->count)
		rc = cut(map, &at, range->start, end_of(range));
	for (at = 0; at < map->count && map->ranges[at].start < range->start;)
		at++;
	if (!rc)
		rc = insert(map, at, range);
	if (!rc)
		join(map, at);
	return rc;
}

/* Between conventional and extended memory a PC has adapters and ROMs, whatever is behind it. */
static int put_legacy_hole(struct keg_memory_map *map)
{
	static const struct keg_boot_range hole = {
		KEG_BOOT_LOW_END, KEG_BOOT_HIGH_START - KEG_BOOT_LOW_END, KEG_MEMORY_RESERVED};

	return put(map, &hole);
}

static int put_regions(struct keg_memory_map *map, struct keg_mem *mem)
{
	const struct keg_region *region = keg_mem_next_region(mem, 0);
	int rc = 0;

	for (; region && !rc; region = keg_boot_region_after(mem, region)) {
		struct keg_boot_range range = {
			.start = keg_region_gpa(region),
			/* Not even up to 2^64, so that no end wraps. */
			.bytes = keg_region_bytes(region) <= UINT64_MAX - keg_region_gpa(region)
					 ? keg_region_bytes(region)
					 : UINT64_MAX - keg_region_gpa(region),
			.type = keg_boot_region_writable(region) ? KEG_MEMORY_USABLE
								 : KEG_MEMORY_RESERVED,
		};

		/* What is I/O is no memory. */
		if (keg_region_host(region))
			rc = put(map, &range);
	}
	return rc;
}

int keg_memory_map_make(struct keg_memory_map *map, const struct keg_boot_plan *plan)
{
	const struct keg_boot_config *config = plan->config;
	int rc;

	map->count = 0;
	rc = put_regions(map, plan->mem);
	if (!rc)
		rc = put_legacy_hole(map);
	for (size_t i = config->reserved_count; i-- > 0 && !rc;)
		rc = put(map, &config->reserved[i]);
	return rc;
}
