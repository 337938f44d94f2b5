/* SPDX-License-Identifier: MIT */
/* Fuzzing a UART: the input is what a guest and a console do to it, one after the other. */
#ifndef KEG_FUZZ_UART_H
#define KEG_FUZZ_UART_H

#include "dev/uart.h"
#include "fuzzing.h"

/* What one byte of input stands for; the others are what it needs. */
enum { UART_READ, UART_WRITE, UART_INPUT, UART_BREAK, UART_RESET, UART_STEPS };

/* The other end: it knows how the line stands, and whether it was promised to be told of room. */
struct fuzz_uart {
	struct keg_uart *uart;
	bool irq, waits;
};

static inline void fuzz_uart_output(void *context, const void *bytes, size_t count)
{
	(void)bytes;
	/* An echo: input from within output. */
	keg_uart_receive(((struct fuzz_uart *)context)->uart, bytes, count);
}

static inline void fuzz_uart_ready(void *context)
{
	struct fuzz_uart *other = context;

	/* What was promised is kept: there is room. */
	fuzz_check(keg_uart_receive(other->uart, "x", 1) == 1);
	other->waits = false;
}

static inline void fuzz_uart_irq(void *context, bool high)
{
	struct fuzz_uart *other = context;

	fuzz_check(other->irq != high);
	other->irq = high;
}

static inline void fuzz_uart_step(struct fuzz_uart *other, struct fuzz_input *input, uint64_t size)
{
	uint32_t what = (uint32_t)fuzz_take(input, 1), bytes = 1U << (what >> 4 & 3);
	uint64_t offset, text;

	switch (what % UART_STEPS) {
	case UART_READ:
		offset = fuzz_take(input, 2) % (size - bytes + 1);
		(void)keg_uart_ops.read(other->uart, offset, bytes);
		break;
	case UART_WRITE:
		offset = fuzz_take(input, 2) % (size - bytes + 1);
		keg_uart_ops.write(other->uart, offset, fuzz_take(input, bytes), bytes);
		break;
	case UART_INPUT:
		text = fuzz_take(input, bytes);
		other->waits = keg_uart_receive(other->uart, &text, bytes) < bytes;
		break;
	case UART_BREAK:
		keg_uart_receive_break(other->uart);
		break;
	default:
		keg_uart_reset(other->uart);
	}
}

/* `uart` is one that was made with fuzz_uart_output() and the others, and `other` as context. */
static inline void fuzz_uart_run(
	struct fuzz_uart *other, struct keg_uart *uart, struct fuzz_input *input, uint64_t size)
{
	other->uart = uart;
	while (input->left) {
		fuzz_uart_step(other, input, size);
		fuzz_check(uart->received.count <= uart->received.depth);
		fuzz_check(uart->received.first < KEG_FIFO_CAPACITY);
		fuzz_check(uart->sending == 0);
		fuzz_check(!other->waits || uart->refused);
	}
	keg_uart_reset(uart);
	fuzz_check(!other->irq && !other->waits);
}

#endif
