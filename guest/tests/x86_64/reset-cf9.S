/* SPDX-License-Identifier: MIT */
/* Resets through the chipset's reset control register. */
#include "machine.inc"

	.code32
_start:
	movl $0xcf9, %edx
	movb $0x06, %al
	outb %al, %dx
	stop
