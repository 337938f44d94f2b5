/* SPDX-License-Identifier: MIT */
/* A CPU model: the leaves and MSRs of a board's vCPUs, made once and patched for each. */
#ifndef KEG_ARCH_X86_64_CPU_MODEL_H
#define KEG_ARCH_X86_64_CPU_MODEL_H

#include "arch/x86_64/cpuid_leaves.h"
#include "base/notes.h"

enum { KEG_MODEL_MSRS = 4 };

struct keg_cpu_model {
	struct keg_leaves leaves;
	struct keg_notes *notes; /* borrowed; may be NULL */
	uint32_t count;          /* vCPUs */
	bool ready; /* what only a vCPU could tell has been asked: the TSC's rate, an MSR */
	struct kvm_msr_entry msrs[KEG_MODEL_MSRS];
	size_t msr_count;
};

/* What a model is made from: what KVM supports, and what it only emulates. */
struct keg_cpu_source {
	struct keg_cpuid_view supported;
	struct keg_cpuid_view emulated; /* may be empty */
	bool has_deadline_timer;        /* KVM_CAP_TSC_DEADLINE_TIMER */
};

/* Makes a model for `count` vCPUs of `text`; see keg_arch_create_cpu_model() for what it says. */
int keg_cpu_model_make(const struct keg_cpu_source *source, const char *text, uint32_t count,
	struct keg_notes *notes, struct keg_cpu_model *model);

/* Tells the guest the rates of its TSC and its APIC's timer (hv_timing.c). */
void keg_hv_set_timing(struct keg_leaves *leaves, uint32_t tsc_khz);

/*
 * Which features cannot be on without which (cpuid_depends.c). Switches off all that lack what they
 * need, and notes each that `before` had with what it needs. -EINVAL one of those that are `asked`
 * for is among them
 */
int keg_cpuid_settle(struct keg_leaves *leaves, struct keg_leaves *before,
	const struct keg_x86_feature *asked, size_t asked_count, struct keg_notes *notes);

/*
 * Leaves that repeat, describe or size what features have (cpuid_agree.c): made to agree with those
 * that were switched off since `before`. And features whose registers this process may not have
 * saved for its guests (Intel's AMX, before it asks the kernel for it): switched off.
 */
void keg_cpuid_agree(struct keg_leaves *leaves, struct keg_leaves *before);
void keg_cpuid_drop_unsaved(struct keg_leaves *leaves);

/* Gives the processor the name of this machine's, if it has none (cpu_brand.c). */
void keg_cpuid_set_brand(struct keg_leaves *leaves);

/* Sets the MSRs that a firmware would have set (cpu_model_msrs.c). */
void keg_cpu_model_find_msrs(struct keg_cpu_model *model, struct keg_vcpu *vcpu);
int keg_cpu_model_set_msrs(struct keg_cpu_model *model, struct keg_vcpu *vcpu);

#endif
