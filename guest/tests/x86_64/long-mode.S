/* SPDX-License-Identifier: MIT */
/* An ELF64 program: says so, prints its command line, and powers off. */
#include "machine.inc"

	.code64
_start:
	/* A stack is promised, aligned to 16 bytes, and the command line's address. */
	testl $15, %esp
	jnz failed
	pushq %rsi
	/* In 32-bit mode these would be other instructions. */
	cmpq %rsi, (%rsp)
	jne failed
	print text, text_end
	popq %rsi
	testq %rsi, %rsi
	jz 2f
	movl $UART, %edx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	movb $'\n', %al
	movl $UART, %edx
	outb %al, %dx
	power_off
failed:
	debug_exit 1

text:
	.ascii "long mode: "
text_end:
