/* SPDX-License-Identifier: MIT */
/* Multiboot 0.6.96 kernels, ELF files or images with addresses of their own. */
#include "boot/multiboot.h"

#include <inttypes.h>
#include <string.h>

#include "arch/arch.h"
#include "base/error.h"
#include "boot/elf.h"

#define MAGIC 0x1badb002u

/* Section 3.1: the header lies wholly in this much of the image. */
#define SEARCHED 8192

/* Section 3.1.2: bits 0 to 15 are requirements; of these, 0 to 2 have a meaning. A video mode is a
 * wish, which a machine without a display does not grant. */
#define REQUIREMENTS 0x0000ffffu
#define KNOWN        0x00000007u

/* The fields that every header has, and those with addresses. */
#define MAGIC_FIELDS   offsetof(struct keg_multiboot_header, header_addr)
#define ADDRESS_FIELDS offsetof(struct keg_multiboot_header, offset)

enum keg_multiboot_found keg_multiboot_find(
	const void *image, size_t bytes, struct keg_multiboot_header *header)
{
	size_t searched = bytes < SEARCHED ? bytes : SEARCHED;
	enum keg_multiboot_found found = KEG_MULTIBOOT_NONE;
	const unsigned char *at = image;

	_Static_assert(ADDRESS_FIELDS == 32, "the fields lie as in the image");
	for (size_t i = 0; i + MAGIC_FIELDS <= searched; i += 4) {
		memset(header, 0, sizeof(*header));
		memcpy(header, at + i, MAGIC_FIELDS);
		if (header->magic != MAGIC)
			continue;
		found = KEG_MULTIBOOT_BAD_CHECKSUM;
		if (header->magic + header->flags + header->checksum != 0)
			continue;
		header->offset = i;
		if (header->flags & KEG_MULTIBOOT_ADDRESSES && i + ADDRESS_FIELDS <= searched)
			memcpy(&header->header_addr, at + i + MAGIC_FIELDS,
				ADDRESS_FIELDS - MAGIC_FIELDS);
		return KEG_MULTIBOOT_FOUND;
	}
	return found;
}

static int find_header(const struct keg_boot_config *config, struct keg_multiboot_header *header)
{
	switch (keg_multiboot_find(config->image, config->image_bytes, header)) {
	case KEG_MULTIBOOT_NONE:
		return keg_fail(ENOEXEC,
			"Multiboot: no magic 0x%08x on a 4-byte boundary in the first %d bytes",
			MAGIC, SEARCHED);
	case KEG_MULTIBOOT_BAD_CHECKSUM:
		return keg_fail(ENOEXEC,
			"Multiboot: checksum: magic, flags and checksum do not add up to 0");
	default:
		break;
	}
	if (header->flags & REQUIREMENTS & ~KNOWN)
		return keg_fail(ENOEXEC,
			"Multiboot: flags 0x%08" PRIx32
			" require what keg does not know (0x%08" PRIx32 ")",
			header->flags, header->flags & REQUIREMENTS & ~KNOWN);
	return 0;
}

/* Section 3.1.3: how the address fields contradict the image or each other, or NULL. */
static const char *address_fault(
	const struct keg_multiboot_header *header, uint64_t start, uint64_t bytes, uint64_t file)
{
	if (start > file || bytes > file - start)
		return "load_end_addr is beyond the end of the file";
	if (bytes == 0)
		return "load_end_addr: there is nothing to load";
	if (header->bss_end_addr && header->bss_end_addr < header->load_addr + bytes)
		return "bss_end_addr is below the end of what is loaded";
	return NULL;
}

static int check_address_fields(
	const struct keg_boot_config *config, const struct keg_multiboot_header *header)
{
	if (config->image_bytes < header->offset + ADDRESS_FIELDS ||
		header->offset + ADDRESS_FIELDS > SEARCHED)
		return keg_fail(ENOEXEC,
			"Multiboot: flag 16 says that there are address fields, but the image or "
			"its first %d bytes end before them",
			SEARCHED);
	if (header->load_addr > header->header_addr)
		return keg_fail(ENOEXEC,
			"Multiboot: load_addr 0x%" PRIx32 " is above header_addr 0x%" PRIx32,
			header->load_addr, header->header_addr);
	if (header->header_addr - header->load_addr > header->offset)
		return keg_fail(ENOEXEC,
			"Multiboot: load_addr 0x%" PRIx32 " lies before the beginning of the file: "
			"the header, at 0x%" PRIx32 ", is at offset 0x%zx",
			header->load_addr, header->header_addr, header->offset);
	if (header->load_end_addr && header->load_end_addr < header->load_addr)
		return keg_fail(ENOEXEC,
			"Multiboot: load_end_addr 0x%" PRIx32 " is below load_addr 0x%" PRIx32,
			header->load_end_addr, header->load_addr);
	return 0;
}

/* Loads the image by the address fields. */
static int plan_addresses(struct keg_boot_plan *plan, const struct keg_multiboot_header *header)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_boot_part part = {.name = "Multiboot: image", .gpa = header->load_addr};
	uint64_t start, end = header->load_end_addr;
	const char *fault;
	int rc = check_address_fields(config, header);

	if (rc)
		return rc;
	start = header->offset - (header->header_addr - header->load_addr);
	part.data = (const unsigned char *)config->image + start;
	part.data_bytes = end ? end - header->load_addr : config->image_bytes - start;
	fault = address_fault(header, start, part.data_bytes, config->image_bytes);
	if (fault)
		return keg_fail(ENOEXEC,
			"Multiboot: %s (load_addr 0x%" PRIx32 ", load_end_addr 0x%" PRIx32
			", bss_end_addr 0x%" PRIx32 ", file of %zu bytes)",
			fault, header->load_addr, header->load_end_addr, header->bss_end_addr,
			config->image_bytes);
	part.bytes =
		header->bss_end_addr ? header->bss_end_addr - header->load_addr : part.data_bytes;
	if (header->entry_addr < part.gpa || header->entry_addr - part.gpa >= part.bytes)
		return keg_fail(ENOEXEC,
			"Multiboot: entry_addr 0x%" PRIx32
			" is not in the image, which has 0x%" PRIx64 " bytes at 0x%" PRIx64,
			header->entry_addr, part.bytes, part.gpa);
	plan->entry.pc = header->entry_addr;
	return keg_boot_plan_add(plan, &part);
}

static int plan_kernel(struct keg_boot_plan *plan, const struct keg_multiboot_header *header)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_elf elf;
	int rc;

	/* Section 3.1.3: the address fields count, whatever else the image is. */
	if (header->flags & KEG_MULTIBOOT_ADDRESSES)
		return plan_addresses(plan, header);
	if (!keg_elf_is(config->image, config->image_bytes))
		return keg_fail(ENOEXEC,
			"Multiboot: flags 0x%08" PRIx32
			": flag 16 (address fields) is not set, and "
			"the image is no ELF file",
			header->flags);
	rc = keg_elf_open(&elf, config->image, config->image_bytes);
	return rc ? rc : keg_elf_plan_segments(plan, &elf);
}

int keg_boot_plan_multiboot(struct keg_boot_plan *plan)
{
	struct keg_multiboot_header header;
	int rc = find_header(plan->config, &header);

	if (rc)
		return rc;
	if (keg_arch_elf_machine(false) != EM_386)
		return keg_fail(ENOTSUP, "Multiboot: a kernel for x86, which this machine is not");
	rc = plan_kernel(plan, &header);
	return rc ? rc : keg_multiboot_plan_info(plan);
}
