/* SPDX-License-Identifier: MIT */
/*
 * Ready-made processor modes. Bits and segment types: Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 3, sections 2.5 (control registers), 3.4.5 (descriptors) and 4.5
 * (paging).
 */
#include <keg/x86.h>

#include "base/error.h"
#include "base/ranges.h"
#include "kvm/vcpu.h"

enum {
	CR0_PE = 1 << 0,
	CR0_MP = 1 << 1,
	CR0_ET = 1 << 4,
	CR0_NE = 1 << 5,
	CR4_PAE = 1 << 5,
	CR4_OSFXSR = 1 << 9,
	CR4_OSXMMEXCPT = 1 << 10,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
	SEGMENT_DATA = 0x3, /* read, write, accessed */
	SEGMENT_CODE = 0xb, /* execute, read, accessed */
	SELECTOR_CODE = 1 << 3,
	SELECTOR_DATA = 2 << 3,
	PAGE_PRESENT = 1 << 0,
	PAGE_WRITABLE = 1 << 1,
	PAGE_USER = 1 << 2,
	PAGE_LARGE = 1 << 7,
	PAGE_BYTES = 4096,
	ENTRIES = 512,
};
#define CR0_PG (1ULL << 31)

/* ---- Page tables ---- */

static const uint64_t large_page = 1ULL << 21;
static const uint64_t directory_span = 1ULL << 30; /* what one page directory maps */

static uint64_t directories(uint64_t bytes)
{
	return bytes / directory_span + (bytes % directory_span != 0);
}

size_t keg_x86_identity_map_size(uint64_t bytes)
{
	return (size_t)(2 + directories(bytes)) * PAGE_BYTES;
}

/* One table whose entries point at `first`, `first` + `step` and so on. */
static int write_table(struct keg_mem *mem, keg_gpa table, uint64_t first, uint64_t step,
	uint64_t count, uint64_t bits)
{
	uint64_t entries[ENTRIES] = {0};

	for (uint64_t i = 0; i < count && i < ENTRIES; i++)
		entries[i] = (first + i * step) | bits;
	return keg_mem_write(mem, table, entries, sizeof(entries));
}

int keg_x86_identity_map(struct keg_mem *mem, keg_gpa table, uint64_t bytes)
{
	const uint64_t bits = PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
	uint64_t count = directories(bytes), pages = bytes / large_page + (bytes % large_page != 0);
	keg_gpa pointers = table + PAGE_BYTES, directory = table + 2ULL * PAGE_BYTES;
	int rc;

	if (table % PAGE_BYTES || bytes == 0 || count > ENTRIES)
		return keg_fail(EINVAL,
			"mapping 0x%llx bytes with page tables at 0x%llx: must be 1 byte to 512 "
			"GiB, and "
			"page-aligned",
			(unsigned long long)bytes, (unsigned long long)table);
	if (!keg_range_valid(table, keg_x86_identity_map_size(bytes)))
		return keg_fail(EFAULT, "page tables at 0x%llx: they wrap around",
			(unsigned long long)table);
	rc = write_table(mem, table, pointers, 0, 1, bits);
	if (!rc)
		rc = write_table(mem, pointers, directory, PAGE_BYTES, count, bits);
	for (uint64_t i = 0; !rc && i < count; i++)
		rc = write_table(mem, directory + i * PAGE_BYTES, i * directory_span, large_page,
			pages - i * ENTRIES, bits | PAGE_LARGE);
	return rc ? rc : (int)keg_x86_identity_map_size(bytes);
}

/* ---- Modes ---- */

static void set_flat_segments(struct kvm_sregs *sregs, bool long_mode)
{
	const struct kvm_segment code = {
		.limit = UINT32_MAX,
		.selector = SELECTOR_CODE,
		.type = SEGMENT_CODE,
		.present = 1,
		.s = 1,
		.db = !long_mode,
		.l = long_mode,
		.g = 1,
	};
	const struct kvm_segment data = {
		.limit = UINT32_MAX,
		.selector = SELECTOR_DATA,
		.type = SEGMENT_DATA,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};

	sregs->cs = code;
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss = data;
}

int keg_vcpu_enter_long_mode(struct keg_vcpu *vcpu, keg_gpa page_table)
{
	struct kvm_sregs sregs;
	int rc = keg_vcpu_get_sregs(vcpu, &sregs);

	if (rc)
		return rc;
	set_flat_segments(&sregs, true);
	sregs.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_PG;
	sregs.cr3 = page_table;
	sregs.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	sregs.efer = EFER_LME | EFER_LMA;
	return keg_vcpu_set_sregs(vcpu, &sregs);
}

int keg_vcpu_enter_protected_mode(struct keg_vcpu *vcpu)
{
	struct kvm_sregs sregs;
	int rc = keg_vcpu_get_sregs(vcpu, &sregs);

	if (rc)
		return rc;
	set_flat_segments(&sregs, false);
	sregs.cr0 = CR0_PE | CR0_ET;
	sregs.cr4 = 0;
	sregs.efer = 0;
	return keg_vcpu_set_sregs(vcpu, &sregs);
}

int keg_vcpu_enter_real_mode(struct keg_vcpu *vcpu, uint16_t segment)
{
	struct kvm_sregs sregs;
	int rc = keg_vcpu_get_sregs(vcpu, &sregs);
	struct kvm_segment *const segments[] = {
		&sregs.cs, &sregs.ds, &sregs.es, &sregs.fs, &sregs.gs, &sregs.ss};

	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++)
		*segments[i] = (struct kvm_segment){
			.base = (uint64_t)segment << 4,
			.limit = UINT16_MAX,
			.selector = segment,
			.type = segments[i] == &sregs.cs ? SEGMENT_CODE : SEGMENT_DATA,
			.present = 1,
			.s = 1,
		};
	sregs.cr0 = CR0_ET;
	sregs.cr4 = 0;
	sregs.efer = 0;
	return keg_vcpu_set_sregs(vcpu, &sregs);
}
