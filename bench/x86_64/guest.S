/* SPDX-License-Identifier: MIT */
/* The guests, in real mode with all segments at 0: what runs the same on any KVM. */
#include "guest.h"

	.section .rodata
	.code16

	.globl guest_exits_begin, guest_exits_end
guest_exits_begin:
	mov	$GUEST_REGION_FIRST, %dx
1:	out	%al, %dx
	add	$GUEST_STRIDE, %dl		/* wraps within the 256 ports */
	jmp	1b
guest_exits_end:

	.globl guest_spin_begin, guest_spin_end
guest_spin_begin:
	incl	GUEST_COUNTER
	jmp	guest_spin_begin
guest_spin_end:

	.globl guest_writes_begin, guest_writes_end
guest_writes_begin:
	mov	$GUEST_WRITES, %cx
1:	mov	%ax, GUEST_PAGE
	loop	1b
	out	%al, $GUEST_DONE
	jmp	guest_writes_begin
guest_writes_end:

	.section .note.GNU-stack, "", @progbits
