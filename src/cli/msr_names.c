/* SPDX-License-Identifier: MIT */
/*
 * MSRs as Intel's SDM (volume 4) and AMD's APM (volume 2, appendix A) name them, those of KVM (the
 * kernel's "KVM-specific MSRs") and of Hyper-V (its Top Level Functional Specification).
 */
#include "msr_names.h"

#include <stdio.h>

/* `count` MSRs from `first` on; the name has a %u for those that are counted. */
struct msr_range {
	uint32_t first, count;
	const char *name;
};

/* By number. */
static const struct msr_range ranges[] = {
	{0x00000010, 1, "IA32_TIME_STAMP_COUNTER"},
	{0x00000011, 1, "MSR_KVM_WALL_CLOCK"},
	{0x00000012, 1, "MSR_KVM_SYSTEM_TIME"},
	{0x00000017, 1, "IA32_PLATFORM_ID"},
	{0x0000001b, 1, "IA32_APIC_BASE"},
	{0x00000034, 1, "MSR_SMI_COUNT"},
	{0x0000003a, 1, "IA32_FEATURE_CONTROL"},
	{0x0000003b, 1, "IA32_TSC_ADJUST"},
	{0x00000048, 1, "IA32_SPEC_CTRL"},
	{0x00000049, 1, "IA32_PRED_CMD"},
	{0x0000008b, 1, "IA32_BIOS_SIGN_ID"},
	{0x0000009e, 1, "IA32_SMBASE"},
	{0x000000c1, 8, "IA32_PMC%u"},
	{0x000000cd, 1, "MSR_FSB_FREQ"},
	{0x000000ce, 1, "MSR_PLATFORM_INFO"},
	{0x000000cf, 1, "IA32_CORE_CAPABILITIES"},
	{0x000000e1, 1, "IA32_UMWAIT_CONTROL"},
	{0x000000fe, 1, "IA32_MTRRCAP"},
	{0x0000010a, 1, "IA32_ARCH_CAPABILITIES"},
	{0x0000010b, 1, "IA32_FLUSH_CMD"},
	{0x00000122, 1, "IA32_TSX_CTRL"},
	{0x00000140, 1, "MSR_MISC_FEATURES_ENABLES"},
	{0x00000174, 1, "IA32_SYSENTER_CS"},
	{0x00000175, 1, "IA32_SYSENTER_ESP"},
	{0x00000176, 1, "IA32_SYSENTER_EIP"},
	{0x00000179, 1, "IA32_MCG_CAP"},
	{0x0000017a, 1, "IA32_MCG_STATUS"},
	{0x0000017b, 1, "IA32_MCG_CTL"},
	{0x00000186, 8, "IA32_PERFEVTSEL%u"},
	{0x000001a0, 1, "IA32_MISC_ENABLE"},
	{0x000001c4, 1, "IA32_XFD"},
	{0x000001c5, 1, "IA32_XFD_ERR"},
	{0x000001d9, 1, "IA32_DEBUGCTL"},
	{0x000001db, 1, "MSR_LASTBRANCHFROMIP"},
	{0x000001dc, 1, "MSR_LASTBRANCHTOIP"},
	{0x000001dd, 1, "MSR_LASTINTFROMIP"},
	{0x000001de, 1, "MSR_LASTINTTOIP"},
	{0x000001fc, 1, "MSR_POWER_CTL"},
	{0x00000250, 1, "IA32_MTRR_FIX64K_00000"},
	{0x00000258, 1, "IA32_MTRR_FIX16K_80000"},
	{0x00000259, 1, "IA32_MTRR_FIX16K_A0000"},
	{0x00000268, 1, "IA32_MTRR_FIX4K_C0000"},
	{0x00000269, 1, "IA32_MTRR_FIX4K_C8000"},
	{0x0000026a, 1, "IA32_MTRR_FIX4K_D0000"},
	{0x0000026b, 1, "IA32_MTRR_FIX4K_D8000"},
	{0x0000026c, 1, "IA32_MTRR_FIX4K_E0000"},
	{0x0000026d, 1, "IA32_MTRR_FIX4K_E8000"},
	{0x0000026e, 1, "IA32_MTRR_FIX4K_F0000"},
	{0x0000026f, 1, "IA32_MTRR_FIX4K_F8000"},
	{0x00000277, 1, "IA32_PAT"},
	{0x000002ff, 1, "IA32_MTRR_DEF_TYPE"},
	{0x00000309, 4, "IA32_FIXED_CTR%u"},
	{0x00000345, 1, "IA32_PERF_CAPABILITIES"},
	{0x0000038d, 1, "IA32_FIXED_CTR_CTRL"},
	{0x0000038e, 1, "IA32_PERF_GLOBAL_STATUS"},
	{0x0000038f, 1, "IA32_PERF_GLOBAL_CTRL"},
	{0x00000390, 1, "IA32_PERF_GLOBAL_OVF_CTRL"},
	{0x000003f1, 1, "IA32_PEBS_ENABLE"},
	{0x000003f2, 1, "MSR_PEBS_DATA_CFG"},
	{0x00000480, 1, "IA32_VMX_BASIC"},
	{0x00000481, 1, "IA32_VMX_PINBASED_CTLS"},
	{0x00000482, 1, "IA32_VMX_PROCBASED_CTLS"},
	{0x00000483, 1, "IA32_VMX_EXIT_CTLS"},
	{0x00000484, 1, "IA32_VMX_ENTRY_CTLS"},
	{0x00000485, 1, "IA32_VMX_MISC"},
	{0x00000486, 1, "IA32_VMX_CR0_FIXED0"},
	{0x00000487, 1, "IA32_VMX_CR0_FIXED1"},
	{0x00000488, 1, "IA32_VMX_CR4_FIXED0"},
	{0x00000489, 1, "IA32_VMX_CR4_FIXED1"},
	{0x0000048a, 1, "IA32_VMX_VMCS_ENUM"},
	{0x0000048b, 1, "IA32_VMX_PROCBASED_CTLS2"},
	{0x0000048c, 1, "IA32_VMX_EPT_VPID_CAP"},
	{0x0000048d, 1, "IA32_VMX_TRUE_PINBASED_CTLS"},
	{0x0000048e, 1, "IA32_VMX_TRUE_PROCBASED_CTLS"},
	{0x0000048f, 1, "IA32_VMX_TRUE_EXIT_CTLS"},
	{0x00000490, 1, "IA32_VMX_TRUE_ENTRY_CTLS"},
	{0x00000491, 1, "IA32_VMX_VMFUNC"},
	{0x000004c1, 8, "IA32_A_PMC%u"},
	{0x00000560, 1, "IA32_RTIT_OUTPUT_BASE"},
	{0x00000561, 1, "IA32_RTIT_OUTPUT_MASK_PTRS"},
	{0x00000570, 1, "IA32_RTIT_CTL"},
	{0x00000571, 1, "IA32_RTIT_STATUS"},
	{0x00000572, 1, "IA32_RTIT_CR3_MATCH"},
	{0x00000580, 8, "IA32_RTIT_ADDR%u"},
	{0x00000600, 1, "IA32_DS_AREA"},
	{0x000006a0, 1, "IA32_U_CET"},
	{0x000006a2, 1, "IA32_S_CET"},
	{0x000006a4, 4, "IA32_PL%u_SSP"},
	{0x000006a8, 1, "IA32_INTERRUPT_SSP_TABLE_ADDR"},
	{0x000006e0, 1, "IA32_TSC_DEADLINE"},
	{0x00000da0, 1, "IA32_XSS"},
	{0x40000000, 1, "HV_X64_MSR_GUEST_OS_ID"},
	{0x40000001, 1, "HV_X64_MSR_HYPERCALL"},
	{0x40000002, 1, "HV_X64_MSR_VP_INDEX"},
	{0x40000003, 1, "HV_X64_MSR_RESET"},
	{0x40000010, 1, "HV_X64_MSR_VP_RUNTIME"},
	{0x40000020, 1, "HV_X64_MSR_TIME_REF_COUNT"},
	{0x40000021, 1, "HV_X64_MSR_REFERENCE_TSC"},
	{0x40000022, 1, "HV_X64_MSR_TSC_FREQUENCY"},
	{0x40000023, 1, "HV_X64_MSR_APIC_FREQUENCY"},
	{0x40000070, 1, "HV_X64_MSR_EOI"},
	{0x40000071, 1, "HV_X64_MSR_ICR"},
	{0x40000072, 1, "HV_X64_MSR_TPR"},
	{0x40000073, 1, "HV_X64_MSR_VP_ASSIST_PAGE"},
	{0x40000080, 1, "HV_X64_MSR_SCONTROL"},
	{0x40000082, 1, "HV_X64_MSR_SIEFP"},
	{0x40000083, 1, "HV_X64_MSR_SIMP"},
	{0x40000084, 1, "HV_X64_MSR_EOM"},
	{0x40000090, 16, "HV_X64_MSR_SINT%u"},
	{0x400000b0, 1, "HV_X64_MSR_STIMER0_CONFIG"},
	{0x400000b1, 1, "HV_X64_MSR_STIMER0_COUNT"},
	{0x400000f1, 1, "HV_X64_MSR_SYNDBG_CONTROL"},
	{0x400000f2, 1, "HV_X64_MSR_SYNDBG_STATUS"},
	{0x400000f3, 1, "HV_X64_MSR_SYNDBG_SEND_BUFFER"},
	{0x400000f4, 1, "HV_X64_MSR_SYNDBG_RECV_BUFFER"},
	{0x400000f5, 1, "HV_X64_MSR_SYNDBG_PENDING_BUFFER"},
	{0x400000ff, 1, "HV_X64_MSR_SYNDBG_OPTIONS"},
	{0x40000100, 5, "HV_X64_MSR_CRASH_P%u"},
	{0x40000105, 1, "HV_X64_MSR_CRASH_CTL"},
	{0x40000106, 1, "HV_X64_MSR_REENLIGHTENMENT_CONTROL"},
	{0x40000107, 1, "HV_X64_MSR_TSC_EMULATION_CONTROL"},
	{0x40000108, 1, "HV_X64_MSR_TSC_EMULATION_STATUS"},
	{0x40000118, 1, "HV_X64_MSR_TSC_INVARIANT_CONTROL"},
	{0x4b564d00, 1, "MSR_KVM_WALL_CLOCK_NEW"},
	{0x4b564d01, 1, "MSR_KVM_SYSTEM_TIME_NEW"},
	{0x4b564d02, 1, "MSR_KVM_ASYNC_PF_EN"},
	{0x4b564d03, 1, "MSR_KVM_STEAL_TIME"},
	{0x4b564d04, 1, "MSR_KVM_PV_EOI_EN"},
	{0x4b564d05, 1, "MSR_KVM_POLL_CONTROL"},
	{0x4b564d06, 1, "MSR_KVM_ASYNC_PF_INT"},
	{0x4b564d07, 1, "MSR_KVM_ASYNC_PF_ACK"},
	{0x4b564d08, 1, "MSR_KVM_MIGRATION_CONTROL"},
	{0xc0000080, 1, "EFER"},
	{0xc0000081, 1, "STAR"},
	{0xc0000082, 1, "LSTAR"},
	{0xc0000083, 1, "CSTAR"},
	{0xc0000084, 1, "SFMASK"},
	{0xc0000100, 1, "FS_BASE"},
	{0xc0000101, 1, "GS_BASE"},
	{0xc0000102, 1, "KERNEL_GS_BASE"},
	{0xc0000103, 1, "TSC_AUX"},
	{0xc0000104, 1, "TSC_RATIO"},
	{0xc0000300, 1, "PERF_CNTR_GLOBAL_STATUS"},
	{0xc0000301, 1, "PERF_CNTR_GLOBAL_CTL"},
	{0xc0000302, 1, "PERF_CNTR_GLOBAL_STATUS_CLR"},
	{0xc0000303, 1, "PERF_CNTR_GLOBAL_STATUS_SET"},
	{0xc0010000, 4, "PERF_LEGACY_CTL%u"},
	{0xc0010004, 4, "PERF_LEGACY_CTR%u"},
	{0xc0010010, 1, "SYSCFG"},
	{0xc0010015, 1, "HWCR"},
	{0xc001001f, 1, "NB_CFG"},
	{0xc0010114, 1, "VM_CR"},
	{0xc0010117, 1, "VM_HSAVE_PA"},
	{0xc001011f, 1, "VIRT_SPEC_CTRL"},
	{0xc0010140, 1, "OSVW_ID_LENGTH"},
	{0xc0010141, 1, "OSVW_STATUS"},
	{0xc0011029, 1, "DE_CFG"},
};

/* Those that alternate: control, counter, control … (AMD), and base, mask, base … (MTRRs). */
static const struct msr_range pairs[] = {
	{0x00000200, 16, "IA32_MTRR_PHYSBASE%u\0IA32_MTRR_PHYSMASK%u"},
	{0xc0010200, 12, "PERF_CTL%u\0PERF_CTR%u"},
};

static const struct msr_range *find(const struct msr_range *table, size_t count, uint32_t index)
{
	for (size_t i = 0; i < count; i++) {
		if (index >= table[i].first && index - table[i].first < table[i].count)
			return &table[i];
	}
	return NULL;
}

/* The number in place of the name's %u, if it has one. */
static void numbered(const char *pattern, unsigned int number, char *name, size_t size)
{
	const char *end = pattern;

	while (*end && *end != '%')
		end++;
	if (*end)
		snprintf(name, size, "%.*s%u%s", (int)(end - pattern), pattern, number, end + 2);
	else
		snprintf(name, size, "%s", pattern);
}

int msr_name(uint32_t index, char *name, size_t size)
{
	const struct msr_range *range = find(ranges, sizeof(ranges) / sizeof(ranges[0]), index);
	const char *pattern;

	if (range) {
		numbered(range->name, index - range->first, name, size);
		return 0;
	}
	range = find(pairs, sizeof(pairs) / sizeof(pairs[0]), index);
	if (!range)
		return -1;
	pattern = range->name;
	if ((index - range->first) % 2)
		while (*pattern++)
			;
	numbered(pattern, (index - range->first) / 2, name, size);
	return 0;
}
