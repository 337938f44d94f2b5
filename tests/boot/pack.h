/* SPDX-License-Identifier: MIT */
/* Packs data as Linux packs its kernels, with the libraries themselves. */
#ifndef KEG_TESTS_BOOT_PACK_H
#define KEG_TESTS_BOOT_PACK_H

#include <stddef.h>
#include <stdint.h>

struct packer {
	const char *name;
	/* A new block with the packed data, and the size at its end that a payload has. */
	unsigned char *(*pack)(const void *data, size_t bytes, size_t *packed_bytes);
};

/* Those that are built in; a NULL name ends them. */
extern const struct packer packers[];

/* Writes a little-endian number. */
static inline void put32(unsigned char *at, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> 8 * i);
}

#endif
