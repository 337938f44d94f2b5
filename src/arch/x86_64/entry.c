/* SPDX-License-Identifier: MIT */
/* Where guests begin, and what they find there. */
#include <elf.h>

#include <keg/x86.h>

#include "arch/arch.h"
#include "base/error.h"
#include "kvm/vcpu.h"

enum { PAGE = 4096, RFLAGS_RESERVED = 1 << 1 };

/* What the page tables of KEG_ENTRY_LONG map to itself. */
static const uint64_t identity_mapped = 4ULL << 30;

uint16_t keg_arch_elf_machine(bool is64)
{
	return is64 ? EM_X86_64 : EM_386;
}

enum keg_entry_mode keg_arch_default_mode(enum keg_image_kind kind)
{
	return kind == KEG_IMAGE_ELF64 || kind == KEG_IMAGE_FLAT ? KEG_ENTRY_LONG
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

int keg_arch_prepare_entry(struct keg_mem *mem, struct keg_boot_entry *entry)
{
	size_t bytes = keg_x86_identity_map_size(identity_mapped);
	keg_gpa table;
	int rc;

	if (entry->mode != KEG_ENTRY_LONG)
		return 0;
	rc = find_room(mem, entry, bytes, &table);
	if (rc)
		return rc;
	entry->page_table = table;
	if (table < entry->low)
		entry->low = table;
	if (table + bytes > entry->high)
		entry->high = table + bytes;
	rc = keg_x86_identity_map(mem, table, identity_mapped);
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

int keg_arch_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	bool multiboot = entry->kind == KEG_IMAGE_MULTIBOOT;
	struct kvm_regs regs = {
		.rip = entry->mode == KEG_ENTRY_REAL ? entry->pc & 0xffff : entry->pc,
		.rflags = RFLAGS_RESERVED,
		.rsp = entry->stack,
	};
	int rc = enter_mode(vcpu, entry);

	if (rc)
		return rc;
	*(multiboot ? &regs.rax : &regs.rdi) = entry->args[0];
	*(multiboot ? &regs.rbx : &regs.rsi) = entry->args[1];
	return keg_vcpu_set_regs(vcpu, &regs);
}

int keg_arch_get_pc(struct keg_vcpu *vcpu, uint64_t *pc)
{
	struct kvm_regs regs;
	int rc = keg_vcpu_get_regs(vcpu, &regs);

	*pc = rc ? 0 : regs.rip;
	return rc;
}
