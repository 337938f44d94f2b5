/* SPDX-License-Identifier: MIT */
/*
 * The rates of the guest's clocks, told where guests look for them.
 *
 * What Linux does under KVM (6.1): kvmclock's page has the TSC's rate, from which it takes tsc_khz
 * and loops per jiffy for every CPU, so neither is calibrated; the deadline timer counts TSC ticks,
 * so the local APIC's timer is not calibrated, and the PIT not needed. Without the deadline timer
 * it measures the APIC's timer for a tenth of a second, for it takes its rate from leaf 0x15 only
 * where there is no kvmclock. So kvmclock and the deadline timer are what matters. Newer kernels,
 * the BSDs and others read leaf 0x40000010.
 *
 * Leaves 0x15 and 0x16 stay as KVM has them: the ratio to KVM's APIC timer of 1 GHz does not fit
 * the 32 bits that Linux multiplies it in, and nobody under kvmclock asks.
 */
#include "arch/x86_64/cpu_model.h"

/* The leaves of a hypervisor begin here; KVM's have its signature (the kernel's "KVM CPUID bits").
 */
enum { HV_BASE = 0x40000000, HV_TIMING = 0x40000010 };

/* KVM's local APIC counts nanoseconds. */
enum { APIC_BUS_KHZ = 1000000 };

void keg_hv_set_timing(struct keg_leaves *leaves, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *base = keg_leaves_find(leaves, HV_BASE, 0);
	struct kvm_cpuid_entry2 *timing;

	if (!base)
		return;
	timing = keg_leaves_need(leaves, HV_TIMING, 0, false);
	if (!timing)
		return;
	timing->eax = tsc_khz;
	timing->ebx = APIC_BUS_KHZ;
	if (base->eax < HV_TIMING)
		base->eax = HV_TIMING;
}
