/* SPDX-License-Identifier: MIT */
/* What only a kernel may execute, and ways into other privilege levels. */
#include "hostile.h"

/* Bytes of an instruction; rax, rcx and rdx are 0 but where it says otherwise. */
struct instruction {
	const char *name;
	uint8_t length;
	uint8_t bytes[12];
	bool may_work;
};

static uint8_t *code;

static void call_code(void *context)
{
	uint64_t rcx = (uintptr_t)context;

	__asm__ volatile("xor %%eax, %%eax; xor %%edx, %%edx; push %%rbx; call *%1; pop %%rbx"
			 : "+c"(rcx)
			 : "r"(code)
			 : "rax", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory");
}

static int execute(const uint8_t *bytes, size_t length, uint64_t rcx)
{
	if (!code) {
		code = pages(1);
		MUST(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	}
	memcpy(code, bytes, length);
	code[length] = 0xc3;
	return trapped(call_code, (void *)(uintptr_t)rcx);
}

static void execute_all(const struct instruction *each)
{
	for (; each->length; each++) {
		int signo = execute(each->bytes, each->length, 0);

		if (signo == 0 && !each->may_work)
			dprintf(2, "%s was executed\n", each->name);
		MUST(signo != 0 || each->may_work);
	}
}

static void privileged(void)
{
	static const struct instruction all[] = {
		{"hlt", 1, {0xf4}, false},
		{"cli", 1, {0xfa}, false},
		{"sti", 1, {0xfb}, false},
		{"clts", 2, {0x0f, 0x06}, false},
		{"invd", 2, {0x0f, 0x08}, false},
		{"wbinvd", 2, {0x0f, 0x09}, false},
		{"invlpg (%rsp)", 4, {0x0f, 0x01, 0x3c, 0x24}, false},
		{"swapgs", 3, {0x0f, 0x01, 0xf8}, false},
		{"lgdt (%rsp)", 4, {0x0f, 0x01, 0x14, 0x24}, false},
		{"lidt (%rsp)", 4, {0x0f, 0x01, 0x1c, 0x24}, false},
		{"lldt %ax", 3, {0x0f, 0x00, 0xd0}, false},
		{"ltr %ax", 3, {0x0f, 0x00, 0xd8}, false},
		{"lmsw %ax", 3, {0x0f, 0x01, 0xf0}, false},
		{"mov %cr0, %rax", 3, {0x0f, 0x20, 0xc0}, false},
		{"mov %cr2, %rax", 3, {0x0f, 0x20, 0xd0}, false},
		{"mov %cr3, %rax", 3, {0x0f, 0x20, 0xd8}, false},
		{"mov %cr4, %rax", 3, {0x0f, 0x20, 0xe0}, false},
		{"mov %rax, %cr0", 3, {0x0f, 0x22, 0xc0}, false},
		{"mov %rax, %cr3", 3, {0x0f, 0x22, 0xd8}, false},
		{"mov %rax, %cr4", 3, {0x0f, 0x22, 0xe0}, false},
		{"mov %rax, %cr8", 4, {0x44, 0x0f, 0x22, 0xc0}, false},
		{"mov %dr7, %rax", 3, {0x0f, 0x21, 0xf8}, false},
		{"mov %rax, %dr7", 3, {0x0f, 0x23, 0xf8}, false},
		{"xsetbv", 3, {0x0f, 0x01, 0xd1}, false},
		{"monitor", 3, {0x0f, 0x01, 0xc8}, false},
		{"mwait", 3, {0x0f, 0x01, 0xc9}, false},
		{"rdpmc", 2, {0x0f, 0x33}, true},
		{"rsm", 2, {0x0f, 0xaa}, false},
		{"sysexit", 2, {0x0f, 0x35}, false},
		{"sysret", 3, {0x48, 0x0f, 0x07}, false},
		{"ud2", 2, {0x0f, 0x0b}, false},
		{NULL, 0, {0}, false},
	};

	execute_all(all);
}

/* Some may be executed; none may harm. */
static void virtualisation(void)
{
	static const struct instruction all[] = {
		{"vmcall", 3, {0x0f, 0x01, 0xc1}, true},
		{"vmmcall", 3, {0x0f, 0x01, 0xd9}, true},
		{"vmlaunch", 3, {0x0f, 0x01, 0xc2}, false},
		{"vmresume", 3, {0x0f, 0x01, 0xc3}, false},
		{"vmxoff", 3, {0x0f, 0x01, 0xc4}, false},
		{"vmrun", 3, {0x0f, 0x01, 0xd8}, false},
		{"vmload", 3, {0x0f, 0x01, 0xda}, false},
		{"vmsave", 3, {0x0f, 0x01, 0xdb}, false},
		{"stgi", 3, {0x0f, 0x01, 0xdc}, false},
		{"clgi", 3, {0x0f, 0x01, 0xdd}, false},
		{"skinit", 3, {0x0f, 0x01, 0xde}, false},
		{"invlpga", 3, {0x0f, 0x01, 0xdf}, false},
		{"cpuid", 2, {0x0f, 0xa2}, true},
		{"sysenter", 2, {0x0f, 0x34}, true},
		{"smsw %eax", 3, {0x0f, 0x01, 0xe0}, true},
		{"str %eax", 3, {0x0f, 0x00, 0xc8}, true},
		{"sldt %eax", 3, {0x0f, 0x00, 0xc0}, true},
		{"clzero", 3, {0x0f, 0x01, 0xfc}, true},
		{"encls", 3, {0x0f, 0x01, 0xcf}, true},
		{"enclu", 3, {0x0f, 0x01, 0xd7}, true},
		{"rdtscp", 3, {0x0f, 0x01, 0xf9}, true},
		{NULL, 0, {0}, false},
	};

	execute_all(all);
}

static void model_specific_registers(void)
{
	static const uint32_t some[] = {0x10, 0x1b, 0x3a, 0x174, 0x175, 0x176, 0x1d9, 0x277,
		0x4b564d00, 0x4b564d01, 0x40000000, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084,
		0xc0000100, 0xc0000101, 0xc0000102, 0xc0010114, 0xc0010117};

	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		MUST(execute((const uint8_t[]){0x0f, 0x30}, 2, some[i]) == SIGSEGV);
		MUST(execute((const uint8_t[]){0x0f, 0x32}, 2, some[i]) == SIGSEGV);
	}
}

/* Ports: keg's own, which stand for exceptions and for system calls, as well. */
static void ports(void)
{
	static const uint8_t in[] = {0xec, 0xed, 0x6c, 0x6d}, out[] = {0xee, 0xef, 0x6e, 0x6f};

	for (unsigned port = 0; port < 256; port++) {
		MUST(execute((const uint8_t[]){0xe6, (uint8_t)port}, 2, 0) == SIGSEGV);
		MUST(execute((const uint8_t[]){0xe4, (uint8_t)port}, 2, 0) == SIGSEGV);
	}
	for (size_t i = 0; i < sizeof(in); i++) {
		MUST(execute(&in[i], 1, 0) == SIGSEGV);
		MUST(execute(&out[i], 1, 0) == SIGSEGV);
		MUST(execute((const uint8_t[]){0xf3, out[i]}, 2, 1000) == SIGSEGV);
	}
}

static void interrupts(void)
{
	for (unsigned vector = 0; vector < 256; vector++) {
		int signo = execute((const uint8_t[]){0xcd, (uint8_t)vector}, 2, 0);

		/* Most are a general protection fault, unless a KVM makes something else of them.
		 */
		MUST(signo == 0 || signo == SIGSEGV || signo == SIGILL || vector == 3);
	}
	execute((const uint8_t[]){0xcc}, 1, 0);
	execute((const uint8_t[]){0xf1}, 1, 0);
}

/* ---- Far: selectors that a program has no business with ---- */

static void far_return(void *context)
{
	/* Wherever it leads to is an undefined instruction. */
	__asm__ volatile("push %0; lea 1f(%%rip), %%rcx; push %%rcx; lretq; 1: ud2" ::"r"(context)
			 : "rcx", "memory");
}

static void interrupt_return(void *context)
{
	const uint64_t *frame = context;

	__asm__ volatile("push %0; push %1; push %2; push %3; lea 1f(%%rip), %%rcx; push %%rcx;"
			 "iretq; 1: ud2" ::"r"(frame[0]),
			 "r"(frame[1]), "r"(frame[2]), "r"(frame[3])
			 : "rcx", "memory");
}

static void far_returns(void)
{
	for (uint64_t selector = 0; selector < 0x80; selector++)
		MUST(trapped(far_return, (void *)(uintptr_t)selector) != 0);
	for (uint64_t selector = 0x80; selector < 0x10000; selector = selector * 2 + 3)
		MUST(trapped(far_return, (void *)(uintptr_t)selector) != 0);
}

static void interrupt_returns(void)
{
	uint64_t stack = (uintptr_t)pages(1) + 2048;

	for (uint64_t selector = 0; selector < 0x60; selector++) {
		MUST(trapped(interrupt_return, (uint64_t[]){0x2b, stack, 0x202, selector}) != 0);
		MUST(trapped(interrupt_return, (uint64_t[]){selector, stack, 0x202, 0x33}) != 0);
	}
	for (int bit = 0; bit < 64; bit++)
		MUST(trapped(interrupt_return,
			     (uint64_t[]){0x2b, stack, 0x202 | 1ull << bit, 0x33}) != 0);
	for (int bit = 40; bit < 64; bit++)
		MUST(trapped(interrupt_return, (uint64_t[]){0x2b, 1ull << bit, 0x202, 0x33}) != 0);
}

/* Loads them where they may be loaded; what they are based on must not be reached. */
static void load_selectors(void *context)
{
	uint16_t selector = (uint16_t)(uintptr_t)context;

	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"(selector));
	__asm__ volatile("mov %0, %%ds; mov %0, %%es" ::"r"((uint16_t)0));
}

static void load_stack_selector(void *context)
{
	__asm__ volatile("mov %0, %%ss; push %%rax; pop %%rax" ::"r"((uint16_t)(uintptr_t)context)
			 : "rax");
	__asm__ volatile("mov %0, %%ss" ::"r"((uint16_t)0x2b));
}

static void selectors(void)
{
	for (unsigned selector = 0; selector < 0x10000; selector += selector < 0x100 ? 1 : 0x101) {
		trapped(load_selectors, (void *)(uintptr_t)selector);
		trapped(load_stack_selector, (void *)(uintptr_t)selector);
	}
}

/* SYSCALL whose rip and flags, in rcx and r11, are a lie before and after. */
static void odd_syscalls(void)
{
	for (int bit = 0; bit < 64; bit++) {
		long result = SYS_getpid;

		__asm__ volatile("mov %1, %%rcx; mov %1, %%r11; syscall"
				 : "+a"(result)
				 : "r"(1ull << bit)
				 : "rcx", "r11", "memory");
		MUST(result == getpid());
	}
	/* Single steps, alignment checks and a backward direction, into it. */
	__asm__ volatile(
		"pushf; orq $0x40400, (%%rsp); popf; syscall; pushf; andq $~0x40400, (%%rsp);"
		"popf" ::"a"(SYS_getpid)
		: "rcx", "r11", "memory", "cc");
}

static void single_steps(void *context)
{
	(void)context;
	__asm__ volatile("pushf; orq $0x100, (%%rsp); popf; syscall; nop; nop" ::"a"(SYS_getpid)
			 : "rcx", "r11", "memory", "cc");
}

static void single_step(void)
{
	MUST(trapped(single_steps, NULL) == SIGTRAP);
}

/* Any bytes at all, but system calls: those are other cases'. */
static void execute_random(void *context)
{
	uint64_t bytes[3];

	for (uintptr_t i = (uintptr_t)context * 7; i; i--)
		chance();
	for (;;) {
		for (int i = 0; i < 3; i++)
			bytes[i] = chance();
		if (!memmem(bytes, sizeof(bytes), "\x0f\x05", 2))
			execute((const uint8_t *)bytes, sizeof(bytes), (uintptr_t)code);
	}
}

static void random_instructions(void)
{
	for (uintptr_t i = 1; i < 6 * hostile_effort; i++)
		in_child(execute_random, (void *)i, 100);
}

const struct hostile hostile_processor[] = {
	{"privileged", privileged, EXITS, 0},
	{"virtualisation", virtualisation, EXITS, 0},
	{"model-specific-registers", model_specific_registers, EXITS, 0},
	{"ports", ports, EXITS, 0},
	{"interrupts", interrupts, EXITS, 0},
	{"far-returns", far_returns, EXITS, 0},
	{"interrupt-returns", interrupt_returns, EXITS, 0},
	{"selectors", selectors, EXITS, 0},
	{"odd-syscalls", odd_syscalls, EXITS, 0},
	{"single-step", single_step, EXITS, 0},
	{"random-instructions", random_instructions, EXITS, 0},
	{NULL, NULL, 0, 0},
};
