/* SPDX-License-Identifier: MIT */
/* Of two ways to set the same state, the later wins, whatever keg still holds back of the earlier.
 */
#include "arch/x86_64/fixture.h"

#include <keg/irq.h>

enum { EFER_SCE = 1 << 0, EFER_NXE = 1 << 11 };

/* KVM API, "KVM_SET_ONE_REG": MSRs as registers, in kernels newer than Debian's headers. */
#define X86_MSR_REG(index) (0x2030000200000000ULL | (index))

static void set_efer_by_sregs(struct keg_vcpu *vcpu, uint64_t efer)
{
	struct kvm_sregs sregs;

	assert_ok(keg_vcpu_get_sregs(vcpu, &sregs));
	sregs.efer = efer;
	assert_ok(keg_vcpu_set_sregs(vcpu, &sregs));
}

static void set_efer_by_msr(struct keg_vcpu *vcpu, uint64_t efer)
{
	const struct kvm_msr_entry entry = {.index = MSR_EFER, .data = efer};

	assert_ok(keg_vcpu_set_msrs(vcpu, &entry, 1));
}

static void assert_efer(struct keg_vcpu *vcpu, uint64_t efer)
{
	struct kvm_msr_entry entry = {.index = MSR_EFER};
	struct kvm_sregs sregs;

	assert_ok(keg_vcpu_get_sregs(vcpu, &sregs));
	assert_int_equal(sregs.efer, efer);
	assert_ok(keg_vcpu_get_msrs(vcpu, &entry, 1));
	assert_int_equal(entry.data, efer);
}

/* Now, and after a run; after a run, the shared page is used where there is one. */
static void for_both_lives(void **state, void (*check)(struct keg_vcpu *vcpu))
{
	check(vcpu_of(state));
	for (int i = 0; i < 2; i++) {
		run_to_store(vcpu_of(state));
		check(vcpu_of(state));
	}
}

static void check_msr_last(struct keg_vcpu *vcpu)
{
	set_efer_by_sregs(vcpu, EFER_NXE);
	set_efer_by_msr(vcpu, EFER_SCE);
	assert_efer(vcpu, EFER_SCE);
	run_to_store(vcpu);
	assert_efer(vcpu, EFER_SCE);
}

static void an_msr_that_is_set_after_special_registers_wins(void **state)
{
	for_both_lives(state, check_msr_last);
}

static void check_sregs_last(struct keg_vcpu *vcpu)
{
	set_efer_by_msr(vcpu, EFER_SCE);
	set_efer_by_sregs(vcpu, EFER_NXE);
	assert_efer(vcpu, EFER_NXE);
	run_to_store(vcpu);
	assert_efer(vcpu, EFER_NXE);
}

static void special_registers_that_are_set_after_an_msr_win(void **state)
{
	for_both_lives(state, check_sregs_last);
}

static void check_msr_read(struct keg_vcpu *vcpu)
{
	struct kvm_msr_entry entry = {.index = MSR_EFER};

	set_efer_by_sregs(vcpu, EFER_NXE);
	assert_ok(keg_vcpu_get_msrs(vcpu, &entry, 1));
	assert_int_equal(entry.data, EFER_NXE);
	set_efer_by_sregs(vcpu, 0);
	assert_ok(keg_vcpu_get_msrs(vcpu, &entry, 1));
	assert_int_equal(entry.data, 0);
}

static void an_msr_is_read_as_special_registers_have_set_it(void **state)
{
	for_both_lives(state, check_msr_read);
}

static void need_one_reg(struct machine *machine)
{
	if (keg_host_has_one_reg(machine->host))
		return;
	print_message("SKIPPED: this KVM has no single registers\n");
	skip();
}

static void check_one_reg_last(struct keg_vcpu *vcpu)
{
	const uint64_t efer = EFER_SCE;

	set_efer_by_sregs(vcpu, EFER_NXE);
	assert_ok(keg_vcpu_set_one_reg(vcpu, X86_MSR_REG(MSR_EFER), &efer, sizeof(efer)));
	assert_efer(vcpu, EFER_SCE);
	run_to_store(vcpu);
	assert_efer(vcpu, EFER_SCE);
}

static void a_single_register_that_is_set_after_special_registers_wins(void **state)
{
	need_one_reg(*state);
	for_both_lives(state, check_one_reg_last);
}

static void check_one_reg_read(struct keg_vcpu *vcpu)
{
	uint64_t efer = 0;

	set_efer_by_sregs(vcpu, EFER_NXE);
	assert_ok(keg_vcpu_get_one_reg(vcpu, X86_MSR_REG(MSR_EFER), &efer, sizeof(efer)));
	assert_int_equal(efer, EFER_NXE);
	set_efer_by_sregs(vcpu, 0);
}

static void a_single_register_is_read_as_special_registers_have_set_it(void **state)
{
	need_one_reg(*state);
	for_both_lives(state, check_one_reg_read);
}

static void check_raw_ioctl_last(struct keg_vcpu *vcpu)
{
	struct kvm_regs regs;

	assert_ok(keg_vcpu_get_regs(vcpu, &regs));
	regs.rsi = 1;
	assert_ok(keg_vcpu_set_regs(vcpu, &regs));
	regs.rsi = 2;
	assert_ok(keg_vcpu_ioctl(vcpu, KVM_SET_REGS, (uintptr_t)&regs));
	assert_ok(keg_vcpu_get_regs(vcpu, &regs));
	assert_int_equal(regs.rsi, 2);
	run_to_store(vcpu);
	assert_ok(keg_vcpu_get_regs(vcpu, &regs));
	assert_int_equal(regs.rsi, 2);
}

static void a_raw_ioctl_that_comes_after_general_registers_wins(void **state)
{
	for_both_lives(state, check_raw_ioctl_last);
}

static void check_all_classes(struct keg_vcpu *vcpu)
{
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_fpu fpu;

	assert_ok(keg_vcpu_get_regs(vcpu, &regs));
	assert_ok(keg_vcpu_get_sregs(vcpu, &sregs));
	assert_ok(keg_vcpu_get_events(vcpu, &events));
	regs.rdi = 0xabc;
	sregs.cr2 = 0xdef;
	events.nmi.masked = 1;
	assert_ok(keg_vcpu_set_events(vcpu, &events));
	assert_ok(keg_vcpu_set_regs(vcpu, &regs));
	assert_ok(keg_vcpu_set_sregs(vcpu, &sregs));
	assert_ok(keg_vcpu_get_fpu(vcpu, &fpu)); /* all of them go to the kernel first */
	assert_ok(keg_vcpu_set_fpu(vcpu, &fpu));
	assert_ok(keg_vcpu_get_regs(vcpu, &regs));
	assert_ok(keg_vcpu_get_sregs(vcpu, &sregs));
	assert_ok(keg_vcpu_get_events(vcpu, &events));
	assert_int_equal(regs.rdi, 0xabc);
	assert_int_equal(sregs.cr2, 0xdef);
	assert_int_equal(events.nmi.masked, 1);
}

static void other_state_does_not_disturb_registers_that_were_set(void **state)
{
	for_both_lives(state, check_all_classes);
}

static void an_exception_that_debugging_injects_is_seen_and_injected_once(void **state)
{
	enum { DEBUG_EXCEPTION = 1 };
	const struct kvm_guest_debug inject = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_INJECT_DB};
	struct kvm_vcpu_events events, none;
	struct keg_exit exit;

	run_to_store(vcpu_of(state));
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &none));
	run_to_store(vcpu_of(state)); /* now they are in the shared page, if there is one */
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &none));
	assert_ok(keg_vcpu_set_guest_debug(vcpu_of(state), &inject));
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	assert_true(events.exception.injected || events.exception.pending);
	assert_int_equal(events.exception.nr, DEBUG_EXCEPTION);
	assert_ok(keg_vcpu_set_events(vcpu_of(state), &none));
	assert_ok(keg_vcpu_step(vcpu_of(state), 0, NULL, &exit));
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	assert_false(events.exception.injected || events.exception.pending);
}

/* ---- Start-up ---- */

/* A machine with local APICs, and nothing in it yet. */
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

/* INIT and SIPI to the APIC with id 1, as messages (SDM volume 3, 11.11: delivery modes 5, 6). */
static void start_second(struct machine *machine, uint32_t page)
{
	enum { ADDRESS = 0xfee01000, ASSERT = 1 << 14, INIT = 5 << 8, STARTUP = 6 << 8 };
	struct kvm_lapic_state lapic;

	/* KVM looks for new APICs when one is set. */
	assert_ok(keg_vcpu_get_lapic(machine->vcpu, &lapic));
	assert_ok(keg_vcpu_set_lapic(machine->vcpu, &lapic));
	assert_int_equal(keg_vm_signal_msi(machine->vm, ADDRESS, ASSERT | INIT), 1);
	assert_int_equal(keg_vm_signal_msi(machine->vm, ADDRESS, ASSERT | STARTUP | page), 1);
}

static void starting_a_vcpu_wins_over_the_registers_that_were_set_before(void **state)
{
	const uint8_t code[] = {0xb0, 0x2a, 0xe6, 0x80}; /* mov $42, %al; out %al, $0x80 */
	enum { PAGE_OF_CODE = 8 };
	struct machine *machine = *state;
	const struct kvm_regs regs = {.rip = 0x1234, .rflags = 2};
	struct keg_vcpu *second;
	struct keg_exit exit;

	assert_ok(keg_mem_write(machine->mem, PAGE_OF_CODE * PAGE, code, sizeof(code)));
	assert_ok(keg_vcpu_create(machine->vm, NULL, &second));
	assert_ok(keg_vcpu_set_regs(second, &regs));
	start_second(machine, PAGE_OF_CODE);
	assert_ok(keg_vcpu_run(second, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_IO);
	assert_int_equal(*exit.io.data, 42);
	keg_vcpu_destroy(second);
}

static void registers_that_are_set_on_a_waiting_vcpu_survive_a_kick(void **state)
{
	struct machine *machine = *state;
	struct keg_vcpu *second;
	struct kvm_regs regs;
	struct keg_exit exit;

	assert_ok(keg_vcpu_create(machine->vm, NULL, &second));
	for (int i = 0; i < 2; i++) {
		assert_ok(keg_vcpu_get_regs(second, &regs));
		regs.rbx = 0x1234;
		assert_ok(keg_vcpu_set_regs(second, &regs));
		assert_ok(keg_vcpu_run_for(second, 1000000, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
		assert_ok(keg_vcpu_get_regs(second, &regs));
		assert_int_equal(regs.rbx, 0x1234);
	}
	keg_vcpu_destroy(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shared_and_not(an_msr_that_is_set_after_special_registers_wins),
		shared_and_not(special_registers_that_are_set_after_an_msr_win),
		shared_and_not(an_msr_is_read_as_special_registers_have_set_it),
		shared_and_not(a_single_register_that_is_set_after_special_registers_wins),
		shared_and_not(a_single_register_is_read_as_special_registers_have_set_it),
		shared_and_not(a_raw_ioctl_that_comes_after_general_registers_wins),
		shared_and_not(other_state_does_not_disturb_registers_that_were_set),
		shared_and_not(an_exception_that_debugging_injects_is_seen_and_injected_once),
		cmocka_unit_test_setup_teardown(
			starting_a_vcpu_wins_over_the_registers_that_were_set_before,
			open_with_irqchip, close_machine),
		cmocka_unit_test_setup_teardown(
			registers_that_are_set_on_a_waiting_vcpu_survive_a_kick, open_with_irqchip,
			close_machine),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-order", tests, NULL, NULL);
}
