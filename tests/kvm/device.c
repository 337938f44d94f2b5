/* SPDX-License-Identifier: MIT */
/* Devices that KVM emulates, and attributes of everything that has some. */
#include "testing.h"

#include <errno.h>

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

static void a_type_that_kvm_does_not_know_is_refused(void **state)
{
	struct keg_device *device = (void *)1;

	(void)state;
	assert_false(keg_vm_has_device(machine.vm, 0xffff));
	assert_fails(keg_device_create(machine.vm, 0xffff, &device), ENODEV, "KVM_CREATE_DEVICE");
	assert_null(device);
	keg_device_destroy(NULL);
}

/* VFIO's device is there on every architecture, where its module is. */
static void a_device_has_a_descriptor_and_attributes(void **state)
{
	struct keg_device *device;
	uint64_t value = 0;

	(void)state;
	if (!keg_vm_has_device(machine.vm, KVM_DEV_TYPE_VFIO))
		skip();
	assert_ok(keg_device_create(machine.vm, KVM_DEV_TYPE_VFIO, &device));
	assert_true(keg_device_fd(device) >= 0);
	assert_int_equal(keg_device_has_attr(device, 0xffff, 0), 0);
	assert_fails(keg_device_set_attr(device, 0xffff, 7, &value), ENXIO,
		"KVM_SET_DEVICE_ATTR: there is no attribute 7 in group 65535");
	assert_true(keg_device_get_attr(device, 0xffff, 7, &value) < 0);
	keg_device_destroy(device);
}

static void machines_and_vcpus_have_attributes_too(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_int_equal(keg_vm_has_attr(machine.vm, 0xffff, 0), 0);
	assert_true(keg_vm_set_attr(machine.vm, 0xffff, 0, &value) < 0);
	assert_true(keg_vm_get_attr(machine.vm, 0xffff, 0, &value) < 0);
	assert_true(keg_error_message()[0] != 0);
	assert_int_equal(keg_vcpu_has_attr(machine.vcpu, 0xffff, 0), 0);
	assert_true(keg_vcpu_set_attr(machine.vcpu, 0xffff, 0, &value) < 0);
	assert_true(keg_vcpu_get_attr(machine.vcpu, 0xffff, 0, &value) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_type_that_kvm_does_not_know_is_refused),
		TEST(a_device_has_a_descriptor_and_attributes),
		TEST(machines_and_vcpus_have_attributes_too),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
