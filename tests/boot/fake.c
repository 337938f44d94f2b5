/* SPDX-License-Identifier: MIT */
/* Guest memory and an architecture without KVM. */
#include "fake.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/error.h"

uint16_t fake_machine = EM_X86_64;

void fake_add(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes, enum fake_backing backing)
{
	struct keg_region *region = &mem->regions[mem->count++];

	*region = (struct keg_region){.gpa = gpa, .bytes = bytes};
	if (backing == FAKE_ROM)
		region->flags = KEG_REGION_READONLY;
	if (backing == FAKE_NOTHING)
		return;
	region->host = malloc(bytes);
	if (!region->host)
		abort();
	memset(region->host, 0xaa, bytes);
}

void fake_free(struct keg_mem *mem)
{
	for (size_t i = 0; i < mem->count; i++)
		free(mem->regions[i].host);
	memset(mem, 0, sizeof(*mem));
}

void fake_pc(struct keg_mem *mem)
{
	memset(mem, 0, sizeof(*mem));
	fake_machine = EM_X86_64;
	fake_add(mem, 0, 0xa0000, FAKE_RAM);
	fake_add(mem, 0xf0000, 0x10000, FAKE_ROM);
	fake_add(mem, 0x100000, 0x400000, FAKE_RAM);
}

/* How many bytes from `gpa` on lie in one region, `bytes` at most. */
static uint64_t piece(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes, struct keg_region **region)
{
	for (size_t i = 0; i < mem->count; i++) {
		uint64_t offset = gpa - mem->regions[i].gpa;

		if (gpa < mem->regions[i].gpa || offset >= mem->regions[i].bytes)
			continue;
		*region = &mem->regions[i];
		return bytes < (*region)->bytes - offset ? bytes : (*region)->bytes - offset;
	}
	return 0;
}

unsigned char *fake_at(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes)
{
	struct keg_region *region = NULL;

	if (piece(mem, gpa, bytes, &region) != bytes || !region->host)
		return NULL;
	return region->host + (gpa - region->gpa);
}

/* Writes, from `data` or all of one value. */
static int put(struct keg_mem *mem, keg_gpa gpa, const unsigned char *data, int value, size_t bytes)
{
	struct keg_region *region = NULL;

	while (bytes) {
		uint64_t length = piece(mem, gpa, bytes, &region);

		if (!length || !region->host)
			return keg_fail(EFAULT, "no memory at 0x%llx", (unsigned long long)gpa);
		if (region->flags & KEG_REGION_READONLY)
			return keg_fail(
				EROFS, "read-only memory at 0x%llx", (unsigned long long)gpa);
		if (data)
			memcpy(region->host + (gpa - region->gpa), data, length);
		else
			memset(region->host + (gpa - region->gpa), value, length);
		if (data)
			data += length;
		gpa += length;
		bytes -= length;
		mem->written += length;
	}
	return 0;
}

int keg_mem_write(struct keg_mem *mem, keg_gpa gpa, const void *buffer, size_t bytes)
{
	return put(mem, gpa, buffer, 0, bytes);
}

int keg_mem_fill(struct keg_mem *mem, keg_gpa gpa, uint8_t value, size_t bytes)
{
	return put(mem, gpa, NULL, value, bytes);
}

int keg_mem_slice(
	struct keg_mem *mem, keg_gpa gpa, size_t bytes, enum keg_access access, void **pointer)
{
	*pointer = fake_at(mem, gpa, bytes);
	if (!*pointer)
		return keg_fail(EFAULT, "no memory at 0x%llx", (unsigned long long)gpa);
	/* As if all of it were written at once. */
	if (access == KEG_ACCESS_WRITE)
		mem->written += bytes;
	return 0;
}

struct keg_region *keg_mem_next_region(struct keg_mem *mem, keg_gpa gpa)
{
	for (size_t i = 0; i < mem->count; i++) {
		if (gpa <= mem->regions[i].gpa + (mem->regions[i].bytes - 1))
			return &mem->regions[i];
	}
	return NULL;
}

keg_gpa keg_region_gpa(const struct keg_region *region)
{
	return region->gpa;
}

uint64_t keg_region_bytes(const struct keg_region *region)
{
	return region->bytes;
}

uint32_t keg_region_flags(const struct keg_region *region)
{
	return region->flags;
}

void *keg_region_host(const struct keg_region *region)
{
	return region->host;
}

uint16_t keg_arch_elf_machine(bool is64)
{
	if (is64)
		return fake_machine;
	return fake_machine == EM_X86_64 ? EM_386 : EM_NONE;
}

enum keg_entry_mode keg_arch_default_mode(enum keg_image_kind kind)
{
	return kind == KEG_IMAGE_ELF32 && fake_machine == EM_X86_64 ? KEG_ENTRY_PROTECTED
								    : KEG_ENTRY_LONG;
}

bool keg_arch_has_mode(enum keg_entry_mode mode)
{
	return fake_machine == EM_X86_64 || mode == KEG_ENTRY_LONG;
}

keg_gpa keg_arch_flat_load_address(void)
{
	return fake_machine == EM_X86_64 ? 0x100000 : 0x40100000;
}

size_t keg_arch_tables_bytes(enum keg_entry_mode mode)
{
	return mode == KEG_ENTRY_LONG && fake_machine == EM_X86_64 ? FAKE_TABLES : 0;
}

int keg_arch_prepare_entry(struct keg_mem *mem, struct keg_boot_entry *entry)
{
	if (entry->page_table)
		return keg_mem_fill(mem, entry->page_table, 0x77, FAKE_TABLES);
	if (entry->mode == KEG_ENTRY_LONG)
		entry->page_table = (entry->high + 4095) & ~UINT64_C(4095);
	return 0;
}

int keg_arch_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	(void)vcpu;
	return entry->pc == 0 ? keg_fail(EINVAL, "the fake does not enter at 0") : 0;
}
