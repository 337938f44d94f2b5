/* SPDX-License-Identifier: MIT */
/* What a call looks like on x86-64. */
#include "fault/sites.h"

#include <string.h>

bool fault_is_call(const uint8_t *at, uintptr_t *target, const void **site)
{
	/* SDM volume 2, CALL: the displacement is from the next instruction. */
	enum { CALL_REL32 = 0xe8, LENGTH = 5 };
	int32_t displacement;

	if (*at != CALL_REL32)
		return false;
	memcpy(&displacement, at + 1, sizeof(displacement));
	*site = at + LENGTH;
	*target = (uintptr_t)*site + (uintptr_t)(intptr_t)displacement;
	return true;
}
