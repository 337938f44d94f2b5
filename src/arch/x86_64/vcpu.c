/* SPDX-License-Identifier: MIT */
/* vCPUs as boards use them: their model, and whether they can ever go on. */
#include <stdlib.h>
#include <string.h>

#include <keg/x86.h>

#include "arch/arch.h"
#include "arch/x86_64/cpu_model.h"
#include "arch/x86_64/topology.h"
#include "base/error.h"
#include "kvm/vcpu.h"

enum { RFLAGS_IF = 1 << 9 };

/* What KVM tells of the host. */
static int ask(struct keg_host *host, const char *text, struct keg_cpu_source *source)
{
	int rc = keg_host_supported_cpuid(host, &source->supported);

	source->emulated = (struct keg_cpuid_view){NULL, 0};
	if (rc)
		return rc;
	rc = keg_host_check_extension(host, KVM_CAP_TSC_DEADLINE_TIMER);
	if (rc < 0)
		return rc;
	source->has_deadline_timer = rc > 0;
	/* Nothing of it is needed for what is asked for most; and where KVM emulates none, none is.
	 */
	if (text && strcmp(text, "host") != 0)
		rc = keg_host_emulated_cpuid(host, &source->emulated);
	return rc == -ENOTSUP || rc > 0 ? 0 : rc;
}

int keg_arch_create_cpu_model(struct keg_host *host, const char *text, uint32_t count,
	struct keg_notes *notes, struct keg_cpu_model **model)
{
	struct keg_cpu_source source;
	struct keg_cpu_model *made;
	int rc = ask(host, text, &source);

	*model = NULL;
	if (rc)
		return rc;
	made = malloc(sizeof(*made));
	if (!made)
		return keg_fail_errno(ENOMEM, "making a CPU model");
	rc = keg_cpu_model_make(&source, text, count, notes, made);
	if (rc) {
		free(made);
		return rc;
	}
	keg_cpuid_set_brand(&made->leaves);
	*model = made;
	return 0;
}

void keg_arch_destroy_cpu_model(struct keg_cpu_model *model)
{
	free(model);
}

/* What only a vCPU can tell, the first one for all. */
static void get_ready(struct keg_cpu_model *model, struct keg_vcpu *vcpu)
{
	int khz = keg_vcpu_get_tsc_khz(vcpu);

	if (khz > 0)
		keg_hv_set_timing(&model->leaves, (uint32_t)khz);
	else
		keg_notes_add(model->notes, "KVM does not tell the rate of the TSC: guests without "
					    "kvmclock have to measure it");
	/* The deadline timer is the kernel's local APIC's. */
	if (vcpu->vm->irqchip.kind == KEG_IRQCHIP_NONE)
		keg_leaves_switch_name(&model->leaves, "tsc_deadline_timer", false);
	keg_cpu_model_find_msrs(model, vcpu);
	model->ready = true;
}

static int init_from(struct keg_vcpu *vcpu, struct keg_cpu_model *model)
{
	int rc;

	if (!model->ready)
		get_ready(model, vcpu);
	keg_topology_set_id(&model->leaves, vcpu->id);
	rc = keg_vcpu_set_cpuid(vcpu, model->leaves.entries, model->leaves.count);
	return rc ? rc : keg_cpu_model_set_msrs(model, vcpu);
}

int keg_arch_init_vcpu(struct keg_vcpu *vcpu, bool first, struct keg_cpu_model *model)
{
	struct keg_cpu_model *plain;
	int rc;

	/* KVM itself lets vCPU 0 run and all others wait for INIT and SIPI. */
	(void)first;
	if (model)
		return init_from(vcpu, model);
	rc = keg_arch_create_cpu_model(vcpu->vm->host, NULL, 1, NULL, &plain);
	if (rc)
		return rc;
	/* As KVM has it: nothing is asked, and no MSR is set. */
	plain->ready = true;
	rc = init_from(vcpu, plain);
	keg_arch_destroy_cpu_model(plain);
	return rc;
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
