/* SPDX-License-Identifier: MIT */
/* ELF files: their headers, checked, in one form for 32 and 64 bits. */
#ifndef KEG_BOOT_ELF_H
#define KEG_BOOT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

#include "boot/plan.h"

/* A file that is being read: `header` is a checked copy. */
struct keg_elf {
	const unsigned char *image;
	size_t bytes;       /* of `image` */
	uint64_t all_bytes; /* of the file: more, if only its beginning is there */
	bool is64;
	Elf64_Ehdr header;
};

/* Whether it begins as an ELF file does. */
bool keg_elf_is(const void *image, size_t bytes);

/*
 * Copies the file's header and checks it. -ENOEXEC what is wrong with it; -ENOTSUP it is for
 * another architecture, or no program that stands alone
 */
int keg_elf_open(struct keg_elf *elf, const void *image, size_t bytes);

/* The same, of a file whose first `bytes` bytes are there: its headers must be. */
int keg_elf_open_head(struct keg_elf *elf, const void *image, size_t bytes, uint64_t all_bytes);

/* Copies the program header `index`, widened, and checks what it says of the file. -ENOEXEC */
int keg_elf_segment(const struct keg_elf *elf, unsigned int index, Elf64_Phdr *segment);

/* Adds the file's segments to the plan (without data, if it is not there) and finds the physical
 * address of its entry. */
int keg_elf_plan_segments(struct keg_boot_plan *plan, const struct keg_elf *elf);

/* What the notes of a file say of it (elf_notes.c). */
struct keg_elf_notes {
	bool is_linux;      /* a note's owner is Linux */
	bool has_pvh_entry; /* the physical address of an entry for PVH */
	uint64_t pvh_entry;
};

/* Reads the notes of a file that is all there; damaged ones end the search. */
void keg_elf_read_notes(const struct keg_elf *elf, struct keg_elf_notes *notes);

#endif
