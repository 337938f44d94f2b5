/* SPDX-License-Identifier: MIT */
/* Where the default guest's processors begin, and its interrupt handlers. */

#define STACK_BYTES 1024

	/* Multiboot 0.6.96, 3.1: page-aligned modules, and memory information. */
	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 3, -(0x1badb002 + 3)

	.macro load_segments
	movl $16, %ecx
	movl %ecx, %ds
	movl %ecx, %es
	movl %ecx, %fs
	movl %ecx, %gs
	movl %ecx, %ss
	.endm

	.text
	.code32
	.globl _start
_start:
	cli
	cld
	movl $first_stack_end, %esp
	pushl $0
	popfl
	pushl %ebx
	pushl %eax
	lgdt gdt_register
	ljmp $8, $1f
1:	load_segments
	call guest_main
2:	cli
	hlt
	jmp 2b

	/* Copied below 1 MiB: a processor begins it in real mode, with CS at its page. */
	.code16
	.globl trampoline, trampoline_end
trampoline:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl trampoline_gdt_register - trampoline
	movl %cr0, %eax
	orl $1, %eax
	movl %eax, %cr0
	ljmpl $8, $processor_start
	.balign 4
trampoline_gdt_register:
	.word gdt_end - gdt - 1
	.long gdt
trampoline_end:

	.code32
processor_start:
	load_segments
	movl $1, %eax
	lock xaddl %eax, processors
	/* %eax is this processor's number, from 1 on; it sleeps if there is no stack for it. */
	cmpl stack_count, %eax
	jae 3f
	movl %eax, %esp
	imull $STACK_BYTES, %esp
	addl stacks, %esp
	cld
	pushl %eax
	call processor_main
3:	cli
	hlt
	jmp 3b

	/*
	 * Interrupts: no register is changed. They return without iret, which KVM's emulator of
	 * instructions lacks in protected mode: flags first, then the return address, over the
	 * code segment and the flags that lie above it.
	 */
	.globl timer_stub, wake_stub, spurious_stub
timer_stub:
	incl ticks
wake_stub:
	movl $0, 0xfee000b0
spurious_stub:
	pushl 8(%esp)
	popfl
	ret $8

	/* Exceptions: none is expected. */
	.altmacro
	.macro exception number
exception_\number:
	pushl $\number
	jmp exception_common
	.endm
	.set number, 0
	.rept 32
	exception %number
	.set number, number + 1
	.endr
exception_common:
	pushl %esp
	call exception_report

	.section .rodata
	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 8: code, 0 to 4 GiB */
	.quad 0x00cf93000000ffff	/* 16: data, 0 to 4 GiB */
gdt_end:
gdt_register:
	.word gdt_end - gdt - 1
	.long gdt

	.balign 4
	.globl exception_stubs
	.macro stub_address number
	.long exception_\number
	.endm
exception_stubs:
	.set number, 0
	.rept 32
	stub_address %number
	.set number, number + 1
	.endr

	.data
	.balign 4
	.globl processors, stacks, stack_count, ticks
processors:
	.long 1
stacks:
	.long 0
stack_count:
	.long 1
ticks:
	.long 0

	.bss
	.balign 16
first_stack:
	.skip 4096
first_stack_end:

	.section .note.GNU-stack, "", @progbits
