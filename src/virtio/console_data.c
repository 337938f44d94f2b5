/* SPDX-License-Identifier: MIT */
/* Bytes from and to the ports (virtio 1.2, section 5.3.6). */
#include <string.h>

#include <keg/irq.h>

#include "base/error.h"
#include "virtio/console_parts.h"

/* Chains between looks at other queues. */
enum { BATCH = CONSOLE_QUEUE_SIZE, PART = 4096 };

int keg_virtio_console_take(
	struct keg_virtio_console *console, uint16_t queue, struct keg_virtio_chain *chain)
{
	struct keg_virtqueue *ring = &console->device.queues[queue].ring;
	int rc;

	if (atomic_load(&console->stopping) || keg_virtio_is_broken(&console->device))
		return -1;
	rc = keg_virtqueue_take(ring, chain);
	if (rc == 0 && keg_virtqueue_listen(ring))
		rc = keg_virtqueue_take(ring, chain);
	if (rc >= 0)
		return rc;
	keg_virtio_break(&console->device, keg_error_message());
	return -1;
}

void keg_virtio_console_output(
	struct keg_virtio_console *console, uint32_t port, const void *bytes, size_t count)
{
	const struct keg_virtio_console_end *end = &console->ports[port].end;

	if (!end->output)
		return;
	pthread_mutex_lock(&console->output_lock);
	end->output(end->context, bytes, count);
	pthread_mutex_unlock(&console->output_lock);
}

/* ---- From the guest ---- */

/* A chain may have 4 GiB, the same page over and over: between parts it can be stopped. */
static void put_out(struct keg_virtio_console *console, uint32_t port,
	const struct keg_virtio_chain *chain, struct keg_virtio_queue *queue)
{
	char part[PART];
	size_t offset = 0, count;

	while (!atomic_load(&console->stopping)) {
		count = keg_virtio_chain_read(chain, offset, part, sizeof(part));
		if (!count)
			break;
		keg_virtio_console_output(console, port, part, count);
		offset += count;
		queue->bytes_read += count;
	}
}

void keg_virtio_console_transmit(struct keg_virtio_console *console, uint32_t port)
{
	const uint16_t index = (uint16_t)(console_receive_queue(port) + 1);
	struct keg_virtio_queue *queue = &console->device.queues[index];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = CONSOLE_QUEUE_SIZE};
	int taken = 0;

	keg_virtqueue_hush(&queue->ring);
	for (int i = 0; i < BATCH; i++) {
		taken = keg_virtio_console_take(console, index, &chain);
		if (taken <= 0)
			break;
		put_out(console, port, &chain, queue);
		queue->requests++;
		keg_virtqueue_give(&queue->ring, chain.head, 0);
	}
	if (taken < 0)
		return;
	keg_virtio_interrupt(&console->device, index);
	if (taken > 0)
		(void)keg_eventfd_signal(queue->kick); /* on with the next batch */
}

/* ---- To the guest ---- */

/* Moves input into a chain. Returns how much. Nobody else takes input out, so what is there stays
 * where it is while it is copied. */
static uint32_t put_in(struct keg_virtio_console *console, struct keg_virtio_console_port *port,
	const struct keg_virtio_chain *chain)
{
	size_t first, count, straight, moved;

	pthread_mutex_lock(&console->input_lock);
	first = port->first;
	count = port->count;
	pthread_mutex_unlock(&console->input_lock);
	straight = count < CONSOLE_INPUT - first ? count : CONSOLE_INPUT - first;
	moved = keg_virtio_chain_write(chain, 0, port->input + first, straight);
	if (moved == straight)
		moved += keg_virtio_chain_write(chain, moved, port->input, count - straight);
	pthread_mutex_lock(&console->input_lock);
	port->first = (first + moved) % CONSOLE_INPUT;
	port->count -= moved;
	pthread_mutex_unlock(&console->input_lock);
	return (uint32_t)moved;
}

static bool has_input(
	struct keg_virtio_console *console, const struct keg_virtio_console_port *port)
{
	bool has;

	pthread_mutex_lock(&console->input_lock);
	has = port->count != 0;
	pthread_mutex_unlock(&console->input_lock);
	return has;
}

/* Tells the other end, if it waits, that there is room. */
static void tell_room(struct keg_virtio_console *console, struct keg_virtio_console_port *port)
{
	bool tell;

	pthread_mutex_lock(&console->input_lock);
	tell = port->refused && port->count < CONSOLE_INPUT;
	if (tell)
		port->refused = false;
	pthread_mutex_unlock(&console->input_lock);
	if (tell && port->end.room)
		port->end.room(port->end.context);
}

/* The guest's end of a port is open, as far as it can tell. */
static bool is_open(const struct keg_virtio_console *console, uint32_t port)
{
	return console->ports[port].open ||
	       !keg_virtio_has(&console->device, UINT64_C(1) << VIRTIO_CONSOLE_F_MULTIPORT);
}

void keg_virtio_console_receive(struct keg_virtio_console *console, uint32_t port)
{
	const uint16_t index = console_receive_queue(port);
	struct keg_virtio_queue *queue = &console->device.queues[index];
	struct iovec iov[CONSOLE_QUEUE_SIZE];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = CONSOLE_QUEUE_SIZE};
	uint32_t count;
	int taken = 0;

	if (!queue->enabled || !is_open(console, port))
		return;
	keg_virtqueue_hush(&queue->ring);
	for (int i = 0; i < BATCH && has_input(console, &console->ports[port]); i++) {
		taken = keg_virtio_console_take(console, index, &chain);
		if (taken <= 0)
			break;
		count = put_in(console, &console->ports[port], &chain);
		*(count ? &queue->requests : &queue->errors) += 1;
		queue->bytes_written += count;
		keg_virtqueue_give(&queue->ring, chain.head, count);
	}
	if (taken < 0)
		return;
	keg_virtio_interrupt(&console->device, index);
	tell_room(console, &console->ports[port]);
	if (taken > 0 && has_input(console, &console->ports[port]))
		(void)keg_eventfd_signal(queue->kick);
}
