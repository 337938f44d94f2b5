/* SPDX-License-Identifier: MIT */
/*
 * A machine for the loaders without KVM: guest memory in which each region is a block of the heap
 * by itself, so that AddressSanitizer sees the first byte beyond it; and an architecture that notes
 * what it is asked for.
 */
#ifndef KEG_TESTS_BOOT_FAKE_H
#define KEG_TESTS_BOOT_FAKE_H

#include <keg/boot.h>

enum { FAKE_REGIONS = 8, FAKE_TABLES = 6 * 4096 };

struct keg_region {
	keg_gpa gpa;
	uint64_t bytes;
	uint32_t flags;
	unsigned char *host;
};

struct keg_mem {
	struct keg_region regions[FAKE_REGIONS]; /* sorted by address */
	size_t count;
	uint64_t written; /* bytes, by keg_mem_write() and keg_mem_fill() */
};

enum fake_backing { FAKE_RAM, FAKE_ROM, FAKE_NOTHING };

/* Regions are added from the lowest address on. Memory is filled with 0xaa. */
void fake_add(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes, enum fake_backing backing);
void fake_free(struct keg_mem *mem);

/* Where [gpa, gpa + bytes) is, or NULL. */
unsigned char *fake_at(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes);

/* The machine of most tests: 640 KiB, a ROM, then 1 MiB to 5 MiB. */
void fake_pc(struct keg_mem *mem);

/* What the architecture answers: EM_X86_64 (and EM_386) or EM_AARCH64. */
extern uint16_t fake_machine;

#endif
