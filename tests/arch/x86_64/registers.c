/* SPDX-License-Identifier: MIT */
/* General and special registers and events: the same through the shared page and without it. */
#include "arch/x86_64/fixture.h"

static const struct kvm_regs pattern = {
	.rax = 0x1111111111111111,
	.rbx = 0x2222222222222222,
	.rcx = 0x3333333333333333,
	.rdx = 0x4444444444444444,
	.rsi = 0x5555555555555555,
	.rdi = 0x6666666666666666,
	.rsp = 0x7777777777777777,
	.rbp = 0x8888888888888888,
	.r8 = 0x0808080808080808,
	.r9 = 0x0909090909090909,
	.r10 = 0x1010101010101010,
	.r11 = 0xffffffffffffffff,
	.r12 = 0x1212121212121212,
	.r13 = 0x1313131313131313,
	.r14 = 0x1414141414141414,
	.r15 = 0x1515151515151515,
	.rip = MACHINE_CODE,
	.rflags = 0x2 | 1 << 0 | 1 << 6, /* always 1, CF, ZF */
};

static void assert_regs(const struct kvm_regs *regs, const struct kvm_regs *expected)
{
	assert_memory_equal(regs, expected, sizeof(*regs));
}

/* What the kernel holds, asked past all that keg knows. */
static struct kvm_regs regs_in_kernel(struct keg_vcpu *vcpu)
{
	struct kvm_regs regs;

	assert_ok(keg_vcpu_ioctl(vcpu, KVM_GET_REGS, (uintptr_t)&regs));
	return regs;
}

/* ---- General registers ---- */

static void general_registers_are_read_as_they_were_set(void **state)
{
	struct kvm_regs regs;

	assert_ok(keg_vcpu_set_regs(vcpu_of(state), &pattern));
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_regs(&regs, &pattern);
	regs = regs_in_kernel(vcpu_of(state));
	assert_regs(&regs, &pattern);
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_regs(&regs, &pattern);
}

static void a_run_begins_with_the_registers_that_were_set(void **state)
{
	struct kvm_regs regs;

	assert_int_equal(run_to_store(vcpu_of(state)), 1);
	for (int i = 0; i < 3; i++) {
		assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
		regs.rax = 100;
		assert_ok(keg_vcpu_set_regs(vcpu_of(state), &regs));
		assert_int_equal(run_to_store(vcpu_of(state)), 101); /* inc, and store */
	}
}

static void after_a_run_registers_are_the_guests(void **state)
{
	struct kvm_regs regs;

	for (uint64_t i = 1; i < 5; i++) {
		assert_int_equal(run_to_store(vcpu_of(state)), i);
		assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
		assert_int_equal(regs.rax, i);
		regs = regs_in_kernel(vcpu_of(state));
		assert_int_equal(regs.rax, i);
	}
}

static void registers_that_nobody_sets_are_kept_through_a_run(void **state)
{
	struct kvm_regs regs;

	assert_int_equal(run_to_store(vcpu_of(state)), 1);
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	regs.rsi = 0x5555;
	assert_ok(keg_vcpu_set_regs(vcpu_of(state), &regs));
	for (int i = 2; i < 5; i++)
		assert_int_equal(run_to_store(vcpu_of(state)), i);
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_int_equal(regs.rsi, 0x5555);
}

/* ---- Special registers ---- */

/* Values that are none of a vCPU's own after reset. */
static void change(struct kvm_sregs *sregs)
{
	sregs->gdt = (struct kvm_dtable){.base = 0x12000, .limit = 0x17};
	sregs->idt = (struct kvm_dtable){.base = 0x13000, .limit = 0x7f};
	sregs->fs.base = 0x14000;
	sregs->gs.base = 0x15000;
	sregs->cr2 = 0x16123;
	sregs->cr3 = 0x17000;
	sregs->cr8 = 5;
}

static void assert_changed(const struct kvm_sregs *sregs)
{
	assert_int_equal(sregs->gdt.base, 0x12000);
	assert_int_equal(sregs->gdt.limit, 0x17);
	assert_int_equal(sregs->idt.base, 0x13000);
	assert_int_equal(sregs->idt.limit, 0x7f);
	assert_int_equal(sregs->fs.base, 0x14000);
	assert_int_equal(sregs->gs.base, 0x15000);
	assert_int_equal(sregs->cr2, 0x16123);
	assert_int_equal(sregs->cr3, 0x17000);
	assert_int_equal(sregs->cr8, 5);
}

static void special_registers_are_read_as_they_were_set(void **state)
{
	struct kvm_sregs sregs;

	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	change(&sregs);
	assert_ok(keg_vcpu_set_sregs(vcpu_of(state), &sregs));
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_changed(&sregs);
	assert_ok(keg_vcpu_ioctl(vcpu_of(state), KVM_GET_SREGS, (uintptr_t)&sregs));
	assert_changed(&sregs);
}

static void special_registers_are_kept_through_a_run(void **state)
{
	struct kvm_sregs sregs;

	for (uint32_t i = 1; i < 4; i++) {
		assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
		change(&sregs);
		assert_ok(keg_vcpu_set_sregs(vcpu_of(state), &sregs));
		assert_int_equal(run_to_store(vcpu_of(state)), i);
		assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
		assert_changed(&sregs);
	}
}

/* Paging without protection: what no processor does (SDM volume 3, 2.5, CR0.PG). */
static struct kvm_sregs impossible_sregs(struct keg_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	assert_ok(keg_vcpu_get_sregs(vcpu, &sregs));
	sregs.cr0 = 1U << 31;
	return sregs;
}

static void impossible_special_registers_fail_where_they_reach_the_kernel(void **state)
{
	const struct kvm_sregs sregs = impossible_sregs(vcpu_of(state));
	struct kvm_fpu fpu;
	struct keg_exit exit;

	if (keg_vcpu_set_sregs(vcpu_of(state), &sregs) == -EINVAL) {
		assert_non_null(strstr(keg_error_message(), "KVM_SET_SREGS"));
		return; /* without the shared page, at once */
	}
	for (int i = 0; i < 2; i++)
		assert_fails(keg_vcpu_get_fpu(vcpu_of(state), &fpu), EINVAL, "KVM_SET_SREGS");
	assert_fails(keg_vcpu_run(vcpu_of(state), &exit), EINVAL,
		"refuses the special registers that were set on vCPU 0");
}

static void special_registers_that_a_run_refused_are_forgotten(void **state)
{
	struct kvm_sregs before, after, bad;
	struct keg_exit exit;

	assert_int_equal(run_to_store(vcpu_of(state)), 1);
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &before));
	bad = impossible_sregs(vcpu_of(state));
	if (!keg_vcpu_set_sregs(vcpu_of(state), &bad))
		assert_fails(keg_vcpu_run(vcpu_of(state), &exit), EINVAL, "special registers");
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &after));
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(run_to_store(vcpu_of(state)), 2);
}

static void special_registers_that_were_refused_can_be_set_right(void **state)
{
	struct kvm_sregs good, bad = impossible_sregs(vcpu_of(state));
	struct keg_exit exit;

	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &good));
	if (!keg_vcpu_set_sregs(vcpu_of(state), &bad))
		assert_fails(keg_vcpu_run(vcpu_of(state), &exit), EINVAL, "special registers");
	assert_ok(keg_vcpu_set_sregs(vcpu_of(state), &good));
	assert_int_equal(run_to_store(vcpu_of(state)), 1);
}

/* ---- Events ---- */

static void events_are_read_as_they_were_set(void **state)
{
	struct kvm_vcpu_events events;

	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	assert_int_equal(events.nmi.masked, 0);
	events.nmi.masked = 1;
	assert_ok(keg_vcpu_set_events(vcpu_of(state), &events));
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	assert_int_equal(events.nmi.masked, 1);
	assert_ok(keg_vcpu_ioctl(vcpu_of(state), KVM_GET_VCPU_EVENTS, (uintptr_t)&events));
	assert_int_equal(events.nmi.masked, 1);
}

static void events_are_kept_through_a_run(void **state)
{
	struct kvm_vcpu_events events;

	for (uint32_t i = 1; i < 4; i++) {
		assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
		assert_int_equal(events.nmi.masked, i != 1);
		events.nmi.masked = 1;
		assert_ok(keg_vcpu_set_events(vcpu_of(state), &events));
		assert_int_equal(run_to_store(vcpu_of(state)), i);
	}
}

static void an_exception_that_is_set_is_raised_by_the_run(void **state)
{
	enum { INVALID_OPCODE = 6 };
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct keg_exit exit;

	/* There is no interrupt table: it becomes a triple fault. */
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	sregs.idt.limit = 0;
	assert_ok(keg_vcpu_set_sregs(vcpu_of(state), &sregs));
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	events.exception.injected = 1;
	events.exception.nr = INVALID_OPCODE;
	assert_ok(keg_vcpu_set_events(vcpu_of(state), &events));
	assert_ok(keg_vcpu_run(vcpu_of(state), &exit));
	assert_int_equal(exit.reason, KEG_EXIT_SHUTDOWN);
}

/* ---- What it costs ---- */

static void need_shared_page(struct machine *machine)
{
	if (keg_host_check_extension(machine->host, KVM_CAP_SYNC_REGS) > 0)
		return;
	print_message("SKIPPED: this KVM shares no registers\n");
	skip();
}

static void registers_that_are_read_and_set_around_each_exit_cost_no_system_call(void **state)
{
	struct machine *machine = *state;
	struct kvm_regs regs;
	struct kvm_sregs sregs;

	need_shared_page(machine);
	for (uint32_t i = 0; i < 10; i++) {
		run_to_store(machine->vcpu);
		if (i == 2)
			ioctls_forget(); /* now keg knows what is read */
		assert_ok(keg_vcpu_get_regs(machine->vcpu, &regs));
		assert_ok(keg_vcpu_get_sregs(machine->vcpu, &sregs));
		assert_ok(keg_vcpu_set_regs(machine->vcpu, &regs));
	}
	assert_int_equal(ioctls_made(0), ioctls_made(KVM_RUN));
	assert_int_equal(ioctls_made(KVM_RUN), 7);
}

static void registers_that_nobody_reads_any_more_are_no_longer_asked_for(void **state)
{
	const struct kvm_run *run = keg_vcpu_kvm_run(vcpu_of(state));
	struct kvm_regs regs;
	uint32_t value = 0;

	need_shared_page(*state);
	for (int i = 0; i < 100; i++)
		value = run_to_store(vcpu_of(state));
	assert_int_equal(run->kvm_valid_regs, 0);
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_int_equal(regs.rax, value);
	run_to_store(vcpu_of(state));
	assert_int_equal(run->kvm_valid_regs, KVM_SYNC_X86_REGS);
}

static void registers_that_are_read_to_set_a_vcpu_up_are_not_asked_for(void **state)
{
	struct kvm_sregs sregs;

	need_shared_page(*state);
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_ok(keg_vcpu_set_sregs(vcpu_of(state), &sregs));
	run_to_store(vcpu_of(state));
	assert_int_equal(keg_vcpu_kvm_run(vcpu_of(state))->kvm_valid_regs, 0);
}

static void a_class_that_is_read_keeps_no_other_class_wanted(void **state)
{
	const struct kvm_run *run = keg_vcpu_kvm_run(vcpu_of(state));
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	need_shared_page(*state);
	run_to_store(vcpu_of(state));
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs)); /* once */
	for (int i = 0; i < 100; i++) {
		run_to_store(vcpu_of(state));
		assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	}
	assert_int_equal(run->kvm_valid_regs, KVM_SYNC_X86_REGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		shared_and_not(general_registers_are_read_as_they_were_set),
		shared_and_not(a_run_begins_with_the_registers_that_were_set),
		shared_and_not(after_a_run_registers_are_the_guests),
		shared_and_not(registers_that_nobody_sets_are_kept_through_a_run),
		shared_and_not(special_registers_are_read_as_they_were_set),
		shared_and_not(special_registers_are_kept_through_a_run),
		shared_and_not(impossible_special_registers_fail_where_they_reach_the_kernel),
		shared_and_not(special_registers_that_a_run_refused_are_forgotten),
		shared_and_not(special_registers_that_were_refused_can_be_set_right),
		shared_and_not(events_are_read_as_they_were_set),
		shared_and_not(events_are_kept_through_a_run),
		shared_and_not(an_exception_that_is_set_is_raised_by_the_run),
		vcpu_test(registers_that_are_read_and_set_around_each_exit_cost_no_system_call),
		vcpu_test(registers_that_nobody_reads_any_more_are_no_longer_asked_for),
		vcpu_test(registers_that_are_read_to_set_a_vcpu_up_are_not_asked_for),
		vcpu_test(a_class_that_is_read_keeps_no_other_class_wanted),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-registers", tests, NULL, NULL);
}
