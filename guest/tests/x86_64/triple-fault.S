/* SPDX-License-Identifier: MIT */
/* An exception without a descriptor for it, nor for the double fault. */
#include "machine.inc"

	.code32
_start:
	lidt nothing
	ud2
	stop

nothing:
	.word 0
	.long 0
