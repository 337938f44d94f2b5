/* SPDX-License-Identifier: MIT */
/* The guest that is built in: an ELF image that guest/ makes, and the build puts into the program.
 */
#ifndef KEG_CLI_DEFAULT_GUEST_H
#define KEG_CLI_DEFAULT_GUEST_H

#include <stddef.h>
#include <stdint.h>

extern const unsigned char keg_default_guest[];
extern const unsigned char keg_default_guest_end[];

static inline const void *default_guest_bytes(void)
{
	return keg_default_guest;
}

static inline size_t default_guest_size(void)
{
	return (uintptr_t)keg_default_guest_end - (uintptr_t)keg_default_guest;
}

#endif
