/* SPDX-License-Identifier: MIT */
/* The vDSO as bytes of the library that shows it to programs. */
	.section .rodata
	.balign 16
	.globl keg_vdso_image, keg_vdso_image_end
	.hidden keg_vdso_image, keg_vdso_image_end
	.type keg_vdso_image, %object
keg_vdso_image:
	.incbin KEG_VDSO_IMAGE
keg_vdso_image_end:
	.size keg_vdso_image, . - keg_vdso_image

	.section .note.GNU-stack, "", %progbits
