/* SPDX-License-Identifier: MIT */
/* The state of the interrupt controllers and the timer in the kernel. */
#include "arch/x86_64/fixture.h"

#include <keg/irq.h>

/* A machine with all of the controllers, and a vCPU. */
static int open_chips(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	ioctls_obey(NULL);
	machine_open(machine, NULL);
	assert_ok(keg_vm_create_irqchip(machine->vm));
	assert_ok(keg_vm_create_pit(machine->vm, 0));
	machine_load(machine, guest_store());
	machine_add_vcpu(machine);
	*state = machine;
	return 0;
}

static struct keg_vm *vm_of(void **state)
{
	const struct machine *machine = *state;

	return machine->vm;
}

/* ---- Interrupt controllers ---- */

static void both_pics_are_read_as_they_were_set(void **state)
{
	static const uint32_t chips[] = {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE};

	for (int i = 0; i < 2; i++) {
		struct kvm_irqchip chip = {.chip_id = chips[i]};

		assert_ok(keg_vm_get_irqchip(vm_of(state), &chip));
		chip.chip.pic.imr = (uint8_t)(0x5a + i);
		chip.chip.pic.irq_base = (uint8_t)(0x20 + 8 * i);
		assert_ok(keg_vm_set_irqchip(vm_of(state), &chip));
	}
	for (int i = 0; i < 2; i++) {
		struct kvm_irqchip chip = {.chip_id = chips[i]};

		assert_ok(keg_vm_get_irqchip(vm_of(state), &chip));
		assert_int_equal(chip.chip.pic.imr, 0x5a + i);
		assert_int_equal(chip.chip.pic.irq_base, 0x20 + 8 * i);
	}
}

static void the_io_apic_is_read_as_it_was_set(void **state)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	assert_ok(keg_vm_get_irqchip(vm_of(state), &chip));
	chip.chip.ioapic.id = 3;
	chip.chip.ioapic.redirtbl[5].fields.vector = 0x41;
	chip.chip.ioapic.redirtbl[5].fields.mask = 1;
	assert_ok(keg_vm_set_irqchip(vm_of(state), &chip));
	memset(&chip.chip, 0, sizeof(chip.chip));
	assert_ok(keg_vm_get_irqchip(vm_of(state), &chip));
	assert_int_equal(chip.chip.ioapic.id, 3);
	assert_int_equal(chip.chip.ioapic.redirtbl[5].fields.vector, 0x41);
	assert_int_equal(chip.chip.ioapic.redirtbl[5].fields.mask, 1);
}

static void a_chip_that_does_not_exist_is_refused(void **state)
{
	struct kvm_irqchip chip = {.chip_id = 7};

	assert_fails(keg_vm_get_irqchip(vm_of(state), &chip), EINVAL, "KVM_GET_IRQCHIP");
	assert_fails(keg_vm_set_irqchip(vm_of(state), &chip), EINVAL, "KVM_SET_IRQCHIP");
}

/* ---- The interval timer ---- */

static void the_interval_timer_is_read_as_it_was_set(void **state)
{
	struct kvm_pit_state2 pit;

	assert_ok(keg_vm_get_pit(vm_of(state), &pit));
	pit.channels[2].count = 0x1234;
	pit.channels[2].mode = 3;
	pit.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	assert_ok(keg_vm_set_pit(vm_of(state), &pit));
	memset(&pit, 0, sizeof(pit));
	assert_ok(keg_vm_get_pit(vm_of(state), &pit));
	assert_int_equal(pit.channels[2].count, 0x1234);
	assert_int_equal(pit.channels[2].mode, 3);
	assert_int_equal(pit.flags, KVM_PIT_FLAGS_HPET_LEGACY);
}

/* ---- The local APIC ---- */

/* The task priority's place in the registers (SDM volume 3, table 11-1). */
enum { TASK_PRIORITY = 0x80 };

static void the_local_apic_is_read_as_it_was_set(void **state)
{
	struct kvm_lapic_state lapic;

	for (uint32_t life = 1; life < 3; life++) {
		assert_ok(keg_vcpu_get_lapic(vcpu_of(state), &lapic));
		lapic.regs[TASK_PRIORITY] = (char)(0x10 * life);
		assert_ok(keg_vcpu_set_lapic(vcpu_of(state), &lapic));
		memset(&lapic, 0, sizeof(lapic));
		assert_ok(keg_vcpu_get_lapic(vcpu_of(state), &lapic));
		assert_int_equal(lapic.regs[TASK_PRIORITY], 0x10 * life);
		assert_int_equal(run_to_store(vcpu_of(state)), life);
	}
}

static void the_task_priority_is_cr8_too(void **state)
{
	struct kvm_lapic_state lapic;
	struct kvm_sregs sregs;

	assert_ok(keg_vcpu_get_lapic(vcpu_of(state), &lapic));
	lapic.regs[TASK_PRIORITY] = 0x50;
	assert_ok(keg_vcpu_set_lapic(vcpu_of(state), &lapic));
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_int_equal(sregs.cr8, 5);
}

/* ---- Without them ---- */

static void a_machine_without_controllers_has_no_state_of_them(void **state)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};
	struct kvm_lapic_state lapic;
	struct kvm_pit_state2 pit;

	assert_fails(keg_vm_get_irqchip(vm_of(state), &chip), ENXIO, "KVM_GET_IRQCHIP");
	assert_fails(keg_vm_set_irqchip(vm_of(state), &chip), ENXIO, "KVM_SET_IRQCHIP");
	assert_fails(keg_vm_get_pit(vm_of(state), &pit), ENXIO, "KVM_GET_PIT2");
	assert_fails(keg_vm_set_pit(vm_of(state), &pit), ENXIO, "KVM_SET_PIT2");
	assert_fails(keg_vcpu_get_lapic(vcpu_of(state), &lapic), EINVAL, "KVM_GET_LAPIC");
	assert_fails(keg_vcpu_set_lapic(vcpu_of(state), &lapic), EINVAL, "KVM_SET_LAPIC");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_chips, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_pics_are_read_as_they_were_set),
		TEST(the_io_apic_is_read_as_it_was_set),
		TEST(a_chip_that_does_not_exist_is_refused),
		TEST(the_interval_timer_is_read_as_it_was_set),
		TEST(the_local_apic_is_read_as_it_was_set),
		TEST(the_task_priority_is_cr8_too),
		vcpu_test(a_machine_without_controllers_has_no_state_of_them),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-chips", tests, NULL, NULL);
}
