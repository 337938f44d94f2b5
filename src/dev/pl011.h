/* SPDX-License-Identifier: MIT */
/*
 * Arm's PrimeCell UART (PL011), revision r1p5, without DMA. Sections that are cited are those of
 * its Technical Reference Manual (ARM DDI 0183G). The modem on the line is always there and ready.
 *
 * No firmware has run before the guest, and many guests expect that one has: the UART sends and
 * receives whether or not UARTEN, TXE and RXE are set.
 */
#ifndef KEG_DEV_PL011_H
#define KEG_DEV_PL011_H

#include "dev/uart.h"

enum {
	KEG_PL011_SIZE = 0x1000, /* bytes of its region */
	KEG_PL011_FIFO = 32,
};

struct keg_pl011 {
	struct keg_uart uart; /* console, input, reset and the bus are its */
	uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr;
	uint32_t latched; /* UARTRIS without the receive timeout */
	bool overrun;     /* a character was lost since the last that was read */
};

/* Makes one, reset. Both structures are copied. */
int keg_pl011_init(
	struct keg_pl011 *uart, const struct keg_console *console, const struct keg_irq *irq);

#endif
