/* SPDX-License-Identifier: MIT */
/* Touches every port, and addresses without memory, in all widths, and is still there. */
#include "machine.inc"

	.code64
_start:
	print begin, begin_end

	/* Every port is read. */
	xorl %edx, %edx
1:	inb %dx, %al
	incw %dx
	jnz 1b

	/* Every 13th is read and, but for the debug exit and the UART, written in all widths. */
2:	inw %dx, %ax
	inl %dx, %eax
	leal -0xf1(%rdx), %ecx
	cmpl $(0xf7 - 0xf1), %ecx
	jbe 3f
	leal -(UART - 3)(%rdx), %ecx
	cmpl $10, %ecx
	jbe 3f
	xorl %eax, %eax
	outb %al, %dx
	outw %ax, %dx
	outl %eax, %dx
3:	addw $13, %dx
	jnc 2b

	/* Strings of all widths, on a port that nobody has. */
	cld
	movl $0x2e0, %edx
	movl $buffer, %edi
	movl $1024, %ecx
	rep insb
	movl $buffer, %edi
	movl $256, %ecx
	rep insl
	movl $buffer, %esi
	movl $512, %ecx
	rep outsw

	/* Between memory and the I/O APIC, aligned and not, across pages too. */
	movl $0xc0000ffe, %ebx
4:	movb (%rbx), %al
	movw (%rbx), %ax
	movl (%rbx), %eax
	movq (%rbx), %rax
	movb %al, (%rbx)
	movw %ax, (%rbx)
	movl %eax, (%rbx)
	movq %rax, (%rbx)
	addl $0x00101003, %ebx
	cmpl $0xfe000000, %ebx
	jb 4b

	print end, end_end
	power_off

begin:
	.ascii "wild\n"
begin_end:
end:
	.ascii "still here\n"
end_end:

	.bss
	.balign 16
buffer:
	.skip 1024
