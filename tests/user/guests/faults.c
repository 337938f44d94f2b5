/* SPDX-License-Identifier: MIT */
/* Faults as signals, and what of a program's state comes back from a handler. */
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <xmmintrin.h>

#include "handler.h"

static sigjmp_buf back;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	on_signal(signo, info, context);
	siglongjmp(back, 1);
}

static void handle_faults(int flags)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | flags};

	CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGFPE, &action, NULL) == 0);
	CHECK(sigaction(SIGILL, &action, NULL) == 0 && sigaction(SIGTRAP, &action, NULL) == 0);
	CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

static void faults(void)
{
	volatile int *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile int zero = 0, many = 5;

	handle_faults(0);
	if (!sigsetjmp(back, 1))
		*(volatile int *)0x1234 = 1;
	CHECK(last == SIGSEGV && last_info.si_code == SEGV_MAPERR);
	CHECK((uintptr_t)last_info.si_addr == 0x1234);
	if (!sigsetjmp(back, 1))
		page[1] = 1;
	CHECK(last == SIGSEGV && last_info.si_code == SEGV_ACCERR);
	CHECK(last_info.si_addr == (void *)(page + 1));
	if (!sigsetjmp(back, 1))
		many = many / zero;
	CHECK(last == SIGFPE && last_info.si_code == FPE_INTDIV);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("ud2");
	CHECK(last == SIGILL && last_info.si_code == ILL_ILLOPN);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("int3");
	CHECK(last == SIGTRAP);
	if (!sigsetjmp(back, 1))
		__asm__ volatile("hlt");
	CHECK(last == SIGSEGV && last_info.si_code == SI_KERNEL);
	if (!sigsetjmp(back, 1)) {
		_mm_setcsr(0x1f80 & ~0x200u);
		__asm__ volatile("divsd %1, %0" : : "x"(1.0), "x"(0.0));
	}
	_mm_setcsr(0x1f80);
	CHECK(last == SIGFPE && last_info.si_code == FPE_FLTDIV);
}

static volatile int endless = 1;

static __attribute__((noinline)) int eat_stack(volatile char *from)
{
	volatile char block[4096];

	block[0] = from[0];
	return endless ? eat_stack(block) + block[1] : 0;
}

static void stack_overflow(void)
{
	static char stack[65536];
	stack_t given = {.ss_sp = stack, .ss_size = sizeof(stack)};
	char here = 0;

	CHECK(sigaltstack(&given, NULL) == 0);
	handle_faults(SA_ONSTACK);
	last = 0;
	if (!sigsetjmp(back, 1))
		eat_stack(&here);
	CHECK(last == SIGSEGV);
	given = (stack_t){.ss_flags = SS_DISABLE};
	CHECK(sigaltstack(&given, NULL) == 0);
	signal(SIGSEGV, SIG_DFL);
}

/* ---- What comes back with rt_sigreturn ---- */

static void on_scribble(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	on_signal(signo, info, context);
	CHECK(_mm_getcsr() == 0x1f80);
	__asm__ volatile("pxor %%xmm0, %%xmm0\n pxor %%xmm7, %%xmm7\n fninit\n fldpi" ::
				 : "xmm0", "xmm7");
	_mm_setcsr(0x1f80 | 0x6000);
	/* The instruction after the one that faulted. */
	if (signo == SIGILL)
		uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_R15] = 0x1234567;
}

static void state_is_kept(void)
{
	struct sigaction action = {.sa_sigaction = on_scribble, .sa_flags = SA_SIGINFO};
	uint64_t in = 0x0123456789abcdef, out, out7, r15 = 5, flags, rcx, r11;
	long double one = 1.0L, popped;

	CHECK(sigaction(SIGILL, &action, NULL) == 0);
	_mm_setcsr(0x1f80 | 0x2000);
	__asm__ volatile(
		"fldt %[one]\n"
		"movq %[in], %%xmm0\n"
		"movq %[in], %%xmm7\n"
		"mov $7, %%r15\n"
		"mov $0x1111, %%rcx\n"
		"mov $0x2222, %%r11\n"
		"std\n stc\n"
		"ud2\n"
		"pushfq\n pop %[flags]\n"
		"cld\n"
		"movq %%xmm0, %[out]\n"
		"movq %%xmm7, %[out7]\n"
		"mov %%r15, %[r15]\n"
		"mov %%rcx, %[rcx]\n"
		"mov %%r11, %[r11]\n"
		"fstpt %[popped]\n"
		: [out] "=&r"(out), [out7] "=&r"(out7), [r15] "=&r"(r15), [flags] "=&r"(flags),
		[rcx] "=m"(rcx), [r11] "=m"(r11), [popped] "=m"(popped)
		: [in] "r"(in), [one] "m"(one)
		: "xmm0", "xmm7", "r15", "rcx", "r11", "cc", "memory");
	CHECK(out == in && out7 == in);
	CHECK(r15 == 0x1234567 && rcx == 0x1111 && r11 == 0x2222);
	CHECK(popped == one);
	CHECK((flags & 0x401) == 0x401);
	CHECK(_mm_getcsr() == (0x1f80 | 0x2000));
	_mm_setcsr(0x1f80);
}

#ifdef __AVX__
#error the vector registers' upper halves are tested by hand, without the compiler's
#endif

/* The upper halves of the AVX registers too. */
static void wide_state_is_kept(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	uint64_t in[4] = {1, 2, 3, 0x4444444444444444}, out[4] = {0};

	if (!__builtin_cpu_supports("avx"))
		return;
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	count = 0;
	__asm__ volatile("vmovdqu %[in], %%ymm9\n"
			 "syscall\n"
			 "vmovdqu %%ymm9, %[out]\n"
			 "vzeroupper\n"
			 : [out] "=m"(out)
			 : [in] "m"(in), "a"(SYS_kill), "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "xmm9", "memory");
	CHECK(count == 1);
	CHECK(memcmp(in, out, sizeof(in)) == 0);
}

/* The 128 bytes below the stack pointer are a leaf function's own. */
static void red_zone_is_left_alone(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	uint64_t first, last_word;
	long number = SYS_kill;

	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	__asm__ volatile("movq $0x5a5a, -8(%%rsp)\n"
			 "movq $0x3c3c, -128(%%rsp)\n"
			 "syscall\n"
			 "movq -8(%%rsp), %[first]\n"
			 "movq -128(%%rsp), %[last]\n"
			 : [first] "=&r"(first), [last] "=&r"(last_word), "+a"(number)
			 : "D"(getpid()), "S"(SIGUSR1)
			 : "rcx", "r11", "memory");
	CHECK(first == 0x5a5a && last_word == 0x3c3c && number == 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"faults", faults},
		{"stack_overflow", stack_overflow},
		{"state_is_kept", state_is_kept},
		{"wide_state_is_kept", wide_state_is_kept},
		{"red_zone_is_left_alone", red_zone_is_left_alone},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
