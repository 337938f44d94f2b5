/* SPDX-License-Identifier: MIT */
/* The NS16550A's registers and interrupts. Sections are those of its data sheet. */
#include "dev/uart16550.h"

/* Interrupt Enable Register, section 8.7. */
enum {
	IER_RECEIVED = 1 << 0,
	IER_THR_EMPTY = 1 << 1,
	IER_LINE_STATUS = 1 << 2,
	IER_MODEM_STATUS = 1 << 3,
	IER_BITS = 0xf,
};

/* Interrupt Identification Register, section 8.6, highest priority first. */
enum {
	IIR_LINE_STATUS = 0x6,
	IIR_RECEIVED = 0x4,
	IIR_TIMEOUT = 0xc,
	IIR_THR_EMPTY = 0x2,
	IIR_MODEM_STATUS = 0x0,
	IIR_NONE = 0x1,
	IIR_FIFOS_ENABLED = 0xc0,
};

/* FIFO Control Register, section 8.5. */
enum {
	FCR_ENABLE = 1 << 0,
	FCR_CLEAR_RECEIVER = 1 << 1,
	FCR_TRIGGER_SHIFT = 6,
	FCR_KEPT = 0xc9,
};

/* Line Control Register, section 8.1. */
enum {
	LCR_BREAK = 1 << 6,
	LCR_DLAB = 1 << 7,
};

/* Line Status Register, section 8.4. */
enum {
	LSR_DATA_READY = 1 << 0,
	LSR_OVERRUN = 1 << 1,
	LSR_BREAK = 1 << 4,
	LSR_THR_EMPTY = 1 << 5,
	LSR_TRANSMITTER_EMPTY = 1 << 6,
	LSR_FIFO_ERROR = 1 << 7,
};

/* Modem Control Register, section 8.8. */
enum {
	MCR_DTR = 1 << 0,
	MCR_RTS = 1 << 1,
	MCR_OUT1 = 1 << 2,
	MCR_OUT2 = 1 << 3,
	MCR_LOOP = 1 << 4,
	MCR_BITS = 0x1f,
};

/* Modem Status Register, section 8.9. The deltas are four bits below their lines. */
enum {
	MSR_CTS = 1 << 4,
	MSR_DSR = 1 << 5,
	MSR_RI = 1 << 6,
	MSR_DCD = 1 << 7,
	MSR_DELTA_SHIFT = 4,
};

/* Characters in the receive FIFO that raise the interrupt (section 8.5). */
static const uint32_t trigger_levels[] = {1, 4, 8, 14};

static bool fifos_enabled(const struct keg_uart16550 *uart)
{
	return uart->fcr & FCR_ENABLE;
}

static uint32_t received_interrupt(const struct keg_uart16550 *uart)
{
	uint32_t count = uart->uart.received.count;

	if (!fifos_enabled(uart))
		return count ? IIR_RECEIVED : IIR_NONE;
	if (count >= trigger_levels[uart->fcr >> FCR_TRIGGER_SHIFT])
		return IIR_RECEIVED;
	return count && !uart->timeout_running ? IIR_TIMEOUT : IIR_NONE;
}

/* The interrupt of the highest priority that is enabled and pending (section 8.6, table IV). */
static uint32_t pending_interrupt(const struct keg_uart16550 *uart)
{
	uint32_t received = received_interrupt(uart);

	if (uart->ier & IER_LINE_STATUS && uart->line_errors)
		return IIR_LINE_STATUS;
	if (uart->ier & IER_RECEIVED && received != IIR_NONE)
		return received;
	if (uart->ier & IER_THR_EMPTY && uart->thr_interrupt)
		return IIR_THR_EMPTY;
	if (uart->ier & IER_MODEM_STATUS && uart->modem_deltas)
		return IIR_MODEM_STATUS;
	return IIR_NONE;
}

static void update_irq(struct keg_uart16550 *uart)
{
	keg_uart_set_irq(&uart->uart, pending_interrupt(uart) != IIR_NONE);
}

/* A character's errors show in LSR when it is the next to be read (section 8.4). */
static void reveal_errors(struct keg_uart16550 *uart)
{
	uint16_t *next = keg_fifo_at(&uart->uart.received, 0);

	if (uart->uart.received.count == 0 || !(*next & KEG_FIFO_BREAK))
		return;
	*next &= KEG_FIFO_BYTE;
	uart->line_errors |= LSR_BREAK;
}

/* A character from the line, whether or not there is room (section 8.4, bit 1). */
static void receive_character(struct keg_uart16550 *uart, uint16_t character)
{
	struct keg_fifo *fifo = &uart->uart.received;

	if (keg_fifo_full(fifo)) {
		uart->line_errors |= LSR_OVERRUN;
		/* With FIFOs the new character is lost, without them the old one. */
		if (fifos_enabled(uart))
			return;
		keg_fifo_get(fifo);
	}
	keg_fifo_put(fifo, character);
	reveal_errors(uart);
}

static void clear_receiver(struct keg_uart16550 *uart)
{
	keg_fifo_clear(&uart->uart.received, fifos_enabled(uart) ? KEG_UART16550_FIFO : 1);
}

/* MSR's upper half: the modem's lines, or what loopback connects to them (section 8.8, bit 4). */
static uint32_t modem_lines(const struct keg_uart16550 *uart)
{
	if (!(uart->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uart->mcr & MCR_RTS ? MSR_CTS : 0U) | (uart->mcr & MCR_DTR ? MSR_DSR : 0U) |
	       (uart->mcr & MCR_OUT1 ? MSR_RI : 0U) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0U);
}

/* ---- The registers ---- */

static uint32_t read_data(void *device)
{
	struct keg_uart16550 *uart = device;
	uint32_t byte;

	if (uart->lcr & LCR_DLAB)
		return uart->dll;
	if (uart->uart.received.count == 0)
		return 0;
	byte = keg_fifo_get(&uart->uart.received) & KEG_FIFO_BYTE;
	reveal_errors(uart);
	/*
	 * Reading begins the timeout anew (section 8.11), and it runs out at once. The line goes
	 * low in between, for guests that take one character an interrupt.
	 */
	uart->timeout_running = true;
	update_irq(uart);
	uart->timeout_running = false;
	update_irq(uart);
	return byte;
}

/* The transmitter has become empty. */
static void sent(void *device)
{
	struct keg_uart16550 *uart = device;

	uart->thr_interrupt = true;
	update_irq(uart);
}

static void write_data(void *device, uint32_t value)
{
	struct keg_uart16550 *uart = device;

	if (uart->lcr & LCR_DLAB) {
		uart->dll = value;
		return;
	}
	uart->thr_interrupt = false;
	update_irq(uart);
	if (uart->mcr & MCR_LOOP) {
		receive_character(uart, (uint16_t)value);
		sent(uart);
		return;
	}
	keg_uart_send(&uart->uart, (uint8_t)value);
}

static uint32_t read_ier(void *device)
{
	const struct keg_uart16550 *uart = device;

	return uart->lcr & LCR_DLAB ? uart->dlm : uart->ier;
}

static void write_ier(void *device, uint32_t value)
{
	struct keg_uart16550 *uart = device;

	if (uart->lcr & LCR_DLAB) {
		uart->dlm = value;
		return;
	}
	/* Enabling it with the transmitter empty is an interrupt: drivers count on it. */
	if (value & ~uart->ier & IER_THR_EMPTY && uart->uart.sending == 0)
		uart->thr_interrupt = true;
	uart->ier = value & IER_BITS;
	update_irq(uart);
}

static uint32_t read_iir(void *device)
{
	struct keg_uart16550 *uart = device;
	uint32_t pending = pending_interrupt(uart);

	/* Reading takes this one away, if it is the one that is read (section 8.6, table IV). */
	if (pending == IIR_THR_EMPTY) {
		uart->thr_interrupt = false;
		update_irq(uart);
	}
	return pending | (fifos_enabled(uart) ? IIR_FIFOS_ENABLED : 0U);
}

static void write_fcr(void *device, uint32_t value)
{
	struct keg_uart16550 *uart = device;
	bool toggled = (value ^ uart->fcr) & FCR_ENABLE;

	/* The other bits count only together with this one (section 8.5, bit 0). */
	uart->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
	if (toggled || (fifos_enabled(uart) && value & FCR_CLEAR_RECEIVER))
		clear_receiver(uart);
	update_irq(uart);
}

static void write_lcr(void *device, uint32_t value)
{
	struct keg_uart16550 *uart = device;
	bool begins_break = value & ~uart->lcr & LCR_BREAK;

	uart->lcr = value;
	if (begins_break && uart->mcr & MCR_LOOP) {
		receive_character(uart, KEG_FIFO_BREAK);
		update_irq(uart);
	}
}

static void write_mcr(void *device, uint32_t value)
{
	struct keg_uart16550 *uart = device;
	uint32_t before = modem_lines(uart), after, changed;

	uart->mcr = value;
	uart->uart.closed = value & MCR_LOOP;
	after = modem_lines(uart);
	changed = before ^ after;
	/* The ring indicator's delta is of its trailing edge only (section 8.9, bit 2). */
	if (after & MSR_RI)
		changed &= ~(uint32_t)MSR_RI;
	uart->modem_deltas |= changed >> MSR_DELTA_SHIFT;
	update_irq(uart);
}

static bool fifo_has_errors(struct keg_uart16550 *uart)
{
	for (uint32_t i = 0; i < uart->uart.received.count; i++) {
		if (*keg_fifo_at(&uart->uart.received, i) & KEG_FIFO_BREAK)
			return true;
	}
	return uart->line_errors & LSR_BREAK;
}

static uint32_t read_lsr(void *device)
{
	struct keg_uart16550 *uart = device;
	uint32_t value = uart->line_errors;

	if (uart->uart.received.count)
		value |= LSR_DATA_READY;
	if (uart->uart.sending == 0)
		value |= LSR_THR_EMPTY | LSR_TRANSMITTER_EMPTY;
	if (fifos_enabled(uart) && fifo_has_errors(uart))
		value |= LSR_FIFO_ERROR;
	uart->line_errors = 0;
	update_irq(uart);
	return value;
}

static uint32_t read_msr(void *device)
{
	struct keg_uart16550 *uart = device;
	uint32_t value = modem_lines(uart) | uart->modem_deltas;

	uart->modem_deltas = 0;
	update_irq(uart);
	return value;
}

#define MEMBER(name) .member = offsetof(struct keg_uart16550, name)

/* Section 8, table I; at 0 and 1 is the divisor latch while DLAB is set, at 2 IIR is read. */
static const struct keg_register registers[] = {
	{"RBR, THR, DLL", 0, 1, KEG_REGISTER_RW, 0xff, .read = read_data, .write = write_data},
	{"IER, DLM", 1, 1, KEG_REGISTER_RW, 0xff, .read = read_ier, .write = write_ier},
	{"IIR, FCR", 2, 1, KEG_REGISTER_RW, 0xff, .read = read_iir, .write = write_fcr},
	{"LCR", 3, 1, KEG_REGISTER_RW, 0xff, MEMBER(lcr), .write = write_lcr},
	{"MCR", 4, 1, KEG_REGISTER_RW, MCR_BITS, MEMBER(mcr), .write = write_mcr},
	{"LSR", 5, 1, KEG_REGISTER_RO, 0xff, .read = read_lsr},
	{"MSR", 6, 1, KEG_REGISTER_RO, 0xff, .read = read_msr},
	{"SCR", 7, 1, KEG_REGISTER_RW, 0xff, MEMBER(scratch)},
};

/* ---- The chip ---- */

static void put(void *device, uint16_t character)
{
	receive_character(device, character);
	update_irq(device);
}

/* Master reset (section 8, table "UART Reset Configuration"). */
static void reset(void *device)
{
	struct keg_uart16550 *uart = device;

	uart->ier = uart->fcr = uart->lcr = uart->mcr = 0;
	uart->line_errors = uart->modem_deltas = 0;
	uart->thr_interrupt = uart->timeout_running = false;
	/* Not part of a reset; but as firmware would leave it, 115,200 baud, for who reads it. */
	uart->dll = 1;
	uart->dlm = 0;
	clear_receiver(uart);
	update_irq(uart);
}

static const struct keg_uart_chip chip = {
	.registers = {registers, sizeof(registers) / sizeof(registers[0])},
	.reset = reset,
	.put = put,
	.sent = sent,
};

int keg_uart16550_init(
	struct keg_uart16550 *uart, const struct keg_console *console, const struct keg_irq *irq)
{
	uart->scratch = 0;
	return keg_uart_init(&uart->uart, &chip, console, irq);
}
