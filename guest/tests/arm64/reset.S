/* SPDX-License-Identifier: MIT */
/* Resets. */
#include "machine.inc"

_start:
	firmware RESET
