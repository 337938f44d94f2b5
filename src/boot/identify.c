/* SPDX-License-Identifier: MIT */
/* What an image is, by its first bytes. */
#include "boot/elf.h"
#include "boot/multiboot.h"

enum keg_image_kind keg_image_identify(const void *image, size_t bytes)
{
	const unsigned char *ident = image;
	struct keg_multiboot_header header;

	if (!image)
		return KEG_IMAGE_FLAT;
	/* First, because such an image is most often an ELF file, too. */
	if (keg_multiboot_find(image, bytes, &header) == KEG_MULTIBOOT_FOUND)
		return KEG_IMAGE_MULTIBOOT;
	if (!keg_elf_is(image, bytes))
		return KEG_IMAGE_FLAT;
	/* A class that is neither is for the loader to refuse: no ELF file is a flat image. */
	return bytes > EI_CLASS && ident[EI_CLASS] == ELFCLASS32 ? KEG_IMAGE_ELF32
								 : KEG_IMAGE_ELF64;
}

const char *keg_image_kind_name(enum keg_image_kind kind)
{
	static const char *const names[] = {
		[KEG_IMAGE_AUTO] = "automatic",
		[KEG_IMAGE_ELF32] = "ELF32",
		[KEG_IMAGE_ELF64] = "ELF64",
		[KEG_IMAGE_MULTIBOOT] = "Multiboot",
		[KEG_IMAGE_FLAT] = "flat",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}
