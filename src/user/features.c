/* SPDX-License-Identifier: MIT */
/* What programs may use of the processor: CPUID's leaves, CR4, and the states of XSAVE. */
#include "arch/x86_64/cpu_model.h"
#include "user/machine_inside.h"

enum {
	XSAVE_LEAF = 0xd,
	ADDRESS_LEAF = 0x80000008,
	KVM_LEAF = 0x40000000,
	X87_AND_SSE = 3,
	LEGACY_BYTES = 512 + 64, /* with the header: SDM volume 1, 13.4 */
};

/* x87, SSE, AVX and AVX-512: states that need nothing of an operating system but XCR0. Protection
 * keys would need system calls, AMX a permission. */
static const uint64_t known_states = 0xe7;

/* APM volume 2, 3.1.3 */
enum {
	CR4_PAE = 1 << 5,
	CR4_PGE = 1 << 7,
	CR4_OSFXSR = 1 << 9,
	CR4_OSXMMEXCPT = 1 << 10,
	CR4_FSGSBASE = 1 << 16,
	CR4_OSXSAVE = 1 << 18,
	CR4_SMEP = 1 << 20,
	CR4_SMAP = 1 << 21,
};

static const struct {
	const char *name;
	uint64_t bit;
} optional[] = {
	{"fsgsbase", CR4_FSGSBASE},
	{"xsave", CR4_OSXSAVE},
	{"smep", CR4_SMEP},
	{"smap", CR4_SMAP},
};

/*
 * By the leaf alone, whether the list has XSAVE or not: some KVMs leave it out of what kernels may
 * use, and cannot keep programs from seeing and using the processor's own.
 */
static void find_states(struct keg_cpu_features *features, struct keg_leaves *leaves)
{
	const struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, XSAVE_LEAF, 0);

	features->xstate_size = LEGACY_BYTES;
	features->xcr0 = X87_AND_SSE;
	if (!leaf)
		return;
	features->xcr0 |= (leaf->eax | (uint64_t)leaf->edx << 32) & known_states;
	features->sets_xcr0 = features->cr4 & CR4_OSXSAVE;
	for (uint32_t i = 2; i < 63; i++) {
		if (!(features->xcr0 >> i & 1))
			continue;
		leaf = keg_leaves_find(leaves, XSAVE_LEAF, i);
		if (leaf && leaf->eax + leaf->ebx > features->xstate_size)
			features->xstate_size = leaf->eax + leaf->ebx;
	}
}

static void find_features(struct keg_cpu_features *features, struct keg_leaves *leaves)
{
	const struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, ADDRESS_LEAF, 0);

	features->address_bits = leaf && (leaf->eax & 0xff) >= 32 ? leaf->eax & 0xff : 36;
	features->cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		if (keg_leaves_has_name(leaves, optional[i].name))
			features->cr4 |= optional[i].bit;
	}
	find_states(features, leaves);
}

static void sort_out(struct keg_leaves *leaves)
{
	/* What KVM offers to kernels. */
	keg_leaves_drop(leaves, KVM_LEAF, 0);
	keg_leaves_drop(leaves, KVM_LEAF + 1, 0);
	keg_cpuid_drop_unsaved(leaves);
	keg_leaves_switch_name(leaves, "pku", false);
	/* A third of what a vCPU's setting up costs is these lists' length. */
	keg_leaves_trim(leaves);
}

int keg_features_find(struct keg_machine *machine)
{
	struct keg_cpuid_view view;
	struct keg_leaves *leaves = machine->leaves;
	int rc = keg_host_supported_cpuid(machine->host, &view);

	if (rc)
		return rc;
	keg_leaves_copy(leaves, &view);
	sort_out(leaves);
	find_features(&machine->features, leaves);
	rc = keg_host_check_extension(machine->host, KVM_CAP_XSAVE2);
	machine->features.xsave_bytes =
		rc > (int)sizeof(struct kvm_xsave) ? (size_t)rc : sizeof(struct kvm_xsave);
	return 0;
}
