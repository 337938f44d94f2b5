/* SPDX-License-Identifier: MIT */
/* Opening the host, its answers, and making a machine. */
#include <signal.h>

#include "fault/fault.h"

static int open_path(struct rig *rig)
{
	const struct keg_host_config config = {.size = sizeof(config), .path = "/dev/kvm"};

	return keg_host_create(&config, &rig->host);
}

/* "A question that fails counts as no." */
static int ask_capabilities(struct rig *rig)
{
	return keg_host_has_user_memory(rig->host) + keg_host_has_tss_address(rig->host) +
	       keg_host_has_extended_cpuid(rig->host) + keg_host_has_user_nmi(rig->host) +
	       keg_host_has_one_reg(rig->host) + keg_host_has_irqchip(rig->host) +
	       keg_host_has_vcpu_events(rig->host) + keg_host_has_debug_registers(rig->host) +
	       keg_host_has_xcrs(rig->host) + keg_host_has_xsave(rig->host);
}

static int ask_numbers(struct rig *rig)
{
	return keg_host_coalesced_mmio_page(rig->host) + keg_host_memory_slot_count(rig->host) +
	       keg_host_recommended_vcpus(rig->host) + keg_host_max_vcpus(rig->host) +
	       keg_host_max_vcpu_id(rig->host);
}

static int check_extension(struct rig *rig)
{
	return keg_host_check_extension(rig->host, KVM_CAP_NR_MEMSLOTS);
}

static int raw_ioctl(struct rig *rig)
{
	return keg_host_ioctl(rig->host, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static int install_kick(struct rig *rig)
{
	signal(rig->kick_signal, SIG_DFL);
	return keg_kick_install(rig->kick_signal);
}

static int create_plain_vm(struct rig *rig)
{
	return keg_vm_create(rig->host, NULL, &rig->vm);
}

static const struct fault_step host_steps[] = {
	FAULT_STEP("open", open_path, 0),
	FAULT_STEP("capabilities", ask_capabilities, FAULT_FORGIVING),
	FAULT_STEP("numbers", ask_numbers, FAULT_FORGIVING),
	FAULT_STEP("extension", check_extension, 0),
	FAULT_STEP("ioctl", raw_ioctl, FAULT_RAW),
	FAULT_STEP("kick signal", install_kick, 0),
	FAULT_STEP("machine", create_plain_vm, 0),
};

/* Opening is refused: the message names who may. */
static int open_denied(struct rig *rig)
{
	return rig_expect(keg_host_create(NULL, &rig->host), EACCES);
}

static const struct fault_step denied_steps[] = {
	FAULT_STEP("open", open_denied, FAULT_FORGIVING),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("host", host_steps),
	FAULT_SCENARIO("denied", denied_steps, .background_call = FAULT_CALL_open,
		.background_error = EACCES),
};

const struct fault_suite fault_host = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
