/* SPDX-License-Identifier: MIT */
/*
 * A region of the map as it was found once, so that a device whose buffers lie close together need
 * not search the map, and take its lock, for each of them.
 */
#ifndef KEG_MEM_SPAN_H
#define KEG_MEM_SPAN_H

#include <stdatomic.h>

#include "mem/region.h"

/* All zero: nothing found yet. */
struct keg_span {
	uint64_t changes; /* of the map, when it was found: a later one makes it void */
	keg_gpa first;
	uint64_t bytes;
	uint8_t *host;
	bool writable;
};

/* Finds the region that holds `gpa`. Errors as keg_mem_slice() of one byte. */
int keg_mem_find_span(
	struct keg_mem *mem, keg_gpa gpa, enum keg_access access, struct keg_span *span);

/* A slice of `bytes` within the span, or NULL if it does not hold them all. */
static inline void *keg_span_slice(const struct keg_span *span, const struct keg_mem *mem,
	keg_gpa gpa, uint64_t bytes, enum keg_access access)
{
	const uint64_t offset = gpa - span->first;

	if (offset >= span->bytes || bytes > span->bytes - offset ||
		(access == KEG_ACCESS_WRITE && !span->writable) ||
		span->changes != atomic_load_explicit(&mem->changes, memory_order_acquire))
		return NULL;
	return span->host + offset;
}

#endif
