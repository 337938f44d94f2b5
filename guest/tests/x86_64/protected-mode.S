/* SPDX-License-Identifier: MIT */
/* An ELF32 program that is no Multiboot kernel: it says so and powers off. */
#include "machine.inc"

	.code32
_start:
	/* A stack is promised. */
	pushl $text
	popl %eax
	print text, text_end
	power_off

text:
	.ascii "protected mode\n"
text_end:
