/* SPDX-License-Identifier: MIT */
/*
 * The other processors: started as the MultiProcessor Specification 1.4 says (appendix B.4), then
 * woken for each part of the memory test.
 */
#include "machine.h"
#include "pages.h"
#include "report.h"

void processor_main(uint32_t number);

/* Interprocessor interrupts, to all but the sender (Intel SDM volume 3, "ICR"). */
#define TO_OTHERS 0x000c0000u
#define INIT      (TO_OTHERS | 0x4500)
#define STARTUP   (TO_OTHERS | 0x4600 | TRAMPOLINE_PAGE)
#define WAKE      (TO_OTHERS | 0x4000 | VECTOR_WAKE)

/* In ticks of about a millisecond. */
enum { LONG = 5000, UNTOLD = 100, AGAIN = 200 };

enum phase { READY, WRITE, CHECK, OVER };

static volatile uint32_t phase;
static volatile uint32_t done[OVER];
static volatile uint32_t words_right;
static volatile uint32_t count; /* processors that take part */

static void copy_trampoline(void)
{
	volatile char *to = (volatile char *)(TRAMPOLINE_PAGE << 12);

	for (const char *from = trampoline; from < trampoline_end; from++)
		*to++ = *from;
}

/* Until the number is reached or time is up. */
static void wait_until(const volatile uint32_t *number, uint32_t wanted, uint32_t limit)
{
	uint32_t start = ticks;

	while (*number < wanted && ticks - start < limit)
		wait_for_interrupt();
}

/* All processors do the work of a phase; the others sleep until they are woken for it. */
static void work(uint32_t now, uint32_t processor)
{
	if (now == WRITE)
		pages_write(processor, count);
	else
		add_shared(&words_right, pages_check(processor, count));
	add_shared(&done[now], 1);
}

void processor_main(uint32_t number)
{
	load_idt();
	for (uint32_t now = WRITE; now < OVER; now++) {
		while (phase < now)
			wait_for_interrupt();
		work(now, number);
	}
}

static void start_others(uint32_t expected)
{
	uint32_t limit = expected ? LONG : UNTOLD, start = ticks;

	copy_trampoline();
	*apic(APIC_COMMAND) = INIT;
	wait_until(&ticks, ticks + 2, 2);
	do {
		*apic(APIC_COMMAND) = STARTUP;
		wait_until(&processors, expected ? expected : UINT32_MAX, AGAIN);
	} while (processors < expected && ticks - start < limit);
}

static void processors_verdict(uint32_t expected)
{
	verdict(!expected || processors == expected, "processors");
	put_number(processors, 1);
	if (expected) {
		put(" of ");
		put_number(expected, 1);
	}
	put(processors == 1 && expected <= 1 ? " runs\n" : " run\n");
}

void smp_test(uint32_t expected, bool timer)
{
	if (timer && expected != 1)
		start_others(expected);
	processors_verdict(expected);
	count = processors;
	for (uint32_t now = WRITE; now < OVER; now++) {
		phase = now;
		if (count > 1)
			*apic(APIC_COMMAND) = WAKE;
		work(now, 0);
		if (count > 1)
			wait_until(&done[now], count, LONG);
	}
	pages_verdict(words_right, count);
}
