/* SPDX-License-Identifier: MIT */
/* Programs that want CPL 0, or to be taken for somebody else: each gets a fault, or a call. */
#include "bare.h"

/* Where keg's own pages are in the guest: src/user/entry.c. */
#define NOWHERE 0x7fffffffe000ull
#define OPEN    0x7ffffffff000ull
#define STRICT  0xffff800000000000ull

BARE_CODE(good, "mov $39, %eax; mov $77, %edi; syscall");

/* After whatever it did, the vCPU serves an honest program. */
static void check_sound(struct bare *bare)
{
	bare_load(bare, code_good);
	bare_expect_syscall(bare, 39);
	assert_int_equal(bare->cpu->regs.rdi, 77);
	assert_int_equal(bare->cpu->regs.rcx, BARE_CODE_AT + 12);
}

struct hostile {
	const char *name;
	struct bare_code code;
	uint32_t vector;
	uint32_t error;
};

BARE_CODE(hlt, "hlt");
BARE_CODE(cli, "cli");
BARE_CODE(sti, "sti");
BARE_CODE(out, "out %al, $0x80");
BARE_CODE(out_vector, "out %al, $14");
BARE_CODE(out_dx, "mov $0x3f8, %edx; out %al, %dx");
BARE_CODE(in, "in $0x60, %al");
BARE_CODE(outs, "mov $0x400000, %esi; mov $0x80, %edx; outsb");
BARE_CODE(lgdt, "lgdt (%rsp)");
BARE_CODE(lidt, "lidt (%rsp)");
BARE_CODE(ltr, "mov $0x40, %eax; ltr %ax");
BARE_CODE(mov_cr3, "mov %rax, %cr3");
BARE_CODE(read_cr3, "mov %cr3, %rax");
BARE_CODE(mov_cr4, "mov %rax, %cr4");
BARE_CODE(clts, "clts");
BARE_CODE(lmsw, "lmsw %ax");
BARE_CODE(wrmsr, "mov $0xc0000082, %ecx; wrmsr");
BARE_CODE(rdmsr, "mov $0xc0000082, %ecx; rdmsr");
BARE_CODE(invlpg, "invlpg (%rsp)");
BARE_CODE(wbinvd, "wbinvd");
BARE_CODE(swapgs, "swapgs");
BARE_CODE(sysret, "mov $0x400000, %ecx; sysretq");
BARE_CODE(xsetbv, "xor %ecx, %ecx; xor %edx, %edx; mov $1, %eax; xsetbv");
BARE_CODE(mov_dr, "mov %rax, %dr7");
BARE_CODE(kernel_ds, "mov $0x18, %eax; mov %eax, %ds; mov $1, %eax; ud2");
BARE_CODE(kernel_ss, "mov $0x18, %eax; mov %eax, %ss");
BARE_CODE(far_return, "sub $64, %rsp; pushq $0x10; pushq $0x400000; lretq");
BARE_CODE(forged_frame, "pushq $0x18; pushq $0x601000; pushq $0x3002; pushq $0x10; "
			"movabs $0xffff800000000000, %rax; push %rax; iretq");
BARE_CODE(iret_entry, "pushq $0x2b; pushq $0x601000; pushq $0x3002; pushq $0x33; "
		      "movabs $0xffff800000000108, %rax; push %rax; iretq");
BARE_CODE(iret_bad, "pushq $0x2b; pushq $0x601000; pushq $0x2; pushq $0x33; "
		    "movabs $0x800000000000, %rax; push %rax; iretq");

/* QEMU's emulation reads the frame of a far return at CPL 3 as CPL 0 would, which SMAP forbids. */
static void expect_no_return(struct bare *bare)
{
	bare_run(bare);
	assert_int_equal(bare->event.type, KEG_CPU_EXCEPTION);
	assert_true(bare->event.vector == 13 || bare->event.vector == 14);
}

static void privileged_instructions_fault(void **state)
{
#define GP(name)                                                                                   \
	{                                                                                          \
#name, code_##name, 13, 0                                                          \
	}
	const struct hostile programs[] = {GP(hlt), GP(cli), GP(sti), GP(out), GP(out_vector),
		GP(out_dx), GP(in), GP(outs), GP(lgdt), GP(lidt), GP(ltr), GP(mov_cr3),
		GP(read_cr3), GP(mov_cr4), GP(clts), GP(lmsw), GP(wrmsr), GP(rdmsr), GP(invlpg),
		GP(wbinvd), GP(swapgs), GP(sysret), GP(xsetbv), GP(mov_dr),
		{"kernel_ds", code_kernel_ds, 13, 0x18}, {"kernel_ss", code_kernel_ss, 13, 0x18},
		/* The last three return. */
		{"far_return", code_far_return, 13, 0x10},
		{"forged_frame", code_forged_frame, 13, 0x10}, {"iret_bad", code_iret_bad, 13, 0}};
	const size_t returns = sizeof(programs) / sizeof(programs[0]) - 3;
	struct bare bare;

	(void)state;
	bare_open(&bare);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		print_message("%s\n", programs[i].name);
		bare_load(&bare, programs[i].code);
		if (i >= returns && bare_emulated())
			expect_no_return(&bare);
		else
			bare_expect_exception(&bare, programs[i].vector, programs[i].error);
		check_sound(&bare);
	}
	bare_close(&bare);
}

/*
 * int n: only the breakpoint's gate is a program's. Some KVMs say of others that there is no such
 * instruction, or do nothing at all; then it is at the next, which is none.
 */
static void expect_no_gate(struct bare *bare, uint32_t n)
{
	bare_run(bare);
	assert_int_equal(bare->event.type, KEG_CPU_EXCEPTION);
	/* Nor is `into` in long mode, but its gate is a program's to some. */
	if (bare->event.vector != 6 && (n != 4 || bare->event.vector != 4))
		assert_int_equal(bare->event.vector, 13);
}

static void every_interrupt_faults(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	for (uint32_t n = 0; n < 256; n++) {
		const uint8_t bytes[] = {0xcd, (uint8_t)n, 0x0f, 0x0b} /* ud2 */;

		bare_load(&bare, (struct bare_code){bytes, bytes + sizeof(bytes)});
		if (n == 3)
			bare_expect_exception(&bare, 3, 0);
		else
			expect_no_gate(&bare, n);
		/* A fault's rip, or a trap's: KVMs differ. */
		assert_in_range(bare.cpu->regs.rip, BARE_CODE_AT, BARE_CODE_AT + 2);
		assert_int_equal(bare.cpu->regs.rsp, BARE_STACK_TOP);
	}
	check_sound(&bare);
	bare_close(&bare);
}

BARE_CODE(sysenter, "sysenter");
BARE_CODE(vmcall, "vmcall; ud2");
BARE_CODE(vmmcall, "vmmcall; ud2");
BARE_CODE(monitor, "monitor; ud2");
BARE_CODE(mwait, "mwait; ud2");
BARE_CODE(rdpmc, "xor %ecx, %ecx; rdpmc; ud2");
BARE_CODE(rsm, "rsm");
BARE_CODE(clgi, "clgi; ud2");
BARE_CODE(vmrun, "vmrun; ud2");
BARE_CODE(compat, "pushq $0x23; pushq $0x40000a; lretq; int $0x80; sysenter; ud2");
BARE_CODE(compat_syscall, "pushq $0x23; pushq $0x40000a; lretq; nop; syscall; ud2");
BARE_CODE(bad_stack, "movabs $0xffff800000001000, %rsp; push %rax");
BARE_CODE(no_stack, "mov $8, %esp; ud2");
BARE_CODE(stack_wraps, "xor %esp, %esp; push %rax");
BARE_CODE(trap_call, "pushf; orl $0x100, (%rsp); popf; syscall; ud2");
BARE_CODE(nested_task, "pushf; orl $0x4000, (%rsp); popf; syscall; iretq");
BARE_CODE(nested_fault, "pushf; orl $0x4000, (%rsp); popf; movb $0, 0x700000");
BARE_CODE(alignment, "pushf; orl $0x40000, (%rsp); popf; movl $0, -3(%rsp); ud2");
BARE_CODE(mov_ss_call, "mov $0x2b, %eax; mov %eax, %ss; syscall");
BARE_CODE(null_segments, "xor %eax, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %fs; "
			 "mov %eax, %gs; syscall");
BARE_CODE(odd_fs, "mov $0x2b, %eax; mov %eax, %fs; mov %eax, %gs; mov %eax, %ds; syscall");
BARE_CODE(icebp, ".byte 0xf1");

/* Which fault these are is the processor's and KVM's affair; one it must be, or a call. */
static void odd_programs_are_contained(void **state)
{
#define ODD(name)                                                                                  \
	{                                                                                          \
#name, code_##name, 0, 0                                                           \
	}
	const struct hostile programs[] = {ODD(sysenter), ODD(vmcall), ODD(vmmcall), ODD(monitor),
		ODD(mwait), ODD(rdpmc), ODD(rsm), ODD(clgi), ODD(vmrun), ODD(compat),
		ODD(compat_syscall), ODD(bad_stack), ODD(no_stack), ODD(stack_wraps),
		ODD(trap_call), ODD(nested_task), ODD(nested_fault), ODD(alignment),
		ODD(mov_ss_call), ODD(null_segments), ODD(odd_fs), ODD(icebp)};
	struct bare bare;

	(void)state;
	bare_open(&bare);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		bare_load(&bare, programs[i].code);
		for (int turn = 0; turn < 4; turn++) {
			bare_run(&bare);
			print_message("%s: event %d, vector %u, error 0x%x, rip 0x%llx\n",
				programs[i].name, bare.event.type, bare.event.vector,
				bare.event.error, (unsigned long long)bare.cpu->regs.rip);
			assert_true(bare.event.type == KEG_CPU_SYSCALL ||
				    bare.event.type == KEG_CPU_EXCEPTION);
			if (bare.event.type == KEG_CPU_EXCEPTION && bare.event.vector != 1)
				break;
		}
		check_sound(&bare);
	}
	bare_close(&bare);
}

BARE_CODE(jump, "mov $5, %eax; mov $0x400000, %ecx; mov $0x202, %r11d; jmp *%rbx");

/* A fetch at CPL 3 from a page that is CPL 0's, or, as some KVMs have it, from nowhere. */
static void expect_fetch_fault(struct bare *bare, uint64_t at)
{
	bare_run(bare);
	assert_int_equal(bare->event.type, KEG_CPU_EXCEPTION);
	assert_int_equal(bare->event.vector, 14);
	assert_int_equal(bare->event.error & ~1u, 0x14);
	assert_int_equal(bare->event.address, at);
	assert_int_equal(bare->cpu->regs.rip, at);
}

static void jumps_into_cpl_0_fault(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	check_sound(&bare); /* by now the layout is settled */
	for (uint64_t at = STRICT; at < STRICT + 0x3000; at += at < STRICT + 0x210 ? 1 : 0x3fd) {
		bare_load(&bare, code_jump);
		bare.cpu->regs.rbx = at;
		expect_fetch_fault(&bare, at);
	}
	bare_load(&bare, code_iret_entry);
	if (bare_emulated())
		expect_no_return(&bare);
	else
		expect_fetch_fault(&bare, STRICT + 0x108);
	check_sound(&bare);
	bare_close(&bare);
}

/* The first thing that a program does: then it changes the layout, and no more. */
static void a_jump_to_the_strict_entry_does_no_harm(void **state)
{
	struct bare bare;

	(void)state;
	bare_start(&bare, code_jump);
	bare.cpu->regs.rbx = STRICT + 0x100;
	bare_run(&bare);
	assert_true(bare.event.type == KEG_CPU_SYSCALL || bare.event.type == KEG_CPU_EXCEPTION);
	for (int i = 0; i < 3; i++)
		check_sound(&bare);
	bare_close(&bare);
}

/* At the open layout's entry it is a call like any other; elsewhere in that page nothing at all. */
static void jumps_to_the_open_entry_are_calls(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	check_sound(&bare);
	for (uint64_t at = NOWHERE; at < OPEN + KEG_PAGE; at += at < OPEN ? 0x11f : 1) {
		if (at > OPEN + 16 && at < OPEN + KEG_PAGE - 16)
			at = OPEN + KEG_PAGE - 16;
		bare_load(&bare, code_jump);
		bare.cpu->regs.rbx = at;
		bare.cpu->regs.rax = BARE_DATA_AT;
		bare_run(&bare);
		if (at == OPEN && atomic_load(&bare.lore.open_layout)) {
			assert_int_equal(bare.event.type, KEG_CPU_SYSCALL);
			assert_int_equal(bare.cpu->regs.rip, 0x400000);
		} else {
			assert_int_equal(bare.event.type, KEG_CPU_EXCEPTION);
		}
		check_sound(&bare);
	}
	bare_close(&bare);
}

/* What is in rcx need not be an address. */
BARE_CODE(call_from_nowhere, "mov $5, %eax; movabs $0x8000000000000000, %rcx; "
			     "movabs $~0x100, %r11; jmp *%rbx");

static void forged_calls_return_to_a_fault(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	check_sound(&bare);
	if (atomic_load(&bare.lore.open_layout)) {
		bare_load(&bare, code_call_from_nowhere);
		bare.cpu->regs.rbx = OPEN;
		bare_expect_syscall(&bare, 5);
		bare_expect_exception(&bare, 13, 0);
		bare.cpu->regs.rip = BARE_CODE_AT;
		bare_expect_syscall(&bare, 5);
		assert_int_equal(bare.cpu->regs.r11, ~0x100ull);
		check_sound(&bare);
	}
	bare_close(&bare);
}

BARE_CODE(store, "movl $1, (%rbx); ud2");
BARE_CODE(load, "mov (%rbx), %rdi; ud2");
BARE_CODE(store_sse, "movups %xmm0, (%rbx); ud2");
BARE_CODE(load_sse, "movups (%rbx), %xmm0; ud2");
BARE_CODE(store_avx, "vmovups %ymm0, (%rbx); ud2");
BARE_CODE(store_string, "mov %rbx, %rdi; mov $64, %ecx; rep stosb; ud2");
BARE_CODE(load_string, "mov %rbx, %rsi; mov $0x500000, %edi; mov $64, %ecx; rep movsb; ud2");
BARE_CODE(push, "lea 16(%rbx), %rsp; push %rax; ud2");
BARE_CODE(exchange, "xchg %rax, (%rbx); ud2");
BARE_CODE(locked, "lock incl (%rbx); ud2");
BARE_CODE(compare, "lock cmpxchg16b (%rbx); ud2");
BARE_CODE(save, "fxsave (%rbx); ud2");
BARE_CODE(call, "call *(%rbx); ud2");

/* Wild pointers to the pages that are keg's. */
static void wild_pointers_fault(void **state)
{
	const struct hostile programs[] = {ODD(store), ODD(load), ODD(store_sse), ODD(load_sse),
		ODD(store_avx), ODD(store_string), ODD(load_string), ODD(push), ODD(exchange),
		ODD(locked), ODD(compare), ODD(save), ODD(call)};
	const uint64_t targets[] = {NOWHERE, NOWHERE + 0x100, NOWHERE + 0xff8, NOWHERE - 8, OPEN,
		OPEN + 0xff0, STRICT, STRICT + 0x1000};
	struct bare bare;

	(void)state;
	bare_open(&bare);
	check_sound(&bare);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		for (size_t j = 0; j < sizeof(targets) / sizeof(targets[0]); j++) {
			bare_load(&bare, programs[i].code);
			bare.cpu->regs.rbx = targets[j];
			bare_run(&bare);
			print_message("%s to 0x%llx: event %d, vector %u, error 0x%x, address "
				      "0x%llx\n",
				programs[i].name, (unsigned long long)targets[j], bare.event.type,
				bare.event.vector, bare.event.error,
				(unsigned long long)bare.event.address);
			assert_int_equal(bare.event.type, KEG_CPU_EXCEPTION);
			check_sound(&bare);
		}
	}
	bare_close(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(privileged_instructions_fault),
		cmocka_unit_test(every_interrupt_faults),
		cmocka_unit_test(odd_programs_are_contained),
		cmocka_unit_test(jumps_into_cpl_0_fault),
		cmocka_unit_test(a_jump_to_the_strict_entry_does_no_harm),
		cmocka_unit_test(jumps_to_the_open_entry_are_calls),
		cmocka_unit_test(forged_calls_return_to_a_fault),
		cmocka_unit_test(wild_pointers_fault),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
