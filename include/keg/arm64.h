/* SPDX-License-Identifier: MIT */
/*
 * What only arm64 has: a vCPU's initialisation, and the GICv3. Registers are reached one by one,
 * with keg_vcpu_get_one_reg(), under the ids of <asm/kvm.h>.
 *
 * Threads: as vcpu.h and device.h say. Available in the arm64 library only.
 */
#ifndef KEG_ARM64_H
#define KEG_ARM64_H

#include <keg/device.h>
#include <keg/vcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kvm_vcpu_init;

/* The id of a core register, by its member of struct kvm_regs: KEG_ARM64_CORE_REG(regs.pc). */
#define KEG_ARM64_CORE_REG(member)                                                                 \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | KVM_REG_ARM_CORE_REG(member))

/* The kind of vCPU that suits this host best (KVM API, "KVM_ARM_PREFERRED_TARGET"), no features on.
 */
KEG_API int keg_vm_get_preferred_target(struct keg_vm *vm, struct kvm_vcpu_init *init);

/*
 * Initialises a vCPU, or resets it (KVM API, "KVM_ARM_VCPU_INIT"): before it runs, and before its
 * registers are touched. NULL takes the preferred target with PSCI 0.2 or later.
 * -EINVAL KVM refuses the target or a feature
 */
KEG_API int keg_vcpu_init(struct keg_vcpu *vcpu, const struct kvm_vcpu_init *init);

/* Where a GICv3 is in the guest's memory. */
struct keg_gicv3_config {
	size_t size;           /* sizeof(struct keg_gicv3_config) */
	keg_gpa distributor;   /* 64 KiB, aligned to them */
	keg_gpa redistributor; /* 128 KiB for each vCPU, one after the other, 64 KiB aligned */
	uint32_t irqs;         /* how many: 64 to 1024, a multiple of 32; 0 for 128 */
};

/*
 * Makes a GICv3 in the kernel for the vCPUs that the machine has now, and tells the machine that it
 * has an interrupt controller. *gic is the caller's, to end with keg_device_destroy(). -ENOTSUP the
 * host has no GICv3 to offer; -EEXIST there is an interrupt controller
 */
KEG_API int keg_vm_create_gicv3(
	struct keg_vm *vm, const struct keg_gicv3_config *config, struct keg_device **gic);

#ifdef __cplusplus
}
#endif

#endif
