/* SPDX-License-Identifier: MIT */
/* Signal frames that a program has forged: they harm it alone, and as they would under Linux. */
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "check.h"

/* The kernel's part of ucontext_t behind the registers: libc's own begins with the same. */
static void (*forge)(ucontext_t *uc);

static void on_signal(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	forge(context);
}

/* How a process ends whose handler forges its frame. */
static int ends(void (*with)(ucontext_t *uc))
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	int status;
	pid_t child = fork();

	if (child == 0) {
		forge = with;
		sigaction(SIGUSR1, &action, NULL);
		kill(getpid(), SIGUSR1);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

static uint8_t *state_of(ucontext_t *uc)
{
	return (uint8_t *)uc->uc_mcontext.fpregs;
}

static void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static void leave(ucontext_t *uc)
{
	(void)uc;
}

static void supervisor_code(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0x002b000000000010;
}

static void other_stack_segment(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_CSGSFS] = 0x0010000000000033;
}

static void far_away(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0x8000000000000000;
}

static void upper_half(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)0xffffffff81000000;
}

static void every_flag(ucontext_t *uc)
{
	/* IOPL, NT, VM, VIF, VIP, ID: none of them is a program's; not TF, which would trap. */
	uc->uc_mcontext.gregs[REG_EFL] = 0x3ff0d5 | 0x7000 | (greg_t)0xffffffff00000000;
	uc->uc_mcontext.gregs[REG_EFL] &= ~0x100L;
}

static void single_step(ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_EFL] |= 0x100;
}

static void reserved_mxcsr(ucontext_t *uc)
{
	put32(state_of(uc) + 24, 0xffffffff);
}

static void huge_state(ucontext_t *uc)
{
	put32(state_of(uc) + 464 + 4, 0xffffffff);
	put32(state_of(uc) + 464 + 16, 0xfffffff0);
}

static void tiny_state(ucontext_t *uc)
{
	put32(state_of(uc) + 464 + 16, 1);
}

static void unknown_features(ucontext_t *uc)
{
	memset(state_of(uc) + 512, 0xff, 8);
}

static void compacted_state(ucontext_t *uc)
{
	memset(state_of(uc) + 520, 0xff, 8);
}

static void reserved_header(ucontext_t *uc)
{
	memset(state_of(uc) + 528, 0xff, 48);
}

static void state_nowhere(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)0x1000;
}

static void state_in_the_upper_half(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)0xffffffff81000000;
}

static void state_unaligned(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = (void *)((uintptr_t)uc->uc_mcontext.fpregs + 1);
}

static void no_state(ucontext_t *uc)
{
	uc->uc_mcontext.fpregs = NULL;
}

static void blocks_everything(ucontext_t *uc)
{
	memset(&uc->uc_sigmask, 0xff, 8);
}

static void odd_stack(ucontext_t *uc)
{
	uc->uc_stack.ss_flags = 0x7777;
	uc->uc_stack.ss_sp = (void *)-1;
	uc->uc_stack.ss_size = (size_t)-1;
}

static int killed_by(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void untouched(void)
{
	CHECK(ends(leave) == 0);
}

static void segments_and_addresses(void)
{
	CHECK(killed_by(ends(supervisor_code)) == SIGSEGV);
	CHECK(killed_by(ends(other_stack_segment)) == SIGSEGV);
	CHECK(killed_by(ends(far_away)) == SIGSEGV);
	CHECK(killed_by(ends(upper_half)) == SIGSEGV);
}

static void flags(void)
{
	CHECK(ends(every_flag) == 0);
	CHECK(killed_by(ends(single_step)) == SIGTRAP);
}

static void floating_point(void)
{
	int status;

	CHECK(killed_by(ends(reserved_mxcsr)) == SIGSEGV);
	CHECK(killed_by(ends(state_nowhere)) == SIGSEGV);
	CHECK(killed_by(ends(state_in_the_upper_half)) == SIGSEGV);
	CHECK(ends(no_state) == 0);
	/* Only FXSAVE's part counts then. */
	CHECK(ends(huge_state) == 0);
	CHECK(ends(tiny_state) == 0);
	/* Kernels differ in these: it goes on, or ends. */
	status = ends(unknown_features);
	CHECK(status == 0 || killed_by(status) == SIGSEGV);
	status = ends(compacted_state);
	CHECK(status == 0 || killed_by(status) == SIGSEGV);
	status = ends(reserved_header);
	CHECK(status == 0 || killed_by(status) == SIGSEGV);
	status = ends(state_unaligned);
	CHECK(status == 0 || killed_by(status) == SIGSEGV);
}

static void masks_and_stacks(void)
{
	sigset_t set;
	pid_t child;
	int status;

	CHECK(ends(blocks_everything) == 0);
	CHECK(ends(odd_stack) == 0);
	/* What cannot be blocked is not. */
	child = fork();
	if (child == 0) {
		sigfillset(&set);
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8);
		for (;;)
			pause();
	}
	CHECK(kill(child, SIGKILL) == 0);
	CHECK(waitpid(child, &status, 0) == child && killed_by(status) == SIGKILL);
}

/* rt_sigreturn with a stack pointer that leads anywhere. */
static int returns_at(uint64_t sp)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		__asm__ volatile("mov %0, %%rsp\n syscall" : : "r"(sp), "a"(SYS_rt_sigreturn));
		__builtin_unreachable();
	}
	CHECK(waitpid(child, &status, 0) == child);
	return killed_by(status);
}

static void without_a_frame(void)
{
	static const uint64_t places[] = {0, 8, 0x1000, 0x7ffffffff000, 0x7fffffffff00,
		0x8000000000000000, 0xffffffff81000000, 0xffffffffffffffff};
	uint8_t *ones =
		mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		CHECK(returns_at(places[i]) == SIGSEGV);
	CHECK(ones != MAP_FAILED);
	CHECK(returns_at((uint64_t)ones + 8) == SIGSEGV);
	memset(ones, 0xff, 65536);
	CHECK(returns_at((uint64_t)ones + 8) == SIGSEGV);
	/* Its end is not there. */
	CHECK(returns_at((uint64_t)ones + 65536 - 64) == SIGSEGV);
}

/* A handler whose stack is nowhere: the signal cannot be handled. */
static void handlers_without_a_stack(void)
{
	static const uint64_t places[] = {0, 0x100, 0x10000, 0x800000000000, 0xffffffffffffff00};
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int status;
		pid_t child = fork();

		if (child == 0) {
			sigaction(SIGUSR1, &action, NULL);
			sigaction(SIGSEGV, &action, NULL);
			__asm__ volatile(
				"mov %0, %%rsp\n syscall"
				:
				: "r"(places[i]), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1));
			__builtin_unreachable();
		}
		CHECK(waitpid(child, &status, 0) == child && killed_by(status) == SIGSEGV);
	}
}

/* An action without SA_RESTORER has no way back. */
static void handlers_without_a_restorer(void)
{
	struct {
		void *handler;
		uint64_t flags, restorer, mask;
	} action = {.handler = on_signal, .flags = SA_SIGINFO};
	int status;
	pid_t child = fork();

	if (child == 0) {
		syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
		kill(getpid(), SIGUSR1);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && killed_by(status) == SIGSEGV);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"untouched", untouched},
		{"segments_and_addresses", segments_and_addresses},
		{"flags", flags},
		{"floating_point", floating_point},
		{"masks_and_stacks", masks_and_stacks},
		{"without_a_frame", without_a_frame},
		{"handlers_without_a_stack", handlers_without_a_stack},
		{"handlers_without_a_restorer", handlers_without_a_restorer},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
