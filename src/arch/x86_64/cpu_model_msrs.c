/* SPDX-License-Identifier: MIT */
/*
 * MSRs that a firmware would have set. KVM's own defaults are right for the rest: the PAT as after
 * a reset, IA32_ARCH_CAPABILITIES as the host has it.
 */
#include "arch/x86_64/cpu_model.h"

#include "base/error.h"
#include "kvm/vcpu.h"

/* SDM volume 4, table 2-2; volume 3A, "Memory Type Range Registers". */
enum {
	MISC_ENABLE = 0x1a0,
	MISC_ENABLE_FAST_STRINGS = 1 << 0,
	MTRR_DEF_TYPE = 0x2ff,
	MTRR_ENABLE = 1 << 11,
	MTRR_WRITE_BACK = 6,
};

static const char *msr_name(uint32_t index)
{
	return index == MTRR_DEF_TYPE ? "IA32_MTRR_DEF_TYPE" : "IA32_MISC_ENABLE";
}

static void add(struct keg_cpu_model *model, uint32_t index, uint64_t value)
{
	model->msrs[model->msr_count++] = (struct kvm_msr_entry){.index = index, .data = value};
}

void keg_cpu_model_find_msrs(struct keg_cpu_model *model, struct keg_vcpu *vcpu)
{
	struct kvm_msr_entry misc = {.index = MISC_ENABLE};

	/*
	 * Memory is write-back: with the MTRRs disabled, as a reset leaves them, all of it is
	 * uncached, and Linux does without its page attribute table. The fixed ranges stay off.
	 */
	if (keg_leaves_has_name(&model->leaves, "mtrr"))
		add(model, MTRR_DEF_TYPE, MTRR_ENABLE | MTRR_WRITE_BACK);
	/* Linux takes fast strings that are off for a reason not to use them. */
	if (!keg_leaves_is_intel(&model->leaves))
		return;
	if (keg_vcpu_get_msrs(vcpu, &misc, 1))
		keg_notes_add(model->notes, "KVM does not tell MSR 0x%x (%s); it stays as it is",
			MISC_ENABLE, msr_name(MISC_ENABLE));
	else if (!(misc.data & MISC_ENABLE_FAST_STRINGS))
		add(model, MISC_ENABLE, misc.data | MISC_ENABLE_FAST_STRINGS);
}

/* One by one, to find which KVM refuses: those are not tried again. */
static int set_each(struct keg_cpu_model *model, struct keg_vcpu *vcpu)
{
	size_t kept = 0, i;

	for (i = 0; i < model->msr_count; i++) {
		const struct kvm_msr_entry *msr = &model->msrs[i];
		int rc = keg_vcpu_set_msrs(vcpu, msr, 1);

		if (rc && rc != -EPERM)
			return rc;
		if (rc)
			keg_notes_add(model->notes,
				"KVM refuses 0x%llx for MSR 0x%x (%s); it stays as it is",
				(unsigned long long)msr->data, msr->index, msr_name(msr->index));
		else
			model->msrs[kept++] = *msr;
	}
	model->msr_count = kept;
	return 0;
}

int keg_cpu_model_set_msrs(struct keg_cpu_model *model, struct keg_vcpu *vcpu)
{
	int rc = model->msr_count ? keg_vcpu_set_msrs(vcpu, model->msrs, model->msr_count) : 0;

	return rc == -EPERM ? set_each(model, vcpu) : rc;
}
