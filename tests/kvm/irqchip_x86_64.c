/* SPDX-License-Identifier: MIT */
/* The PC's interrupt controllers in the kernel: when they are made, and what reaches them. */
#include "testing.h"

#include <errno.h>
#include <poll.h>

#include <keg/irq.h>

#include "machine.h"

static struct machine machine;

static int open_machine(void **state)
{
	(void)state;
	machine_open(&machine, NULL);
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

/* ---- Making ---- */

static void it_is_declared_and_made_when_the_machine_starts(void **state)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	(void)state;
	assert_false(keg_vm_has_irqchip(machine.vm));
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_true(keg_vm_has_irqchip(machine.vm));
	assert_true(keg_vm_get_irqchip(machine.vm, &chip) < 0);
	assert_ok(keg_vm_start(machine.vm));
	assert_ok(keg_vm_get_irqchip(machine.vm, &chip));
}

static void in_a_started_machine_it_is_made_at_once(void **state)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};

	(void)state;
	assert_ok(keg_vm_start(machine.vm));
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_ok(keg_vm_get_irqchip(machine.vm, &chip));
	assert_ok(keg_vm_create_pit(machine.vm, 0));
	assert_fails(keg_vm_create_pit(machine.vm, 0), EEXIST, "interval timer");
}

static void there_is_only_one(void **state)
{
	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_fails(keg_vm_create_irqchip(machine.vm), EEXIST, "has an interrupt controller");
	assert_fails(keg_vm_split_irqchip(machine.vm, 24), EEXIST, "has an interrupt controller");
	assert_fails(keg_vm_adopt_irqchip(machine.vm), EEXIST, "has an interrupt controller");
}

static void what_kvm_refuses_is_forgotten(void **state)
{
	(void)state;
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	/* A vCPU exists already: KVM makes no controller any more. */
	assert_true(keg_vm_create_irqchip(machine.vm) < 0);
	assert_false(keg_vm_has_irqchip(machine.vm));
}

static void one_made_elsewhere_can_be_adopted(void **state)
{
	(void)state;
	assert_int_equal(keg_vm_ioctl(machine.vm, KVM_CREATE_IRQCHIP, 0), 0);
	assert_ok(keg_vm_adopt_irqchip(machine.vm));
	assert_true(keg_vm_has_irqchip(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
}

static void the_timer_needs_a_controller(void **state)
{
	(void)state;
	assert_fails(keg_vm_create_pit(machine.vm, 0), EINVAL, "call keg_vm_create_irqchip()");
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_ok(keg_vm_create_pit(machine.vm, KVM_PIT_SPEAKER_DUMMY));
	assert_fails(keg_vm_create_pit(machine.vm, 0), EEXIST, "interval timer");
	assert_ok(keg_vm_start(machine.vm));
}

static void a_split_controller_leaves_the_io_apic_out(void **state)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	(void)state;
	assert_fails(keg_vm_split_irqchip(machine.vm, 25), EINVAL, "25 pins");
	assert_ok(keg_vm_split_irqchip(machine.vm, 24));
	assert_true(keg_vm_has_irqchip(machine.vm));
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	assert_true(keg_vm_get_irqchip(machine.vm, &chip) < 0);
	assert_true(keg_vcpu_get_lapic(machine.vcpu, &(struct kvm_lapic_state){{0}}) == 0);
}

/* ---- What reaches it ---- */

static bool pic_line_is_high(unsigned int irq)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};

	assert_ok(keg_vm_get_irqchip(machine.vm, &chip));
	return chip.chip.pic.last_irr >> irq & 1 || chip.chip.pic.irr >> irq & 1;
}

static void a_line_reaches_the_pic(void **state)
{
	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
	assert_false(pic_line_is_high(4));
	assert_ok(keg_vm_set_irq_line(machine.vm, 4, true));
	assert_true(pic_line_is_high(4));
	assert_ok(keg_vm_set_irq_line(machine.vm, 4, false));
}

static void an_irqfd_raises_its_line(void **state)
{
	int fd = keg_eventfd_create();

	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
	assert_ok(keg_vm_add_irqfd(machine.vm, 5, fd, -1));
	assert_fails(keg_vm_add_irqfd(machine.vm, 5, fd, -1), EBUSY, "KVM_IRQFD");
	/* A line that pulses is seen in the edge that the controller keeps. */
	assert_ok(keg_eventfd_signal(fd));
	for (int i = 0; i < 1000 && !pic_line_is_high(5); i++)
		poll(NULL, 0, 1);
	assert_true(pic_line_is_high(5));
	assert_ok(keg_vm_remove_irqfd(machine.vm, 5, fd));
	close(fd);
}

static void an_irqfd_with_resample_holds_its_line(void **state)
{
	int fd = keg_eventfd_create(), resample = keg_eventfd_create();

	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
	assert_ok(keg_vm_add_irqfd(machine.vm, 10, fd, resample));
	assert_ok(keg_vm_remove_irqfd(machine.vm, 10, fd));
	assert_fails(keg_vm_add_irqfd(machine.vm, 10, -1, -1), EBADF, "KVM_IRQFD");
	close(fd);
	close(resample);
}

static void routes_are_replaced_in_one_batch(void **state)
{
	struct kvm_irq_routing_entry routes[2] = {
		{.gsi = 30,
			.type = KVM_IRQ_ROUTING_MSI,
			.u.msi = {.address_lo = 0xfee00000, .data = 0x30}},
		{.gsi = 4,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
			.u.irqchip = {.irqchip = KVM_IRQCHIP_PIC_MASTER, .pin = 6}},
	};

	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
	assert_ok(keg_vm_set_gsi_routes(machine.vm, routes, 2));
	assert_ok(keg_vm_set_irq_line(machine.vm, 4, true));
	assert_true(pic_line_is_high(6));
	assert_false(pic_line_is_high(4));
	assert_ok(keg_vm_set_gsi_routes(machine.vm, NULL, 0));
	routes[0].type = 99;
	assert_fails(keg_vm_set_gsi_routes(machine.vm, routes, 2), EINVAL, "KVM_SET_GSI_ROUTING");
}

/* The message's vector turns up in the local APIC's request register (SDM volume 3, 11.8.4). */
static void a_message_reaches_the_local_apic(void **state)
{
	enum { VECTOR = 0x41, IRR = 0x200, SPURIOUS = 0xf0, ENABLE = 1 << 8 };
	struct kvm_lapic_state lapic;

	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_get_lapic(machine.vcpu, &lapic));
	lapic.regs[SPURIOUS + 1] |= ENABLE >> 8;
	assert_ok(keg_vcpu_set_lapic(machine.vcpu, &lapic));
	assert_int_equal(keg_vm_signal_msi(machine.vm, 0xfee00000, VECTOR), 1);
	assert_ok(keg_vcpu_get_lapic(machine.vcpu, &lapic));
	assert_true(lapic.regs[IRR + VECTOR / 32 * 0x10 + VECTOR % 32 / 8] >> (VECTOR % 8) & 1);
	/* Who sent it matters to arm64's ITS only: here it may be refused, but not fail otherwise.
	 */
	assert_in_range(
		keg_vm_signal_msi_from(machine.vm, 0xfee00000, VECTOR, 7) + EINVAL, 0, EINVAL + 1);
}

/* ---- Without it: interrupts by hand ---- */

static void an_interrupt_is_injected_when_the_window_is_open(void **state)
{
	struct kvm_regs regs;
	struct keg_exit exit;

	(void)state;
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	/* Interrupts are off: it has to wait. */
	assert_ok(keg_vcpu_run_for(machine.vcpu, 1000000, &exit));
	assert_false(keg_vcpu_ready_for_interrupt(machine.vcpu));
	assert_fails(keg_vcpu_interrupt(machine.vcpu, 0x20), EAGAIN, "request_irq_window");
	keg_vcpu_request_irq_window(machine.vcpu, true);
	assert_ok(keg_vcpu_get_regs(machine.vcpu, &regs));
	regs.rflags |= 1 << 9;
	assert_ok(keg_vcpu_set_regs(machine.vcpu, &regs));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_IRQ_WINDOW_OPEN);
	assert_true(keg_vcpu_ready_for_interrupt(machine.vcpu));
	keg_vcpu_request_irq_window(machine.vcpu, false);
	assert_ok(keg_vcpu_interrupt(machine.vcpu, 0x20));
	/* There is no descriptor table: what was injected ends in a triple fault. */
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_SHUTDOWN);
}

static void with_a_controller_interrupts_are_not_injected_by_hand(void **state)
{
	(void)state;
	assert_ok(keg_vm_create_irqchip(machine.vm));
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	assert_fails(keg_vcpu_interrupt(machine.vcpu, 0x20), ENXIO, "keg_vm_set_irq_line()");
}

static void an_nmi_is_taken_with_interrupts_off(void **state)
{
	struct keg_exit exit;

	(void)state;
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_nmi(machine.vcpu));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_SHUTDOWN);
}

static void an_smi_is_queued_where_kvm_has_it(void **state)
{
	(void)state;
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	if (keg_vm_check_extension(machine.vm, KVM_CAP_X86_SMM) == 0)
		assert_fails(keg_vcpu_smi(machine.vcpu), ENOTSUP, "system-management");
	else
		assert_ok(keg_vcpu_smi(machine.vcpu));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(it_is_declared_and_made_when_the_machine_starts),
		TEST(in_a_started_machine_it_is_made_at_once),
		TEST(there_is_only_one),
		TEST(what_kvm_refuses_is_forgotten),
		TEST(one_made_elsewhere_can_be_adopted),
		TEST(the_timer_needs_a_controller),
		TEST(a_split_controller_leaves_the_io_apic_out),
		TEST(a_line_reaches_the_pic),
		TEST(an_irqfd_raises_its_line),
		TEST(an_irqfd_with_resample_holds_its_line),
		TEST(routes_are_replaced_in_one_batch),
		TEST(a_message_reaches_the_local_apic),
		TEST(an_interrupt_is_injected_when_the_window_is_open),
		TEST(with_a_controller_interrupts_are_not_injected_by_hand),
		TEST(an_nmi_is_taken_with_interrupts_off),
		TEST(an_smi_is_queued_where_kvm_has_it),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
