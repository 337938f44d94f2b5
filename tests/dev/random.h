/* SPDX-License-Identifier: MIT */
/* Numbers that look random and are the same in each run (xorshift64*, Vigna 2016). */
#ifndef KEG_TESTS_DEV_RANDOM_H
#define KEG_TESTS_DEV_RANDOM_H

#include <stdint.h>

static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dU;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((random_next(state) >> 32) % limit);
}

#endif
