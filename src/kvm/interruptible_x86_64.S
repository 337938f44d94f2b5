/* SPDX-License-Identifier: MIT */
/* A system call that the kick signal ends without a race: interruptible.h. */
	.text
	.globl keg_interruptible_call, keg_interruptible_begin
	.globl keg_interruptible_syscall, keg_interruptible_end
	.hidden keg_interruptible_call, keg_interruptible_begin
	.hidden keg_interruptible_syscall, keg_interruptible_end

	.type keg_interruptible_call, @function
	.balign 16
keg_interruptible_call: /* flag, number, args */
	.cfi_startproc
	endbr64
	mov	%rdi, %rcx
	mov	%rsi, %rax
	mov	%rdx, %r11
	mov	0(%r11), %rdi
	mov	8(%r11), %rsi
	mov	16(%r11), %rdx
	mov	24(%r11), %r10
	mov	32(%r11), %r8
	mov	40(%r11), %r9
keg_interruptible_begin:
	cmpl	$0, (%rcx)
	jne	keg_interruptible_end
keg_interruptible_syscall:
	syscall
	ret
keg_interruptible_end:
	mov	$-4, %rax /* -EINTR */
	ret
	.cfi_endproc
	.size keg_interruptible_call, . - keg_interruptible_call

	.section .note.GNU-stack, "", @progbits
