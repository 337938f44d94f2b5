/* SPDX-License-Identifier: MIT */
/* A flat image, at whatever address it was put. */
#include "machine.inc"

_start:
	print text
	firmware SYSTEM_OFF

text:
	.asciz "flat image\n"
	.balign 4
