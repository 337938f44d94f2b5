/* SPDX-License-Identifier: MIT */
/* The memory map, from within. */
#ifndef KEG_MEM_MAP_H
#define KEG_MEM_MAP_H

#include "mem/region.h"

/* Puts a finished region into the map, and into the guest if the machine has started. */
int keg_mem_insert(struct keg_mem *mem, struct keg_region *region);

#endif
