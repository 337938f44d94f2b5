/* SPDX-License-Identifier: MIT */
/* Ports and memory-mapped I/O. */
#include "machine.h"
#include "report.h"

/* ---- The real-time clock (an MC146818) ---- */

enum { CMOS_INDEX = 0x70, CMOS_DATA = 0x71 };
enum { SECONDS = 0, MINUTES = 2, HOURS = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A, STATUS_B };

static uint8_t cmos(uint8_t index)
{
	out8(CMOS_INDEX, index);
	return in8(CMOS_DATA);
}

/* A register of the time, which may be binary-coded decimal. */
static void put_time(uint8_t index, bool binary, const char *after)
{
	uint8_t value = cmos(index);

	put_number(binary ? value : (value >> 4) * 10u + (value & 15), 2);
	put(after);
}

void io_report(void)
{
	uint8_t status = cmos(STATUS_B);
	bool binary = status & 4;

	fact("clock");
	if (status == 0xff) {
		put("none\n");
		return;
	}
	/* The time stands still while bit 7 of status A is clear, for at least 244 us. */
	for (int i = 0; i < 1000 && cmos(STATUS_A) & 0x80; i++)
		;
	put("20");
	put_time(YEAR, binary, "-");
	put_time(MONTH, binary, "-");
	put_time(DAY, binary, " ");
	put_time(HOURS, binary, ":");
	put_time(MINUTES, binary, ":");
	put_time(SECONDS, binary, "\n");
}

/* ---- Tests ---- */

enum { UART_SCRATCH = 0x3ff, UNCLAIMED_PORT = 0x2e0 };
#define UNCLAIMED_MEMORY 0xf0000000u

static void port_test(void)
{
	static const uint8_t values[] = {0x55, 0xaa, 0x00};
	bool passed = in8(UNCLAIMED_PORT) == 0xff;

	for (unsigned int i = 0; i < sizeof(values); i++) {
		out8(UART_SCRATCH, values[i]);
		passed = in8(UART_SCRATCH) == values[i] && passed;
	}
	verdict(passed, "port I/O");
	put("the UART's scratch register holds; an unclaimed port reads all ones\n");
}

static void memory_test(void)
{
	volatile uint32_t *word = (volatile uint32_t *)UNCLAIMED_MEMORY;
	bool passed;

	*word = 0x12345678;
	passed = *word == 0xffffffff && *(volatile uint8_t *)word == 0xff;
	verdict(passed, "memory I/O");
	put("unclaimed memory at ");
	put_hex(UNCLAIMED_MEMORY);
	put(" reads all ones\n");
}

void io_test(void)
{
	port_test();
	memory_test();
}
