/* SPDX-License-Identifier: MIT */
/* Kernels for the tests of the loaders: an ELF file as Linux's is built, and a bzImage around it.
 */
#ifndef KEG_TESTS_BOOT_KERNEL_H
#define KEG_TESTS_BOOT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "fake.h"
#include "pack.h"

/* Two segments, of which the second has memory without data; and notes. */
enum {
	KERNEL_TEXT = 0x200000,
	KERNEL_TEXT_BYTES = 0x18000,
	KERNEL_DATA = 0x220000,
	KERNEL_DATA_BYTES = 0x3000,
	KERNEL_MEMORY = 0x8000, /* of the second */
	KERNEL_PVH_ENTRY = 0x200850,
	KERNEL_NOTES = 0x400, /* where they are in the file */
	KERNEL_TEXT_OFFSET = 0x1000,
	KERNEL_DATA_OFFSET = 0x1a000,
	KERNEL_BYTES = KERNEL_DATA_OFFSET + KERNEL_DATA_BYTES + 0x100,
};

enum kernel_notes { NOTE_LINUX = 1, NOTE_PVH = 2, NOTE_OTHER = 4 };

/* The ELF file, into a buffer of KERNEL_BYTES. */
void kernel_make_elf(unsigned char *elf, unsigned int notes);

/* What guest memory must hold then. */
void kernel_check_loaded(struct keg_mem *mem);

/* A bzImage: 5 sectors of setup, then the kernel with `payload` in it. A new block. */
enum {
	BZIMAGE_SETUP = 5 * 512,
	BZIMAGE_PAYLOAD_OFFSET = 0x400,
	BZIMAGE_PREF_ADDRESS = 0x200000,
	BZIMAGE_INIT_SIZE = 0x100000,
};
unsigned char *kernel_make_bzimage(const void *payload, size_t payload_bytes, size_t *bytes);

/* With that ELF file in it, packed by the first packer there is. */
unsigned char *kernel_make_usual(const struct packer *packer, size_t *bytes);

/* A field of the setup header, little-endian, at its offset in the file. */
void put(unsigned char *image, size_t offset, uint64_t value, size_t bytes);
uint64_t get(const unsigned char *image, size_t offset, size_t bytes);

#endif
