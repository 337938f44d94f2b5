/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the loaders: the first byte of the input chooses the machine and what the image is taken
 * for, the rest is the image. Guest memory is the tests', from the heap.
 */
#ifndef KEG_FUZZ_BOOT_H
#define KEG_FUZZ_BOOT_H

#include <elf.h>
#include <string.h>

#include <keg/error.h>

#include "../tests/boot/fake.c" /* not in libkeg: it takes the place of src/mem and src/arch */
#include "fuzzing.h"

enum { FUZZ_ARM64 = 1 << 6, FUZZ_AUTO = 1 << 7 };

/* What must hold of every image that is loaded. */
static inline void fuzz_check_entry(struct keg_mem *mem, const struct keg_boot_entry *entry)
{
	fuzz_check(entry->low < entry->high);
	fuzz_check(entry->pc >= entry->low && entry->pc < entry->high);
	fuzz_check(fake_at(mem, entry->pc, 1) != NULL);
	if (entry->stack)
		fuzz_check(fake_at(mem, entry->stack - 16384, 16384) != NULL);
	if (entry->args[1])
		fuzz_check(fake_at(mem, entry->args[1], 1) != NULL);
}

static inline void fuzz_load(const uint8_t *data, size_t size, enum keg_image_kind kind)
{
	static struct keg_mem mem;
	struct keg_boot_entry entry;
	struct keg_boot_config config = {
		.size = sizeof(config),
		.kind = size && *data & FUZZ_AUTO ? KEG_IMAGE_AUTO : kind,
		.command_line = "quiet",
		.image = data + 1,
		.image_bytes = size ? size - 1 : 0,
	};
	int rc;

	if (!mem.count)
		fake_pc(&mem);
	fake_machine = size && *data & FUZZ_ARM64 ? EM_AARCH64 : EM_X86_64;
	if (kind == KEG_IMAGE_MULTIBOOT && config.kind == kind && size) {
		config.initrd = data;
		config.initrd_bytes = size < 64 ? size : *data & 0x3f;
	}
	mem.written = 0;
	rc = keg_boot_load(&mem, &config, &entry);
	if (rc == 0) {
		fuzz_check_entry(&mem, &entry);
	} else {
		fuzz_check(rc < 0 && mem.written == 0);
		fuzz_check(keg_error_message()[0] != 0);
	}
}

#endif
