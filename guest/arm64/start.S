/* SPDX-License-Identifier: MIT */
/* Where the default guest's processors begin, its exception vectors, and calls of firmware. */

#define STACK_BYTES 1024

	.text
	.globl _start
_start:
	ldr x9, =first_stack_end
	mov sp, x9
	ldr x9, =vectors
	msr vbar_el1, x9
	isb
	bl guest_main
1:	wfi
	b 1b

	/* PSCI CPU_ON begins here, with x0 as it was asked to be: the processor's number. */
	.globl processor_start
processor_start:
	ldr x9, =vectors
	msr vbar_el1, x9
	isb
	ldr x9, =stacks
	ldr x9, [x9]
	mov x10, #STACK_BYTES
	add x11, x0, #1
	madd x9, x11, x10, x9
	mov sp, x9
	bl processor_main
2:	wfi
	b 2b

	/* struct answer hypercall(function, a, b, c): the answer's address is in x8. */
	.globl hypercall
hypercall:
	stp x8, x30, [sp, #-16]!
	hvc #0
	ldp x8, x30, [sp], #16
	stp x0, x1, [x8]
	stp x2, x3, [x8, #16]
	ret

	/* Arm ARM (DDI 0487), D1.3.1.5: 16 vectors of 128 bytes. Those with SP_EL1 are used. */
	.macro vector target
	.balign 128
	b \target
	.endm

	.balign 2048
vectors:
	.rept 4
	vector unexpected
	.endr
	vector synchronous
	vector interrupt
	.rept 10
	vector unexpected
	.endr

	/* What C code may change is saved; the frame is 21 * 8 bytes, and aligned. */
	.macro save
	sub sp, sp, #176
	stp x0, x1, [sp, #0]
	stp x2, x3, [sp, #16]
	stp x4, x5, [sp, #32]
	stp x6, x7, [sp, #48]
	stp x8, x9, [sp, #64]
	stp x10, x11, [sp, #80]
	stp x12, x13, [sp, #96]
	stp x14, x15, [sp, #112]
	stp x16, x17, [sp, #128]
	stp x18, x30, [sp, #144]
	.endm

	.macro restore
	ldp x0, x1, [sp, #0]
	ldp x2, x3, [sp, #16]
	ldp x4, x5, [sp, #32]
	ldp x6, x7, [sp, #48]
	ldp x8, x9, [sp, #64]
	ldp x10, x11, [sp, #80]
	ldp x12, x13, [sp, #96]
	ldp x14, x15, [sp, #112]
	ldp x16, x17, [sp, #128]
	ldp x18, x30, [sp, #144]
	add sp, sp, #176
	.endm

synchronous:
	save
	bl synchronous_exception
	restore
	eret

interrupt:
	save
	bl interrupt_taken
	restore
	eret

unexpected:
	bl unexpected_exception
3:	wfi
	b 3b

	.data
	.balign 8
	.globl stacks
stacks:
	.quad 0

	.bss
	.balign 16
	.skip 4096
first_stack_end:

	.section .note.GNU-stack, "", %progbits
