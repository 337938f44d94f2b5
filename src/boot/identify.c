/* SPDX-License-Identifier: MIT */
/* What an image is, by its first bytes, and an ELF file by its notes. */
#include "boot/bzimage.h"
#include "boot/elf.h"
#include "boot/multiboot.h"

/* Kernels for a PC tell of themselves in notes. */
static enum keg_image_kind identify_elf(const void *image, size_t bytes)
{
	const unsigned char *ident = image;
	/* A class that is neither is for the loader to refuse: no ELF file is a flat image. */
	enum keg_image_kind kind = bytes > EI_CLASS && ident[EI_CLASS] == ELFCLASS32
					   ? KEG_IMAGE_ELF32
					   : KEG_IMAGE_ELF64;
	struct keg_elf_notes notes;
	struct keg_elf elf;

	/* Notes of a file that cannot be loaded do not count: it stays what the loader refuses. */
	if (keg_elf_open(&elf, image, bytes))
		return kind;
	if (elf.header.e_machine != EM_X86_64 && elf.header.e_machine != EM_386)
		return kind;
	keg_elf_read_notes(&elf, &notes);
	if (notes.is_linux && elf.is64)
		return KEG_IMAGE_LINUX;
	return notes.has_pvh_entry ? KEG_IMAGE_PVH : kind;
}

enum keg_image_kind keg_image_identify(const void *image, size_t bytes)
{
	struct keg_multiboot_header header;

	if (!image)
		return KEG_IMAGE_FLAT;
	if (keg_bzimage_is(image, bytes))
		return KEG_IMAGE_BZIMAGE;
	/* First, because such an image is most often an ELF file, too. */
	if (keg_multiboot_find(image, bytes, &header) == KEG_MULTIBOOT_FOUND)
		return KEG_IMAGE_MULTIBOOT;
	return keg_elf_is(image, bytes) ? identify_elf(image, bytes) : KEG_IMAGE_FLAT;
}

const char *keg_image_kind_name(enum keg_image_kind kind)
{
	static const char *const names[] = {
		[KEG_IMAGE_AUTO] = "automatic",
		[KEG_IMAGE_ELF32] = "ELF32",
		[KEG_IMAGE_ELF64] = "ELF64",
		[KEG_IMAGE_MULTIBOOT] = "Multiboot",
		[KEG_IMAGE_FLAT] = "flat",
		[KEG_IMAGE_BZIMAGE] = "bzImage",
		[KEG_IMAGE_LINUX] = "Linux",
		[KEG_IMAGE_PVH] = "PVH",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
