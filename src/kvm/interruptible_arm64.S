/* SPDX-License-Identifier: MIT */
/* A system call that the kick signal ends without a race: interruptible.h. */
	.text
	.globl keg_interruptible_call, keg_interruptible_begin
	.globl keg_interruptible_syscall, keg_interruptible_end
	.hidden keg_interruptible_call, keg_interruptible_begin
	.hidden keg_interruptible_syscall, keg_interruptible_end

	.type keg_interruptible_call, %function
	.balign 16
keg_interruptible_call: /* flag, number, args */
	.cfi_startproc
	hint	#34 /* bti c */
	mov	x9, x0
	mov	x8, x1
	mov	x10, x2
	ldp	x0, x1, [x10]
	ldp	x2, x3, [x10, #16]
	ldp	x4, x5, [x10, #32]
keg_interruptible_begin:
	ldr	w11, [x9]
	cbnz	w11, keg_interruptible_end
keg_interruptible_syscall:
	svc	#0
	ret
keg_interruptible_end:
	mov	x0, #-4 /* -EINTR */
	ret
	.cfi_endproc
	.size keg_interruptible_call, . - keg_interruptible_call

	.section .note.GNU-stack, "", %progbits
