/* SPDX-License-Identifier: MIT */
/* Frames that rt_sigreturn(2) is to go back to, forged. */
#include "hostile.h"

#include <stddef.h>
#include <ucontext.h>

/* What the frame is changed to by the handler, before it returns. */
static void (*forge)(ucontext_t *context, uint64_t value);
static uint64_t forged;
static volatile int came_back;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	forge(context, forged);
}

/* Raises a signal, and comes back by a forged frame, or dies of it. */
static void come_back(void *context)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};

	(void)context;
	came_back = 0;
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	came_back = 1;
}

/* A frame that cannot be gone back to is a SIGSEGV; what comes back has done no harm. */
static int try(void (*how)(ucontext_t *, uint64_t), uint64_t value)
{
	forge = how;
	forged = value;
	return trapped(come_back, NULL);
}

static void set_code_selector(ucontext_t *context, uint64_t value)
{
	uint64_t selectors = (uint64_t)context->uc_mcontext.gregs[REG_CSGSFS];

	context->uc_mcontext.gregs[REG_CSGSFS] = (greg_t)((selectors & ~0xffffull) | value);
}

static void set_all_selectors(ucontext_t *context, uint64_t value)
{
	context->uc_mcontext.gregs[REG_CSGSFS] = (greg_t)(value * 0x1000100010001);
}

static void set_flags_and_selectors(ucontext_t *context, uint64_t value)
{
	context->uc_flags = 0;
	set_all_selectors(context, value);
}

static uint16_t code_selector(void)
{
	uint16_t selector;

	__asm__("mov %%cs, %0" : "=r"(selector));
	return selector;
}

static void selectors(void)
{
	static void (*const how[])(ucontext_t *, uint64_t) = {
		set_code_selector, set_all_selectors, set_flags_and_selectors};

	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		for (uint64_t value = 0; value < 0x10000; value += value < 0x60 ? 1 : 0x1003) {
			try(how[i], value);
			MUST((code_selector() & 3) == 3);
		}
	}
}

static void set_flags(ucontext_t *context, uint64_t value)
{
	context->uc_mcontext.gregs[REG_EFL] = (greg_t)value;
}

static void flags(void)
{
	uint64_t now;

	for (int bit = 0; bit < 64; bit++) {
		try(set_flags, 0x202 | 1ull << bit);
		__asm__ volatile("pushf; pop %0" : "=r"(now));
		/* No privilege for ports, no nested task, no virtual 8086; interrupts are on. */
		MUST((now & 0x3f7200) == 0x200);
	}
	try(set_flags, 0);
	try(set_flags, UINT64_MAX & ~0x100ull);
}

static const uint64_t places[] = {0, 1, 0xfff, 0x10000, 0x7fffffffdfff, 0x7fffffffe000,
	0x7fffffffefff, 0x7ffffffff000, 0x7fffffffffff, 0x800000000000, 0x8000000000000000,
	0xffff7fffffffffff, 0xffff800000000000, 0xffff800000000100, 0xffff800000000108,
	0xffff800000001000, 0xffffffffff600000, 0xffffffffffffffff};
#define PLACES (sizeof(places) / sizeof(places[0]))

static void set_rip(ucontext_t *context, uint64_t value)
{
	/* If it is an entry of keg's, it makes a system call that goes on here. */
	context->uc_mcontext.gregs[REG_RAX] = SYS_exit_group;
	context->uc_mcontext.gregs[REG_RDI] = 3;
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)value;
}

static void try_rip(void *place)
{
	MUST(try(set_rip, *(uint64_t *)place) != 0);
	_exit(4);
}

static void instruction_pointers(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		int status = in_child(try_rip, (void *)&places[i], 1000);

		MUST(WIFEXITED(status) && (WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 4));
	}
}

static void set_rsp(ucontext_t *context, uint64_t value)
{
	context->uc_mcontext.gregs[REG_RSP] = (greg_t)value;
}

static void stack_pointers(void)
{
	for (size_t i = 0; i < PLACES; i++)
		MUST(try(set_rsp, places[i]) != 0);
}

static void set_state_pointer(ucontext_t *context, uint64_t value)
{
	memcpy(&context->uc_mcontext.fpregs, &value, sizeof(value));
}

static void state_pointers(void)
{
	for (size_t i = 0; i < PLACES; i++)
		try(set_state_pointer, places[i]);
	try(set_state_pointer, (uintptr_t)pages(1) + PAGE - 512);
	try(set_state_pointer, (uintptr_t)pages(1) + PAGE - 511);
	try(set_state_pointer, (uintptr_t)pages(1) + 1);
}

/* One word of the floating-point state: the part that XSAVE's header is in, and what describes it.
 */
static size_t word;

static void set_state_word(ucontext_t *context, uint64_t value)
{
	memcpy((uint8_t *)context->uc_mcontext.fpregs + word, &value, sizeof(value));
}

static void state_headers(void)
{
	static const uint64_t values[] = {0, 1, 2, 4, 0xff, 1ull << 9, 1ull << 17, 1ull << 18,
		1ull << 62, 1ull << 63, 0x7fffffff7fffffff, UINT64_MAX};

	for (word = 464; word < 576; word += 8)
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
			try(set_state_word, values[i]);
}

/* In a copy, which has room for all of them: on the stack they would hit whoever called. */
static void set_state_sizes(ucontext_t *context, uint64_t value)
{
	static _Alignas(64) uint8_t state[2 * PAGE];
	const uint32_t magic2 = 0x46505845;
	uint32_t size = (uint32_t)value, extended;

	memcpy(&extended, (uint8_t *)context->uc_mcontext.fpregs + 464 + 4, sizeof(extended));
	MUST(extended <= sizeof(state));
	memcpy(state, context->uc_mcontext.fpregs, extended);
	context->uc_mcontext.fpregs = (void *)state;
	extended = size + 4;
	memcpy(state + 464 + 4, &extended, sizeof(extended));
	memcpy(state + 464 + 16, &size, sizeof(size));
	if (size < 4096)
		memcpy(state + size, &magic2, sizeof(magic2));
}

static void state_sizes(void)
{
	for (uint64_t size = 0; size < 3000; size += size < 600 ? 8 : 64)
		try(set_state_sizes, size);
	for (int bit = 12; bit < 32; bit++)
		try(set_state_sizes, 1ull << bit);
	try(set_state_sizes, UINT32_MAX);
}

static void control_words(void)
{
	word = 24;
	for (int bit = 0; bit < 32; bit++)
		try(set_state_word, 0xffff00001f80 | 1ull << bit);
	word = 0;
	for (int bit = 0; bit < 64; bit++)
		try(set_state_word, 1ull << bit);
}

static void set_stack(ucontext_t *context, uint64_t value)
{
	context->uc_stack.ss_sp = (void *)(uintptr_t)value;
	context->uc_stack.ss_size = value;
	context->uc_stack.ss_flags = (int)value;
}

static void alternate_stacks(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		try(set_stack, places[i]);
		/* Whatever stack there is now, a signal needs none. */
		signal(SIGUSR2, SIG_IGN);
		raise(SIGUSR2);
		sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
	}
	_exit(0);
}

/* No frame at all. */
static void return_at(void *place)
{
	__asm__ volatile("mov %0, %%rsp; syscall" ::"r"(*(uint64_t *)place), "a"(SYS_rt_sigreturn)
			 : "rcx", "r11", "memory");
}

static void returns_from_nowhere(void)
{
	uint64_t edge = (uintptr_t)pages(4) + 4 * PAGE;

	for (size_t i = 0; i < PLACES; i++)
		MUST(trapped(return_at, (void *)&places[i]) == SIGSEGV);
	for (uint64_t back = 0; back < 1200; back += 8) {
		uint64_t at = edge - back;

		MUST(trapped(return_at, &at) == SIGSEGV);
	}
}

static void return_by_random_frames(void *context)
{
	uint64_t *frame = pages(2);

	for (uintptr_t i = (uintptr_t)context * 5; i; i--)
		chance();
	for (int round = 0; round < 200; round++) {
		uint64_t at = (uintptr_t)frame + 8;

		for (size_t i = 0; i < PAGE / 8; i++)
			frame[i] = chance() >> (chance() & 63);
		/* Selectors as they must be, most of the time, for the rest to be looked at. */
		if (round % 4) {
			frame[1 + 5 + 18] = 0x2b00000000000033;
			frame[1 + 5 + 16] = (uintptr_t)&places;
			frame[1 + 5 + 23] = (uintptr_t)frame + 1024;
		}
		/* Nor the mask and the stack that the next fault's handler needs. */
		if (round % 16) {
			frame[1 + 5 + 32] = 0;
			frame[4] = SS_DISABLE;
		}
		MUST(trapped(return_at, &at) != 0);
	}
}

static void random_frames(void)
{
	for (uintptr_t i = 0; i < 20; i++) {
		int status = in_child(return_by_random_frames, (void *)i, 1000);

		MUST(!WIFEXITED(status) || WEXITSTATUS(status) == 0);
	}
}

const struct hostile hostile_returns[] = {
	{"return-selectors", selectors, EXITS, 0},
	{"return-flags", flags, EXITS, 0},
	{"return-instruction-pointers", instruction_pointers, EXITS, 0},
	{"return-stack-pointers", stack_pointers, EXITS, 0},
	{"return-state-pointers", state_pointers, EXITS, 0},
	{"return-state-headers", state_headers, EXITS, 0},
	{"return-state-sizes", state_sizes, EXITS, 0},
	{"return-control-words", control_words, EXITS, 0},
	{"return-alternate-stacks", alternate_stacks, EXITS, 0},
	{"return-from-nowhere", returns_from_nowhere, EXITS, 0},
	{"return-random-frames", random_frames, EXITS, 0},
	{NULL, NULL, 0, 0},
};
