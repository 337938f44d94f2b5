/* SPDX-License-Identifier: MIT */
/* Messages about ports (virtio 1.2, section 5.3.6.2). What is to be told is a set of bits for each
 * port, so that no driver can make it grow. */
#include <endian.h>
#include <string.h>

#include <keg/irq.h>

#include "virtio/console_parts.h"

enum { BATCH = CONSOLE_QUEUE_SIZE };

/* The longest message: one with a name. */
struct message {
	struct virtio_console_control control;
	union {
		char name[KEG_VIRTIO_CONSOLE_NAME];
		uint16_t size[2];
	} more;
};

static void tell(struct keg_virtio_console_port *port, enum console_message message)
{
	port->tell |= 1U << message;
}

/* ---- From the driver ---- */

static void device_ready(struct keg_virtio_console *console)
{
	for (uint32_t i = 0; i < console->port_count; i++)
		tell(&console->ports[i], CONSOLE_TELL_ADD);
}

static void port_ready(struct keg_virtio_console *console, uint32_t index)
{
	struct keg_virtio_console_port *port = &console->ports[index];

	if (index == 0) {
		tell(port, CONSOLE_TELL_CONSOLE);
		tell(port, CONSOLE_TELL_SIZE);
	}
	tell(port, CONSOLE_TELL_NAME);
	tell(port, CONSOLE_TELL_OPEN);
}

static bool take_message(
	struct keg_virtio_console *console, const struct virtio_console_control *control)
{
	const uint32_t port = le32toh(control->id);
	const uint16_t event = le16toh(control->event), value = le16toh(control->value);

	if (event == VIRTIO_CONSOLE_DEVICE_READY && value == 1) {
		device_ready(console); /* its id means nothing */
		return true;
	}
	if (port >= console->port_count)
		return false;
	if (event == VIRTIO_CONSOLE_PORT_READY && value == 1)
		port_ready(console, port);
	else if (event == VIRTIO_CONSOLE_PORT_OPEN)
		console->ports[port].open = value != 0;
	else
		return false;
	return true;
}

void keg_virtio_console_take_control(struct keg_virtio_console *console)
{
	struct keg_virtio_queue *queue = &console->device.queues[CONSOLE_CONTROL_TRANSMIT];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = CONSOLE_QUEUE_SIZE};
	struct virtio_console_control control;
	int taken = 0;
	bool good;

	keg_virtqueue_hush(&queue->ring);
	for (int i = 0; i < BATCH; i++) {
		taken = keg_virtio_console_take(console, CONSOLE_CONTROL_TRANSMIT, &chain);
		if (taken <= 0)
			break;
		good = keg_virtio_chain_read(&chain, 0, &control, sizeof(control)) ==
			       sizeof(control) &&
		       take_message(console, &control);
		*(good ? &queue->requests : &queue->errors) += 1;
		queue->bytes_read += sizeof(control);
		keg_virtqueue_give(&queue->ring, chain.head, 0);
	}
	if (taken < 0)
		return;
	keg_virtio_interrupt(&console->device, CONSOLE_CONTROL_TRANSMIT);
	if (taken > 0)
		(void)keg_eventfd_signal(queue->kick);
}

/* ---- To the driver ---- */

static const struct {
	uint16_t event, value;
} events[CONSOLE_MESSAGES] = {
	[CONSOLE_TELL_ADD] = {VIRTIO_CONSOLE_PORT_ADD, 0},
	[CONSOLE_TELL_CONSOLE] = {VIRTIO_CONSOLE_CONSOLE_PORT, 1},
	[CONSOLE_TELL_SIZE] = {VIRTIO_CONSOLE_RESIZE, 0},
	[CONSOLE_TELL_NAME] = {VIRTIO_CONSOLE_PORT_NAME, 1},
	[CONSOLE_TELL_OPEN] = {VIRTIO_CONSOLE_PORT_OPEN, 1},
};

/* Returns its length. */
static size_t make_message(const struct keg_virtio_console *console, uint32_t index,
	enum console_message what, struct message *message)
{
	const char *name = console->ports[index].name;
	const uint32_t size = atomic_load(&console->size);

	memset(message, 0, sizeof(*message));
	message->control.id = htole32(index);
	message->control.event = htole16(events[what].event);
	message->control.value = htole16(events[what].value);
	switch (what) {
	case CONSOLE_TELL_SIZE:
		message->more.size[0] = htole16((uint16_t)size); /* columns, then rows */
		message->more.size[1] = htole16((uint16_t)(size >> 16));
		return sizeof(message->control) + sizeof(message->more.size);
	case CONSOLE_TELL_NAME:
		memcpy(message->more.name, name, KEG_VIRTIO_CONSOLE_NAME);
		return sizeof(message->control) + strlen(name);
	default:
		return sizeof(message->control);
	}
}

/* Whether there is anything to say of that. */
static bool is_worth(
	const struct keg_virtio_console *console, uint32_t index, enum console_message what)
{
	if (what == CONSOLE_TELL_SIZE)
		return keg_virtio_has(&console->device, UINT64_C(1) << VIRTIO_CONSOLE_F_SIZE) &&
		       atomic_load(&console->size);
	return what != CONSOLE_TELL_NAME || console->ports[index].name[0];
}

/* The next thing to tell. False if there is none. */
static bool find_message(
	struct keg_virtio_console *console, uint32_t *index, enum console_message *what)
{
	for (uint32_t i = 0; i < console->port_count; i++) {
		struct keg_virtio_console_port *port = &console->ports[i];

		while (port->tell) {
			*index = i;
			*what = (enum console_message)__builtin_ctz(port->tell);
			if (is_worth(console, i, *what))
				return true;
			port->tell &= port->tell - 1;
		}
	}
	return false;
}

/* False if it does not fit the chain: it then waits for another one. */
static bool send(struct keg_virtio_console *console, const struct keg_virtio_chain *chain,
	uint32_t index, enum console_message what, uint32_t *count)
{
	struct message message;
	const size_t length = make_message(console, index, what, &message);

	*count = 0;
	if (chain->writable_bytes < length)
		return false;
	*count = (uint32_t)keg_virtio_chain_write(chain, 0, &message, length);
	console->ports[index].tell &= ~(1U << what);
	return true;
}

void keg_virtio_console_send_control(struct keg_virtio_console *console)
{
	struct keg_virtio_queue *queue = &console->device.queues[CONSOLE_CONTROL_RECEIVE];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = CONSOLE_QUEUE_SIZE};
	enum console_message what;
	uint32_t index, count;
	int taken = 0;

	if (!queue->enabled)
		return;
	keg_virtqueue_hush(&queue->ring);
	for (int i = 0; i < BATCH && find_message(console, &index, &what); i++) {
		taken = keg_virtio_console_take(console, CONSOLE_CONTROL_RECEIVE, &chain);
		if (taken <= 0)
			break;
		*(send(console, &chain, index, what, &count) ? &queue->requests : &queue->errors) +=
			1;
		queue->bytes_written += count;
		keg_virtqueue_give(&queue->ring, chain.head, count);
	}
	if (taken < 0)
		return;
	keg_virtio_interrupt(&console->device, CONSOLE_CONTROL_RECEIVE);
	if (taken > 0 && find_message(console, &index, &what))
		(void)keg_eventfd_signal(queue->kick);
}
