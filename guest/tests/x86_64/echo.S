/* SPDX-License-Identifier: MIT */
/* Sends back what it reads from the serial port by interrupts, until it reads a q. */
#include "machine.inc"

	.code32
_start:
	movl $stack_end, %esp
	lgdt gdt_register
	ljmp $8, $1f
1:	lidt idt_register
	/* The gate for interrupt 4, which the master 8259 makes vector 0x24. */
	movl $receive, %eax
	movw %ax, idt + 8 * 0x24
	movw $8, idt + 8 * 0x24 + 2
	movw $0x8e00, idt + 8 * 0x24 + 4
	shrl $16, %eax
	movw %ax, idt + 8 * 0x24 + 6
	/* Both 8259s: vectors from 0x20 on, in cascade, all off but interrupt 4. */
	movl $commands, %esi
2:	movzwl (%esi), %edx
	movb 2(%esi), %al
	outb %al, %dx
	addl $3, %esi
	cmpl $commands_end, %esi
	jne 2b
	print ready, ready_end
	/* Received data interrupts; DTR, RTS, and OUT2, which lets the interrupt out. */
	movl $(UART + 4), %edx
	movb $0x0b, %al
	outb %al, %dx
	movl $(UART + 1), %edx
	movb $1, %al
	outb %al, %dx
3:	sti
	hlt
	cli
	cmpb $0, finished
	je 3b
	power_off

/* Interrupt 4. Returns without iret, which KVM's emulator lacks in protected mode. */
receive:
	pushl %eax
	pushl %edx
4:	movl $(UART + 5), %edx
	inb %dx, %al
	testb $1, %al
	jz 5f
	movl $UART, %edx
	inb %dx, %al
	outb %al, %dx
	cmpb $'q', %al
	jne 4b
	movb $1, finished
	jmp 4b
5:	movb $0x20, %al
	outb %al, $0x20
	popl %edx
	popl %eax
	pushl 8(%esp)
	popfl
	ret $8

	.macro command port, value
	.word \port
	.byte \value
	.endm
commands:
	command 0x20, 0x11
	command 0x21, 0x20
	command 0x21, 0x04
	command 0x21, 0x01
	command 0xa0, 0x11
	command 0xa1, 0x28
	command 0xa1, 0x02
	command 0xa1, 0x01
	command 0x21, 0xef
	command 0xa1, 0xff
commands_end:

ready:
	.ascii "ready\n"
ready_end:

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
gdt_register:
	.word gdt_register - gdt - 1
	.long gdt
idt_register:
	.word 8 * 0x30 - 1
	.long idt

	.bss
finished:
	.skip 1
	.balign 16
idt:
	.skip 8 * 0x30
	.skip 1024
stack_end:
