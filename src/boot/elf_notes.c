/* SPDX-License-Identifier: MIT */
/*
 * Notes in ELF files ("System V Application Binary Interface", chapter 5, "Note Section"): who made
 * a kernel, and where Xen's and others' direct boot enters it (Xen, "x86/HVM direct boot ABI").
 */
#include <string.h>

#include "boot/elf.h"

/* Xen, public/elfnote.h. */
enum { XEN_ELFNOTE_PHYS32_ENTRY = 18 };

/* A kernel has some twenty. */
enum { MOST_NOTES = 256 };

/* How far a name or a description reaches, of the bytes that are left. */
static uint64_t padded(uint64_t bytes, uint64_t alignment)
{
	return (bytes + alignment - 1) & ~(alignment - 1);
}

static void read_note(struct keg_elf_notes *notes, const Elf64_Nhdr *note,
	const unsigned char *name, const unsigned char *description)
{
	uint64_t wide = 0;

	if (note->n_namesz == sizeof("Linux") && memcmp(name, "Linux", sizeof("Linux")) == 0)
		notes->is_linux = true;
	if (note->n_type != XEN_ELFNOTE_PHYS32_ENTRY || note->n_namesz != sizeof("Xen") ||
		memcmp(name, "Xen", sizeof("Xen")) != 0)
		return;
	/* It is as wide as the file's addresses, and the first counts. */
	if (notes->has_pvh_entry || (note->n_descsz != 4 && note->n_descsz != 8))
		return;
	memcpy(&wide, description, note->n_descsz);
	notes->has_pvh_entry = true;
	notes->pvh_entry = wide;
}

static void read_segment(
	const unsigned char *at, uint64_t left, uint64_t alignment, struct keg_elf_notes *notes)
{
	for (int i = 0; i < MOST_NOTES && left >= sizeof(Elf64_Nhdr); i++) {
		Elf64_Nhdr note;
		uint64_t name, all;

		/* Both classes have the same header. */
		memcpy(&note, at, sizeof(note));
		name = sizeof(note) + padded(note.n_namesz, alignment);
		all = name + padded(note.n_descsz, alignment);
		if (sizeof(note) + note.n_namesz > left || name > left ||
			name + note.n_descsz > left)
			return;
		read_note(notes, &note, at + sizeof(note), at + name);
		if (all > left)
			return;
		at += all;
		left -= all;
	}
}

void keg_elf_read_notes(const struct keg_elf *elf, struct keg_elf_notes *notes)
{
	*notes = (struct keg_elf_notes){.is_linux = false};
	for (unsigned int i = 0; i < elf->header.e_phnum; i++) {
		Elf64_Phdr segment;

		if (keg_elf_segment(elf, i, &segment))
			return;
		if (segment.p_type == PT_NOTE && segment.p_offset <= elf->bytes &&
			segment.p_filesz <= elf->bytes - segment.p_offset)
			read_segment(elf->image + segment.p_offset, segment.p_filesz,
				segment.p_align == 8 ? 8 : 4, notes);
	}
}
