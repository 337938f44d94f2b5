/* SPDX-License-Identifier: MIT */
/* Of two ways to set the same state, the later wins, whatever keg still holds back of the earlier.
 */
#include "arch/x86_64/fixture.h"

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
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-order", tests, NULL, NULL);
}
