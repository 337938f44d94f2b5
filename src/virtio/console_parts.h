/* SPDX-License-Identifier: MIT */
/* The console device from within: its ports, and the messages about them. */
#ifndef KEG_VIRTIO_CONSOLE_PARTS_H
#define KEG_VIRTIO_CONSOLE_PARTS_H

#include "virtio/console.h"

enum {
	CONSOLE_QUEUE_SIZE = 128,
	CONSOLE_INPUT = 4096, /* bytes that wait for the guest, a port */
	/* Section 5.3.2. */
	CONSOLE_CONTROL_RECEIVE = 2,
	CONSOLE_CONTROL_TRANSMIT = 3,
};

/* What the device has to tell of a port, in the order of the bits. */
enum console_message {
	CONSOLE_TELL_ADD,
	CONSOLE_TELL_CONSOLE,
	CONSOLE_TELL_SIZE,
	CONSOLE_TELL_NAME,
	CONSOLE_TELL_OPEN,
	CONSOLE_MESSAGES,
};

struct keg_virtio_console_port {
	struct keg_virtio_console_end end;
	char name[KEG_VIRTIO_CONSOLE_NAME];
	/* Under input_lock; bytes are taken out in the console's thread only. */
	uint8_t input[CONSOLE_INPUT]; /* a ring */
	size_t first, count;
	bool refused; /* the other end waits for room */
	/* The console's thread's own. */
	bool open;     /* the guest's end is */
	uint32_t tell; /* a bit for each console_message */
};

struct keg_virtio_console_queue {
	struct keg_virtio_console *console;
	uint16_t index;
	struct keg_loop_source source;
};

/* Section 5.3.2: the queues of port 0, the control queues, then those of the others. */
static inline uint16_t console_receive_queue(uint32_t port)
{
	return (uint16_t)(port ? 2 * port + 2 : 0);
}

static inline uint32_t console_port_of(uint16_t queue)
{
	return queue < 2 ? 0 : (queue - 2U) / 2;
}

/*
 * Takes the next chain of a queue. 1; 0 if there is none, and the driver was asked for a
 * notification of the next one; -1 if the device is broken, or is to stop.
 */
int keg_virtio_console_take(
	struct keg_virtio_console *console, uint16_t queue, struct keg_virtio_chain *chain);

/* Hands what the guest has written to a port's other end: as much of it as there is time for. */
void keg_virtio_console_output(
	struct keg_virtio_console *console, uint32_t port, const void *bytes, size_t count);

/* ---- Data: console_data.c ---- */

void keg_virtio_console_transmit(struct keg_virtio_console *console, uint32_t port);
void keg_virtio_console_receive(struct keg_virtio_console *console, uint32_t port);

/* ---- Messages: console_control.c ---- */

/* Takes the driver's messages; tells it what there is to tell. */
void keg_virtio_console_take_control(struct keg_virtio_console *console);
void keg_virtio_console_send_control(struct keg_virtio_console *console);

#endif
