/* SPDX-License-Identifier: MIT */
/* The PL011's registers and interrupts. Sections are those of its Technical Reference Manual. */
#include "dev/pl011.h"

/* UARTDR and UARTRSR, sections 3.3.1 and 3.3.2: the same bits, at 8 and at 0. */
enum {
	RSR_BREAK = 1 << 2,
	RSR_OVERRUN = 1 << 3,
	DR_ERROR_SHIFT = 8,
};

/* UARTFR, section 3.3.3. */
enum {
	FR_CTS = 1 << 0,
	FR_DSR = 1 << 1,
	FR_DCD = 1 << 2,
	FR_BUSY = 1 << 3,
	FR_RX_EMPTY = 1 << 4,
	FR_TX_FULL = 1 << 5,
	FR_RX_FULL = 1 << 6,
	FR_TX_EMPTY = 1 << 7,
	FR_RI = 1 << 8,
	FR_MODEM = FR_CTS | FR_DSR | FR_DCD | FR_RI,
};

/* UARTLCR_H, section 3.3.7. */
enum {
	LCR_H_BREAK = 1 << 0,
	LCR_H_FIFOS = 1 << 4,
};

/* UARTCR, section 3.3.8. */
enum {
	CR_LOOPBACK = 1 << 7,
	CR_DTR = 1 << 10,
	CR_RTS = 1 << 11,
	CR_OUT1 = 1 << 12,
	CR_OUT2 = 1 << 13,
	CR_RESET = 0x300,
};

/* UARTIFLS, section 3.3.9: bits 3 to 5 choose how much is received before the interrupt. */
enum {
	IFLS_RX_SHIFT = 3,
	IFLS_RX_MASK = 7,
	IFLS_RESET = 0x12,
};

/* UARTIMSC, UARTRIS, UARTMIS and UARTICR, sections 3.3.10 to 3.3.13. */
enum {
	INT_RI = 1 << 0,
	INT_CTS = 1 << 1,
	INT_DCD = 1 << 2,
	INT_DSR = 1 << 3,
	INT_RX = 1 << 4,
	INT_TX = 1 << 5,
	INT_RX_TIMEOUT = 1 << 6,
	INT_BREAK = 1 << 9,
	INT_OVERRUN = 1 << 10,
	INT_ALL = 0x7ff,
};

static bool fifos_enabled(const struct keg_pl011 *uart)
{
	return uart->lcr_h & LCR_H_FIFOS;
}

/* Characters that raise the receive interrupt: 1/8, 1/4, 1/2, 3/4 and 7/8 of the FIFO. */
static uint32_t receive_trigger(const struct keg_pl011 *uart)
{
	static const uint8_t eighths[IFLS_RX_MASK + 1] = {1, 2, 4, 6, 7, 7, 7, 7};

	if (!fifos_enabled(uart))
		return 1;
	return eighths[uart->ifls >> IFLS_RX_SHIFT & IFLS_RX_MASK] * (KEG_PL011_FIFO / 8U);
}

/* The receive timeout has always run out: it stands as long as anything waits (section 2.8.4). */
static uint32_t raw_interrupts(const struct keg_pl011 *uart)
{
	return uart->latched | (uart->uart.received.count ? INT_RX_TIMEOUT : 0U);
}

static void update_irq(struct keg_pl011 *uart)
{
	keg_uart_set_irq(&uart->uart, raw_interrupts(uart) & uart->imsc);
}

/* A character from the line, whether or not there is room. */
static void receive_character(struct keg_pl011 *uart, uint16_t character)
{
	struct keg_fifo *fifo = &uart->uart.received;

	if (keg_fifo_full(fifo)) {
		uart->overrun = true;
		uart->rsr |= RSR_OVERRUN;
		uart->latched |= INT_OVERRUN;
		return;
	}
	keg_fifo_put(fifo, character);
	if (character & KEG_FIFO_BREAK)
		uart->latched |= INT_BREAK;
	/* Only reaching the level is an interrupt, not being above it (section 2.8.2). */
	if (fifo->count == receive_trigger(uart))
		uart->latched |= INT_RX;
}

static void clear_receiver(struct keg_pl011 *uart)
{
	keg_fifo_clear(&uart->uart.received, fifos_enabled(uart) ? KEG_PL011_FIFO : 1);
	uart->overrun = false;
	uart->latched &= ~(uint32_t)INT_RX;
}

/* The modem's lines, or what loopback connects to them (section 3.3.8, LBE). */
static uint32_t modem_lines(const struct keg_pl011 *uart)
{
	if (!(uart->cr & CR_LOOPBACK))
		return FR_CTS | FR_DSR | FR_DCD;
	return (uart->cr & CR_RTS ? FR_CTS : 0U) | (uart->cr & CR_DTR ? FR_DSR : 0U) |
	       (uart->cr & CR_OUT1 ? FR_DCD : 0U) | (uart->cr & CR_OUT2 ? FR_RI : 0U);
}

/* ---- The registers ---- */

static uint32_t read_dr(void *device)
{
	struct keg_pl011 *uart = device;
	struct keg_fifo *fifo = &uart->uart.received;
	uint32_t character;

	if (fifo->count == 0)
		return 0;
	character = keg_fifo_get(fifo);
	uart->rsr &= RSR_OVERRUN;
	if (character & KEG_FIFO_BREAK)
		uart->rsr |= RSR_BREAK;
	character = (character & KEG_FIFO_BYTE) | (uart->rsr & RSR_BREAK) << DR_ERROR_SHIFT;
	if (uart->overrun)
		character |= (uint32_t)RSR_OVERRUN << DR_ERROR_SHIFT;
	uart->overrun = false;
	if (fifo->count < receive_trigger(uart))
		uart->latched &= ~(uint32_t)INT_RX;
	update_irq(uart);
	return character;
}

/* The transmitter has become empty (section 2.8.3): passing the level is what counts. */
static void sent(void *device)
{
	struct keg_pl011 *uart = device;

	uart->latched |= INT_TX;
	update_irq(uart);
}

static void write_dr(void *device, uint32_t value)
{
	struct keg_pl011 *uart = device;

	/* One character fills the holding register, but no FIFO up to its level. */
	if (!fifos_enabled(uart))
		uart->latched &= ~(uint32_t)INT_TX;
	update_irq(uart);
	if (uart->cr & CR_LOOPBACK) {
		receive_character(uart, value & KEG_FIFO_BYTE);
		sent(uart);
		return;
	}
	keg_uart_send(&uart->uart, value & KEG_FIFO_BYTE);
}

/* Whatever is written clears all errors (section 3.3.2). */
static void write_ecr(void *device, uint32_t value)
{
	struct keg_pl011 *uart = device;

	(void)value;
	uart->rsr = 0;
}

static uint32_t read_fr(void *device)
{
	struct keg_pl011 *uart = device;
	uint32_t value = modem_lines(uart);

	if (uart->uart.received.count == 0)
		value |= FR_RX_EMPTY;
	if (keg_fifo_full(&uart->uart.received))
		value |= FR_RX_FULL;
	if (uart->uart.sending)
		value |= FR_BUSY | FR_TX_FULL;
	else
		value |= FR_TX_EMPTY;
	return value;
}

static void write_lcr_h(void *device, uint32_t value)
{
	struct keg_pl011 *uart = device;
	uint32_t changed = value ^ uart->lcr_h;

	uart->lcr_h = value;
	if (changed & LCR_H_FIFOS)
		clear_receiver(uart);
	if (changed & value & LCR_H_BREAK && uart->cr & CR_LOOPBACK)
		receive_character(uart, KEG_FIFO_BREAK);
	update_irq(uart);
}

static void write_cr(void *device, uint32_t value)
{
	static const struct {
		uint32_t line, interrupt;
	} deltas[] = {
		{FR_RI, INT_RI},
		{FR_CTS, INT_CTS},
		{FR_DCD, INT_DCD},
		{FR_DSR, INT_DSR},
	};
	struct keg_pl011 *uart = device;
	uint32_t changed = modem_lines(uart);

	uart->cr = value;
	uart->uart.closed = value & CR_LOOPBACK;
	changed ^= modem_lines(uart);
	for (size_t i = 0; i < sizeof(deltas) / sizeof(deltas[0]); i++) {
		if (changed & deltas[i].line)
			uart->latched |= deltas[i].interrupt;
	}
	update_irq(uart);
}

static void write_imsc(void *device, uint32_t value)
{
	struct keg_pl011 *uart = device;

	uart->imsc = value;
	update_irq(uart);
}

static uint32_t read_ris(void *device)
{
	return raw_interrupts(device);
}

static uint32_t read_mis(void *device)
{
	const struct keg_pl011 *uart = device;

	return raw_interrupts(uart) & uart->imsc;
}

static void write_icr(void *device, uint32_t value)
{
	struct keg_pl011 *uart = device;

	uart->latched &= ~value;
	update_irq(uart);
}

#define MEMBER(name) .member = offsetof(struct keg_pl011, name)

/* Section 3.2, table 3-1. */
static const struct keg_register registers[] = {
	{"UARTDR", 0x000, 4, KEG_REGISTER_RW, 0xfff, .read = read_dr, .write = write_dr},
	{"UARTFR", 0x018, 4, KEG_REGISTER_RO, 0x1ff, .read = read_fr},
	{"UARTRSR, UARTECR", 0x004, 4, KEG_REGISTER_RW, 0xff, MEMBER(rsr), .write = write_ecr},
	{"UARTILPR", 0x020, 4, KEG_REGISTER_RW, 0xff, MEMBER(ilpr)},
	{"UARTIBRD", 0x024, 4, KEG_REGISTER_RW, 0xffff, MEMBER(ibrd)},
	{"UARTFBRD", 0x028, 4, KEG_REGISTER_RW, 0x3f, MEMBER(fbrd)},
	{"UARTLCR_H", 0x02c, 4, KEG_REGISTER_RW, 0xff, MEMBER(lcr_h), .write = write_lcr_h},
	{"UARTCR", 0x030, 4, KEG_REGISTER_RW, 0xff87, MEMBER(cr), .write = write_cr},
	{"UARTIFLS", 0x034, 4, KEG_REGISTER_RW, 0x3f, MEMBER(ifls)},
	{"UARTIMSC", 0x038, 4, KEG_REGISTER_RW, INT_ALL, MEMBER(imsc), .write = write_imsc},
	{"UARTRIS", 0x03c, 4, KEG_REGISTER_RO, INT_ALL, .read = read_ris},
	{"UARTMIS", 0x040, 4, KEG_REGISTER_RO, INT_ALL, .read = read_mis},
	{"UARTICR", 0x044, 4, KEG_REGISTER_WO, INT_ALL, .write = write_icr},
	{"UARTDMACR", 0x048, 4, KEG_REGISTER_RW, 0x7, MEMBER(dmacr)},
	{"UARTPeriphID0", 0xfe0, 4, KEG_REGISTER_FIXED, .mask = 0x11},
	{"UARTPeriphID1", 0xfe4, 4, KEG_REGISTER_FIXED, .mask = 0x10},
	{"UARTPeriphID2", 0xfe8, 4, KEG_REGISTER_FIXED, .mask = 0x34},
	{"UARTPeriphID3", 0xfec, 4, KEG_REGISTER_FIXED, .mask = 0x00},
	{"UARTPCellID0", 0xff0, 4, KEG_REGISTER_FIXED, .mask = 0x0d},
	{"UARTPCellID1", 0xff4, 4, KEG_REGISTER_FIXED, .mask = 0xf0},
	{"UARTPCellID2", 0xff8, 4, KEG_REGISTER_FIXED, .mask = 0x05},
	{"UARTPCellID3", 0xffc, 4, KEG_REGISTER_FIXED, .mask = 0xb1},
};

/* ---- The chip ---- */

static void put(void *device, uint16_t character)
{
	receive_character(device, character);
	update_irq(device);
}

static void reset(void *device)
{
	struct keg_pl011 *uart = device;

	uart->rsr = uart->ilpr = uart->ibrd = uart->fbrd = uart->lcr_h = 0;
	uart->cr = CR_RESET;
	uart->ifls = IFLS_RESET;
	uart->imsc = uart->dmacr = uart->latched = 0;
	clear_receiver(uart);
	update_irq(uart);
}

static const struct keg_uart_chip chip = {
	.registers = {registers, sizeof(registers) / sizeof(registers[0])},
	.reset = reset,
	.put = put,
	.sent = sent,
};

int keg_pl011_init(
	struct keg_pl011 *uart, const struct keg_console *console, const struct keg_irq *irq)
{
	return keg_uart_init(&uart->uart, &chip, console, irq);
}
