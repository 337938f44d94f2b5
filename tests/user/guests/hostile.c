/* SPDX-License-Identifier: MIT */
/* Hostile programs: one of them by its name, or a list of all. Each exits with 0 if what it tried
 * did no harm as far as it can tell; the test sees about the rest. */
#include "hostile.h"

#include <stddef.h>
#include <ucontext.h>

#define STACK (64ul << 10)

static const struct hostile *const all[] = {
	hostile_processor,
	hostile_returns,
	hostile_layout,
	hostile_pointers,
	hostile_counts,
	hostile_races,
	hostile_buffers,
	hostile_bombs,
	hostile_processes,
	hostile_signals,
	hostile_programs,
	hostile_paths,
	hostile_descriptors,
	hostile_controls,
	hostile_clocks,
};

static sigjmp_buf back;
unsigned hostile_effort = 1;

static void on_fault(int signo)
{
	siglongjmp(back, signo);
}

int trapped(void (*run)(void *), void *context)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
	static char *stack;
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK | SA_NODEFER};
	int signo;

	if (!stack) {
		stack = pages(STACK / PAGE);
		MUST(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = STACK}, NULL) == 0);
	}
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		MUST(sigaction(signals[i], &action, NULL) == 0);
	signo = sigsetjmp(back, 0);
	if (signo == 0)
		run(context);
	/* What the program may have changed of itself. */
	__asm__ volatile("cld; pushf; andq $~0x40100, (%%rsp); popf" ::: "cc", "memory");
	return signo;
}

void *pages(size_t count)
{
	void *at = mmap(
		NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED);
	return at;
}

void on_other_stack(void (*run)(void))
{
	static ucontext_t here, there;

	MUST(getcontext(&there) == 0);
	there.uc_stack.ss_sp = pages(STACK / PAGE);
	there.uc_stack.ss_size = STACK;
	there.uc_link = &here;
	makecontext(&there, run, 0);
	swapcontext(&here, &there);
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t chance(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int in_child(void (*run)(void *), void *context, unsigned ms)
{
	const struct timespec soon = {.tv_nsec = 1000000};
	uint64_t until = now_ms() + ms;
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		run(context);
		_exit(0);
	}
	if (child < 0)
		return -1;
	while (waitpid(child, &status, WNOHANG) == 0) {
		if (now_ms() > until)
			kill(child, SIGKILL);
		nanosleep(&soon, NULL);
	}
	return status;
}

void in_thread(int (*run)(void *), void *context)
{
	char *stack = pages(STACK / PAGE);
	int flags =
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;

	MUST(clone(run, stack + STACK, flags, context) > 0);
}

static void list(void)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (const struct hostile *each = all[i]; each->name; each++)
			printf("%s %u %u\n", each->name, each->ends, each->seconds);
}

int main(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "list") == 0) {
		list();
		return 0;
	}
	/* A program that does no harm. */
	if (strcmp(argv[1], "good") == 0)
		return 0;
	if (argc > 2)
		hostile_effort = (unsigned)atoi(argv[2]);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (const struct hostile *each = all[i]; each->name; each++) {
			if (strcmp(each->name, argv[1]) != 0)
				continue;
			each->run();
			return 0;
		}
	}
	dprintf(2, "there is no %s\n", argv[1]);
	return NOT_CONTAINED;
}
