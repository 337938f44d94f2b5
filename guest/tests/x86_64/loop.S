/* SPDX-License-Identifier: MIT */
/* Runs for ever, and never exits. */
#include "machine.inc"

	.code32
_start:
	jmp _start
