/* SPDX-License-Identifier: MIT */
/* What arm64 alone has: the vCPU's kind, and the GICv3. */
#include "fault/fault.h"

#include <keg/arm64.h>

static int preferred_target(struct rig *rig)
{
	struct kvm_vcpu_init *init = (struct kvm_vcpu_init *)rig->words;
	int rc = keg_vm_get_preferred_target(rig->vm, init);

	/* A vCPU is initialised again only as it was the first time. */
	init->features[0] |= 1U << KVM_ARM_VCPU_PSCI_0_2;
	return rc;
}

static int init_plain(struct rig *rig)
{
	return keg_vcpu_init(rig->vcpus[0], NULL);
}

static int init_chosen(struct rig *rig)
{
	return keg_vcpu_init(rig->vcpus[0], (const struct kvm_vcpu_init *)rig->words);
}

static int create_large(struct rig *rig)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .type = KVM_VM_TYPE_ARM_IPA_SIZE(40)};

	return keg_vm_create(rig->host, &config, &rig->vm);
}

static const struct fault_step vcpu_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", create_large, 0),
	FAULT_STEP("target", preferred_target, 0),
	FAULT_STEP("vCPU", rig_create_vcpu, FAULT_SETUP),
	FAULT_STEP("init", init_plain, 0),
	FAULT_STEP("init again", init_chosen, 0),
	FAULT_STEP("GICv3", rig_finish_irqchip, FAULT_NOT_AGAIN),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("arm64", vcpu_steps),
};

const struct fault_suite fault_registers = {NULL, 0}, fault_linux = {NULL, 0};
const struct fault_suite fault_machines = {NULL, 0};
const struct fault_suite fault_programs = {NULL, 0}, fault_plugins = {NULL, 0};
const struct fault_suite fault_arch = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
