/* SPDX-License-Identifier: MIT */
/* An ELF64 program: says so, prints its command line, and powers off. */
#include "machine.inc"

_start:
	mov x20, x1
	/* A stack is promised, aligned to 16 bytes. */
	str x20, [sp, #-16]!
	print text
	ldr x0, [sp], #16
	cbz x0, 2f
	mov x1, #UART
1:	ldrb w2, [x0], #1
	cbz w2, 2f
	strb w2, [x1]
	b 1b
2:	print newline
	firmware SYSTEM_OFF

text:
	.asciz "hello: "
newline:
	.asciz "\n"
	.balign 4
