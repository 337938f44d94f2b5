/* SPDX-License-Identifier: MIT */
/*
 * Kicks at any moment: in the program, at its system calls' and faults' entry, on the way back.
 * Whatever comes, the registers that keg sees are the program's own, and no call or fault is lost
 * or seen twice.
 */
#include "bare.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { KICKS_SECONDS = 1 };

struct storm {
	struct keg_cpu *cpu;
	atomic_bool over;
	uint64_t kicks;
};

static void *kick(void *argument)
{
	struct storm *storm = argument;
	uint32_t delay = 1;

	while (!atomic_load(&storm->over)) {
		keg_cpu_kick(storm->cpu);
		storm->kicks++;
		/* Pauses of all lengths, so that kicks come at all places. */
		delay = delay * 1103515245 + 12345;
		for (uint32_t i = delay >> 20; i; i--)
			__builtin_ia32_pause();
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/*
 * Each turn adds rbx to all, makes a call, spins a little, and faults: r12 counts turns. Registers
 * but those that SYSCALL changes are equal but for what they began with, as long as a turn is not
 * in the middle of its additions; rbp is the same at any time.
 */
#define ADD_ALL                                                                                    \
	"add %rbx, %rdx; add %rbx, %rsi; add %rbx, %rdi; add %rbx, %r8; add %rbx, %r9; "           \
	"add %rbx, %r10; add %rbx, %r13; add %rbx, %r14; add %rbx, %r15; "
BARE_CODE(turns, "1: inc %r12; " ADD_ALL "mov %r12, %rax; syscall; "
		 "mov $50, %ecx; 2: dec %ecx; jnz 2b; " ADD_ALL "movb $0, 0x700000; jmp 1b");
enum { MOVB_BYTES = 8 };

static void check_all(const struct bare *bare, uint64_t turns)
{
	const struct keg_user_registers *regs = &bare->cpu->regs;
	const uint64_t values[] = {regs->rdx, regs->rsi, regs->rdi, regs->r8, regs->r9, regs->r10,
		regs->r13, regs->r14, regs->r15};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(values[i], turns * regs->rbx);
}

static void check_kicked(const struct bare *bare)
{
	const struct keg_user_registers *regs = &bare->cpu->regs;

	assert_in_range(regs->rip, BARE_CODE_AT, BARE_CODE_AT + 200);
	assert_int_equal(regs->rsp, BARE_STACK_TOP);
	assert_int_equal(regs->rbp, 0x1122334455667788);
	assert_int_equal(regs->rbx, 0x0101010101010101);
	assert_int_equal(regs->fs_base, BARE_DATA_AT);
}

static void keeps_registers_in_a_storm(void **state)
{
	uint64_t turns = 0, kicked = 0;
	bool faults_next = false;
	struct storm storm = {.kicks = 0};
	struct bare bare;
	pthread_t thread;
	double end;

	(void)state;
	bare_start(&bare, code_turns);
	bare.cpu->regs.rbx = 0x0101010101010101;
	bare.cpu->regs.rbp = 0x1122334455667788;
	bare.cpu->regs.fs_base = BARE_DATA_AT;
	storm.cpu = bare.cpu;
	assert_int_equal(pthread_create(&thread, NULL, kick, &storm), 0);
	for (end = seconds() + KICKS_SECONDS; seconds() < end;) {
		bare_run(&bare);
		check_kicked(&bare);
		if (bare.event.type == KEG_CPU_KICKED) {
			kicked++;
		} else if (bare.event.type == KEG_CPU_SYSCALL) {
			assert_false(faults_next);
			assert_int_equal(bare.cpu->regs.rax, ++turns);
			assert_int_equal(bare.cpu->regs.r12, turns);
			check_all(&bare, turns * 2 - 1);
			faults_next = true;
		} else {
			assert_true(faults_next);
			assert_int_equal(bare.event.vector, 14);
			assert_int_equal(bare.event.address, BARE_NOTHING_AT);
			check_all(&bare, turns * 2);
			bare.cpu->regs.rip += MOVB_BYTES;
			faults_next = false;
		}
	}
	atomic_store(&storm.over, true);
	pthread_join(thread, NULL);
	print_message("%llu kicks, %llu seen, %llu turns\n", (unsigned long long)storm.kicks,
		(unsigned long long)kicked, (unsigned long long)turns);
	assert_true(turns > 10 && kicked > 10);
	bare_close(&bare);
}

BARE_CODE(spin, "1: inc %rax; jmp 1b");

static void *kick_once(void *argument)
{
	struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	nanosleep(&pause, NULL); /* in most cases it spins by then; both must work */
	keg_cpu_kick(argument);
	return NULL;
}

static void ends_a_loop(void **state)
{
	struct bare bare;
	pthread_t thread;

	(void)state;
	bare_start(&bare, code_spin);
	assert_int_equal(pthread_create(&thread, NULL, kick_once, bare.cpu), 0);
	bare_run(&bare);
	assert_int_equal(bare.event.type, KEG_CPU_KICKED);
	pthread_join(thread, NULL);
	bare_close(&bare);
}

BARE_CODE(count, "inc %rax; syscall; jmp bare_code_count");

/* Before the first run, and before one that goes on from a call. */
static void comes_before_a_run(void **state)
{
	struct bare bare;

	(void)state;
	bare_start(&bare, code_count);
	for (uint64_t i = 1; i <= 3; i++) {
		keg_cpu_kick(bare.cpu);
		keg_cpu_kick(bare.cpu);
		bare_run(&bare);
		assert_int_equal(bare.event.type, KEG_CPU_KICKED);
		assert_int_equal(bare.cpu->regs.rax, i - 1);
		bare_expect_syscall(&bare, i);
	}
	bare_close(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_before_a_run),
		cmocka_unit_test(ends_a_loop),
		cmocka_unit_test(keeps_registers_in_a_storm),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
