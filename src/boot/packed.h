/* SPDX-License-Identifier: MIT */
/*
 * An ELF kernel that is packed: its headers are unpacked first, so that its segments can join a
 * plan; the rest straight into guest memory when the plan is carried out. Only then a kernel that
 * is damaged further on is found out.
 */
#ifndef KEG_BOOT_PACKED_H
#define KEG_BOOT_PACKED_H

#include "boot/elf.h"
#include "boot/plan.h"
#include "boot/unpack.h"

struct keg_packed {
	struct keg_unpack unpack;
	struct keg_elf elf;
	size_t count;
	struct {
		unsigned int index; /* of the program header */
		Elf64_Phdr header;
	} segments[KEG_BOOT_SEGMENTS]; /* with data, sorted by their place in the file */
};

/*
 * Opens packed data, and adds the ELF file's segments to the plan, whose own `packed` is: the plan
 * releases it. Errors are those of keg_unpack_open() and keg_elf_open().
 */
int keg_packed_plan(struct keg_boot_plan *plan, const void *data, size_t bytes);

/* Puts the segments into guest memory. -ENOEXEC the packed data is damaged; -ENOMEM */
int keg_packed_unpack(struct keg_packed *packed, struct keg_mem *mem);

/* NULL is allowed. */
void keg_packed_free(struct keg_packed *packed);

#endif
