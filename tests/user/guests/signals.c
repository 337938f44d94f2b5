/* SPDX-License-Identifier: MIT */
/* Signals as a program finds them: the same within a sandbox as without. */
#include <float.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <xmmintrin.h>

#include "check.h"

static volatile sig_atomic_t count, last;
static volatile siginfo_t last_info; /* raise() is a leaf for the compiler, as if no handler ran */
static volatile uintptr_t handler_sp;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	count++;
	last = signo;
	last_info = *info;
	handler_sp = (uintptr_t)&here;
}

static void handle(int signo, int flags)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO};

	count = 0;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

static void sent_to_itself(void)
{
	struct sigaction old;

	handle(SIGUSR1, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(count == 1 && last == SIGUSR1);
	CHECK(last_info.si_code == SI_USER && last_info.si_pid == getpid());
	CHECK(raise(SIGUSR1) == 0 && count == 2);
	CHECK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1) == 0 && count == 3);
	CHECK(last_info.si_code == SI_TKILL);
	CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_sigaction == on_signal);
	CHECK(sigaction(SIGKILL, &old, NULL) == -1 && errno == EINVAL);
	CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
	CHECK(kill(getpid(), 0) == 0);
	CHECK(kill(999999, SIGUSR1) == -1 && errno == ESRCH);
}

static void blocked_and_pending(void)
{
	sigset_t set, old, pending;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0 && count == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	/* A standard signal is pending once. */
	CHECK(count == 1);
	CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
}

static void queued_with_values(void)
{
	sigset_t set, old;
	siginfo_t info;

	handle(SIGRTMIN, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
	CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_value.sival_int == 0);
	CHECK(info.si_code == SI_QUEUE && info.si_pid == getpid());
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(count == 4 && last_info.si_value.sival_int == 4);
	CHECK(sigtimedwait(&set, &info, &(struct timespec){0, 1000000}) == -1 && errno == EAGAIN);
}

static volatile int depth, deepest;

static void on_nested(int signo)
{
	depth++;
	deepest = depth > deepest ? depth : deepest;
	if (count++ < 2)
		raise(signo);
	depth--;
}

static void nested_and_once(void)
{
	struct sigaction action = {.sa_handler = on_nested};

	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	count = depth = deepest = 0;
	raise(SIGUSR2);
	CHECK(count == 3);
	/* It is blocked in its own handler, and comes after it. */
	CHECK(deepest == 1);
	action.sa_flags = SA_NODEFER;
	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	count = depth = deepest = 0;
	raise(SIGUSR2);
	CHECK(deepest == 3);
	action.sa_flags = (int)SA_RESETHAND;
	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	raise(SIGUSR2);
	CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
}

static void on_its_own_stack(void)
{
	static char stack[65536];
	stack_t given = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

	CHECK(sigaltstack(&given, NULL) == 0);
	handle(SIGUSR1, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(handler_sp > (uintptr_t)stack && handler_sp < (uintptr_t)stack + sizeof(stack));
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == stack && old.ss_flags == 0);
	handle(SIGUSR1, 0);
	raise(SIGUSR1);
	CHECK(!(handler_sp > (uintptr_t)stack && handler_sp < (uintptr_t)stack + sizeof(stack)));
	given.ss_size = 100;
	CHECK(sigaltstack(&given, NULL) == -1 && errno == ENOMEM);
	given = (stack_t){.ss_flags = SS_DISABLE};
	CHECK(sigaltstack(&given, NULL) == 0);
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
}

/* ---- Faults ---- */

static sigjmp_buf back;

static void on_fault(int signo, siginfo_t *info, void *context)
{
	on_signal(signo, info, context);
	siglongjmp(back, 1);
}

static void on_stack_overflow(int signo, siginfo_t *info, void *context)
{
	on_fault(signo, info, context);
}

static void handle_faults(int flags)
{
	struct sigaction action = {
		.sa_sigaction = on_stack_overflow, .sa_flags = SA_SIGINFO | flags};

	CHECK(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGFPE, &action, NULL) == 0);
	CHECK(sigaction(SIGILL, &action, NULL) == 0 && sigaction(SIGTRAP, &action, NULL) == 0);
	CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

static void faults(void)
{
	volatile int *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	volatile int zero = 0, one = 1;

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
		one /= zero;
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

/* ---- Calls that are interrupted ---- */

static void *kick_main(void *argument)
{
	const pthread_t *thread = argument;

	for (int i = 0; i < 3; i++) {
		usleep(20000);
		pthread_kill(*thread, SIGUSR1);
	}
	return NULL;
}

static int pipe_ends[2];

static void *kick_then_write(void *argument)
{
	kick_main(argument);
	usleep(20000);
	CHECK(write(pipe_ends[1], "x", 1) == 1);
	return NULL;
}

static void interrupted_and_restarted(void)
{
	pthread_t self = pthread_self(), thread;
	char byte;

	CHECK(pipe(pipe_ends) == 0);
	handle(SIGUSR1, SA_RESTART);
	CHECK(pthread_create(&thread, NULL, kick_then_write, &self) == 0);
	CHECK(read(pipe_ends[0], &byte, 1) == 1 && count == 3);
	pthread_join(thread, NULL);
	handle(SIGUSR1, 0);
	CHECK(pthread_create(&thread, NULL, kick_then_write, &self) == 0);
	CHECK(read(pipe_ends[0], &byte, 1) == -1 && errno == EINTR);
	pthread_join(thread, NULL);
	CHECK(read(pipe_ends[0], &byte, 1) == 1 && count == 3);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleeps_say_what_is_left(void)
{
	struct timespec time = {1, 0}, left = {0};
	pthread_t self = pthread_self(), thread;
	double began = now();

	/* Even with SA_RESTART: signal(7). */
	handle(SIGUSR1, SA_RESTART);
	CHECK(pthread_create(&thread, NULL, kick_main, &self) == 0);
	CHECK(nanosleep(&time, &left) == -1 && errno == EINTR);
	CHECK(left.tv_sec == 0 && left.tv_nsec > 0 && left.tv_nsec < 1000000000);
	pthread_join(thread, NULL);
	/* What is ignored does not interrupt, and a sleep is as long as it was to be. */
	signal(SIGUSR1, SIG_IGN);
	time = (struct timespec){0, 200000000};
	began = now();
	CHECK(pthread_create(&thread, NULL, kick_main, &self) == 0);
	CHECK(nanosleep(&time, NULL) == 0);
	CHECK(now() - began >= 0.199);
	pthread_join(thread, NULL);
}

static void suspended(void)
{
	sigset_t set, old, now_blocked;
	pid_t child;
	int status;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	child = fork();
	if (child == 0) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK(sigsuspend(&old) == -1 && errno == EINTR && count == 1);
	CHECK(last_info.si_pid == child);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now_blocked) == 0);
	CHECK(sigismember(&now_blocked, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* ---- Children ---- */

static void children_are_told_of(void)
{
	pid_t child;
	int status;

	handle(SIGCHLD, SA_RESTART);
	child = fork();
	if (child == 0)
		_exit(7);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(count == 1 && last_info.si_code == CLD_EXITED && last_info.si_status == 7);
	CHECK(last_info.si_pid == child);
	child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	kill(child, SIGTERM);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && !WCOREDUMP(status));
	CHECK(last_info.si_code == CLD_KILLED && last_info.si_status == SIGTERM);
	child = fork();
	if (child == 0)
		abort();
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	signal(SIGCHLD, SIG_DFL);
}

static void stopped_and_continued(void)
{
	pid_t child;
	int status;

	handle(SIGCHLD, SA_RESTART);
	child = fork();
	if (child == 0) {
		for (;;)
			;
	}
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(last_info.si_code == CLD_STOPPED && last_info.si_status == SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED | WNOHANG) == 0);
	kill(child, SIGCONT);
	CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
	CHECK(last_info.si_code == CLD_CONTINUED);
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	/* It ends though it is stopped. */
	kill(child, SIGKILL);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	signal(SIGCHLD, SIG_DFL);
}

static void groups(void)
{
	pid_t leader = fork(), other;
	int status;

	if (leader == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(leader, leader);
	other = fork();
	if (other == 0) {
		for (;;)
			pause();
	}
	CHECK(setpgid(other, leader) == 0);
	CHECK(kill(-leader, SIGHUP) == 0);
	CHECK(waitpid(leader, &status, 0) == leader && WTERMSIG(status) == SIGHUP);
	CHECK(waitpid(other, &status, 0) == other && WTERMSIG(status) == SIGHUP);
	CHECK(kill(-leader, SIGHUP) == -1 && errno == ESRCH);
}

static void read_from_a_file(void)
{
	struct signalfd_siginfo info;
	sigset_t set, old;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN);
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 42}) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
	CHECK(info.ssi_signo == SIGUSR1);
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
	CHECK((int)info.ssi_signo == SIGRTMIN + 1 && info.ssi_int == 42);
	CHECK(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN);
	close(fd);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

/* ---- Many ---- */

enum { STORM = 2000 };

static void *send_storm(void *argument)
{
	const pthread_t *thread = argument;

	for (int i = 0; i < STORM; i++) {
		while (count < i)
			sched_yield();
		CHECK(pthread_kill(*thread, SIGUSR1) == 0);
	}
	return NULL;
}

static void a_storm_into_a_loop(void)
{
	pthread_t self = pthread_self(), thread;
	volatile double sum = 0;
	double expected = 0;
	long rounds = 0;

	handle(SIGUSR1, 0);
	CHECK(pthread_create(&thread, NULL, send_storm, &self) == 0);
	while (count < STORM) {
		sum += 0.5;
		rounds++;
	}
	for (long i = 0; i < rounds; i++)
		expected += 0.5;
	CHECK(sum == expected);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"sent_to_itself", sent_to_itself},
		{"blocked_and_pending", blocked_and_pending},
		{"queued_with_values", queued_with_values},
		{"nested_and_once", nested_and_once},
		{"on_its_own_stack", on_its_own_stack},
		{"faults", faults},
		{"stack_overflow", stack_overflow},
		{"state_is_kept", state_is_kept},
		{"wide_state_is_kept", wide_state_is_kept},
		{"red_zone_is_left_alone", red_zone_is_left_alone},
		{"interrupted_and_restarted", interrupted_and_restarted},
		{"sleeps_say_what_is_left", sleeps_say_what_is_left},
		{"suspended", suspended},
		{"children_are_told_of", children_are_told_of},
		{"stopped_and_continued", stopped_and_continued},
		{"groups", groups},
		{"read_from_a_file", read_from_a_file},
		{"a_storm_into_a_loop", a_storm_into_a_loop},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
