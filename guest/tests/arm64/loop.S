/* SPDX-License-Identifier: MIT */
/* Runs for ever, and never exits. */
#include "machine.inc"

_start:
	b _start
