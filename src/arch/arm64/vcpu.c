/* SPDX-License-Identifier: MIT */
/* A vCPU's initialisation, and where it begins. */
#include <elf.h>
#include <string.h>

#include <keg/arm64.h>

#include "arch/arch.h"
#include "base/error.h"
#include "kvm/vcpu.h"

/* The board's memory begins at 1 GiB; arm64's boot protocol puts an image 512 KiB above that. */
static const keg_gpa memory_start = 1ULL << 30;
static const keg_gpa flat_offset = 512 << 10;

/* PSTATE: EL1 with its own stack pointer, debug, SError, IRQ and FIQ masked (Arm ARM, C5.2). */
enum { PSTATE_EL1H = 5, PSTATE_DAIF = 0xf << 6 };

int keg_vm_get_preferred_target(struct keg_vm *vm, struct kvm_vcpu_init *init)
{
	return keg_vm_request(vm, KVM_ARM_PREFERRED_TARGET, init);
}

static void set_feature(struct kvm_vcpu_init *init, unsigned int feature)
{
	init->features[feature / 32] |= 1U << feature % 32;
}

int keg_vcpu_init(struct keg_vcpu *vcpu, const struct kvm_vcpu_init *given)
{
	struct kvm_vcpu_init init;
	int rc;

	if (given) {
		init = *given;
	} else {
		rc = keg_vm_get_preferred_target(vcpu->vm, &init);
		if (rc < 0)
			return rc;
		set_feature(&init, KVM_ARM_VCPU_PSCI_0_2);
	}
	rc = keg_vcpu_change(vcpu, KVM_ARM_VCPU_INIT, &init);
	return rc < 0 ? rc : 0;
}

/* There is one model, and nothing to keep of it. */
int keg_arch_create_cpu_model(struct keg_host *host, const char *text, uint32_t count,
	struct keg_notes *notes, struct keg_cpu_model **model)
{
	(void)host;
	(void)count;
	(void)notes;
	*model = NULL;
	if (text && strcmp(text, "host") != 0)
		return keg_fail(EINVAL, "there is no CPU model '%.64s': there is host", text);
	return 0;
}

void keg_arch_destroy_cpu_model(struct keg_cpu_model *model)
{
	(void)model;
}

int keg_arch_init_vcpu(struct keg_vcpu *vcpu, bool first, struct keg_cpu_model *model)
{
	struct kvm_vcpu_init init;
	int rc = keg_vm_get_preferred_target(vcpu->vm, &init);

	(void)model;
	if (rc < 0)
		return rc;
	set_feature(&init, KVM_ARM_VCPU_PSCI_0_2);
	if (!first)
		set_feature(&init, KVM_ARM_VCPU_POWER_OFF);
	return keg_vcpu_init(vcpu, &init);
}

uint16_t keg_arch_elf_machine(bool is64)
{
	return is64 ? EM_AARCH64 : 0;
}

enum keg_entry_mode keg_arch_default_mode(enum keg_image_kind kind)
{
	(void)kind;
	return KEG_ENTRY_LONG;
}

bool keg_arch_has_mode(enum keg_entry_mode mode)
{
	return mode == KEG_ENTRY_LONG;
}

keg_gpa keg_arch_memory_start(void)
{
	return memory_start;
}

keg_gpa keg_arch_flat_load_address(void)
{
	return memory_start + flat_offset;
}

size_t keg_arch_tables_bytes(enum keg_entry_mode mode)
{
	(void)mode;
	return 0;
}

int keg_arch_prepare_entry(struct keg_mem *mem, struct keg_boot_entry *entry)
{
	/* The MMU is off: nothing has to be in memory. */
	(void)mem;
	(void)entry;
	return 0;
}

int keg_arch_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	const struct {
		uint64_t id;
		uint64_t value;
	} registers[] = {
		{KEG_ARM64_CORE_REG(regs.pstate), PSTATE_EL1H | PSTATE_DAIF},
		{KEG_ARM64_CORE_REG(regs.pc), entry->pc},
		{KEG_ARM64_CORE_REG(sp_el1), entry->stack},
		{KEG_ARM64_CORE_REG(regs.regs[0]), entry->args[0]},
		{KEG_ARM64_CORE_REG(regs.regs[1]), entry->args[1]},
	};

	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++) {
		int rc = keg_vcpu_set_one_reg(
			vcpu, registers[i].id, &registers[i].value, sizeof(uint64_t));

		if (rc)
			return rc;
	}
	return 0;
}

int keg_arch_get_pc(struct keg_vcpu *vcpu, uint64_t *pc)
{
	return keg_vcpu_get_one_reg(vcpu, KEG_ARM64_CORE_REG(regs.pc), pc, sizeof(*pc));
}

int keg_arch_is_dead(struct keg_vcpu *vcpu)
{
	uint32_t state;
	int rc = keg_vcpu_get_mp_state(vcpu, &state);

	return rc ? rc : state == KVM_MP_STATE_STOPPED;
}
