/* SPDX-License-Identifier: MIT */
/* Where guests begin, and what they find there. */
#include <elf.h>

#include <keg/x86.h>

#include "arch/arch.h"
#include "base/error.h"
#include "kvm/vcpu.h"

enum { PAGE = 4096, RFLAGS_RESERVED = 1 << 1 };

/* Linux, Documentation/arch/x86/boot.rst: __BOOT_CS and __BOOT_DS, in a GDT of four descriptors. */
enum { BOOT_CS = 0x10, BOOT_DS = 0x18, GDT_LIMIT = 4 * 8 - 1 };

/* Xen, "x86/HVM direct boot ABI": TR is a 32-bit TSS, active, at 0 (Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 3, section 3.5: the type is 11). */
enum { TSS_ACTIVE = 11, TSS_LIMIT = 0x67 };

/* What the page tables of KEG_ENTRY_LONG map to itself. */
static const uint64_t identity_mapped = 4ULL << 30;

uint16_t keg_arch_elf_machine(bool is64)
{
	return is64 ? EM_X86_64 : EM_386;
}

enum keg_entry_mode keg_arch_default_mode(enum keg_image_kind kind)
{
	static const bool is_long[] = {
		[KEG_IMAGE_ELF64] = true,
		[KEG_IMAGE_FLAT] = true,
		[KEG_IMAGE_LINUX] = true,
	};

	return (size_t)kind < sizeof(is_long) && is_long[kind] ? KEG_ENTRY_LONG
							       : KEG_ENTRY_PROTECTED;
}

bool keg_arch_has_mode(enum keg_entry_mode mode)
{
	return mode == KEG_ENTRY_REAL || mode == KEG_ENTRY_PROTECTED || mode == KEG_ENTRY_LONG;
}

keg_gpa keg_arch_memory_start(void)
{
	return 0;
}

keg_gpa keg_arch_flat_load_address(void)
{
	return 1 << 20;
}

/* Room for `bytes` beside what the loader has used: above it, or else right below. */
static int find_room(
	struct keg_mem *mem, const struct keg_boot_entry *entry, size_t bytes, keg_gpa *where)
{
	keg_gpa above = (entry->high + PAGE - 1) & ~(keg_gpa)(PAGE - 1);
	keg_gpa below = entry->low & ~(keg_gpa)(PAGE - 1);
	void *pointer;

	*where = above;
	if (above >= entry->high && above < identity_mapped &&
		!keg_mem_slice(mem, above, bytes, KEG_ACCESS_WRITE, &pointer))
		return 0;
	*where = below - bytes;
	if (below > bytes && !keg_mem_slice(mem, *where, bytes, KEG_ACCESS_WRITE, &pointer))
		return 0;
	return keg_fail(
		EFAULT, "there is no room for %zu bytes of page tables beside the image", bytes);
}

size_t keg_arch_tables_bytes(enum keg_entry_mode mode)
{
	return mode == KEG_ENTRY_LONG ? keg_x86_identity_map_size(identity_mapped) : 0;
}

/* Finds a place for the page tables, and notes it. */
static int place_tables(struct keg_mem *mem, struct keg_boot_entry *entry)
{
	size_t bytes = keg_arch_tables_bytes(entry->mode);
	keg_gpa table;
	int rc = find_room(mem, entry, bytes, &table);

	if (rc)
		return rc;
	entry->page_table = table;
	if (table < entry->low)
		entry->low = table;
	if (table + bytes > entry->high)
		entry->high = table + bytes;
	return 0;
}

int keg_arch_prepare_entry(struct keg_mem *mem, struct keg_boot_entry *entry)
{
	int rc = 0;

	if (entry->mode != KEG_ENTRY_LONG)
		return 0;
	if (!entry->page_table)
		rc = place_tables(mem, entry);
	if (!rc)
		rc = keg_x86_identity_map(mem, entry->page_table, identity_mapped);
	return rc < 0 ? rc : 0;
}

static int enter_mode(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	switch (entry->mode) {
	case KEG_ENTRY_REAL:
		if (entry->pc > 0xfffff)
			return keg_fail(EINVAL, "real mode begins below 1 MiB, not at 0x%llx",
				(unsigned long long)entry->pc);
		return keg_vcpu_enter_real_mode(vcpu, (uint16_t)(entry->pc >> 16 << 12));
	case KEG_ENTRY_PROTECTED:
		return keg_vcpu_enter_protected_mode(vcpu);
	case KEG_ENTRY_LONG:
		return keg_vcpu_enter_long_mode(vcpu, entry->page_table);
	default:
		return keg_fail(EINVAL, "there is no entry mode %d", (int)entry->mode);
	}
}

/* Linux's selectors are of its own GDT; PVH wants a task, of which nothing is read. */
static int adapt_segments(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	struct kvm_sregs sregs;
	int rc;

	if (!entry->gdt && entry->kind != KEG_IMAGE_PVH)
		return 0;
	rc = keg_vcpu_get_sregs(vcpu, &sregs);
	if (rc)
		return rc;
	if (entry->gdt) {
		sregs.gdt.base = entry->gdt;
		sregs.gdt.limit = GDT_LIMIT;
		sregs.cs.selector = BOOT_CS;
		sregs.ds.selector = sregs.es.selector = sregs.fs.selector = sregs.gs.selector =
			sregs.ss.selector = BOOT_DS;
	} else {
		sregs.tr.base = 0;
		sregs.tr.limit = TSS_LIMIT;
		sregs.tr.type = TSS_ACTIVE;
	}
	return keg_vcpu_set_sregs(vcpu, &sregs);
}

int keg_arch_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	bool multiboot = entry->kind == KEG_IMAGE_MULTIBOOT, pvh = entry->kind == KEG_IMAGE_PVH;
	struct kvm_regs regs = {
		.rip = entry->mode == KEG_ENTRY_REAL ? entry->pc & 0xffff : entry->pc,
		.rflags = RFLAGS_RESERVED,
		.rsp = entry->stack,
	};
	int rc = enter_mode(vcpu, entry);

	if (!rc)
		rc = adapt_segments(vcpu, entry);
	if (rc)
		return rc;
	*(multiboot ? &regs.rax : &regs.rdi) = entry->args[0];
	*(multiboot || pvh ? &regs.rbx : &regs.rsi) = entry->args[1];
	return keg_vcpu_set_regs(vcpu, &regs);
}

int keg_arch_get_pc(struct keg_vcpu *vcpu, uint64_t *pc)
{
	struct kvm_regs regs;
	int rc = keg_vcpu_get_regs(vcpu, &regs);

	*pc = rc ? 0 : regs.rip;
	return rc;
}
