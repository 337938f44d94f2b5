/* SPDX-License-Identifier: MIT */
/* Ends by a fault of its own, or by a signal: the one that is asked for. */
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check.h"

static void *page(int protection)
{
	return mmap((void *)0x10000000, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);
}

static void read_null(void)
{
	*(volatile int *)0x10;
}

static void write_constant(void)
{
	*(volatile char *)page(PROT_READ) = 1;
}

static void run_data(void)
{
	((void (*)(void))page(PROT_READ | PROT_WRITE))();
}

static void divide(void)
{
	volatile int many = 5, zero = 0;

	many = many / zero;
}

static void illegal(void)
{
	__asm__ volatile("ud2");
}

static void privileged(void)
{
	__asm__ volatile("cli");
}

static void terminate(void)
{
	raise(SIGTERM);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"read_null", read_null},
		{"write_constant", write_constant},
		{"run_data", run_data},
		{"divide", divide},
		{"illegal", illegal},
		{"privileged", privileged},
		{"terminate", terminate},
		{"abort", abort},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
