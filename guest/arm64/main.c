/* SPDX-License-Identifier: MIT */
/*
 * The default guest: what `keg run` boots when it is given nothing. A program without an operating
 * system that looks at its machine, tests it, and powers off. It leaves the MMU off, so it keeps
 * away from exclusive accesses, which need memory that can be cached.
 */
#include "machine.h"
#include "report.h"

_Noreturn void guest_main(uint64_t zero, const char *command_line);

/* ---- The serial port: a PL011 with its FIFOs on ---- */

enum { UART = 0x09000000, UART_FLAGS = UART + 0x18, UART_LINE = UART + 0x2c };
enum { UART_CONTROL = UART + 0x30, SENT = 1 << 7, FIFO_BYTES = 16 };

/* How long the UART may take for a FIFO, in looks at its flags. */
enum { PATIENCE = 1000000 };

static void uart_init(void)
{
	*word(UART_LINE) = 0x70;     /* 8 bits, FIFOs */
	*word(UART_CONTROL) = 0x301; /* on, in both directions */
}

void console_write(const char *text, unsigned int length)
{
	for (unsigned int i = 0; i < length; i++) {
		for (int j = 0; i % FIFO_BYTES == 0 && j < PATIENCE; j++) {
			if (*word(UART_FLAGS) & SENT)
				break;
		}
		*word(UART) = (uint8_t)text[i];
	}
}

/* ---- The whole of it ---- */

/* There is no way to tell of failure but the text, so that a machine that failed is reset. */
static _Noreturn void end(uint32_t failed)
{
	for (;;)
		hypercall(failed ? PSCI_RESET : PSCI_SYSTEM_OFF, 0, 0, 0);
}

void guest_main(uint64_t zero, const char *command_line)
{
	(void)zero;
	uart_init();
	put("keg: default guest\n"
	    "A program without an operating system: it looks at its machine, then tests it.\n\n");
	cpu_report();
	memory_init();
	put("\n");
	timer_test();
	smp_test(command_line ? option(command_line, "cpus=") : 0);
	io_test();
	end(conclusion());
}
