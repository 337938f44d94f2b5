/* SPDX-License-Identifier: MIT */
/* Halts with interrupts off: nothing can wake it. */
#include "machine.inc"

	.code32
_start:
	stop
