/* SPDX-License-Identifier: MIT */
/*
 * What all UARTs have in common: a console on the host's side, an interrupt line on the guest's, a
 * receive FIFO in between, and the rules for locking. A chip adds its registers.
 *
 * Transmission takes as long as the console's output does, and a received character's timeout has
 * always run out: the baud rate and the line's format are kept and change nothing.
 *
 * Threads: any thread at any time. A chip's functions are called with the UART's lock held, and so
 * is the interrupt line; the console never is, so that it may block, or feed input.
 */
#ifndef KEG_DEV_UART_H
#define KEG_DEV_UART_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keg/bus.h>

#include "dev/irq.h"
#include "dev/registers.h"

/* Either function may be NULL. They are called in the thread of whatever brought the call about. */
struct keg_console {
	/* The guest has sent this. The transmitter is busy until it returns. */
	void (*output)(void *context, const void *bytes, size_t count);
	/*
	 * There is room for input again: called once after each time input was turned away.
	 * Input comes in portions: it waits until half of the FIFO is free.
	 */
	void (*input_ready)(void *context);
	void *context;
};

enum {
	KEG_FIFO_CAPACITY = 32, /* of the deepest FIFO that a chip has */

	KEG_FIFO_BYTE = 0xff,
	KEG_FIFO_BREAK = 0x100, /* set for a character that is a break */
};

/* Received characters, first in, first out. */
struct keg_fifo {
	uint16_t chars[KEG_FIFO_CAPACITY];
	uint32_t depth; /* how many it takes at present */
	uint32_t first;
	uint32_t count;
};

void keg_fifo_clear(struct keg_fifo *fifo, uint32_t depth);
bool keg_fifo_full(const struct keg_fifo *fifo);

/* The i-th character, 0 is the oldest: i must be below `count`. */
uint16_t *keg_fifo_at(struct keg_fifo *fifo, uint32_t i);

/* Must not be full, and must not be empty. */
void keg_fifo_put(struct keg_fifo *fifo, uint16_t character);
uint16_t keg_fifo_get(struct keg_fifo *fifo);

/* A kind of UART. `uart` is the first member of the device's structure. */
struct keg_uart_chip {
	struct keg_register_map registers;
	void (*reset)(void *uart);
	void (*put)(void *uart, uint16_t character); /* received; there is room */
	void (*sent)(void *uart);                    /* all that was sent is gone */
};

struct keg_uart {
	const struct keg_uart_chip *chip;
	struct keg_console console;
	struct keg_irq irq;
	pthread_mutex_t lock;
	bool irq_high;
	bool closed;     /* the receiver does not hear the console */
	bool refused;    /* input was turned away: the console waits for room */
	bool has_output; /* the access that goes on sends `output` */
	uint8_t output;
	uint32_t sending; /* calls of console.output that have not returned */
	struct keg_fifo received;
};

/* The operations of the bus region of every UART. */
extern const struct keg_bus_ops keg_uart_ops;

/* For chips: readies what is common, and resets. A negative errno if there can be no lock. */
int keg_uart_init(struct keg_uart *uart, const struct keg_uart_chip *chip,
	const struct keg_console *console, const struct keg_irq *irq);
void keg_uart_fini(struct keg_uart *uart);

/* For chips: sets the interrupt line, and sends a byte. */
void keg_uart_set_irq(struct keg_uart *uart, bool high);
void keg_uart_send(struct keg_uart *uart, uint8_t byte);

/* The chip's reset input. */
void keg_uart_reset(struct keg_uart *uart);

/*
 * Input from the console. Returns for how many bytes there was room; if that is not all, the
 * console's input_ready() will be called once when there is room.
 */
size_t keg_uart_receive(struct keg_uart *uart, const void *bytes, size_t count);

/* A break on the line. Returns false when there was no room for it: as for input. */
bool keg_uart_receive_break(struct keg_uart *uart);

#endif
