/* SPDX-License-Identifier: MIT */
/* A flat image for 64-bit mode, at whatever address it was put. */
#include "machine.inc"

	.code64
_start:
	leaq text(%rip), %rsi
	movl $(text_end - text), %ecx
	movl $UART, %edx
	rep outsb
	power_off

text:
	.ascii "flat image\n"
text_end:
