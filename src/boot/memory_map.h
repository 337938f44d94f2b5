/* SPDX-License-Identifier: MIT */
/*
 * The memory map that a PC's kernel is told of (ACPI 6.4, section 15, "System Address Map
 * Interfaces", which E820 gave its name to): sorted, without overlaps.
 */
#ifndef KEG_BOOT_MEMORY_MAP_H
#define KEG_BOOT_MEMORY_MAP_H

#include "boot/plan.h"

/* As many as Linux's boot_params has room for. */
enum { KEG_MEMORY_MAP_RANGES = 128 };

/* ACPI 6.4, table 15.14: address range types. */
enum { KEG_MEMORY_USABLE = 1, KEG_MEMORY_RESERVED = 2 };

struct keg_memory_map {
	size_t count;
	struct keg_boot_range ranges[KEG_MEMORY_MAP_RANGES];
};

/*
 * What the machine's regions make, with what a PC reserves below 1 MiB and what the configuration
 * reserves in their place: of two that overlap the first in the configuration counts.
 * -EINVAL there are too many ranges
 */
int keg_memory_map_make(struct keg_memory_map *map, const struct keg_boot_plan *plan);

#endif
