/* SPDX-License-Identifier: MIT */
/* vCPUs as boards use them: their features, and whether they can ever go on. */
#include <stdlib.h>

#include <keg/x86.h>

#include "arch/arch.h"
#include "base/error.h"
#include "kvm/vcpu.h"

enum { RFLAGS_IF = 1 << 9 };

/* Puts the vCPU's own number into a leaf (SDM volume 2, CPUID: leaves 1, 0xb and 0x1f). */
static void set_apic_id(struct kvm_cpuid_entry2 *leaf, uint32_t id, uint32_t count)
{
	enum { CPUS_SHIFT = 16, ID_SHIFT = 24, HTT = 1 << 28 };

	switch (leaf->function) {
	case 1:
		leaf->ebx = (leaf->ebx & 0xffff) | (count & 0xff) << CPUS_SHIFT | id << ID_SHIFT;
		leaf->edx = count > 1 ? leaf->edx | HTT : leaf->edx & ~(uint32_t)HTT;
		break;
	case 0xb:
	case 0x1f:
		leaf->edx = id;
		break;
	default:
		break;
	}
}

static int set_features(struct keg_vcpu *vcpu, uint32_t count)
{
	struct kvm_cpuid_entry2 *leaves;
	struct keg_cpuid_view view;
	int rc = keg_host_supported_cpuid(vcpu->vm->host, &view);

	if (rc)
		return rc;
	leaves = calloc(view.count ? view.count : 1, sizeof(*leaves));
	if (!leaves)
		return keg_fail_errno(ENOMEM, "copying CPUID leaves");
	for (size_t i = 0; i < view.count; i++) {
		leaves[i] = view.entries[i];
		set_apic_id(&leaves[i], vcpu->id, count);
	}
	rc = keg_vcpu_set_cpuid(vcpu, leaves, view.count);
	free(leaves);
	return rc;
}

int keg_arch_init_vcpu(struct keg_vcpu *vcpu, bool first, uint32_t count)
{
	/* KVM itself lets vCPU 0 run and all others wait for INIT and SIPI. */
	(void)first;
	return set_features(vcpu, count);
}

int keg_arch_is_dead(struct keg_vcpu *vcpu)
{
	struct kvm_regs regs;
	uint32_t state;
	int rc = keg_vcpu_get_mp_state(vcpu, &state);

	if (rc)
		return rc;
	if (state == KVM_MP_STATE_UNINITIALIZED || state == KVM_MP_STATE_INIT_RECEIVED)
		return 1;
	if (state != KVM_MP_STATE_HALTED)
		return 0;
	rc = keg_vcpu_get_regs(vcpu, &regs);
	return rc ? rc : !(regs.rflags & RFLAGS_IF);
}
