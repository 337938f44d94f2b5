/* SPDX-License-Identifier: MIT */
/* Descriptor tables full of nonsense, and then an exception: nothing can handle it. */
#include "machine.inc"

	.code32
_start:
	lgdt gdt_register
	lidt idt_register
	ltr gdt_register
	movl $0xfff8, %eax
	movl %eax, %fs
	movl $0x28, %eax
	movl %eax, %gs
	ud2
	stop

	.balign 8
gdt_register:
	.word 0xfff9
	.long _start
idt_register:
	.word 0x07ff
	.long nonsense

	.data
nonsense:
	.fill 0x800, 1, 0xff
