/* SPDX-License-Identifier: MIT */
/* Doorbells out of the machine, eventfds, and what is refused of interrupts without a controller.
 */
#include "testing.h"

#include <errno.h>

#include <keg/irq.h>

#include "machine.h"

static struct machine machine;

static int start_machine(void **state)
{
	(void)state;
	machine_start(&machine, guest_store());
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

/* ---- Eventfds ---- */

static void an_eventfd_is_signalled_and_drained(void **state)
{
	int fd = keg_eventfd_create();

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(keg_eventfd_drain(fd), 0);
	assert_ok(keg_eventfd_signal(fd));
	assert_ok(keg_eventfd_signal(fd));
	assert_int_equal(keg_eventfd_drain(fd), 1);
	assert_int_equal(keg_eventfd_drain(fd), 0);
	close(fd);
	assert_fails(keg_eventfd_signal(-1), EBADF, "eventfd -1");
	assert_fails(keg_eventfd_drain(-1), EBADF, "eventfd -1");
}

static void a_full_eventfd_counts_as_signalled(void **state)
{
	const uint64_t most = UINT64_MAX - 1;
	int fd = keg_eventfd_create();

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	assert_ok(keg_eventfd_signal(fd));
	assert_int_equal(keg_eventfd_drain(fd), 1);
	close(fd);
}

/* ---- Doorbells ---- */

static struct keg_doorbell bell_at(keg_gpa address, uint32_t bytes, int fd)
{
	return (struct keg_doorbell){.address = address, .bytes = bytes, .fd = fd};
}

/* Runs until the bell has rung: stores that ring it do not exit. */
static void run_until_rung(int fd)
{
	struct keg_exit exit;

	do {
		assert_ok(keg_vcpu_run_for(machine.vcpu, 1000000, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
	} while (keg_eventfd_drain(fd) == 0);
}

/* The first store that exits comes after those that rang the bell. */
static void a_doorbell_rings_in_place_of_an_exit(void **state)
{
	int fd = keg_eventfd_create();
	struct keg_doorbell bell = bell_at(guest_mmio, 4, fd);
	struct keg_exit exit;

	(void)state;
	assert_ok(keg_vm_add_doorbell(machine.vm, &bell));
	run_until_rung(fd);
	assert_ok(keg_vm_remove_doorbell(machine.vm, &bell));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	close(fd);
}

static void a_doorbell_can_match_a_value(void **state)
{
	int fd = keg_eventfd_create();
	struct keg_doorbell bell = bell_at(guest_mmio, 4, fd);
	struct keg_exit exit;
	uint32_t stored;

	(void)state;
	bell.match = true;
	bell.value = 2;
	assert_ok(keg_vm_add_doorbell(machine.vm, &bell));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	memcpy(&stored, exit.mmio.data, 4);
	assert_int_equal(stored, 1);
	assert_int_equal(keg_eventfd_drain(fd), 0);
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	memcpy(&stored, exit.mmio.data, 4);
	assert_int_equal(stored, 3);
	assert_int_equal(keg_eventfd_drain(fd), 1);
	close(fd);
}

static void a_doorbell_of_any_length_rings_for_all(void **state)
{
	int fd = keg_eventfd_create();
	struct keg_doorbell bell = bell_at(guest_mmio, 0, fd);

	(void)state;
	if (keg_vm_check_extension(machine.vm, KVM_CAP_IOEVENTFD_ANY_LENGTH) == 0) {
		assert_fails(keg_vm_add_doorbell(machine.vm, &bell), ENOTSUP, "any length");
		return;
	}
	assert_ok(keg_vm_add_doorbell(machine.vm, &bell));
	run_until_rung(fd);
	close(fd);
}

static void the_same_doorbell_twice_is_refused(void **state)
{
	int fd = keg_eventfd_create();
	struct keg_doorbell bell = bell_at(guest_mmio, 4, fd);

	(void)state;
	assert_ok(keg_vm_add_doorbell(machine.vm, &bell));
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EEXIST, "KVM_IOEVENTFD");
	assert_ok(keg_vm_remove_doorbell(machine.vm, &bell));
	assert_fails(keg_vm_remove_doorbell(machine.vm, &bell), ENOENT, "KVM_IOEVENTFD");
	close(fd);
}

static void doorbells_that_cannot_be_are_refused(void **state)
{
	struct keg_doorbell bell = bell_at(guest_mmio, 3, 0);

	(void)state;
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "3 bytes");
	bell.bytes = 16;
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "16 bytes");
	bell = (struct keg_doorbell){.pio = true, .address = 0x10, .bytes = 8};
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "8 bytes");
	bell = (struct keg_doorbell){.pio = true, .address = 0x10000, .bytes = 1};
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "port 0x10000");
	bell = (struct keg_doorbell){.pio = true, .address = 0xffff, .bytes = 2};
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "port 0xffff");
	bell = bell_at(UINT64_MAX - 2, 4, 0);
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "no such address");
	bell = bell_at(guest_mmio, 0, 0);
	bell.match = true;
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EINVAL, "must have a length");
	bell = bell_at(guest_mmio, 4, -1);
	assert_fails(keg_vm_add_doorbell(machine.vm, &bell), EBADF, "KVM_IOEVENTFD");
}

/* ---- Without a controller ---- */

static void a_line_of_no_controller_is_refused(void **state)
{
	(void)state;
	assert_false(keg_vm_has_irqchip(machine.vm));
	assert_true(keg_vm_set_irq_line(machine.vm, 1 << 24, true) < 0);
	assert_true(strstr(keg_error_message(), "KVM_IRQ_LINE") != NULL);
}

static void too_many_routes_are_refused_before_memory_is_asked_for(void **state)
{
	struct kvm_irq_routing_entry entry = {0};

	(void)state;
	assert_fails(keg_vm_set_gsi_routes(machine.vm, &entry, 1ULL << 32), EINVAL, "too many");
}

static void a_line_before_the_start_is_told_why_it_fails(void **state)
{
	struct keg_vm *vm;

	(void)state;
	assert_ok(keg_vm_create(machine.host, NULL, &vm));
	assert_true(keg_vm_set_irq_line(vm, 1 << 24, true) < 0);
	assert_non_null(strstr(keg_error_message(), "has not started"));
	keg_vm_destroy(vm);
}

static void an_arm64_line_is_put_together_as_the_kernel_documents(void **state)
{
	(void)state;
	assert_int_equal(keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 33), 0x01000021);
	assert_int_equal(keg_arm64_irq(KEG_ARM64_IRQ_PPI, 3, 27), 0x0203001b);
	assert_int_equal(keg_arm64_irq(KEG_ARM64_IRQ_CPU, 0x123, 1), 0x10230001);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(an_eventfd_is_signalled_and_drained),
		TEST(a_full_eventfd_counts_as_signalled),
		TEST(a_doorbell_rings_in_place_of_an_exit),
		TEST(a_doorbell_can_match_a_value),
		TEST(a_doorbell_of_any_length_rings_for_all),
		TEST(the_same_doorbell_twice_is_refused),
		TEST(doorbells_that_cannot_be_are_refused),
		TEST(a_line_of_no_controller_is_refused),
		TEST(too_many_routes_are_refused_before_memory_is_asked_for),
		TEST(a_line_before_the_start_is_told_why_it_fails),
		TEST(an_arm64_line_is_put_together_as_the_kernel_documents),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
