/* SPDX-License-Identifier: MIT */
/*
 * The memory test of the default guests: pages all over memory, each written by one processor and
 * then read by another.
 */
#ifndef GUEST_PAGES_H
#define GUEST_PAGES_H

#include <stdint.h>

enum { PAGE = 4096 };

/* How many pages there are to choose from; then they are named, piece by piece. */
void pages_begin(uint32_t total);
void pages_add(uintptr_t start, uint32_t count);

/* One processor's share of `processors`: it writes its own pages, or checks those that the next one
 * wrote, of which it returns how many words are right. */
void pages_write(uint32_t processor, uint32_t processors);
uint32_t pages_check(uint32_t processor, uint32_t processors);

/* What came of it: `right` words, all shares together. */
void pages_verdict(uint32_t right, uint32_t processors);

#endif
