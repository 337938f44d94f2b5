/* SPDX-License-Identifier: MIT */
/* The default guest as bytes of the program that runs it. */
	.section .rodata
	.balign 16
	.globl keg_default_guest, keg_default_guest_end
	.hidden keg_default_guest, keg_default_guest_end
	.type keg_default_guest, %object
keg_default_guest:
	.incbin KEG_DEFAULT_GUEST
keg_default_guest_end:
	.size keg_default_guest, . - keg_default_guest

	.section .note.GNU-stack, "", %progbits
