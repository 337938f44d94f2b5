/* SPDX-License-Identifier: MIT */
/* PSCI: guests that end, reset, and start each other's vCPUs (Arm DEN 0022, 5.1). */
#include "arch/arm64/fixture.h"

enum { OTHER_CODE = MACHINE_CODE + 0x100 };

static const uint32_t system_off[] = {
	0x52800100, /* mov w0, #0x8 */
	0x72b08000, /* movk w0, #0x8400, lsl #16: SYSTEM_OFF */
	0xd4000002, /* hvc #0 */
	0x14000000, /* b . */
};

static const uint32_t system_reset[] = {
	0x52800120, /* mov w0, #0x9 */
	0x72b08000, /* movk w0, #0x8400, lsl #16: SYSTEM_RESET */
	0xd4000002, /* hvc #0 */
	0x14000000, /* b . */
};

/* Stores what the call returned. */
static const uint32_t psci_version[] = {
	0x52800000, /* mov w0, #0 */
	0x72b08000, /* movk w0, #0x8400, lsl #16: PSCI_VERSION */
	0xd4000002, /* hvc #0 */
	0xd2a14003, /* mov x3, #0x0a000000 */
	0xb9000060, /* str w0, [x3] */
};

/* Starts vCPU 1 at OTHER_CODE with 0x42 in its x0, and stores what the call returned. */
static const uint32_t cpu_on[] = {
	0x52800060, /* mov w0, #0x3 */
	0x72b88000, /* movk w0, #0xc400, lsl #16: CPU_ON */
	0xd2800021, /* mov x1, #1 */
	0xd2822002, /* mov x2, #0x1100 */
	0xf2a80002, /* movk x2, #0x4000, lsl #16 */
	0xd2800843, /* mov x3, #0x42 */
	0xd4000002, /* hvc #0 */
	0xd2a14003, /* mov x3, #0x0a000000 */
	0xb9000060, /* str w0, [x3] */
};

/* What vCPU 1 does then: it stores its x0. */
static const uint32_t store_x0[] = {
	0xd2a14003, /* mov x3, #0x0a000000 */
	0xb9000060, /* str w0, [x3] */
};

static void load(const struct machine *machine, keg_gpa offset, const void *code, size_t bytes)
{
	assert_ok(keg_mem_write(machine->mem, machine->memory + offset, code, bytes));
}

static uint32_t mp_state(struct keg_vcpu *vcpu)
{
	uint32_t state;

	assert_ok(keg_vcpu_get_mp_state(vcpu, &state));
	return state;
}

static void a_guest_that_turns_itself_off_exits_with_a_shutdown(void **state)
{
	struct keg_exit exit;

	load(*state, MACHINE_CODE, system_off, sizeof(system_off));
	assert_ok(keg_vcpu_run(vcpu_of(state), &exit));
	assert_int_equal(exit.reason, KEG_EXIT_SYSTEM_EVENT);
	assert_int_equal(exit.system_event.type, KVM_SYSTEM_EVENT_SHUTDOWN);
}

static void a_guest_that_resets_itself_exits_with_a_reset(void **state)
{
	struct keg_exit exit;

	load(*state, MACHINE_CODE, system_reset, sizeof(system_reset));
	assert_ok(keg_vcpu_run(vcpu_of(state), &exit));
	assert_int_equal(exit.reason, KEG_EXIT_SYSTEM_EVENT);
	assert_int_equal(exit.system_event.type, KVM_SYSTEM_EVENT_RESET);
}

static void a_guest_finds_psci_0_2_or_later(void **state)
{
	load(*state, MACHINE_CODE, psci_version, sizeof(psci_version));
	assert_true(run_to_store(vcpu_of(state)) >= 2); /* major << 16 | minor */
}

static void a_vcpu_that_is_not_the_first_is_off_and_dead(void **state)
{
	struct machine *machine = *state;
	struct keg_vcpu *second;

	assert_int_equal(keg_arch_is_dead(machine->vcpu), 0);
	assert_ok(keg_vcpu_create(machine->vm, NULL, &second));
	assert_ok(keg_arch_init_vcpu(second, false, NULL));
	assert_int_equal(mp_state(second), KVM_MP_STATE_STOPPED);
	assert_int_equal(keg_arch_is_dead(second), 1);
	keg_vcpu_destroy(second);
}

static void a_vcpu_that_is_off_is_started_by_another(void **state)
{
	struct machine *machine = *state;
	struct keg_vcpu *second;

	load(machine, MACHINE_CODE, cpu_on, sizeof(cpu_on));
	load(machine, OTHER_CODE, store_x0, sizeof(store_x0));
	assert_ok(keg_vcpu_create(machine->vm, NULL, &second));
	assert_ok(keg_arch_init_vcpu(second, false, NULL));
	assert_int_equal(run_to_store(machine->vcpu), 0); /* SUCCESS */
	assert_int_equal(mp_state(second), KVM_MP_STATE_RUNNABLE);
	assert_int_equal(keg_arch_is_dead(second), 0);
	assert_int_equal(run_to_store(second), 0x42);
	keg_vcpu_destroy(second);
}

static void a_vcpu_whose_state_cannot_be_read_is_neither_dead_nor_alive(void **state)
{
	ioctls_fail_next(KVM_GET_MP_STATE, EIO);
	assert_fails(keg_arch_is_dead(vcpu_of(state)), EIO, "KVM_GET_MP_STATE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vcpu_test(a_guest_that_turns_itself_off_exits_with_a_shutdown),
		vcpu_test(a_guest_that_resets_itself_exits_with_a_reset),
		vcpu_test(a_guest_finds_psci_0_2_or_later),
		vcpu_test(a_vcpu_that_is_not_the_first_is_off_and_dead),
		vcpu_test(a_vcpu_that_is_off_is_started_by_another),
		vcpu_test(a_vcpu_whose_state_cannot_be_read_is_neither_dead_nor_alive),
	};

	require_kvm();
	return cmocka_run_group_tests_name("arm64-psci", tests, NULL, NULL);
}
