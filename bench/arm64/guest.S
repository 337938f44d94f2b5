/* SPDX-License-Identifier: MIT */
/* The guests, at EL1 with the MMU off. */
#include "guest.h"

	.section .rodata
	.balign	4

	.globl guest_exits_begin, guest_exits_end
guest_exits_begin:
	ldr	w1, 2f
	mov	w2, #0
1:	str	w0, [x1, x2]
	add	w2, w2, #GUEST_STRIDE * GUEST_REGION_BYTES
	and	w2, w2, #GUEST_REGIONS * GUEST_REGION_BYTES - 1
	b	1b
2:	.word	GUEST_REGION_FIRST
guest_exits_end:

	.globl guest_spin_begin, guest_spin_end
guest_spin_begin:
	ldr	w1, 2f
1:	ldr	w0, [x1]
	add	w0, w0, #1
	str	w0, [x1]
	b	1b
2:	.word	GUEST_MEMORY_START + GUEST_COUNTER
guest_spin_end:

	.globl guest_writes_begin, guest_writes_end
guest_writes_begin:
	ldr	w1, 3f
	ldr	w2, 4f
1:	mov	w3, #GUEST_WRITES
2:	str	w0, [x1]
	subs	w3, w3, #1
	b.ne	2b
	str	w0, [x2]
	b	1b
3:	.word	GUEST_PAGE
4:	.word	GUEST_DONE
guest_writes_end:

	.section .note.GNU-stack, "", @progbits
