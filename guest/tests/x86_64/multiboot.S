/* SPDX-License-Identifier: MIT */
/* A Multiboot kernel that prints its command line, and its module's string and bytes. */
#include "machine.inc"

	.section .multiboot, "a"
	.balign 4
	.long 0x1badb002, 3, -(0x1badb002 + 3)

	.text
	.code32
_start:
	movl $stack_end, %esp
	cmpl $0x2badb002, %eax
	jne failed
	/* The information has both a command line and modules. */
	movl (%ebx), %eax
	andl $0x0c, %eax
	cmpl $0x0c, %eax
	jne failed
	print line_text, line_text_end
	movl 16(%ebx), %esi
	call print_string
	print module_text, module_text_end
	movl 24(%ebx), %edi
	movl 8(%edi), %esi
	call print_string
	print bytes_text, bytes_text_end
	movl (%edi), %esi
	movl 4(%edi), %ecx
	subl %esi, %ecx
	movl $UART, %edx
	rep outsb
	power_off
failed:
	debug_exit 1

/* The string at esi, up to its 0. */
print_string:
	movl $UART, %edx
1:	lodsb
	testb %al, %al
	jz 2f
	outb %al, %dx
	jmp 1b
2:	ret

line_text:
	.ascii "command line: "
line_text_end:
module_text:
	.ascii "\nmodule: "
module_text_end:
bytes_text:
	.ascii "\nbytes: "
bytes_text_end:

	.bss
	.balign 16
	.skip 1024
stack_end:
