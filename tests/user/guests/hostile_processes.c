/* SPDX-License-Identifier: MIT */
/* Processes that do not end as they shall, and clones that cannot be. */
#include "hostile.h"

#include <sys/prctl.h>
#include <sys/resource.h>

static void wait_for_ever(void *context)
{
	(void)context;
	for (;;)
		pause();
}

/* A child that has its parent's memory, and never gives it back: the parent waits. */
static int vfork_child(void *context)
{
	for (;;)
		pause();
	return context != NULL;
}

static int vfork_spin(void *context)
{
	while (!context)
		;
	return 0;
}

static void vfork_and_wait(void)
{
	clone(vfork_child, (char *)pages(4) + 4 * PAGE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
}

static void vfork_and_spin(void)
{
	clone(vfork_spin, (char *)pages(4) + 4 * PAGE, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
}

static int vfork_deeper(void *context)
{
	clone(context ? vfork_deeper : vfork_child, (char *)pages(4) + 4 * PAGE,
		CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)((uintptr_t)context - 1));
	return 0;
}

static void vfork_in_vfork(void)
{
	vfork_deeper((void *)20);
}

/* Its parent goes while it has the memory. */
static int outlive(void *context)
{
	char *at = context;

	for (int i = 0; i < 100; i++) {
		at[i % (int)PAGE] = (char)i;
		raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
	return 0;
}

static void shared_memory(void)
{
	char *memory = pages(1);

	for (int i = 0; i < 20; i++) {
		if (fork() == 0) {
			clone(outlive, (char *)pages(4) + 4 * PAGE, CLONE_VM | SIGCHLD, memory);
			clone(outlive, (char *)pages(4) + 4 * PAGE, CLONE_VM | CLONE_FILES, memory);
			_exit(0);
		}
	}
}

static void random_clones(void)
{
	long flags[2];

	for (int i = 0; i < 300; i++) {
		long result;

		flags[0] = (long)(chance() & chance() & 0xffffffff);
		flags[0] &= ~(long)(CLONE_VM | CLONE_VFORK);
		result = raw(SYS_clone, flags[0], (long)chance() & 0xffff, (long)chance() & 0xffff,
			(long)chance() & 0xffff, 0, 0);
		if (result == 0)
			raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	}
}

/* With the memory shared, each flag and pairs of them; a stack of its own, or none at all. */
static int end_at_once(void *context)
{
	(void)context;
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

static void every_flag(void)
{
	char *stack = (char *)pages(4) + 4 * PAGE;

	for (int a = 8; a < 32; a++) {
		for (int b = a; b < 32; b++) {
			int flags = (int)(1u << a | 1u << b);

			clone(end_at_once, stack, flags | SIGCHLD, NULL, pages(1), NULL, pages(1));
			while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
				;
		}
	}
	_exit(0);
}

static void thread_pointers(void)
{
	static const uint64_t bases[] = {
		0x7fffffffe000, 0x800000000000, 0x8000000000000000, 0xffff800000000000, UINT64_MAX};
	char *stack = (char *)pages(4) + 4 * PAGE;
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS;

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++)
		clone(end_at_once, stack, flags, NULL, NULL, (void *)bases[i], NULL);
	_exit(0);
}

static void bad_stacks(void *context)
{
	raw(SYS_clone, SIGCHLD, (long)(uintptr_t)context, 0, 0, 0, 0);
}

static void clone_stacks(void)
{
	static const uint64_t stacks[] = {
		1, 0x7fffffffe000, 0x7ffffffff008, 0x800000000000, 0xffff800000000fff, UINT64_MAX};

	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
		in_child(bad_stacks, (void *)stacks[i], 200);
}

static void clone3_arguments(void)
{
	uint64_t *given = pages(1);

	for (int i = 0; i < 2000; i++) {
		long size = (long)(chance() % 20) * 8 + (long)(chance() % 16 == 0);

		for (int j = 0; j < 20; j++)
			given[j] = chance() % 3 ? 0 : chance() >> (chance() & 63);
		given[0] &= ~(uint64_t)(CLONE_VM | CLONE_VFORK);
		given[5] = given[6] = 0;
		if (raw(SYS_clone3, (long)given, size, 0, 0, 0, 0) == 0)
			raw(SYS_exit, 0, 0, 0, 0, 0, 0);
		while (waitpid(-1, NULL, WNOHANG | __WALL) > 0)
			;
	}
}

/* ---- Waiting for who is nobody's child ---- */

static void waits(void)
{
	static const long ids[] = {0, 1, -1, 2, 12345, 0x7fffffff, -0x7fffffffl - 1, -2, 1l << 32};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		for (int options = 0; options < 64; options++) {
			raw(SYS_wait4, ids[i], 1, options, 1, 0, 0);
			raw(SYS_waitid, options & 7, ids[i], 1, 1l << (options % 32), 1, 0);
		}
		raw(SYS_setpgid, ids[i], ids[8 - i], 0, 0, 0, 0);
		raw(SYS_getpgid, ids[i], 0, 0, 0, 0, 0);
		raw(SYS_getsid, ids[i], 0, 0, 0, 0, 0);
		raw(SYS_prlimit64, ids[i], 3, 0, 0, 0, 0);
		raw(SYS_sched_getaffinity, ids[i], 0, 0, 0, 0, 0);
	}
}

/* ---- Files that stand for processes ---- */

/* More than can be open, of who ends while they are made, used and closed by others. */
static void pidfds(void)
{
	pid_t self = getpid();

	for (int i = 0; i < 4; i++)
		fork();
	for (int i = 0; i < 200 * (int)hostile_effort; i++) {
		pid_t target = self + (pid_t)(chance() % 64);
		long fd = raw(SYS_pidfd_open, target, chance() % 2 ? O_NONBLOCK : 0, 0, 0, 0, 0);
		struct timespec none = {0, 0};
		long wanted[2] = {fd | 0x7ffl << 32, 0};

		raw(SYS_pidfd_send_signal, fd, 0, 0, 0, 0, 0);
		raw(SYS_pidfd_send_signal, fd, (long)(chance() % 80), 1, 0, 0, 0);
		raw(SYS_ppoll, (long)wanted, 1, (long)&none, 0, 0, 0);
		raw(SYS_waitid, 3, fd, 0, 4 | 1, 0, 0);
		raw(SYS_write, fd, (long)wanted, 8, 0, 0, 0);
		raw(SYS_splice, 0, 0, fd, 0, 8, 0);
		if (raw(SYS_clone, 0x1000 | SIGCHLD, 0, chance() % 4 ? (long)wanted : 1, 0, 0, 0) ==
			0)
			raw(SYS_exit, 0, 0, 0, 0, 0, 0);
		if (chance() % 4)
			raw(SYS_close, fd, 0, 0, 0, 0, 0);
	}
	if (getpid() != self)
		_exit(0);
	while (wait(NULL) > 0)
		;
}

static void orphans(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (int i = 0; i < 60; i++) {
		if (fork() == 0) {
			if (fork() == 0)
				fork();
			_exit(0);
		}
		if (i % 3 == 0)
			signal(SIGCHLD, i % 2 ? SIG_IGN : SIG_DFL);
	}
	while (wait(NULL) > 0)
		;
}

/* A thread ends the process, another one replaces its program, others make more. */
static int end_it(void *context)
{
	(void)context;
	raw(SYS_exit_group, 0, 0, 0, 0, 0, 0);
	return 0;
}

static int replace_it(void *context)
{
	char *const words[] = {context, "good", NULL};

	execve(context, words, NULL);
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

static void end_in_threads(void *context)
{
	(void)context;
	for (int i = 0; i < 3; i++) {
		in_thread(replace_it, "/proc/self/exe");
		in_thread(end_it, NULL);
	}
	replace_it("/proc/self/exe");
}

static void many_ends(void)
{
	for (int i = 0; i < 30; i++)
		in_child(end_in_threads, NULL, 2000);
}

static int end_later(void *context)
{
	uint64_t until = now_ms() + 50;

	while (now_ms() < until)
		raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	return end_it(context);
}

static void first_thread_ends(void)
{
	in_thread(end_later, NULL);
	raw(SYS_exit, 5, 0, 0, 0, 0, 0);
}

/* ---- Looking at others while they end ---- */

static void look(void *context)
{
	char path[64], text[256];
	uint64_t until = now_ms() + 300 * hostile_effort;
	pid_t first = (pid_t)(uintptr_t)context;

	while (now_ms() < until) {
		static const char *const names[] = {"maps", "fd", "cwd", "exe", "cmdline",
			"environ", "status", "stat", "fd/2", "fd/5", "task", "root", "auxv"};
		pid_t pid = first + (pid_t)(chance() % 64);
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", pid, names[chance() % 13]);
		readlink(path, text, sizeof(text));
		fd = open(path, O_RDONLY);
		if (fd >= 0) {
			raw(SYS_getdents64, fd, (long)text, sizeof(text), 0, 0, 0);
			read(fd, text, sizeof(text));
		}
		close(fd);
		kill(pid, 0);
		getpgid(pid);
		raw(SYS_prlimit64, pid, 3, 0, (long)text, 0, 0);
	}
}

static void looking_at_who_ends(void)
{
	uint64_t until = now_ms() + 350 * hostile_effort;
	pid_t looker = fork();

	if (looker == 0) {
		look((void *)(uintptr_t)getpid());
		_exit(0);
	}
	while (now_ms() < until) {
		pid_t child = fork();

		if (child == 0) {
			replace_it("/proc/self/exe");
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
}

static void left_behind(void)
{
	for (int i = 0; i < 30; i++)
		if (fork() == 0)
			wait_for_ever(NULL);
}

const struct hostile hostile_processes[] = {
	{"vfork-and-wait", vfork_and_wait, TIME, 1},
	{"vfork-and-spin", vfork_and_spin, TIME, 1},
	{"vfork-in-vfork", vfork_in_vfork, TIME, 1},
	{"memory-shared-with-orphans", shared_memory, EXITS, 0},
	{"clone-random", random_clones, EXITS | KILLED, 0},
	{"clone-every-flag", every_flag, ANYHOW, 0},
	{"clone-thread-pointers", thread_pointers, EXITS, 0},
	{"clone-stacks", clone_stacks, EXITS, 0},
	{"clone3-arguments", clone3_arguments, EXITS | KILLED, 0},
	{"waits-for-nobody", waits, EXITS, 0},
	{"pidfds", pidfds, EXITS, 0},
	{"orphans", orphans, EXITS, 0},
	{"many-ends-at-once", many_ends, EXITS, 0},
	{"first-thread-ends", first_thread_ends, EXITS, 0},
	{"looks-at-who-ends", looking_at_who_ends, EXITS, 0},
	{"leaves-children-behind", left_behind, EXITS, 0},
	{NULL, NULL, 0, 0},
};
