/* SPDX-License-Identifier: MIT */
/* A program in a machine of its own: its system calls, its faults, and its registers. */
#include "bare.h"

BARE_CODE(calls, "mov $39, %eax; syscall; mov %rax, %rdi; mov $60, %eax; syscall; ud2");
BARE_CODE(read_nothing, "mov $0x700123, %esi; mov (%rsi), %rax; mov $1, %eax; syscall");
BARE_CODE(write_code, "movabs %al, 0x400000");
BARE_CODE(write_kernel, "movabs $0xffff800000000008, %rax; mov %eax, (%rax)");
BARE_CODE(run_data, "mov $0x500010, %eax; jmp *%rax");
BARE_CODE(not_canonical, "movabs $0x800000000000, %rax; mov (%rax), %rax");
BARE_CODE(divide, "xor %ecx, %ecx; mov $7, %eax; div %ecx");
BARE_CODE(undefined, "ud2");
BARE_CODE(breakpoint, "int3");
BARE_CODE(invalid_x87, "fninit; movw $0x360, -8(%rsp); fldcw -8(%rsp); fld1; fchs; fsqrt; fwait");
BARE_CODE(bad_sse, "movl $0, -4(%rsp); ldmxcsr -4(%rsp); pxor %xmm0, %xmm0; divss %xmm0, %xmm0");
BARE_CODE(single_step, "pushf; orl $0x100, (%rsp); popf; nop; nop");

/* Changes every register at each turn by as much as rbx says, and does what the page at the data
 * says: it is there for the flags, too. */
BARE_CODE(flags, "cmp $1, %rdi; stc; std; mov $1, %eax; syscall; pushf; pop %rdi; mov $2, %eax; "
		 "syscall");
BARE_CODE(fault_flags, "stc; std; mov 0x700000, %eax; pushf; pop %rdi; mov $2, %eax; syscall");

static void serves_calls(void **state)
{
	struct bare bare;

	(void)state;
	bare_start(&bare, code_calls);
	bare_expect_syscall(&bare, 39);
	assert_int_equal(bare.cpu->regs.rip, BARE_CODE_AT + 7);
	assert_int_equal(bare.cpu->regs.rcx, BARE_CODE_AT + 7);
	bare.cpu->regs.rax = 1234;
	bare_expect_syscall(&bare, 60);
	assert_int_equal(bare.cpu->regs.rdi, 1234);
	bare_expect_exception(&bare, 6, 0);
	assert_int_equal(bare.cpu->regs.rip, BARE_CODE_AT + 17);
	bare_close(&bare);
}

struct fault {
	struct bare_code code;
	uint32_t vector, error;
	uint64_t address, rip; /* rip: from the start of the code */
};

static void reports_faults(void **state)
{
	/* AMD64 APM volume 2, 8.2 and 8.4.2: traps have rip after the instruction. */
	const struct fault faults[] = {
		{code_read_nothing, 14, 4, 0x700123, 5},
		{code_write_code, 14, 7, BARE_CODE_AT, 0},
		{code_run_data, 14, 0x15, 0x500010, 0x100010},
		{code_not_canonical, 13, 0, 0, 10},
		{code_divide, 0, 0, 0, 7},
		{code_undefined, 6, 0, 0, 0},
		{code_breakpoint, 3, 0, 0, 1},
		{code_invalid_x87, 16, 0, 0, 19},
		{code_bad_sse, 19, 0, 0, 17},
		{code_single_step, 1, 0, 0, 10},
	};
	struct bare bare;

	(void)state;
	bare_open(&bare);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		if (faults[i].vector == 19 && bare_emulated())
			continue; /* which knows no SIMD exceptions */
		bare_load(&bare, faults[i].code);
		bare_expect_exception(&bare, faults[i].vector, faults[i].error);
		assert_int_equal(bare.event.address, faults[i].address);
		assert_int_equal(bare.cpu->regs.rip - BARE_CODE_AT, faults[i].rip);
		assert_int_equal(bare.cpu->regs.rsp,
			faults[i].vector == 1 ? BARE_STACK_TOP : bare.cpu->regs.rsp);
	}
	bare_close(&bare);
}

/* Whether anything is there is not for programs to learn: KVMs differ. */
static void hides_cpl_0(void **state)
{
	struct bare bare;

	(void)state;
	bare_start(&bare, code_write_kernel);
	bare_run(&bare);
	assert_int_equal(bare.event.type, KEG_CPU_EXCEPTION);
	assert_int_equal(bare.event.vector, 14);
	assert_int_equal(bare.event.error & ~1u, 6);
	assert_int_equal(bare.event.address, 0xffff800000000008);
	bare_close(&bare);
}

static void goes_on_after_a_fault(void **state)
{
	struct bare bare;
	keg_page page;

	(void)state;
	bare_start(&bare, code_read_nothing);
	bare_expect_exception(&bare, 14, 4);
	assert_int_equal(keg_pages_take(bare.pages, 1, false, &page), 0);
	assert_ok(keg_machine_map(
		bare.machine, BARE_NOTHING_AT, page, 1, KEG_PTE_PRESENT | KEG_PTE_USER));
	bare_expect_syscall(&bare, 1);
	bare_close(&bare);
}

static void keeps_flags(void **state)
{
	const uint64_t carry = 1, direction = 1 << 10;
	struct bare bare;

	(void)state;
	bare_start(&bare, code_flags);
	bare_expect_syscall(&bare, 1);
	assert_int_equal(bare.cpu->regs.rflags & (carry | direction), carry | direction);
	/* What a program may not have is not given to it: IOPL, VM. */
	bare.cpu->regs.rflags |= 3 << 12 | 1 << 17;
	bare_expect_syscall(&bare, 2);
	assert_int_equal(bare.cpu->regs.rdi & 0x23000, 0);
	assert_int_equal(bare.cpu->regs.rdi & (carry | direction), carry | direction);

	bare_load(&bare, code_fault_flags);
	bare_expect_exception(&bare, 14, 4);
	assert_int_equal(bare.cpu->regs.rflags & (carry | direction), carry | direction);
	bare.cpu->regs.rip += 7; /* the load is not to be done again */
	bare_expect_syscall(&bare, 2);
	assert_int_equal(bare.cpu->regs.rdi & (carry | direction), carry | direction);
	bare_close(&bare);
}

/* Adds rbx to every register but it and those of the stack, makes a call or a fault, for ever. */
#define ADD_ALL                                                                                    \
	"add %rbx, %rax; add %rbx, %rdx; add %rbx, %rsi; add %rbx, %rdi; add %rbx, %rbp; "         \
	"add %rbx, %r8; add %rbx, %r9; add %rbx, %r10; add %rbx, %r12; add %rbx, %r13; "           \
	"add %rbx, %r14; add %rbx, %r15; "
BARE_CODE(all_calls, "1: " ADD_ALL "syscall; jmp 1b");
BARE_CODE(all_faults, "1: " ADD_ALL "add %rbx, %rcx; add %rbx, %r11; movb $0, 0x700000; jmp 1b");

static uint64_t *kept(struct keg_user_registers *regs, size_t n)
{
	uint64_t *const all[] = {&regs->rax, &regs->rdx, &regs->rsi, &regs->rdi, &regs->rbp,
		&regs->r8, &regs->r9, &regs->r10, &regs->r12, &regs->r13, &regs->r14, &regs->r15,
		&regs->rcx, &regs->r11};

	return all[n];
}
enum { KEPT_BY_CALLS = 12, KEPT_BY_FAULTS = 14, MOVB_BYTES = 8 };

static void check_kept(struct bare *bare, struct bare_code code, size_t count)
{
	const uint64_t step = 0x0123456789abcdef;
	bool is_fault = count == KEPT_BY_FAULTS;

	bare_load(bare, code);
	bare->cpu->regs.rbx = step;
	for (size_t i = 0; i < count; i++)
		*kept(&bare->cpu->regs, i) = i << 32;
	for (uint64_t turn = 1; turn <= 100; turn++) {
		bare_run(bare);
		assert_int_equal(bare->event.type, is_fault ? KEG_CPU_EXCEPTION : KEG_CPU_SYSCALL);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(
				*kept(&bare->cpu->regs, i), ((uint64_t)i << 32) + turn * step);
		assert_int_equal(bare->cpu->regs.rbx, step);
		assert_int_equal(bare->cpu->regs.rsp, BARE_STACK_TOP);
		if (is_fault)
			bare->cpu->regs.rip += MOVB_BYTES;
	}
}

static void keeps_all_registers(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	check_kept(&bare, code_all_calls, KEPT_BY_CALLS);
	check_kept(&bare, code_all_faults, KEPT_BY_FAULTS);
	bare_close(&bare);
}

BARE_CODE(bases, "mov %fs:0, %rdi; mov %gs:8, %rsi; mov $1, %eax; syscall; jmp bare_code_bases");

static void has_bases(void **state)
{
	struct bare bare;
	uint64_t *data;

	(void)state;
	bare_start(&bare, code_bases);
	data = bare_data(&bare);
	for (uint64_t i = 0; i < 512; i++)
		data[i] = i;
	bare.cpu->regs.fs_base = BARE_DATA_AT + 0x100;
	bare.cpu->regs.gs_base = BARE_DATA_AT + 0x200;
	bare_expect_syscall(&bare, 1);
	assert_int_equal(bare.cpu->regs.rdi, 0x20);
	assert_int_equal(bare.cpu->regs.rsi, 0x41);
	bare_expect_syscall(&bare, 1);
	assert_int_equal(bare.cpu->regs.fs_base, BARE_DATA_AT + 0x100);
	bare.cpu->regs.fs_base = BARE_DATA_AT + 8;
	bare.cpu->bases_changed = true;
	bare_expect_syscall(&bare, 1);
	assert_int_equal(bare.cpu->regs.rdi, 1);
	assert_int_equal(bare.cpu->regs.rsi, 0x41);
	bare_close(&bare);
}

BARE_CODE(set_base, "wrfsbase %rbx; syscall; rdfsbase %rdi; syscall");

/* Where programs may change their bases themselves, keg sees it. */
static void sees_bases_that_the_program_sets(void **state)
{
	struct bare bare;

	(void)state;
	bare_start(&bare, code_set_base);
	bare.cpu->regs.rbx = 0x123456789000;
	bare_run(&bare);
	if (bare.event.type == KEG_CPU_EXCEPTION) {
		assert_int_equal(bare.event.vector, 6);
	} else {
		assert_int_equal(bare.cpu->regs.fs_base, 0x123456789000);
		bare.cpu->regs.fs_base = 0x1000;
		bare.cpu->bases_changed = true;
		bare_run(&bare);
		assert_int_equal(bare.cpu->regs.rdi, 0x1000);
	}
	bare_close(&bare);
}

static void refuses_to_go_astray(void **state)
{
	struct bare bare;

	(void)state;
	bare_start(&bare, code_calls);
	bare_expect_syscall(&bare, 39);
	bare.cpu->regs.rip = 0x800000000000;
	bare_expect_exception(&bare, 13, 0);
	bare.cpu->regs.rip = 0xffff800000000000;
	bare_expect_exception(&bare, 14, 0x14);
	assert_int_equal(bare.event.address, 0xffff800000000000);
	/* A stack pointer may be anything. */
	bare.cpu->regs.rip = BARE_CODE_AT;
	bare.cpu->regs.rsp = 0x800000000000;
	bare_expect_syscall(&bare, 39);
	assert_int_equal(bare.cpu->regs.rsp, 0x800000000000);
	bare_close(&bare);
}

/* One run each, but for the one in which the layout changes. */
static void costs_one_run_each(void **state)
{
	struct bare bare;
	uint64_t before;

	(void)state;
	bare_start(&bare, code_all_calls);
	bare_run(&bare);
	before = bare.cpu->runs;
	for (int i = 0; i < 100; i++)
		bare_run(&bare);
	assert_int_equal(bare.cpu->runs - before, 100);
	bare_close(&bare);
}

static void uses_vcpus_again(void **state)
{
	struct keg_cpu *cpus[3];
	struct bare bare;

	(void)state;
	bare_start(&bare, code_all_calls);
	for (int i = 0; i < 3; i++) {
		assert_ok(keg_cpu_create(bare.machine, &cpus[i]));
		assert_int_equal(cpus[i]->index, i + 1);
		cpus[i]->regs.rip = BARE_CODE_AT;
		cpus[i]->regs.rbx = 5;
		assert_ok(keg_cpu_run(cpus[i], &bare.event));
		assert_int_equal(bare.event.type, KEG_CPU_SYSCALL);
		assert_int_equal(cpus[i]->regs.r15, 5);
	}
	keg_cpu_destroy(cpus[1]);
	assert_ok(keg_cpu_create(bare.machine, &cpus[1]));
	assert_int_equal(cpus[1]->index, 2);
	assert_int_equal(cpus[1]->regs.r15, 0);
	cpus[1]->regs.rip = BARE_CODE_AT;
	cpus[1]->regs.rbx = 7;
	assert_ok(keg_cpu_run(cpus[1], &bare.event));
	assert_int_equal(bare.event.type, KEG_CPU_SYSCALL);
	assert_int_equal(cpus[1]->regs.r15, 7);
	for (int i = 0; i < 3; i++)
		keg_cpu_destroy(cpus[i]);
	bare_close(&bare);
}

/* A sandbox's second machine begins with what the first one learnt. */
static void learns_the_layout(void **state)
{
	struct keg_machine *second;
	struct keg_cpu *first_cpu;
	struct bare bare;

	(void)state;
	bare_start(&bare, code_all_calls);
	bare_run(&bare);
	first_cpu = bare.cpu;
	assert_ok(keg_machine_create(bare.host, bare.pages, &bare.lore, &second));
	assert_ok(keg_cpu_create(second, &bare.cpu));
	assert_ok(keg_machine_map(
		second, BARE_CODE_AT, bare.code, 1, KEG_PTE_PRESENT | KEG_PTE_USER));
	bare_load(&bare, code_all_calls);
	bare_run(&bare);
	bare_run(&bare);
	assert_int_equal(bare.cpu->runs, 2);
	keg_machine_destroy(second);
	bare.cpu = first_cpu;
	bare_close(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_calls),
		cmocka_unit_test(reports_faults),
		cmocka_unit_test(hides_cpl_0),
		cmocka_unit_test(goes_on_after_a_fault),
		cmocka_unit_test(keeps_flags),
		cmocka_unit_test(keeps_all_registers),
		cmocka_unit_test(has_bases),
		cmocka_unit_test(sees_bases_that_the_program_sets),
		cmocka_unit_test(refuses_to_go_astray),
		cmocka_unit_test(costs_one_run_each),
		cmocka_unit_test(uses_vcpus_again),
		cmocka_unit_test(learns_the_layout),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
