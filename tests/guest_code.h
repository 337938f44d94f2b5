/* SPDX-License-Identifier: MIT */
/* Small guest programs for tests, one set for each architecture. They need no stack. */
#ifndef KEG_TESTS_GUEST_CODE_H
#define KEG_TESTS_GUEST_CODE_H

#include <stddef.h>
#include <stdint.h>

#include <keg/boot.h>

struct guest_code {
	const void *bytes;
	size_t size;
};

/* Where the programs expect no memory, for their memory-mapped I/O. */
extern const keg_gpa guest_mmio;

/* Goes round for ever. */
struct guest_code guest_spin(void);

/* Stores 1, 2, 3 … (4 bytes) at guest_mmio, for ever. */
struct guest_code guest_store(void);

/* Loads 4 bytes from guest_mmio, and stores them at guest_mmio + 16, for ever. */
struct guest_code guest_echo(void);

/*
 * Writes a byte to each page from 64 KiB above the start of memory on, as many as `guest_pages`,
 * and then stores to guest_mmio; for ever.
 */
enum { guest_pages = 16, guest_first_page = 16 };
struct guest_code guest_touch(void);

#endif
