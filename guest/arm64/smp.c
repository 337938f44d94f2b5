/* SPDX-License-Identifier: MIT */
/* The other processors: started with PSCI until it refuses, then woken for each part of the memory
 * test. */
#include "machine.h"
#include "pages.h"
#include "report.h"

void processor_main(uint64_t number);

enum phase { OFF, READY, WRITE, CHECK, OVER };

/* What each processor has reached and found; each writes its own only. */
static struct {
	volatile uint32_t phase;
	volatile uint32_t right;
} reached[MAX_PROCESSORS];

static volatile uint32_t phase;
static volatile uint32_t count; /* processors that take part */

static void work(uint32_t now, uint32_t number)
{
	if (now == WRITE)
		pages_write(number, count);
	else
		reached[number].right = pages_check(number, count);
	barrier();
	reached[number].phase = now;
	send_event();
}

void processor_main(uint64_t number)
{
	reached[number].phase = READY;
	send_event();
	for (uint32_t now = WRITE; now < OVER; now++) {
		while (phase != now)
			wait_for_event();
		barrier();
		work(now, (uint32_t)number);
	}
	hypercall(PSCI_CPU_OFF, 0, 0, 0);
}

/* Until all have got there, or five seconds have gone by. */
static bool wait_for_all(uint32_t wanted)
{
	uint64_t start = counter(), limit = 5 * counter_frequency();

	for (uint32_t i = 1; i < count; i++) {
		while (reached[i].phase != wanted) {
			if (counter() - start > limit)
				return false;
		}
	}
	barrier();
	return true;
}

/* MPIDR_EL1 of a processor: 16 share the lowest level of affinity, as a GICv3 has them. */
static uint64_t affinity(uint64_t number)
{
	return (number & 15) | number >> 4 << 8;
}

static uint32_t start_others(void)
{
	uint32_t number = 1;

	while (number < MAX_PROCESSORS) {
		struct answer answer =
			hypercall(PSCI_CPU_ON, affinity(number), (uint64_t)processor_start, number);

		if (answer.x0 != 0)
			break;
		number++;
	}
	return number;
}

static void processors_verdict(bool all, uint32_t expected)
{
	verdict(all && (!expected || count == expected), "processors");
	put_number(count, 1);
	if (expected) {
		put(" of ");
		put_number(expected, 1);
	}
	put(all ? (count == 1 && expected <= 1 ? " runs\n" : " run\n")
		: " started, but not all run\n");
}

void smp_test(uint32_t expected)
{
	bool all;
	uint32_t right = 0;

	count = start_others();
	all = wait_for_all(READY);
	processors_verdict(all, expected);
	if (!all)
		count = 1;
	for (uint32_t now = WRITE; now < OVER; now++) {
		phase = now;
		send_event();
		work(now, 0);
		wait_for_all(now);
	}
	for (uint32_t i = 0; i < count; i++)
		right += reached[i].right;
	pages_verdict(right, count);
}
