/* SPDX-License-Identifier: MIT */
/*
 * Feature bits as Intel's SDM (volume 2A, "CPUID"), AMD's APM (volume 3, appendix E) and the
 * kernel's documentation of KVM's own leaves have them; named as Linux names them in /proc/cpuinfo,
 * where it does.
 */
#include <keg/x86.h>

#include <string.h>

#include "arch/x86_64/cpuid_names.h"
#include "base/error.h"

#define NONE NULL

/* A register whose bits are features, and their names. */
static const struct {
	uint32_t function, index;
	enum keg_x86_register where;
	const char *bits[32];
} rows[] = {
	{0x1, 0, KEG_X86_EDX,
		{"fpu", "vme", "de", "pse", "tsc", "msr", "pae", "mce", "cx8", "apic", NONE, "sep",
			"mtrr", "pge", "mca", "cmov", "pat", "pse36", "pn", "clflush", NONE, "dts",
			"acpi", "mmx", "fxsr", "sse", "sse2", "ss", "ht", "tm", "ia64", "pbe"}},
	{0x1, 0, KEG_X86_ECX,
		{"sse3", "pclmulqdq", "dtes64", "monitor", "ds_cpl", "vmx", "smx", "est", "tm2",
			"ssse3", "cid", "sdbg", "fma", "cx16", "xtpr", "pdcm", NONE, "pcid", "dca",
			"sse4_1", "sse4_2", "x2apic", "movbe", "popcnt", "tsc_deadline_timer",
			"aes", "xsave", "osxsave", "avx", "f16c", "rdrand", "hypervisor"}},
	{0x6, 0, KEG_X86_EAX, {"dtherm", "ida", "arat", NONE, "pln", NONE, "pts"}},
	{0x7, 0, KEG_X86_EBX,
		{"fsgsbase", "tsc_adjust", "sgx", "bmi1", "hle", "avx2", "fdp_excptn_only", "smep",
			"bmi2", "erms", "invpcid", "rtm", "cqm", "zero_fcs_fds", "mpx", "rdt_a",
			"avx512f", "avx512dq", "rdseed", "adx", "smap", "avx512ifma", NONE,
			"clflushopt", "clwb", "intel_pt", "avx512pf", "avx512er", "avx512cd",
			"sha_ni", "avx512bw", "avx512vl"}},
	{0x7, 0, KEG_X86_ECX,
		{"prefetchwt1", "avx512vbmi", "umip", "pku", "ospke", "waitpkg", "avx512_vbmi2",
			"shstk", "gfni", "vaes", "vpclmulqdq", "avx512_vnni", "avx512_bitalg",
			"tme", "avx512_vpopcntdq", NONE, "la57", NONE, NONE, NONE, NONE, NONE,
			"rdpid", "keylocker", "bus_lock_detect", "cldemote", NONE, "movdiri",
			"movdir64b", "enqcmd", "sgx_lc", "pks"}},
	{0x7, 0, KEG_X86_EDX,
		{NONE, "sgx_keys", "avx512_4vnniw", "avx512_4fmaps", "fsrm", "uintr", NONE, NONE,
			"avx512_vp2intersect", "srbds_ctrl", "md_clear", "rtm_always_abort", NONE,
			"tsx_force_abort", "serialize", "hybrid_cpu", "tsxldtrk", NONE, "pconfig",
			"arch_lbr", "ibt", NONE, "amx_bf16", "avx512_fp16", "amx_tile", "amx_int8",
			"spec_ctrl", "intel_stibp", "flush_l1d", "arch_capabilities",
			"core_capabilities", "spec_ctrl_ssbd"}},
	{0x7, 1, KEG_X86_EAX,
		{"sha512", "sm3", "sm4", "rao_int", "avx_vnni", "avx512_bf16", "lass", "cmpccxadd",
			"arch_perfmon_ext", NONE, "fzrm", "fsrs", "fsrc", NONE, NONE, NONE, NONE,
			"fred", "lkgs", "wrmsrns", "nmi_source", "amx_fp16", "hreset", "avx_ifma",
			NONE, NONE, "lam", "msrlist", NONE, NONE, NONE, "movrs"}},
	{0x7, 1, KEG_X86_EDX,
		{NONE, NONE, NONE, NONE, "avx_vnni_int8", "avx_ne_convert", NONE, NONE,
			"amx_complex", NONE, "avx_vnni_int16", NONE, NONE, NONE, "prefetchiti",
			"user_msr", NONE, "uiret_uif", "cet_sss", "avx10"}},
	{0x7, 2, KEG_X86_EDX,
		{"psfd_ctrl", "ipred_ctrl", "rrsba_ctrl", "ddp_ctrl", "bhi_ctrl", "mcdt_no"}},
	{0xd, 1, KEG_X86_EAX, {"xsaveopt", "xsavec", "xgetbv1", "xsaves", "xfd"}},
	/* Bits that AMD repeats from leaf 1 have no name here. */
	{0x80000001, 0, KEG_X86_EDX,
		{NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, "syscall", NONE,
			NONE, NONE, NONE, NONE, NONE, NONE, "mp", "nx", NONE, "mmxext", NONE, NONE,
			"fxsr_opt", "pdpe1gb", "rdtscp", NONE, "lm", "3dnowext", "3dnow"}},
	{0x80000001, 0, KEG_X86_ECX,
		{"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a",
			"misalignsse", "3dnowprefetch", "osvw", "ibs", "xop", "skinit", "wdt", NONE,
			"lwp", "fma4", "tce", NONE, "nodeid_msr", NONE, "tbm", "topoext",
			"perfctr_core", "perfctr_nb", NONE, "bpext", "ptsc", "perfctr_llc",
			"mwaitx"}},
	{0x80000007, 0, KEG_X86_EDX,
		{NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, "nonstop_tsc"}},
	{0x80000008, 0, KEG_X86_EBX,
		{"clzero", "irperf", "xsaveerptr", "invlpgb", "rdpru", NONE, "mba", NONE, NONE,
			"wbnoinvd", NONE, NONE, "amd_ibpb", "int_wbinvd", "amd_ibrs", "amd_stibp",
			NONE, "amd_stibp_always_on", NONE, "ibrs_same_mode", "no_efer_lmsle", NONE,
			NONE, "amd_ppin", "amd_ssbd", "virt_ssbd", "amd_ssb_no", "cppc", "amd_psfd",
			"btc_no", "ibpb_ret"}},
	{0x8000000a, 0, KEG_X86_EDX,
		{"npt", "lbrv", "svm_lock", "nrip_save", "tsc_scale", "vmcb_clean", "flushbyasid",
			"decodeassists", NONE, NONE, "pausefilter", NONE, "pfthreshold", "avic",
			NONE, "v_vmsave_vmload", "vgif", NONE, "x2avic", NONE, "v_spec_ctrl", NONE,
			NONE, NONE, NONE, "vnmi"}},
	{0x80000021, 0, KEG_X86_EAX,
		{"no_nested_data_bp", "fs_gs_not_serializing", "lfence_rdtsc", "smm_page_cfg_lock",
			NONE, NONE, "null_sel_clr_base", "upper_addr_ignore", "autoibrs",
			"no_smm_ctl_msr", "amd_fsrs", "amd_fsrc", NONE, "prefetch_ctl_msr", NONE,
			NONE, NONE, "cpuid_user_dis", "epsf", NONE, NONE, NONE, NONE, NONE, NONE,
			NONE, NONE, "sbpb", "ibpb_brtype", "srso_no"}},
	{0x40000001, 0, KEG_X86_EAX,
		{"kvm_clocksource", "kvm_nop_io_delay", "kvm_mmu_op", "kvm_clocksource2",
			"kvm_async_pf", "kvm_steal_time", "kvm_pv_eoi", "kvm_pv_unhalt", NONE,
			"kvm_pv_tlb_flush", "kvm_async_pf_vmexit", "kvm_pv_send_ipi",
			"kvm_poll_control", "kvm_pv_sched_yield", "kvm_async_pf_int",
			"kvm_msi_ext_dest_id", "kvm_hc_map_gpa_range", "kvm_migration_control",
			NONE, NONE, NONE, NONE, NONE, NONE, "kvm_clocksource_stable"}},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Other names in use for the same bits. */
static const struct {
	const char *other, *name;
} aliases[] = {
	{"pni", "sse3"},
	{"invtsc", "nonstop_tsc"},
	{"tsc_deadline", "tsc_deadline_timer"},
};

int keg_x86_feature_register(size_t n, struct keg_x86_feature *first)
{
	if (n >= ROWS)
		return keg_fail(ENOENT, "there are %d registers of features", ROWS);
	*first = (struct keg_x86_feature){rows[n].function, rows[n].index, rows[n].where, 0};
	return 0;
}

const char *keg_x86_feature_name(const struct keg_x86_feature *feature)
{
	for (size_t i = 0; feature->bit < 32 && i < ROWS; i++) {
		if (rows[i].function == feature->function && rows[i].index == feature->index &&
			rows[i].where == feature->where)
			return rows[i].bits[feature->bit];
	}
	return NULL;
}

static const char *without_alias(const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (strcmp(aliases[i].other, name) == 0)
			return aliases[i].name;
	}
	return name;
}

/* Whether there is a feature of this name, and which bit it is. */
static bool find(const char *name, struct keg_x86_feature *feature)
{
	for (size_t i = 0; i < ROWS; i++) {
		for (uint32_t bit = 0; bit < 32; bit++) {
			const char *own = rows[i].bits[bit];

			/* A model is made of many names: most differ in the first letter. */
			if (!own || *own != *name || strcmp(own, name) != 0)
				continue;
			*feature = (struct keg_x86_feature){
				rows[i].function, rows[i].index, rows[i].where, bit};
			return true;
		}
	}
	return false;
}

int keg_x86_find_feature(const char *name, struct keg_x86_feature *feature)
{
	char nearest[KEG_NEAREST_BYTES];

	if (find(without_alias(name), feature))
		return 0;
	keg_nearest_features(name, nearest);
	return keg_fail(ENOENT, "there is no feature '%.32s'; the nearest: %s", name, nearest);
}

/* ---- The nearest names ---- */

enum { LONGEST = 32, NEAREST = 3 };

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters must be put in, taken out or changed to make one of the other (Levenshtein). */
static unsigned int distance(const char *a, const char *b)
{
	size_t bytes = strnlen(b, LONGEST);
	unsigned int row[LONGEST + 1];

	for (unsigned int i = 0; i <= bytes; i++)
		row[i] = i;
	for (unsigned int i = 0; i < LONGEST && a[i]; i++) {
		unsigned int corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < bytes; j++) {
			unsigned int above = row[j + 1];

			row[j + 1] = least(above + 1, row[j] + 1, corner + (a[i] != b[j]));
			corner = above;
		}
	}
	return row[bytes];
}

/* Puts a name where it belongs among those found so far. */
static void rank(const char *name, unsigned int far, const char *best[], unsigned int how_far[])
{
	unsigned int place = NEAREST;

	while (place && (!best[place - 1] || how_far[place - 1] > far))
		place--;
	if (place == NEAREST)
		return;
	for (unsigned int i = NEAREST - 1; i > place; i--) {
		best[i] = best[i - 1];
		how_far[i] = how_far[i - 1];
	}
	best[place] = name;
	how_far[place] = far;
}

void keg_nearest_features(const char *name, char text[KEG_NEAREST_BYTES])
{
	const char *best[NEAREST] = {NULL};
	unsigned int how_far[NEAREST] = {0};
	size_t used = 0;

	for (size_t i = 0; i < ROWS; i++) {
		for (unsigned int bit = 0; bit < 32; bit++) {
			if (rows[i].bits[bit])
				rank(rows[i].bits[bit], distance(rows[i].bits[bit], name), best,
					how_far);
		}
	}
	for (int i = 0; i < NEAREST && best[i]; i++) {
		size_t bytes = strlen(best[i]);

		if (i) {
			memcpy(text + used, ", ", 2);
			used += 2;
		}
		memcpy(text + used, best[i], bytes);
		used += bytes;
	}
	text[used] = 0;
}
