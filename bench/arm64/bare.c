/* SPDX-License-Identifier: MIT */
/* A vCPU at EL1 by bare ioctls. */
#include "bare.h"

static void set(struct bare_machine *machine, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	BARE_IOCTL(machine->vcpu, KVM_SET_ONE_REG, &reg);
}

void bare_enter(const struct bare_host *host, struct bare_machine *machine, uint64_t address)
{
	const uint64_t core = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE;
	const uint64_t masked = 0xf << 6 | 5; /* EL1h; debug, SError, IRQ and FIQ masked */
	struct kvm_vcpu_init init;

	(void)host;
	BARE_IOCTL(machine->vm, KVM_ARM_PREFERRED_TARGET, &init);
	init.features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	BARE_IOCTL(machine->vcpu, KVM_ARM_VCPU_INIT, &init);
	set(machine, core | KVM_REG_ARM_CORE_REG(regs.pstate), masked);
	set(machine, core | KVM_REG_ARM_CORE_REG(regs.pc), address);
}
