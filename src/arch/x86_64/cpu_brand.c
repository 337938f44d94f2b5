/* SPDX-License-Identifier: MIT */
/*
 * The processor's name (APM volume 3, appendix E, "Function 8000_0002h to 8000_0004h"; SDM volume
 * 2, CPUID): KVM leaves it to those who make machines.
 */
#include <cpuid.h>

#include "arch/x86_64/cpu_model.h"

static const uint32_t extended = 0x80000000, name_first = 0x80000002, name_last = 0x80000004;

void keg_cpuid_set_brand(struct keg_leaves *leaves)
{
	struct kvm_cpuid_entry2 *base = keg_leaves_find(leaves, extended, 0);

	if (!base || base->eax < name_last || (uint32_t)__get_cpuid_max(extended, NULL) < name_last)
		return;
	for (uint32_t function = name_first; function <= name_last; function++) {
		struct kvm_cpuid_entry2 *leaf = keg_leaves_need(leaves, function, 0, false);

		/* A name that KVM gives all the same is the better one. */
		if (!leaf || (leaf->eax | leaf->ebx | leaf->ecx | leaf->edx))
			continue;
		__cpuid(function, leaf->eax, leaf->ebx, leaf->ecx, leaf->edx);
	}
}
