/* SPDX-License-Identifier: MIT */
/*
 * The default guest: what `keg run` boots when it is given nothing. A Multiboot program without an
 * operating system that looks at its machine, tests it, and powers off. Kept short, because there
 * are hosts on which KVM interprets every instruction of it.
 */
#include "machine.h"
#include "report.h"

void guest_main(uint32_t magic, const uint32_t *info);

/* ---- The serial port: a 16550 with its FIFO on ---- */

enum { UART = 0x3f8, UART_FIFO = UART + 2, UART_STATUS = UART + 5, FIFO_BYTES = 16 };

/* How long the UART may take for a FIFO, in looks at its status. */
enum { PATIENCE = 10000 };

static void uart_write(const char *text, unsigned int length)
{
	for (int i = 0; i < PATIENCE && !(in8(UART_STATUS) & 0x20); i++)
		;
	__asm__ volatile("rep outsb" : "+S"(text), "+c"(length) : "d"(UART) : "memory");
}

void console_write(const char *text, unsigned int length)
{
	while (length > FIFO_BYTES) {
		uart_write(text, FIFO_BYTES);
		text += FIFO_BYTES;
		length -= FIFO_BYTES;
	}
	uart_write(text, length);
}

/* ---- How it ends ---- */

static _Noreturn void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

void power_off(void)
{
	out16(0x604, 0x2000);
	halt();
}

void debug_exit(uint8_t value)
{
	out8(0xf4, value);
	halt();
}

/* ---- The whole of it ---- */

void guest_main(uint32_t magic, const uint32_t *info)
{
	uint32_t failed;
	bool timer;

	out8(UART_FIFO, 1);
	put("keg: default guest\n"
	    "A program without an operating system: it looks at its machine, then tests it.\n\n");
	interrupts_init();
	cpu_report();
	memory_init(info, magic);
	io_report();
	put("\n");
	timer = timer_test();
	smp_test(memory_cpus(), timer);
	io_test();
	failed = conclusion();
	if (failed)
		debug_exit((uint8_t)failed);
	power_off();
}
