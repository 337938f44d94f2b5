/* SPDX-License-Identifier: MIT */
/* The processor that CPUID's leaves describe: who made it, which features it has. */
#ifndef KEG_CLI_PROCESSOR_H
#define KEG_CLI_PROCESSOR_H

#include <stdbool.h>

#include <keg/x86.h>

struct processor {
	char vendor[13];
	char brand[49];
	unsigned int family, model, stepping;
};

/* Gets the names of features, one by one. */
typedef void cpuid_put(void *context, const char *name);

/* A leaf, or NULL if it is not there; `index` where it has subleaves. */
const struct kvm_cpuid_entry2 *cpuid_leaf(
	const struct keg_cpuid_view *view, uint32_t function, uint32_t index);
uint32_t cpuid_value(const struct kvm_cpuid_entry2 *entry, enum keg_x86_register where);

/* Whether a register of keg_x86_feature_register() is of this leaf. */
bool cpuid_is_of(const struct keg_x86_feature *first, const struct kvm_cpuid_entry2 *entry);

/* Each feature of a register whose bit is set in `value`; and each of all leaves. */
void cpuid_each_feature(
	const struct keg_x86_feature *first, uint32_t value, cpuid_put *put, void *context);
void cpuid_all_features(const struct keg_cpuid_view *view, cpuid_put *put, void *context);

/* Those of the words in `names` that are present, or absent; returns how many. */
unsigned int cpuid_filter(const struct keg_cpuid_view *view, const char *names, bool present,
	cpuid_put *put, void *context);

void cpuid_identify(const struct keg_cpuid_view *view, struct processor *processor);

/* The level of the x86-64 psABI, 1 to 4, that all features are there for; 0 if for none. */
unsigned int cpuid_level(const struct keg_cpuid_view *view);

#endif
