/* SPDX-License-Identifier: MIT */
/*
 * A serial port with a National Semiconductor NS16550A, the PC's. Sections that are cited are those
 * of its data sheet (PC16550D, June 1995). The modem on the line is always there and ready. OUT2
 * does not gate the interrupt, as it does on some boards.
 */
#ifndef KEG_DEV_UART16550_H
#define KEG_DEV_UART16550_H

#include "dev/uart.h"

enum {
	KEG_UART16550_SIZE = 8, /* bytes of its region */
	KEG_UART16550_FIFO = 16,
};

struct keg_uart16550 {
	struct keg_uart uart; /* console, input, reset and the bus are its */
	uint32_t ier, fcr, lcr, mcr, scratch;
	uint32_t dll, dlm;
	uint32_t line_errors;  /* LSR bits 1 to 4 until LSR is read */
	uint32_t modem_deltas; /* MSR bits 0 to 3 until MSR is read */
	bool thr_interrupt;    /* the transmitter has become empty */
	bool timeout_running;  /* within reading RBR: the timeout begins anew */
};

/* Makes one, reset. Both structures are copied. */
int keg_uart16550_init(
	struct keg_uart16550 *uart, const struct keg_console *console, const struct keg_irq *irq);

#endif
