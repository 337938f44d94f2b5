/* SPDX-License-Identifier: MIT */
/* Every system call there is, with wild values in each argument: every number, served or not. */
#include "hostile.h"

#include <sys/time.h>

enum { NUMBERS = 512, SLICES = 16, PART = NUMBERS / SLICES };

/* ---- What they are called with ---- */

struct values {
	long at[24];
	size_t count;
};
static struct values wild;
static long usual[6];
static char *memory;

static void add(long value)
{
	wild.at[wild.count++] = value;
}

/* Pages: [0] read and write, [1] PROT_NONE, [2] read-only, [3] a hole, [4] read and write. */
static void prepare(void)
{
	memory = pages(5);
	for (size_t i = 0; i < PAGE / 8; i++)
		((uint64_t *)memory)[i] = (uintptr_t)memory + 512;
	MUST(mprotect(memory + PAGE, PAGE, PROT_NONE) == 0);
	MUST(mprotect(memory + 2 * PAGE, PAGE, PROT_READ) == 0);
	MUST(munmap(memory + 3 * PAGE, PAGE) == 0);
	wild.count = 0;
	add(0);
	add(1);
	add(-1);
	add((long)memory);
	add((long)memory + 4095);
	add((long)memory + 4089); /* straddles the end */
	add((long)memory + PAGE);
	add((long)memory + 2 * PAGE + 64);
	add((long)memory + 3 * PAGE - 4); /* read-only, and then a hole */
	add((long)memory + 3 * PAGE);
	add(0x7fffffffdfff);
	add(0x7fffffffe000);
	add(0x7ffffffff000);
	add((long)0x8000000000000000);
	add((long)0xffff800000000000);
	add((long)0xfffffffffffff000);
	add(0x7fffffffffffffff);
	add(0x7fffffff);
	add(0x80000000);
	add(0x100000003);
	usual[0] = 5; /* a file */
	usual[1] = (long)memory;
	usual[2] = 64;
	usual[3] = (long)memory + 1024;
	usual[4] = (long)memory + 2048;
	usual[5] = 0;
}

static void on_alarm(int signo)
{
	(void)signo;
}

/* What has no way back, or ends who else is there: other cases'. */
static bool left_out(long number)
{
	return number == SYS_kill || number == SYS_tkill || number == SYS_tgkill ||
	       number == SYS_rt_sigqueueinfo || number == SYS_exit || number == SYS_exit_group ||
	       number == SYS_vfork || number == SYS_fork || number == SYS_clone ||
	       number == SYS_pause || number == SYS_reboot;
}

/* ---- A call, again and again ---- */

/* Calls that wait are ended by a signal, time and again, as long as it is let through. */
static void limit_waits(void)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval often = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000};
	uint64_t none = 0;

	sigaction(SIGALRM, &action, NULL);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, 8, 0, 0);
	setitimer(ITIMER_REAL, &often, NULL);
}

static void files(void)
{
	int fd = open("/rw/pointers", O_RDWR | O_CREAT, 0600);

	if (fd >= 0 && fd != 5)
		dup2(fd, 5);
}

static void each_argument(void *context)
{
	long number = (long)context;

	setpgid(0, 0);
	alarm(0);
	for (int argument = 0; argument < 6; argument++) {
		files();
		limit_waits();
		for (size_t i = 0; i < wild.count; i++) {
			long with[6];

			memcpy(with, usual, sizeof(with));
			with[argument] = wild.at[i];
			raw(number, with[0], with[1], with[2], with[3], with[4], with[5]);
		}
	}
}

/* All arguments wild at once. */
static void all_arguments(void *context)
{
	long number = (long)context;

	setpgid(0, 0);
	files();
	for (int i = 0; i < number; i++)
		chance();
	for (unsigned i = 0; i < 40 * hostile_effort; i++) {
		long with[6];

		if (i % 20 == 0)
			limit_waits();
		for (int j = 0; j < 6; j++)
			with[j] = chance() % 8 ? wild.at[chance() % wild.count]
					       : (long)(chance() % 16);
		raw(number, with[0], with[1], with[2], with[3], with[4], with[5]);
	}
}

static void slice(long first)
{
	prepare();
	for (long number = first; number < first + PART; number++) {
		if (left_out(number))
			continue;
		in_child(each_argument, (void *)number, 400);
		in_child(all_arguments, (void *)number, 200);
	}
	MUST(memory[0] != 0 || memory[1] != 0 || memory[512] == 0);
}

#define SLICE(n)                                                                                   \
	static void slice_##n(void)                                                                \
	{                                                                                          \
		slice(n *PART);                                                                    \
	}
SLICE(0)
SLICE(1)
SLICE(2)
SLICE(3)
SLICE(4)
SLICE(5)
SLICE(6)
SLICE(7)
SLICE(8)
SLICE(9)
SLICE(10)
SLICE(11)
SLICE(12)
SLICE(13)
SLICE(14)
SLICE(15)

/* Numbers beyond those of calls: other ABIs', and those that are offered to plugins. */
static void numbers(void)
{
	for (long number = 0; number < 0x8000; number += 7)
		if (number >= NUMBERS)
			MUST(raw(number, 0, 0, 0, 0, 0, 0) == -ENOSYS);
	for (int bit = 9; bit < 64; bit++) {
		long number = 1l << bit;
		long result = raw(number | SYS_getpid, 0, 0, 0, 0, 0, 0);

		MUST(result == -ENOSYS || result == getpid());
	}
	MUST(raw(-1, 0, 0, 0, 0, 0, 0) == -ENOSYS);
}

const struct hostile hostile_pointers[] = {
	{"pointers-0", slice_0, ANYHOW, 20},
	{"pointers-32", slice_1, ANYHOW, 20},
	{"pointers-64", slice_2, ANYHOW, 20},
	{"pointers-96", slice_3, ANYHOW, 20},
	{"pointers-128", slice_4, ANYHOW, 20},
	{"pointers-160", slice_5, ANYHOW, 20},
	{"pointers-192", slice_6, ANYHOW, 20},
	{"pointers-224", slice_7, ANYHOW, 20},
	{"pointers-256", slice_8, ANYHOW, 20},
	{"pointers-288", slice_9, ANYHOW, 20},
	{"pointers-320", slice_10, ANYHOW, 20},
	{"pointers-352", slice_11, ANYHOW, 20},
	{"pointers-384", slice_12, ANYHOW, 20},
	{"pointers-416", slice_13, ANYHOW, 20},
	{"pointers-448", slice_14, ANYHOW, 20},
	{"pointers-480", slice_15, ANYHOW, 20},
	{"numbers", numbers, EXITS, 0},
	{NULL, NULL, 0, 0},
};
