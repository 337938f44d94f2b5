/* SPDX-License-Identifier: MIT */
/* Which vCPUs nothing but a reset could wake. */
#include "arch/x86_64/fixture.h"

#include <keg/irq.h>

#include "arch/arch.h"

/* A machine with a local APIC for each of its two vCPUs: *state has the first. */
static int open_with_irqchip(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	ioctls_obey(NULL);
	machine_open(machine, NULL);
	assert_ok(keg_vm_create_irqchip(machine->vm));
	machine_load(machine, guest_store());
	machine_add_vcpu(machine);
	*state = machine;
	return 0;
}

static void halt(struct keg_vcpu *vcpu, uint64_t rflags)
{
	struct kvm_regs regs;

	assert_ok(keg_vcpu_get_regs(vcpu, &regs));
	regs.rflags = rflags;
	assert_ok(keg_vcpu_set_regs(vcpu, &regs));
	assert_ok(keg_vcpu_set_mp_state(vcpu, KVM_MP_STATE_HALTED));
}

static void a_vcpu_that_runs_is_alive(void **state)
{
	assert_int_equal(keg_arch_is_dead(vcpu_of(state)), 0);
	run_to_store(vcpu_of(state));
	assert_int_equal(keg_arch_is_dead(vcpu_of(state)), 0);
}

static void a_vcpu_that_was_never_started_is_dead(void **state)
{
	struct machine *machine = *state;
	struct keg_vcpu *second;

	assert_ok(keg_vcpu_create(machine->vm, NULL, &second));
	assert_int_equal(keg_arch_is_dead(second), 1);
	assert_ok(keg_vcpu_set_mp_state(second, KVM_MP_STATE_INIT_RECEIVED));
	assert_int_equal(keg_arch_is_dead(second), 1);
	assert_ok(keg_vcpu_set_mp_state(second, KVM_MP_STATE_RUNNABLE));
	assert_int_equal(keg_arch_is_dead(second), 0);
	keg_vcpu_destroy(second);
}

static void a_halted_vcpu_is_dead_without_interrupts_and_asleep_with_them(void **state)
{
	enum { RESERVED = 1 << 1, INTERRUPTS = 1 << 9 };

	halt(vcpu_of(state), RESERVED | INTERRUPTS);
	assert_int_equal(keg_arch_is_dead(vcpu_of(state)), 0);
	halt(vcpu_of(state), RESERVED);
	assert_int_equal(keg_arch_is_dead(vcpu_of(state)), 1);
}

static void a_vcpu_whose_state_cannot_be_read_is_neither(void **state)
{
	ioctls_fail_next(KVM_GET_MP_STATE, EIO);
	assert_fails(keg_arch_is_dead(vcpu_of(state)), EIO, "KVM_GET_MP_STATE");
	halt(vcpu_of(state), 1 << 1);
	ioctls_fail_next(KVM_GET_REGS, EIO);
	assert_fails(keg_arch_is_dead(vcpu_of(state)), EIO, "KVM_GET_REGS");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_with_irqchip, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_vcpu_that_runs_is_alive),
		TEST(a_vcpu_that_was_never_started_is_dead),
		TEST(a_halted_vcpu_is_dead_without_interrupts_and_asleep_with_them),
		TEST(a_vcpu_whose_state_cannot_be_read_is_neither),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-dead", tests, NULL, NULL);
}
