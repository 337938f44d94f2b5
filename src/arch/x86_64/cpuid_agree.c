/* SPDX-License-Identifier: MIT */
/* Leaves that repeat, describe or size what features have. */
#include "arch/x86_64/cpu_model.h"

/* Leaves that tell more about a feature. */
static const struct {
	const char *feature;
	uint32_t function;
} details[] = {
	{"xsave", 0xd},
	{"sgx", 0x12},
	{"intel_pt", 0x14},
	{"keylocker", 0x19},
	{"amx_tile", 0x1d},
	{"amx_tile", 0x1e},
	{"svm", 0x8000000a},
};

/* Parts of the XSAVE area that a feature's registers take (SDM volume 1, section 13.1). */
static const struct {
	const char *feature;
	uint32_t xcr0, xss;
} parts[] = {
	{"avx", 1 << 2, 0},
	{"mpx", 3 << 3, 0},
	{"avx512f", 7 << 5, 0},
	{"pku", 1 << 9, 0},
	{"amx_tile", 3 << 17, 0},
	{"arch_lbr", 0, 1 << 15},
};

enum { DETAILS = sizeof(details) / sizeof(details[0]), PARTS = sizeof(parts) / sizeof(parts[0]) };

/* What the legacy area and the header take. */
enum { XSAVE_LEAST = 512 + 64, XSAVE_LEAF = 0xd };

static bool went_off(struct keg_leaves *leaves, struct keg_leaves *before, const char *name)
{
	return keg_leaves_has_name(before, name) && !keg_leaves_has_name(leaves, name);
}

/* Takes out the subleaves of the parts in `gone`. */
static void drop_parts(struct keg_leaves *leaves, uint32_t gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < leaves->count; i++) {
		const struct kvm_cpuid_entry2 *leaf = &leaves->entries[i];
		bool drop = leaf->function == XSAVE_LEAF && leaf->index >= 2 && leaf->index < 32 &&
			    gone >> leaf->index & 1;

		if (!drop)
			leaves->entries[kept++] = *leaf;
	}
	leaves->count = kept;
}

/* How large the area is with all parts that are left: each subleaf has a size and an offset. */
static uint32_t area_bytes(struct keg_leaves *leaves, uint32_t xcr0)
{
	uint32_t bytes = XSAVE_LEAST;

	for (uint32_t i = 2; i < 32; i++) {
		const struct kvm_cpuid_entry2 *part = keg_leaves_find(leaves, XSAVE_LEAF, i);

		if (part && xcr0 >> i & 1 && part->eax + part->ebx > bytes)
			bytes = part->eax + part->ebx;
	}
	return bytes;
}

static void agree_xsave(struct keg_leaves *leaves, struct keg_leaves *before)
{
	struct kvm_cpuid_entry2 *leaf;
	uint32_t xcr0 = 0, xss = 0;

	for (size_t i = 0; i < PARTS; i++) {
		if (went_off(leaves, before, parts[i].feature)) {
			xcr0 |= parts[i].xcr0;
			xss |= parts[i].xss;
		}
	}
	if (!(xcr0 | xss))
		return;
	drop_parts(leaves, xcr0 | xss);
	leaf = keg_leaves_find(leaves, XSAVE_LEAF, 0);
	if (leaf) {
		leaf->eax &= ~xcr0;
		/* KVM puts the size for what the guest has in XCR0 in place of ebx. */
		leaf->ecx = area_bytes(leaves, leaf->eax);
		leaf->ebx = leaf->ecx;
	}
	leaf = keg_leaves_find(leaves, XSAVE_LEAF, 1);
	if (leaf)
		leaf->ecx &= ~xss;
}

/* AMD repeats leaf 1's edx in 0x80000001's, but for the bits that are its own there. */
static void agree_amd(struct keg_leaves *leaves)
{
	const uint32_t repeated = 0x0183f3ff;
	const struct kvm_cpuid_entry2 *basic = keg_leaves_find(leaves, 1, 0);
	struct kvm_cpuid_entry2 *extended = keg_leaves_find(leaves, 0x80000001, 0);

	if (basic && extended && keg_leaves_is_amd(leaves))
		extended->edx &= ~(repeated & ~basic->edx);
}

void keg_cpuid_agree(struct keg_leaves *leaves, struct keg_leaves *before)
{
	agree_xsave(leaves, before);
	agree_amd(leaves);
	for (size_t i = 0; i < DETAILS; i++) {
		if (went_off(leaves, before, details[i].feature))
			keg_leaves_drop(leaves, details[i].function, 0);
	}
}

void keg_cpuid_drop_unsaved(struct keg_leaves *leaves)
{
	const struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, XSAVE_LEAF, 0);

	if (!leaf || !keg_leaves_has_name(leaves, "xsave"))
		return;
	for (size_t i = 0; i < PARTS; i++) {
		if (parts[i].xcr0 & ~leaf->eax)
			keg_leaves_switch_name(leaves, parts[i].feature, false);
	}
}
