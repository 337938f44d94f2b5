/* SPDX-License-Identifier: MIT */
/* The capabilities that `keg info` shows in short. */
#include <string.h>

#include "info.h"

const struct info_feature info_features[] = {
	{"user-memory", keg_host_has_user_memory, NULL},
	{"irqchip", keg_host_has_irqchip, NULL},
	{"split-irqchip", NULL, "KVM_CAP_SPLIT_IRQCHIP"},
	{"tss-address", keg_host_has_tss_address, NULL},
	{"extended-cpuid", keg_host_has_extended_cpuid, NULL},
	{"one-reg", keg_host_has_one_reg, NULL},
	{"vcpu-events", keg_host_has_vcpu_events, NULL},
	{"debug-registers", keg_host_has_debug_registers, NULL},
	{"xcrs", keg_host_has_xcrs, NULL},
	{"xsave", keg_host_has_xsave, NULL},
	{"xsave2", NULL, "KVM_CAP_XSAVE2"},
	{"nested-state", NULL, "KVM_CAP_NESTED_STATE"},
	{"user-nmi", keg_host_has_user_nmi, NULL},
	{"smm", NULL, "KVM_CAP_X86_SMM"},
	{"guest-debug", NULL, "KVM_CAP_SET_GUEST_DEBUG"},
	{"sync-regs", NULL, "KVM_CAP_SYNC_REGS"},
	{"immediate-exit", NULL, "KVM_CAP_IMMEDIATE_EXIT"},
	{"coalesced-mmio", NULL, "KVM_CAP_COALESCED_MMIO"},
	{"coalesced-pio", NULL, "KVM_CAP_COALESCED_PIO"},
	{"ioeventfd", NULL, "KVM_CAP_IOEVENTFD"},
	{"irqfd", NULL, "KVM_CAP_IRQFD"},
	{"irqfd-resample", NULL, "KVM_CAP_IRQFD_RESAMPLE"},
	{"read-only-memory", NULL, "KVM_CAP_READONLY_MEM"},
	{"manual-dirty-log", NULL, "KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2"},
	{"dirty-ring", NULL, "KVM_CAP_DIRTY_LOG_RING"},
	{"tsc-scaling", NULL, "KVM_CAP_VM_TSC_CONTROL"},
	{"user-msrs", NULL, "KVM_CAP_X86_USER_SPACE_MSR"},
	{"stats-fd", NULL, "KVM_CAP_BINARY_STATS_FD"},
	{"memory-fault-exits", NULL, "KVM_CAP_MEMORY_FAULT_INFO"},
	{"memory-attributes", NULL, "KVM_CAP_MEMORY_ATTRIBUTES"},
	{"guest-memfd", NULL, "KVM_CAP_GUEST_MEMFD"},
	{"pre-fault", NULL, "KVM_CAP_PRE_FAULT_MEMORY"},
	{NULL, NULL, NULL},
};

bool info_has_feature(struct keg_host *host, const struct info_feature *feature)
{
	if (feature->has)
		return feature->has(host);
	for (const struct kvm_cap *cap = kvm_caps; cap->name; cap++) {
		if (strcmp(cap->name, feature->cap) == 0)
			return keg_host_check_extension(host, cap->number) > 0;
	}
	return false;
}
