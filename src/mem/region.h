/* SPDX-License-Identifier: MIT */
/* Regions of a memory map, from within. */
#ifndef KEG_MEM_REGION_H
#define KEG_MEM_REGION_H

#include <stdatomic.h>

#include <keg/mem.h>

#include "base/ranges.h"

struct keg_mem {
	struct keg_vm *vm;
	pthread_mutex_t lock; /* guards changes; finding needs ranges' own lock only */
	bool live;            /* the machine has started: changes reach KVM at once */
	struct keg_ranges ranges;
	_Atomic uint64_t changes; /* how often what is where has changed: see span.h */
};

struct keg_region {
	struct keg_mem *mem;
	keg_gpa gpa;
	uint64_t bytes;
	enum keg_backing backing;
	uint32_t flags;
	uint8_t *host;
	bool owned;           /* `host` was mapped here, and is unmapped here */
	int fd;               /* the memfd, or -1 */
	struct keg_slot slot; /* once KVM has it */
	char name[32];
};

/* Makes the host memory that a configuration asks for. 0 or a negative errno, with a message. */
int keg_backing_create(struct keg_region *region, const struct keg_region_config *config);

/* Releases what keg_backing_create() made. */
void keg_backing_destroy(struct keg_region *region);

/* The bytes that a region's addresses and size must be multiples of. */
uint64_t keg_backing_alignment(uint32_t flags);

/* Whether KVM hears of a region at all. */
static inline bool keg_region_is_kvm(const struct keg_region *region)
{
	return region->host && !(region->flags & KEG_REGION_NOT_KVM);
}

#endif
