/* SPDX-License-Identifier: MIT */
/* Multiboot 0.6.96: the header in an image, and the information that a kernel is given. */
#ifndef KEG_BOOT_MULTIBOOT_H
#define KEG_BOOT_MULTIBOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/plan.h"

/* Section 3.1.1: "Multiboot header", magic fields and address fields. */
struct keg_multiboot_header {
	uint32_t magic;
	uint32_t flags;
	uint32_t checksum;
	uint32_t header_addr;
	uint32_t load_addr;
	uint32_t load_end_addr;
	uint32_t bss_end_addr;
	uint32_t entry_addr;
	size_t offset; /* of the header in the image; not a field */
};

/* Section 3.1.2: flags. */
#define KEG_MULTIBOOT_ADDRESSES 0x00010000u

/* Section 3.2: what EAX holds. */
#define KEG_MULTIBOOT_EAX 0x2badb002u

enum keg_multiboot_found {
	KEG_MULTIBOOT_NONE,
	KEG_MULTIBOOT_BAD_CHECKSUM, /* something with the magic number, but no header */
	KEG_MULTIBOOT_FOUND,
};

/*
 * Copies the header of an image, the first whose checksum is right. The address fields are 0 where
 * the image ends before them, or where flag 16 does not say that they are there. No message.
 */
enum keg_multiboot_found keg_multiboot_find(
	const void *image, size_t bytes, struct keg_multiboot_header *header);

/*
 * Adds to the plan what the kernel is told: memory, command line, modules; sets the entry's
 * registers. The kernel itself must be in the plan already.
 */
int keg_multiboot_plan_info(struct keg_boot_plan *plan);

#endif
