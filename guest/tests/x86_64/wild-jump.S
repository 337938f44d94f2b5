/* SPDX-License-Identifier: MIT */
/* Jumps to where there is no memory: no instruction can be fetched. */
#include "machine.inc"

	.code32
_start:
	movl $0xf0000000, %eax
	jmp *%eax
