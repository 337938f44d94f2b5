/* SPDX-License-Identifier: MIT */
/* A flat image for real mode, like a boot sector: 512 bytes with its mark at the end. */
#include "machine.inc"

	.code16
_start:
	/* All segments are alike; where they begin does not matter. */
	cld
	call 1f
1:	popw %si
	addw $(text - 1b), %si
	movw $(text_end - text), %cx
	movw $UART, %dx
	rep outsb
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
2:	cli
	hlt
	jmp 2b

text:
	.ascii "real mode\n"
text_end:
	.org 510
	.byte 0x55, 0xaa
