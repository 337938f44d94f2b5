/* SPDX-License-Identifier: MIT */
/* The local APIC's timer: interrupts at a steady rate, while the processor is halted. */
#include "machine.h"
#include "report.h"

/* Ten ticks of one millisecond, where the timer counts nanoseconds, as KVM's does. */
enum { PERIOD = 1000000, TICKS = 10 };

/* How long to wait for the first tick, in looks at the timer. */
enum { PATIENCE = 50000 };

/* ---- The 8254, to measure with: counter 0, 1193182 times a second, from 65536 on down ---- */

enum { PIT_COUNTER = 0x40, PIT_CONTROL = 0x43 };

static void pit_start(void)
{
	out8(PIT_CONTROL, 0x34); /* counter 0, both bytes, mode 2 */
	out8(PIT_COUNTER, 0);
	out8(PIT_COUNTER, 0);
}

static uint16_t pit_read(void)
{
	uint8_t low;

	out8(PIT_CONTROL, 0x00); /* hold counter 0's value */
	low = in8(PIT_COUNTER);
	return (uint16_t)(in8(PIT_COUNTER) << 8 | low);
}

/* Whether the first tick comes at all: not halted, so that its absence can be told. */
static bool first_tick(void)
{
	interrupts_on();
	for (int i = 0; i < PATIENCE && !ticks; i++)
		(void)*apic(APIC_TIMER_CURRENT);
	interrupts_off();
	return ticks != 0;
}

static void put_milliseconds(uint16_t counts)
{
	uint32_t tenths = (uint32_t)counts * 10 / 1193;

	put(", in ");
	put_number(tenths / 10, 1);
	put(".");
	put_number(tenths % 10, 1);
	put(" ms");
}

bool timer_test(void)
{
	uint16_t start, elapsed;
	uint32_t first;

	*apic(APIC_TIMER_DIVIDE) = 0xb;                 /* by 1 */
	*apic(APIC_LVT_TIMER) = 0x20000 | VECTOR_TIMER; /* periodic */
	*apic(APIC_TIMER_INITIAL) = PERIOD;
	if (!first_tick()) {
		verdict(false, "timer");
		put("no interrupt from the local APIC\n");
		return false;
	}
	pit_start();
	start = pit_read();
	first = ticks;
	while (ticks - first < TICKS)
		wait_for_interrupt();
	elapsed = (uint16_t)(start - pit_read());
	verdict(true, "timer");
	put_number(TICKS, 1);
	put(" interrupts while halted");
	if (elapsed)
		put_milliseconds(elapsed);
	put("\n");
	return true;
}
