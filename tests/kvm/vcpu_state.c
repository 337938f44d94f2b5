/* SPDX-License-Identifier: MIT */
/* A vCPU's state that all architectures have, and the raw ioctl for the rest. */
#include "testing.h"

#include <errno.h>
#include <signal.h>

#include "kvm/uapi.h"
#include "machine.h"

static struct machine machine;

static int start_machine(void **state)
{
	(void)state;
	machine_start(&machine, guest_spin());
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

static void the_mp_state_can_be_read_and_set(void **state)
{
	uint32_t mp;

	(void)state;
	assert_ok(keg_vcpu_get_mp_state(machine.vcpu, &mp));
	assert_int_equal(mp, KVM_MP_STATE_RUNNABLE);
	assert_ok(keg_vcpu_set_mp_state(machine.vcpu, mp));
}

static void events_can_be_read_and_set(void **state)
{
	struct kvm_vcpu_events events;

	(void)state;
	if (!keg_host_has_vcpu_events(machine.host))
		skip();
	assert_ok(keg_vcpu_get_events(machine.vcpu, &events));
	assert_ok(keg_vcpu_set_events(machine.vcpu, &events));
}

static void a_signal_mask_can_be_set_and_taken_back(void **state)
{
	sigset_t none;

	(void)state;
	sigemptyset(&none);
	assert_ok(keg_vcpu_set_signal_mask(machine.vcpu, &none));
	assert_ok(keg_vcpu_set_signal_mask(machine.vcpu, NULL));
}

static void the_raw_ioctl_is_there_for_the_rest(void **state)
{
	struct kvm_mp_state mp;

	(void)state;
	assert_ok(keg_vcpu_ioctl(machine.vcpu, KVM_GET_MP_STATE, (uintptr_t)&mp));
	assert_fails(keg_vcpu_ioctl(machine.vcpu, _IO(KVMIO, 0xff), 0), EINVAL, "on vCPU 0");
	assert_fails(keg_vcpu_enable_cap(machine.vcpu, 100000, 0, (uint64_t[4]){0}), EINVAL,
		"KVM_ENABLE_CAP");
}

static void one_reg_checks_the_width(void **state)
{
	uint64_t value;

	(void)state;
	assert_fails(keg_vcpu_get_one_reg(machine.vcpu, KVM_REG_SIZE_U64, &value, 4), EINVAL,
		"has 8 bytes, not 4");
	assert_fails(keg_vcpu_set_one_reg(machine.vcpu, KVM_REG_SIZE_U128, &value, 8), EINVAL,
		"has 16 bytes, not 8");
	assert_true(keg_vcpu_get_one_reg(machine.vcpu, KVM_REG_SIZE_U64 | 0xffff, &value, 8) < 0);
	assert_true(keg_vcpu_set_one_reg(machine.vcpu, KVM_REG_SIZE_U64 | 0xffff, &value, 8) < 0);
}

static void the_register_list_is_whole_or_absent(void **state)
{
	static uint64_t ids[4096];
	size_t count = 0;
	int rc;

	(void)state;
	rc = keg_vcpu_list_regs(machine.vcpu, ids, &count);
	if (rc == -ENOTSUP || rc == -EINVAL || count == 0) {
		print_message("SKIPPED: this KVM lists no registers\n");
		skip();
	}
	assert_int_equal(rc, -E2BIG);
	assert_in_range(count, 1, 4096);
	assert_int_equal(ids[0], 0);
	assert_ok(keg_vcpu_list_regs(machine.vcpu, ids, &count));
	assert_true(ids[count - 1] != 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(the_mp_state_can_be_read_and_set),
		TEST(events_can_be_read_and_set),
		TEST(a_signal_mask_can_be_set_and_taken_back),
		TEST(the_raw_ioctl_is_there_for_the_rest),
		TEST(one_reg_checks_the_width),
		TEST(the_register_list_is_whole_or_absent),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
