/* SPDX-License-Identifier: MIT */
/* Touches addresses without memory, in all widths, and is still there. */
#include "machine.inc"

_start:
	print begin
	mov x0, #0x0b000000
	mov x1, #0x3f000000
	ldr x2, =0x111008
1:	ldrb w3, [x0]
	ldrh w3, [x0]
	ldr w3, [x0]
	ldr x3, [x0]
	ldrsb x4, [x0, #1]
	ldrsw x4, [x0, #4]
	strb w3, [x0, #7]
	strh w3, [x0, #6]
	str w3, [x0, #4]
	str x3, [x0]
	add x0, x0, x2
	cmp x0, x1
	b.lo 1b
	print end
	firmware SYSTEM_OFF

begin:
	.asciz "wild\n"
end:
	.asciz "still here\n"
	.balign 4
