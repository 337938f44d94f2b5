/* SPDX-License-Identifier: MIT */
/* The features that CPUID's leaves tell of, bit by bit. */
#ifndef KEG_CLI_CPUID_NAMES_H
#define KEG_CLI_CPUID_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Numbers the registers as CPUID fills them. */
enum cpuid_register {
	CPUID_EAX,
	CPUID_EBX,
	CPUID_ECX,
	CPUID_EDX,
};

/* A register whose bits are features. */
struct cpuid_names {
	uint32_t function;
	uint32_t index;
	enum cpuid_register where;
	const char *names; /* of bit 0, 1, 2 …; "-" where a bit has no name */
};

/* Ends with one without names. */
extern const struct cpuid_names cpuid_names[];

#endif
