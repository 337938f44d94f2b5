/* SPDX-License-Identifier: MIT */
/* A vCPU: making it, running it, stopping it, and the state that all architectures have. */
#include <signal.h>

#include "base/error.h"
#include "fault/fault.h"

enum { RING = 1024 };

static struct keg_vcpu *vcpu(const struct rig *rig)
{
	return rig->vcpus[0];
}

static int create_with_id(struct rig *rig)
{
	const struct keg_vcpu_config config = {
		.size = sizeof(config), .flags = KEG_VCPU_WITH_ID, .id = 3};

	return keg_vcpu_create(rig->vm, &config, &rig->vcpus[1]);
}

static int run_kicked(struct rig *rig)
{
	struct keg_exit exit;
	int rc = keg_vcpu_kick(vcpu(rig));

	if (!rc)
		rc = keg_vcpu_run(vcpu(rig), &exit);
	if (!rc && exit.reason != KEG_EXIT_KICKED)
		return keg_fail(EPROTO, "an exit %u where a kick was due", exit.reason);
	return rc;
}

static int complete(struct rig *rig)
{
	struct keg_exit exit;

	return keg_vcpu_complete(vcpu(rig), &exit);
}

static int run_for(struct rig *rig)
{
	struct keg_exit exit;
	int rc;

	do
		rc = keg_vcpu_run_for(vcpu(rig), 100000, &exit);
	while (!rc && exit.reason == KEG_EXIT_INTR);
	if (!rc && exit.reason != KEG_EXIT_TIMEOUT)
		return keg_fail(EPROTO, "an exit %u where the time was up", exit.reason);
	return rc;
}

static int step(struct rig *rig)
{
	struct keg_exit exit;
	uint32_t left;
	int rc;

	do
		rc = keg_vcpu_step(vcpu(rig), 1, &left, &exit);
	while (!rc && exit.reason == KEG_EXIT_INTR);
	return rc;
}

static int set_debug(struct rig *rig)
{
	const struct kvm_guest_debug debug = {.control = 0};

	return keg_vcpu_set_guest_debug(vcpu(rig), &debug);
}

static int set_mask(struct rig *rig)
{
	sigset_t mask;

	sigemptyset(&mask);
	return keg_vcpu_set_signal_mask(vcpu(rig), &mask);
}

static int clear_mask(struct rig *rig)
{
	return keg_vcpu_set_signal_mask(vcpu(rig), NULL);
}

static int get_mp_state(struct rig *rig)
{
	uint32_t state = 0;
	int rc = keg_vcpu_get_mp_state(vcpu(rig), &state);

	rig->words[0] = state;
	return rc;
}

static int set_mp_state(struct rig *rig)
{
	return keg_vcpu_set_mp_state(vcpu(rig), (uint32_t)rig->words[0]);
}

static int get_events(struct rig *rig)
{
	return keg_vcpu_get_events(vcpu(rig), (struct kvm_vcpu_events *)rig->words);
}

static int set_events(struct rig *rig)
{
	return keg_vcpu_set_events(vcpu(rig), (const struct kvm_vcpu_events *)rig->words);
}

static int list_regs(struct rig *rig)
{
	static uint64_t ids[4096];
	size_t count = sizeof(ids) / sizeof(ids[0]);

	return keg_vcpu_list_regs(vcpu(rig), ids, &count);
}

static int get_one_reg(struct rig *rig)
{
	return keg_vcpu_get_one_reg(vcpu(rig), rig_register, rig->words, sizeof(uint64_t));
}

static int set_one_reg(struct rig *rig)
{
	return keg_vcpu_set_one_reg(vcpu(rig), rig_register, rig->words, sizeof(uint64_t));
}

static int has_attr(struct rig *rig)
{
	return keg_vcpu_has_attr(vcpu(rig), 0, 0);
}

static int raw_ioctl(struct rig *rig)
{
	struct kvm_mp_state state;

	return keg_vcpu_ioctl(vcpu(rig), KVM_GET_MP_STATE, (uintptr_t)&state);
}

static const struct fault_step vcpu_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"map", rig_create_mem, FAULT_SETUP},
	{"ram", rig_add_ram, FAULT_SETUP},
	{"load", rig_load_store, 0},
	{"create", rig_create_vcpu, 0},
	/* KVM keeps an id once it has made its vCPU. */
	{"create with id", create_with_id, FAULT_NOT_AGAIN},
	{"init", rig_init_vcpu, 0},
	{"run", rig_run, 0},
	{"kick", run_kicked, 0},
	{"run on", rig_run, 0},
	{"complete", complete, 0},
	{"step", step, FAULT_OPTIONAL},
	{"guest debug", set_debug, FAULT_OPTIONAL},
	{"signal mask", set_mask, 0},
	{"no signal mask", clear_mask, 0},
	{"ioctl", raw_ioctl, FAULT_RAW},
};

static const struct fault_step state_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"create", rig_create_vcpu, FAULT_SETUP},
	{"init", rig_init_vcpu, FAULT_SETUP},
	{"get MP state", get_mp_state, FAULT_OPTIONAL},
	{"set MP state", set_mp_state, FAULT_OPTIONAL},
	{"get events", get_events, FAULT_OPTIONAL},
	{"set events", set_events, FAULT_OPTIONAL},
	{"list registers", list_regs, FAULT_OPTIONAL},
	{"get register", get_one_reg, FAULT_OPTIONAL},
	{"set register", set_one_reg, FAULT_OPTIONAL},
	{"attribute", has_attr, FAULT_OPTIONAL},
};

static const struct fault_step timed_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"map", rig_create_mem, FAULT_SETUP},
	{"ram", rig_add_ram, FAULT_SETUP},
	{"load", rig_load_spin, FAULT_SETUP},
	{"create", rig_create_vcpu, FAULT_SETUP},
	{"init", rig_init_vcpu, FAULT_SETUP},
	{"run for", run_for, 0},
	{"run for, again", run_for, 0},
};

/* ---- The ring of dirty pages ---- */

static int create_with_ring(struct rig *rig)
{
	const struct keg_vm_config config = {.size = sizeof(config), .dirty_ring_entries = RING};

	return keg_vm_create(rig->host, &config, &rig->vm);
}

static int add_logged(struct rig *rig)
{
	const struct keg_region_config config = {
		.size = sizeof(config),
		.gpa = rig_memory_start(),
		.bytes = RIG_RAM,
		.flags = KEG_REGION_LOG_DIRTY,
	};

	return keg_mem_add(rig->mem, &config, NULL);
}

static void take_page(void *context, const struct keg_dirty_page *page)
{
	(void)context;
	(void)page;
}

static int harvest(struct rig *rig)
{
	return keg_vcpu_harvest_dirty(vcpu(rig), take_page, NULL);
}

static int reset_rings(struct rig *rig)
{
	return keg_vm_reset_dirty_rings(rig->vm);
}

static const struct fault_step ring_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", create_with_ring, FAULT_GATE},
	{"map", rig_create_mem, FAULT_SETUP},
	{"ram", add_logged, FAULT_SETUP},
	{"load", rig_load_touch, FAULT_SETUP},
	{"create", rig_create_vcpu, 0},
	{"init", rig_init_vcpu, FAULT_SETUP},
	{"run", rig_run, FAULT_SETUP},
	{"harvest", harvest, 0},
	{"reset", reset_rings, 0},
};

/* ---- The ring of coalesced writes ---- */

static void take_write(void *context, const struct keg_coalesced_write *write)
{
	(void)context;
	(void)write;
}

static int coalesce(struct rig *rig)
{
	keg_vcpu_set_coalesced_handler(vcpu(rig), take_write, NULL);
	return keg_vm_coalesce_mmio(rig->vm, guest_mmio, 4);
}

static int drain(struct rig *rig)
{
	return keg_vcpu_drain_coalesced(vcpu(rig));
}

static const struct fault_step coalesced_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"map", rig_create_mem, FAULT_SETUP},
	{"ram", rig_add_ram, FAULT_SETUP},
	{"load", rig_load_store, FAULT_SETUP},
	{"create", rig_create_vcpu, FAULT_SETUP},
	{"init", rig_init_vcpu, FAULT_SETUP},
	{"coalesce", coalesce, FAULT_OPTIONAL},
	{"run", rig_run, 0},
	{"drain", drain, FAULT_OPTIONAL},
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("vcpu", vcpu_steps),
	FAULT_SCENARIO("state", state_steps),
	FAULT_SCENARIO("timed", timed_steps),
	FAULT_SCENARIO("dirty-ring", ring_steps),
	FAULT_SCENARIO("coalesced", coalesced_steps),
};

int main(int argc, char **argv)
{
	return fault_main(argc, argv, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
