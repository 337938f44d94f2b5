/* SPDX-License-Identifier: MIT */
/* A kernel's ELF file that is loaded into a PC's memory, for tests of what comes of it. */
#ifndef KEG_TESTS_BOOT_LOADING_H
#define KEG_TESTS_BOOT_LOADING_H

#include "testing.h"

#include "kernel.h"

static struct keg_mem mem;
static unsigned char elf[KERNEL_BYTES];
static struct keg_boot_config config;
static struct keg_boot_entry entry;

/* Loads it; *told is what the kernel is told, of `bytes` bytes, or NULL if that fails. */
static inline int load_kernel(const unsigned char **told, uint64_t bytes)
{
	int rc;

	memset(&entry, 0xee, sizeof(entry));
	mem.written = 0;
	rc = keg_boot_load(&mem, &config, &entry);
	*told = rc ? NULL : fake_at(&mem, entry.args[1], bytes);
	return rc;
}

static inline int set_up_kernel(unsigned int notes)
{
	fake_pc(&mem);
	kernel_make_elf(elf, notes);
	config = (struct keg_boot_config){
		.size = sizeof(config),
		.image = elf,
		.image_bytes = sizeof(elf),
	};
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	return 0;
}

#endif
