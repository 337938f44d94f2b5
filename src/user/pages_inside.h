/* SPDX-License-Identifier: MIT */
/* What an arena is made of: for pages.c, pages_run.c and pages_forget.c. */
#ifndef KEG_USER_PAGES_INSIDE_H
#define KEG_USER_PAGES_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "user/pages.h"

struct keg_pages {
	pthread_mutex_t lock;
	uint8_t *base;  /* page 0; aligned to a large page */
	uint32_t total; /* numbers are below; a multiple of KEG_LARGE */
	uint32_t limit; /* as many may be in use */
	uint32_t used, highest;
	uint32_t hint;      /* no page below is free */
	uint32_t stale;     /* free pages that the host still backs */
	_Atomic bool small; /* huge pages are too dear here */

	/* An errno: a translation could not be forgotten. From then on a page becomes free only
	 * with what the host backs it by. */
	_Atomic int unsound;

	/* A reference count that has reached UINT32_MAX stays there, and so does its page. */
	_Atomic uint32_t *references;
	/* A bit for each page: in use or about to become free; and: not known to be zero. */
	uint64_t *taken, *touched;
	uint64_t *whole; /* a bit for each large page: the host backs all of it */

	keg_pages_reclaimer *reclaim;
	void *reclaim_context;
};

static inline void *keg_pages_host(const struct keg_pages *pages, keg_page page)
{
	return pages->base + ((size_t)page << KEG_PAGE_SHIFT);
}

static inline bool keg_bit(const uint64_t *bits, uint32_t at)
{
	return bits[at / 64] >> at % 64 & 1;
}

/* Sets or clears `count` bits from `first` on. */
void keg_bits_fill(uint64_t *bits, uint32_t first, uint32_t count, bool value);
/* The first of [from, end) whose bit is `value`, or `end`. */
uint32_t keg_bits_find(const uint64_t *bits, uint32_t from, uint32_t end, bool value);

/* Numbers of free pages that follow one another; 0: there are none. The lock is held. */
keg_page keg_pages_find_run(struct keg_pages *pages, uint32_t count);
keg_page keg_pages_find_large(struct keg_pages *pages);

/* Cuts the range to the pages that there are; false if nothing is left of it. */
bool keg_pages_clip(const struct keg_pages *pages, keg_page first, uint32_t *count);

#endif
