/* SPDX-License-Identifier: MIT */
/* Powers off. */
#include "machine.inc"

_start:
	firmware SYSTEM_OFF
