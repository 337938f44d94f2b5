/* SPDX-License-Identifier: MIT */
/* What x86-64 alone has: the host's lists, chips, time, private pages, and loading Multiboot. */
#include "fault/fault.h"

#include <string.h>

#include <keg/irq.h>
#include <keg/slot.h>
#include <keg/x86.h>

#include "base/error.h"

/* ---- The host's lists ---- */

static int supported_cpuid(struct rig *rig)
{
	struct keg_cpuid_view view;

	return keg_host_supported_cpuid(rig->host, &view);
}

static int emulated_cpuid(struct rig *rig)
{
	struct keg_cpuid_view view;

	return keg_host_emulated_cpuid(rig->host, &view);
}

static int supported_msrs(struct rig *rig)
{
	struct keg_msr_view view;

	return keg_host_supported_msrs(rig->host, &view);
}

static int feature_msr(struct rig *rig)
{
	struct keg_msr_view view;
	uint64_t value;
	int rc = keg_host_feature_msrs(rig->host, &view);

	if (rc)
		return rc;
	return view.count ? keg_host_read_feature_msr(rig->host, view.indices[0], &value) : 0;
}

static int copy_msrs(struct rig *rig)
{
	static uint32_t indices[4096];
	size_t count = sizeof(indices) / sizeof(indices[0]);

	return keg_host_copy_supported_msrs(rig->host, indices, &count);
}

static int copy_cpuid(struct rig *rig)
{
	static struct kvm_cpuid_entry2 entries[1024];
	size_t count = sizeof(entries) / sizeof(entries[0]);

	return keg_host_copy_supported_cpuid(rig->host, entries, &count);
}

static const struct fault_step list_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("CPUID", supported_cpuid, 0),
	FAULT_STEP_FOR("emulated CPUID", emulated_cpuid, FAULT_OPTIONAL, "GET_EMULATED_CPUID"),
	FAULT_STEP("MSRs", supported_msrs, 0),
	FAULT_STEP_FOR("feature MSR", feature_msr, FAULT_OPTIONAL, "GET_MSR_FEATURE_INDEX_LIST"),
	FAULT_STEP("copy MSRs", copy_msrs, 0),
	FAULT_STEP("copy CPUID", copy_cpuid, 0),
};

/* Without a view first: the copy asks itself. */
static const struct fault_step copy_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("copy MSRs", copy_msrs, 0),
	FAULT_STEP("copy CPUID", copy_cpuid, 0),
};

/* ---- Chips ---- */

static int start(struct rig *rig)
{
	return keg_vm_start(rig->vm);
}

static int create_irqchip(struct rig *rig)
{
	return keg_vm_create_irqchip(rig->vm);
}

static int split_irqchip(struct rig *rig)
{
	return keg_vm_split_irqchip(rig->vm, 24);
}

static int create_pit(struct rig *rig)
{
	return keg_vm_create_pit(rig->vm, 0);
}

/* What is read is given back. */
static union {
	struct kvm_irqchip chip;
	struct kvm_pit_state2 pit;
	struct kvm_clock_data clock;
} kept;

static int get_irqchip(struct rig *rig)
{
	kept.chip.chip_id = KVM_IRQCHIP_IOAPIC;
	return keg_vm_get_irqchip(rig->vm, &kept.chip);
}

static int set_irqchip(struct rig *rig)
{
	return keg_vm_set_irqchip(rig->vm, &kept.chip);
}

static int get_pit(struct rig *rig)
{
	return keg_vm_get_pit(rig->vm, &kept.pit);
}

static int set_pit(struct rig *rig)
{
	return keg_vm_set_pit(rig->vm, &kept.pit);
}

static int signal_msi(struct rig *rig)
{
	/* To vCPU 0, vector 64, which its local APIC refuses while it is off. */
	int rc = keg_vm_signal_msi(rig->vm, 0xfee00000, 0x40);

	return rc == -EPERM ? 0 : rc;
}

static const struct fault_step chip_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("controller", create_irqchip, 0),
	FAULT_STEP("timer", create_pit, 0),
	FAULT_STEP("start", start, 0),
	FAULT_STEP("vCPU", rig_create_vcpu, FAULT_SETUP),
	FAULT_STEP("get chip", get_irqchip, 0),
	FAULT_STEP("set chip", set_irqchip, 0),
	FAULT_STEP("get timer", get_pit, 0),
	FAULT_STEP("set timer", set_pit, 0),
	FAULT_STEP("message", signal_msi, 0),
};

/* Made at once, because the machine has started. */
static const struct fault_step late_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("start", start, FAULT_SETUP),
	FAULT_STEP("controller", create_irqchip, 0),
	FAULT_STEP("timer", create_pit, 0),
};

static const struct fault_step split_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("controller", split_irqchip, FAULT_OPTIONAL),
	FAULT_STEP("start", start, 0),
};

/* ---- Time, and pages of KVM's own ---- */

static int get_clock(struct rig *rig)
{
	return keg_vm_get_clock(rig->vm, &kept.clock);
}

static int set_clock(struct rig *rig)
{
	kept.clock.flags = 0;
	return keg_vm_set_clock(rig->vm, &kept.clock);
}

static int get_tsc_khz(struct rig *rig)
{
	return keg_vm_get_tsc_khz(rig->vm);
}

static int set_tss(struct rig *rig)
{
	return keg_vm_set_tss_address(rig->vm, 0xfffbd000);
}

static int set_identity_map(struct rig *rig)
{
	return keg_vm_set_identity_map_address(rig->vm, 0xfffbc000);
}

static const struct fault_step time_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("get clock", get_clock, 0),
	FAULT_STEP("set clock", set_clock, 0),
	FAULT_STEP("TSC rate", get_tsc_khz, FAULT_OPTIONAL),
	FAULT_STEP("identity map", set_identity_map, 0),
	FAULT_STEP("task state", set_tss, 0),
};

/* ---- Multiboot, which makes more in memory than other images ---- */

static int load_multiboot(struct rig *rig)
{
	/* Multiboot 0.6.96, 3.1: the header, with addresses of its own, at the image's start. */
	enum { MAGIC = 0x1badb002, FLAGS = 1 << 16 | 3, LOAD = 0x10000, END = LOAD + 4096 };
	static const uint32_t image[1024] = {
		MAGIC, FLAGS, 0U - MAGIC - FLAGS, LOAD, LOAD, END, END, LOAD};
	const struct keg_boot_config config = {
		.size = sizeof(config),
		.image = image,
		.image_bytes = sizeof(image),
		.initrd = "module",
		.initrd_bytes = 6,
		.command_line = "quiet",
	};
	struct keg_boot_entry entry;

	return keg_boot_load(rig->mem, &config, &entry);
}

static const struct fault_step multiboot_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("map", rig_create_mem, FAULT_SETUP),
	FAULT_STEP("ram", rig_add_ram, FAULT_SETUP),
	FAULT_STEP("load", load_multiboot, 0),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("lists", list_steps),
	FAULT_SCENARIO("copies", copy_steps),
	FAULT_SCENARIO("chips", chip_steps),
	FAULT_SCENARIO("late-chips", late_steps),
	FAULT_SCENARIO("split-irqchip", split_steps),
	FAULT_SCENARIO("time", time_steps),
	FAULT_SCENARIO("multiboot", multiboot_steps),
};

const struct fault_suite fault_arch = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
