/* SPDX-License-Identifier: MIT */
/* UARTs: the receive FIFO, the console's side, and accesses under the lock. */
#include "dev/uart.h"

#include "base/error.h"

void keg_fifo_clear(struct keg_fifo *fifo, uint32_t depth)
{
	fifo->depth = depth;
	fifo->first = 0;
	fifo->count = 0;
}

bool keg_fifo_full(const struct keg_fifo *fifo)
{
	return fifo->count >= fifo->depth;
}

uint16_t *keg_fifo_at(struct keg_fifo *fifo, uint32_t i)
{
	return &fifo->chars[(fifo->first + i) % KEG_FIFO_CAPACITY];
}

void keg_fifo_put(struct keg_fifo *fifo, uint16_t character)
{
	*keg_fifo_at(fifo, fifo->count++) = character;
}

uint16_t keg_fifo_get(struct keg_fifo *fifo)
{
	uint16_t character = *keg_fifo_at(fifo, 0);

	fifo->first = (fifo->first + 1) % KEG_FIFO_CAPACITY;
	fifo->count--;
	return character;
}

int keg_uart_init(struct keg_uart *uart, const struct keg_uart_chip *chip,
	const struct keg_console *console, const struct keg_irq *irq)
{
	int error;

	*uart = (struct keg_uart){.chip = chip, .console = *console, .irq = *irq};
	error = pthread_mutex_init(&uart->lock, NULL);
	if (error)
		return keg_fail_errno(error, "making a lock for a serial port");
	chip->reset(uart);
	return 0;
}

void keg_uart_fini(struct keg_uart *uart)
{
	pthread_mutex_destroy(&uart->lock);
}

void keg_uart_set_irq(struct keg_uart *uart, bool high)
{
	if (uart->irq_high == high)
		return;
	uart->irq_high = high;
	keg_irq_set(&uart->irq, high);
}

/* An access sends one byte at most: there is one data register, and it begins at one offset. */
void keg_uart_send(struct keg_uart *uart, uint8_t byte)
{
	uart->has_output = true;
	uart->output = byte;
}

/* Whether the console must be told of room; it is then no longer waiting for it. */
static bool take_room(struct keg_uart *uart)
{
	const struct keg_fifo *fifo = &uart->received;

	if (!uart->refused || uart->closed || fifo->count > fifo->depth / 2)
		return false;
	uart->refused = false;
	return true;
}

/* Hands the console what the access sends, without the lock. */
static void output(struct keg_uart *uart)
{
	uint8_t byte = uart->output;

	uart->has_output = false;
	uart->sending++;
	pthread_mutex_unlock(&uart->lock);
	if (uart->console.output)
		uart->console.output(uart->console.context, &byte, 1);
	pthread_mutex_lock(&uart->lock);
	uart->sending--;
	if (uart->sending == 0)
		uart->chip->sent(uart);
}

/* Does what an access has brought about, and unlocks. */
static void leave(struct keg_uart *uart)
{
	bool room;

	if (uart->has_output)
		output(uart);
	room = take_room(uart);
	pthread_mutex_unlock(&uart->lock);
	if (room && uart->console.input_ready)
		uart->console.input_ready(uart->console.context);
}

static uint64_t read_access(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_uart *uart = device;
	uint64_t value;

	pthread_mutex_lock(&uart->lock);
	value = keg_registers_read(&uart->chip->registers, uart, offset, bytes);
	leave(uart);
	return value;
}

static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_uart *uart = device;

	pthread_mutex_lock(&uart->lock);
	keg_registers_write(&uart->chip->registers, uart, offset, value, bytes);
	leave(uart);
}

const struct keg_bus_ops keg_uart_ops = {read_access, write_access};

void keg_uart_reset(struct keg_uart *uart)
{
	pthread_mutex_lock(&uart->lock);
	uart->closed = false;
	uart->chip->reset(uart);
	leave(uart);
}

static bool has_room(struct keg_uart *uart)
{
	if (!uart->closed && !keg_fifo_full(&uart->received))
		return true;
	uart->refused = true;
	return false;
}

size_t keg_uart_receive(struct keg_uart *uart, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;
	size_t taken = 0;

	pthread_mutex_lock(&uart->lock);
	while (taken < count && has_room(uart))
		uart->chip->put(uart, from[taken++]);
	pthread_mutex_unlock(&uart->lock);
	return taken;
}

bool keg_uart_receive_break(struct keg_uart *uart)
{
	bool room;

	pthread_mutex_lock(&uart->lock);
	room = has_room(uart);
	if (room)
		uart->chip->put(uart, KEG_FIFO_BREAK);
	pthread_mutex_unlock(&uart->lock);
	return room;
}
