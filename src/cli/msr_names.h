/* SPDX-License-Identifier: MIT */
/* The names of MSRs. */
#ifndef KEG_CLI_MSR_NAMES_H
#define KEG_CLI_MSR_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Writes the name of an MSR, as its maker's manual has it; returns 0, or -1 if it is not known. */
int msr_name(uint32_t index, char *name, size_t size);

#endif
