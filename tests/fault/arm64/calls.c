/* SPDX-License-Identifier: MIT */
/* What a call looks like on arm64. */
#include "fault/sites.h"

#include <string.h>

bool fault_is_call(const uint8_t *at, uintptr_t *target, const void **site)
{
	/* Arm ARM, C6.2, BL: 26 bits of displacement from the instruction itself, in words. */
	const uint32_t opcode = 0x94000000, mask = 0xfc000000;
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	if ((uintptr_t)at % sizeof(word) || (word & mask) != opcode)
		return false;
	*site = at + sizeof(word);
	/* The sign is brought to the top, and back down with the factor 4. */
	*target = (uintptr_t)at + (uintptr_t)(intptr_t)((int32_t)(word << 6) >> 4);
	return true;
}
