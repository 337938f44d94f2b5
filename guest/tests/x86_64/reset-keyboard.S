/* SPDX-License-Identifier: MIT */
/* Resets through the keyboard controller: pulse output line 0. */
#include "machine.inc"

	.code32
_start:
	movb $0xfe, %al
	outb %al, $0x64
	stop
