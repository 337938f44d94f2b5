/* SPDX-License-Identifier: MIT */
/* From packed data to segments in guest memory, copied at most once. */
#include "boot/packed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Notes a segment's data, in the order of the file. */
static void note_segment(struct keg_packed *packed, unsigned int index, const Elf64_Phdr *header)
{
	size_t at = packed->count, i;

	while (at && packed->segments[at - 1].header.p_offset > header->p_offset)
		at--;
	for (i = packed->count++; i > at; i--)
		packed->segments[i] = packed->segments[i - 1];
	packed->segments[at].index = index;
	packed->segments[at].header = *header;
}

/* What is unpacked is gone by: data that two segments share would be needed twice. */
static int check_order(const struct keg_packed *packed)
{
	for (size_t i = 1; i < packed->count; i++) {
		const Elf64_Phdr *before = &packed->segments[i - 1].header;

		if (before->p_offset + before->p_filesz > packed->segments[i].header.p_offset)
			return keg_fail(ENOTSUP,
				"ELF: program headers %u and %u: p_offset: they share data of the "
				"packed kernel, which can only unpack itself",
				packed->segments[i - 1].index, packed->segments[i].index);
	}
	return 0;
}

static int note_segments(struct keg_packed *packed)
{
	for (unsigned int i = 0; i < packed->elf.header.e_phnum; i++) {
		Elf64_Phdr header;
		int rc = keg_elf_segment(&packed->elf, i, &header);

		if (rc)
			return rc;
		if (header.p_type == PT_LOAD && header.p_filesz)
			note_segment(packed, i, &header);
	}
	return check_order(packed);
}

int keg_packed_plan(struct keg_boot_plan *plan, const void *data, size_t bytes)
{
	struct keg_packed *packed = calloc(1, sizeof(*packed));
	const unsigned char *head;
	int rc;

	if (!packed)
		return keg_fail_errno(ENOMEM, "unpacking the kernel");
	plan->packed = packed;
	rc = keg_unpack_open(&packed->unpack, data, bytes, keg_boot_memory_bytes(plan->mem));
	if (rc)
		return rc;
	rc = keg_unpack_peek(&packed->unpack, &head);
	if (rc < 0)
		return rc;
	rc = keg_elf_open_head(&packed->elf, head, (size_t)rc, packed->unpack.bytes);
	if (!rc)
		rc = note_segments(packed);
	return rc ? rc : keg_elf_plan_segments(plan, &packed->elf);
}

/* Unpacks `bytes` bytes to `gpa`, region by region. */
static int unpack_to(struct keg_packed *packed, struct keg_mem *mem, keg_gpa gpa, uint64_t bytes)
{
	int rc = 0;

	while (bytes && !rc) {
		const struct keg_region *region = keg_mem_next_region(mem, gpa);
		uint64_t here = bytes;
		void *to;

		if (region && keg_region_gpa(region) <= gpa &&
			keg_region_bytes(region) - (gpa - keg_region_gpa(region)) < here)
			here = keg_region_bytes(region) - (gpa - keg_region_gpa(region));
		rc = keg_mem_slice(mem, gpa, here, KEG_ACCESS_WRITE, &to);
		if (!rc)
			rc = keg_unpack_read(&packed->unpack, to, here);
		gpa += here;
		bytes -= here;
	}
	return rc;
}

static int unpack_segment(struct keg_packed *packed, struct keg_mem *mem, const Elf64_Phdr *header)
{
	int rc = keg_unpack_read(&packed->unpack, NULL, header->p_offset - packed->unpack.at);

	return rc ? rc : unpack_to(packed, mem, header->p_paddr, header->p_filesz);
}

/* What follows a segment's data is zero. */
static int clear_rest(const struct keg_packed *packed, struct keg_mem *mem)
{
	for (unsigned int i = 0; i < packed->elf.header.e_phnum; i++) {
		Elf64_Phdr header;
		int rc = keg_elf_segment(&packed->elf, i, &header);

		if (!rc && header.p_type == PT_LOAD)
			rc = keg_mem_fill(mem, header.p_paddr + header.p_filesz, 0,
				header.p_memsz - header.p_filesz);
		if (rc)
			return rc;
	}
	return 0;
}

int keg_packed_unpack(struct keg_packed *packed, struct keg_mem *mem)
{
	int rc = 0;

	for (size_t i = 0; i < packed->count && !rc; i++) {
		rc = unpack_segment(packed, mem, &packed->segments[i].header);
		if (rc)
			return keg_fail_within(
				rc, "ELF: program header %u", packed->segments[i].index);
	}
	rc = keg_unpack_finish(&packed->unpack);
	return rc ? rc : clear_rest(packed, mem);
}

void keg_packed_free(struct keg_packed *packed)
{
	if (!packed)
		return;
	keg_unpack_close(&packed->unpack);
	free(packed);
}
