/* SPDX-License-Identifier: MIT */
/*
 * Feature bits as Intel's SDM (volume 2A, "CPUID"), AMD's APM (volume 3, appendix E) and the
 * kernel's documentation of KVM's own leaves have them; named as Linux names them in /proc/cpuinfo,
 * where it does.
 */
#include "cpuid_names.h"

const struct cpuid_names cpuid_names[] = {
	{0x1, 0, CPUID_EDX,
		"fpu vme de pse tsc msr pae mce cx8 apic - sep mtrr pge mca cmov pat pse36 pn "
		"clflush "
		"- dts acpi mmx fxsr sse sse2 ss ht tm ia64 pbe"},
	{0x1, 0, CPUID_ECX,
		"sse3 pclmulqdq dtes64 monitor ds_cpl vmx smx est tm2 ssse3 cid sdbg fma cx16 xtpr "
		"pdcm - pcid dca sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave "
		"osxsave "
		"avx f16c rdrand hypervisor"},
	{0x6, 0, CPUID_EAX, "dtherm ida arat - pln - pts"},
	{0x7, 0, CPUID_EBX,
		"fsgsbase tsc_adjust sgx bmi1 hle avx2 fdp_excptn_only smep bmi2 erms invpcid rtm "
		"cqm "
		"zero_fcs_fds mpx rdt_a avx512f avx512dq rdseed adx smap avx512ifma - clflushopt "
		"clwb "
		"intel_pt avx512pf avx512er avx512cd sha_ni avx512bw avx512vl"},
	{0x7, 0, CPUID_ECX,
		"prefetchwt1 avx512vbmi umip pku ospke waitpkg avx512_vbmi2 shstk gfni vaes "
		"vpclmulqdq "
		"avx512_vnni avx512_bitalg tme avx512_vpopcntdq - la57 - - - - - rdpid keylocker "
		"bus_lock_detect cldemote - movdiri movdir64b enqcmd sgx_lc pks"},
	{0x7, 0, CPUID_EDX,
		"- sgx_keys avx512_4vnniw avx512_4fmaps fsrm uintr - - avx512_vp2intersect "
		"srbds_ctrl "
		"md_clear rtm_always_abort - tsx_force_abort serialize hybrid_cpu tsxldtrk - "
		"pconfig "
		"arch_lbr ibt - amx_bf16 avx512_fp16 amx_tile amx_int8 spec_ctrl intel_stibp "
		"flush_l1d "
		"arch_capabilities core_capabilities spec_ctrl_ssbd"},
	{0x7, 1, CPUID_EAX,
		"sha512 sm3 sm4 rao_int avx_vnni avx512_bf16 lass cmpccxadd arch_perfmon_ext - "
		"fzrm fsrs "
		"fsrc - - - - fred lkgs wrmsrns nmi_source amx_fp16 hreset avx_ifma - - lam "
		"msrlist - - "
		"- movrs"},
	{0x7, 1, CPUID_EDX,
		"- - - - avx_vnni_int8 avx_ne_convert - - amx_complex - avx_vnni_int16 - - - "
		"prefetchiti "
		"user_msr - uiret_uif cet_sss avx10"},
	{0x7, 2, CPUID_EDX, "psfd_ctrl ipred_ctrl rrsba_ctrl ddp_ctrl bhi_ctrl mcdt_no"},
	{0xd, 1, CPUID_EAX, "xsaveopt xsavec xgetbv1 xsaves xfd"},
	/* Bits that AMD repeats from leaf 1 have no name here. */
	{0x80000001, 0, CPUID_EDX,
		"- - - - - - - - - - - syscall - - - - - - - mp nx - mmxext - - fxsr_opt pdpe1gb "
		"rdtscp - "
		"lm 3dnowext 3dnow"},
	{0x80000001, 0, CPUID_ECX,
		"lahf_lm cmp_legacy svm extapic cr8_legacy abm sse4a misalignsse 3dnowprefetch "
		"osvw ibs "
		"xop skinit wdt - lwp fma4 tce - nodeid_msr - tbm topoext perfctr_core perfctr_nb "
		"- bpext "
		"ptsc perfctr_llc mwaitx"},
	{0x80000007, 0, CPUID_EDX, "- - - - - - - - nonstop_tsc"},
	{0x80000008, 0, CPUID_EBX,
		"clzero irperf xsaveerptr invlpgb rdpru - mba - - wbnoinvd - - amd_ibpb int_wbinvd "
		"amd_ibrs amd_stibp - amd_stibp_always_on - ibrs_same_mode no_efer_lmsle - - "
		"amd_ppin "
		"amd_ssbd virt_ssbd amd_ssb_no cppc amd_psfd btc_no ibpb_ret"},
	{0x8000000a, 0, CPUID_EDX,
		"npt lbrv svm_lock nrip_save tsc_scale vmcb_clean flushbyasid decodeassists - - "
		"pausefilter - pfthreshold avic - v_vmsave_vmload vgif - x2avic - v_spec_ctrl - - "
		"- - "
		"vnmi"},
	{0x80000021, 0, CPUID_EAX,
		"no_nested_data_bp fs_gs_not_serializing lfence_rdtsc smm_page_cfg_lock - - "
		"null_sel_clr_base upper_addr_ignore autoibrs no_smm_ctl_msr amd_fsrs amd_fsrc - "
		"prefetch_ctl_msr - - - cpuid_user_dis epsf - - - - - - - - sbpb ibpb_brtype "
		"srso_no"},
	{0x40000001, 0, CPUID_EAX,
		"kvm_clocksource kvm_nop_io_delay kvm_mmu_op kvm_clocksource2 kvm_async_pf "
		"kvm_steal_time kvm_pv_eoi kvm_pv_unhalt - kvm_pv_tlb_flush kvm_async_pf_vmexit "
		"kvm_pv_send_ipi kvm_poll_control kvm_pv_sched_yield kvm_async_pf_int "
		"kvm_msi_ext_dest_id kvm_hc_map_gpa_range kvm_migration_control - - - - - - "
		"kvm_clocksource_stable"},
	{0, 0, CPUID_EAX, NULL},
};
