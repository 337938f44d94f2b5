/* SPDX-License-Identifier: MIT */
/* Waits for an interrupt with none that could come: nothing can wake it. */
#include "machine.inc"

_start:
	msr daifset, #15
1:	wfi
	b 1b
