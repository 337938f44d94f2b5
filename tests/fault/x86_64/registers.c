/* SPDX-License-Identifier: MIT */
/* A vCPU's state on x86-64: every kind of it is read and written back. */
#include "fault/fault.h"
#include "fault/sites.h"

#include <stdlib.h>
#include <string.h>

#include <keg/x86.h>

#include "base/error.h"

static struct keg_vcpu *vcpu(const struct rig *rig)
{
	return rig->vcpus[0];
}

/* What is read is written back. */
#define STATE(name, type)                                                                          \
	static type kept_##name;                                                                   \
	static int get_##name(struct rig *rig)                                                     \
	{                                                                                          \
		return keg_vcpu_get_##name(vcpu(rig), &kept_##name);                               \
	}                                                                                          \
	static int set_##name(struct rig *rig)                                                     \
	{                                                                                          \
		return keg_vcpu_set_##name(vcpu(rig), &kept_##name);                               \
	}

STATE(regs, struct kvm_regs)
STATE(sregs, struct kvm_sregs)
STATE(fpu, struct kvm_fpu)
STATE(xcrs, struct kvm_xcrs)
STATE(debug_regs, struct kvm_debugregs)
STATE(lapic, struct kvm_lapic_state)

/* Before the first run nothing is shared: it takes system calls. What is set is given to KVM by
 * the next request that wants it. */
static int flush(struct rig *rig)
{
	int rc = keg_vcpu_set_regs(vcpu(rig), &kept_regs);

	if (!rc)
		rc = keg_vcpu_set_sregs(vcpu(rig), &kept_sregs);
	return rc ? rc : keg_vcpu_get_fpu(vcpu(rig), &kept_fpu);
}

static unsigned char xsave[1 << 16];

static int get_xsave(struct rig *rig)
{
	int size = keg_vcpu_xsave_size(vcpu(rig));

	if (size < 0)
		return size;
	/* The host decides which of two requests it is. */
	fault_excuse(size > 4096 ? "GET_XSAVE" : "GET_XSAVE2");
	return keg_vcpu_get_xsave(vcpu(rig), xsave, sizeof(xsave));
}

static int set_xsave(struct rig *rig)
{
	int size = keg_vcpu_xsave_size(vcpu(rig));

	return size < 0 ? size : keg_vcpu_set_xsave(vcpu(rig), xsave, (size_t)size);
}

static struct kvm_msr_entry msrs[2];

static int get_msrs(struct rig *rig)
{
	enum { IA32_SYSENTER_CS = 0x174, IA32_SYSENTER_ESP = 0x175 };

	msrs[0].index = IA32_SYSENTER_CS;
	msrs[1].index = IA32_SYSENTER_ESP;
	return keg_vcpu_get_msrs(vcpu(rig), msrs, 2);
}

static int set_msrs(struct rig *rig)
{
	return keg_vcpu_set_msrs(vcpu(rig), msrs, 2);
}

static struct kvm_cpuid_entry2 leaves[256];
static size_t leaf_count;

static int get_cpuid(struct rig *rig)
{
	leaf_count = sizeof(leaves) / sizeof(leaves[0]);
	return keg_vcpu_get_cpuid(vcpu(rig), leaves, &leaf_count);
}

static int set_cpuid(struct rig *rig)
{
	return keg_vcpu_set_cpuid(vcpu(rig), leaves, leaf_count);
}

static int get_tsc_khz(struct rig *rig)
{
	return keg_vcpu_get_tsc_khz(vcpu(rig));
}

static int set_tsc_khz(struct rig *rig)
{
	int khz = keg_vcpu_get_tsc_khz(vcpu(rig));

	return khz < 0 ? khz : keg_vcpu_set_tsc_khz(vcpu(rig), (uint32_t)khz);
}

static int translate(struct rig *rig)
{
	struct kvm_translation translation = {.linear_address = 0x1000};

	return keg_vcpu_translate(vcpu(rig), &translation);
}

static int nmi(struct rig *rig)
{
	return keg_vcpu_nmi(vcpu(rig));
}

static int smi(struct rig *rig)
{
	return keg_vcpu_smi(vcpu(rig));
}

static int enter_long_mode(struct rig *rig)
{
	const keg_gpa table = 0x8000;
	int rc = keg_x86_identity_map(rig->mem, table, 1 << 20);

	return rc < 0 ? rc : keg_vcpu_enter_long_mode(vcpu(rig), table);
}

static int enter_protected_mode(struct rig *rig)
{
	return keg_vcpu_enter_protected_mode(vcpu(rig));
}

static int enter_real_mode(struct rig *rig)
{
	return keg_vcpu_enter_real_mode(vcpu(rig), 0x100);
}

/* Without a controller in the kernel an interrupt is injected. */
static int interrupt(struct rig *rig)
{
	keg_vcpu_kvm_run(vcpu(rig))->ready_for_interrupt_injection = 1;
	return keg_vcpu_interrupt(vcpu(rig), 0x40);
}

static int refuse_cap(struct rig *rig)
{
	return rig_expect(keg_vcpu_enable_cap(vcpu(rig), 0xffffffff, 0, NULL), EINVAL);
}

static int create_irqchip(struct rig *rig)
{
	return keg_vm_create_irqchip(rig->vm);
}

#define BEGIN                                                                                      \
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),                                            \
		FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),                                 \
		FAULT_STEP("map", rig_create_mem, FAULT_SETUP),                                    \
		FAULT_STEP("ram", rig_add_ram, FAULT_SETUP),                                       \
		FAULT_STEP("load", rig_load_store, FAULT_SETUP),                                   \
		FAULT_STEP("vCPU", rig_create_vcpu, FAULT_SETUP),                                  \
		FAULT_STEP("init", rig_init_vcpu, FAULT_SETUP)

static const struct fault_step register_steps[] = {
	BEGIN,
	FAULT_STEP("get registers", get_regs, 0),
	FAULT_STEP("set registers", set_regs, 0),
	FAULT_STEP("get special registers", get_sregs, 0),
	FAULT_STEP("set special registers", set_sregs, 0),
	FAULT_STEP("give to KVM", flush, 0),
	FAULT_STEP("run", rig_run, 0),
	FAULT_STEP("get registers", get_regs, 0),
	FAULT_STEP("set registers", set_regs, 0),
	FAULT_STEP("run on", rig_run, 0),
	FAULT_STEP("get FPU", get_fpu, 0),
	FAULT_STEP("set FPU", set_fpu, 0),
	FAULT_STEP_FOR("get XSAVE", get_xsave, FAULT_OPTIONAL, "GET_XSAVE", "GET_XSAVE2"),
	FAULT_STEP_FOR("set XSAVE", set_xsave, FAULT_OPTIONAL, "SET_XSAVE"),
	FAULT_STEP_FOR("get XCRs", get_xcrs, FAULT_OPTIONAL, "GET_XCRS"),
	FAULT_STEP_FOR("set XCRs", set_xcrs, FAULT_OPTIONAL, "SET_XCRS"),
	FAULT_STEP_FOR("get debug registers", get_debug_regs, FAULT_OPTIONAL, "GET_DEBUGREGS"),
	FAULT_STEP_FOR("set debug registers", set_debug_regs, FAULT_OPTIONAL, "SET_DEBUGREGS"),
	FAULT_STEP("translate", translate, 0),
};

static const struct fault_step feature_steps[] = {
	BEGIN,
	FAULT_STEP("get MSRs", get_msrs, 0),
	FAULT_STEP("set MSRs", set_msrs, 0),
	FAULT_STEP("get CPUID", get_cpuid, 0),
	FAULT_STEP("set CPUID", set_cpuid, 0),
	FAULT_STEP_FOR("get TSC rate", get_tsc_khz, FAULT_OPTIONAL, "GET_TSC_KHZ"),
	FAULT_STEP_FOR("set TSC rate", set_tsc_khz, FAULT_OPTIONAL, "SET_TSC_KHZ"),
	FAULT_STEP("capability", refuse_cap, FAULT_FORGIVING),
	FAULT_STEP("long mode", enter_long_mode, 0),
	FAULT_STEP("protected mode", enter_protected_mode, 0),
	FAULT_STEP("real mode", enter_real_mode, 0),
	FAULT_STEP("interrupt", interrupt, 0),
	FAULT_STEP("NMI", nmi, 0),
	FAULT_STEP_FOR("SMI", smi, FAULT_OPTIONAL, "SMI"),
};

static const struct fault_step apic_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("controller", create_irqchip, FAULT_SETUP),
	FAULT_STEP("vCPU", rig_create_vcpu, FAULT_SETUP),
	FAULT_STEP("get local APIC", get_lapic, 0),
	FAULT_STEP("set local APIC", set_lapic, 0),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("registers", register_steps),
	FAULT_SCENARIO("features", feature_steps),
	FAULT_SCENARIO("local-apic", apic_steps),
};

const struct fault_suite fault_registers = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
