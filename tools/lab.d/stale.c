/* SPDX-License-Identifier: MIT */
/*
 * Whether a processor sees code that another has changed: `stale SECONDS`. One thread changes an
 * instruction's operand and then tells of it; the other hears, serialises (AMD64 Architecture
 * Programmer's Manual, volume 2, section 7.6.1, "Cross-modifying code") and runs it. Exit status 1
 * if it ever ran the old one. QEMU 7.2 fails it with thread=multi.
 */
#include <cpuid.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PAGE = 4096, NOPS = 259, NOP = 0x90, MOV_EAX = 0xb8, RET = 0xc3 };

struct shared {
	unsigned char *code; /* many nops, which take time to translate; mov $operand, %eax; ret */
	_Atomic(uint32_t) *operand;
	_Atomic(uint32_t) told;
	atomic_bool over;
};

static void *change(void *argument)
{
	struct shared *shared = argument;
	uint32_t random = 1;

	for (uint32_t n = 1; !atomic_load(&shared->over); n++) {
		atomic_store(shared->operand, n);
		atomic_store(&shared->told, n);
		random = random * 1103515245 + 12345;
		for (volatile uint32_t i = 0; i < (random >> 16 & 0x3ff); i++)
			;
	}
	return NULL;
}

static uint32_t run_serialised(const struct shared *shared)
{
	unsigned int a, b, c, d;

	__cpuid(0, a, b, c, d);
	return ((uint32_t(*)(void))shared->code)();
}

static int make_code(struct shared *shared)
{
	shared->code = mmap(
		NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (shared->code == MAP_FAILED)
		return -1;
	memset(shared->code, NOP, NOPS);
	shared->code[NOPS] = MOV_EAX;
	shared->operand = (void *)(shared->code + NOPS + 1);
	shared->code[NOPS + 1 + sizeof(uint32_t)] = RET;
	return 0;
}

int main(int argc, char **argv)
{
	struct shared shared = {.told = 0};
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 10);
	unsigned long runs = 0, stale = 0;
	pthread_t thread;

	if (make_code(&shared) || pthread_create(&thread, NULL, change, &shared)) {
		perror("stale");
		return 2;
	}
	while (time(NULL) < end) {
		for (int i = 0; i < 2000; i++, runs++) {
			uint32_t told = atomic_load(&shared.told);

			stale += (int32_t)(run_serialised(&shared) - told) < 0;
		}
	}
	atomic_store(&shared.over, true);
	pthread_join(thread, NULL);
	printf("%lu runs, %u changes: the code was old %lu times\n", runs, shared.told, stale);
	return stale > 0;
}
