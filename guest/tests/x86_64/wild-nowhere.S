/* SPDX-License-Identifier: MIT */
/* Descriptor tables where there is no memory, and then an exception: it may never end. */
#include "machine.inc"

	.code32
_start:
	lgdt gdt_register
	lidt idt_register
	movl $0xfff8, %eax
	movl %eax, %fs
	movl $0x28, %eax
	movl %eax, %gs
	ud2
	stop

	.balign 8
gdt_register:
	.word 0xffff
	.long 0xdeadb000
idt_register:
	.word 0x07ff
	.long 0xfffff000
