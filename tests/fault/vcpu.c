/* SPDX-License-Identifier: MIT */
/* A vCPU: making it, running it, stopping it, and the state that all architectures have. */
#include <signal.h>
#include <threads.h>

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
	int rc = rig_before_run(rig);

	if (rc)
		return rc;
	do
		rc = keg_vcpu_run_for(vcpu(rig), 100000, &exit);
	while (!rc && exit.reason == KEG_EXIT_INTR);
	rig_after_run(rig, rc);
	if (!rc && exit.reason != KEG_EXIT_TIMEOUT)
		return keg_fail(EPROTO, "an exit %u where the time was up", exit.reason);
	return rc;
}

/* Not by pthread_create(), which is made to fail. */
struct elsewhere {
	struct rig *rig;
	int rc;
	char message[512];
};

static int run_in_thread(void *argument)
{
	struct elsewhere *elsewhere = argument;

	elsewhere->rc = run_for(elsewhere->rig);
	snprintf(elsewhere->message, sizeof(elsewhere->message), "%s", keg_error_message());
	return 0;
}

/* Another thread takes the vCPU over, and needs a timer of its own. */
static int run_for_elsewhere(struct rig *rig)
{
	struct elsewhere elsewhere = {.rig = rig};
	thrd_t thread;

	if (thrd_create(&thread, run_in_thread, &elsewhere) != thrd_success)
		return keg_fail(ENOSYS, "the harness cannot make a thread");
	thrd_join(thread, NULL);
	return elsewhere.rc < 0 ? keg_fail(-elsewhere.rc, "%s", elsewhere.message) : 0;
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
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("map", rig_create_mem, FAULT_SETUP),
	FAULT_STEP("ram", rig_add_ram, FAULT_SETUP),
	FAULT_STEP("load", rig_load_store, 0),
	FAULT_STEP("create", rig_create_vcpu, 0),
	/* KVM keeps an id once it has made its vCPU. */
	FAULT_STEP("create with id", create_with_id, FAULT_NOT_AGAIN),
	FAULT_STEP("init", rig_init_vcpu, 0),
	FAULT_STEP("run", rig_run, 0),
	FAULT_STEP("kick", run_kicked, 0),
	FAULT_STEP("run on", rig_run, 0),
	FAULT_STEP("complete", complete, 0),
	FAULT_STEP("step", step, FAULT_OPTIONAL),
	FAULT_STEP_FOR("guest debug", set_debug, FAULT_OPTIONAL, "SET_GUEST_DEBUG"),
	FAULT_STEP("signal mask", set_mask, 0),
	FAULT_STEP("no signal mask", clear_mask, 0),
	FAULT_STEP("ioctl", raw_ioctl, FAULT_RAW),
};

static const struct fault_step state_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("create", rig_create_vcpu, FAULT_SETUP),
	FAULT_STEP("init", rig_init_vcpu, FAULT_SETUP),
	FAULT_STEP_FOR("get MP state", get_mp_state, FAULT_OPTIONAL, "GET_MP_STATE"),
	FAULT_STEP_FOR("set MP state", set_mp_state, FAULT_OPTIONAL, "SET_MP_STATE"),
	FAULT_STEP_FOR("get events", get_events, FAULT_OPTIONAL, "GET_VCPU_EVENTS"),
	FAULT_STEP_FOR("set events", set_events, FAULT_OPTIONAL, "SET_VCPU_EVENTS"),
	FAULT_STEP_FOR("list registers", list_regs, FAULT_OPTIONAL, "GET_REG_LIST",
		"keg_vcpu_list_regs", "read_reg_list"),
	FAULT_STEP_FOR("get register", get_one_reg, FAULT_OPTIONAL, "GET_ONE_REG"),
	FAULT_STEP_FOR("set register", set_one_reg, FAULT_OPTIONAL, "SET_ONE_REG"),
	FAULT_STEP("attribute", has_attr, FAULT_OPTIONAL),
};

/* A vCPU that has only to be run. */
#define READY(load)                                                                                \
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),                                            \
		FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),                                 \
		FAULT_STEP("map", rig_create_mem, FAULT_SETUP),                                    \
		FAULT_STEP("ram", rig_add_ram, FAULT_SETUP),                                       \
		FAULT_STEP("load", load, FAULT_SETUP),                                             \
		FAULT_STEP("create", rig_create_vcpu, FAULT_SETUP),                                \
		FAULT_STEP("init", rig_init_vcpu, FAULT_SETUP)

static const struct fault_step timed_steps[] = {
	READY(rig_load_spin),
	FAULT_STEP("run for", run_for, 0),
	FAULT_STEP("run for, again", run_for, 0),
	FAULT_STEP("run for, elsewhere", run_for_elsewhere, 0),
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
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", create_with_ring, FAULT_GATE),
	FAULT_STEP("map", rig_create_mem, FAULT_SETUP),
	FAULT_STEP("ram", add_logged, FAULT_SETUP),
	FAULT_STEP("load", rig_load_touch, FAULT_SETUP),
	FAULT_STEP("create", rig_create_vcpu, 0),
	FAULT_STEP("init", rig_init_vcpu, FAULT_SETUP),
	FAULT_STEP("run", rig_run, FAULT_SETUP),
	FAULT_STEP("harvest", harvest, 0),
	FAULT_STEP_FOR("reset", reset_rings, 0, "RESET_DIRTY_RINGS"),
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
	READY(rig_load_store),
	FAULT_STEP("coalesce", coalesce, FAULT_OPTIONAL),
	FAULT_STEP("run", rig_run, 0),
	FAULT_STEP("drain", drain, FAULT_OPTIONAL),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("vcpu", vcpu_steps),
	FAULT_SCENARIO("state", state_steps),
	FAULT_SCENARIO("timed", timed_steps),
	FAULT_SCENARIO("dirty-ring", ring_steps),
	FAULT_SCENARIO("coalesced", coalesced_steps),
};

const struct fault_suite fault_vcpu = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
