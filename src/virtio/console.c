/* SPDX-License-Identifier: MIT */
/* The console device: its making, its thread, and its other end. */
#include "virtio/console.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keg/irq.h>

#include "base/error.h"
#include "virtio/console_parts.h"

enum { DEVICE_ID = 3 };

#define F(bit) (UINT64_C(1) << VIRTIO_CONSOLE_F_##bit)

static struct keg_virtio_console *console_of(struct keg_virtio *device)
{
	return (struct keg_virtio_console *)device;
}

/* ---- The thread ---- */

static void serve_queue(void *context, uint32_t events)
{
	const struct keg_virtio_console_queue *queue = context;
	struct keg_virtio_console *console = queue->console;
	struct keg_virtio_queue *virtio = &console->device.queues[queue->index];

	(void)events;
	(void)keg_eventfd_drain(virtio->kick);
	if (!virtio->enabled || keg_virtio_is_broken(&console->device))
		return;
	if (queue->index == CONSOLE_CONTROL_RECEIVE) {
		keg_virtio_console_send_control(console);
	} else if (queue->index == CONSOLE_CONTROL_TRANSMIT) {
		keg_virtio_console_take_control(console);
		keg_virtio_console_send_control(console);
		/* A port may be open now. */
		for (uint32_t i = 0; i < console->port_count; i++)
			keg_virtio_console_receive(console, i);
	} else if (queue->index % 2) {
		keg_virtio_console_transmit(console, console_port_of(queue->index));
	} else {
		keg_virtio_console_receive(console, console_port_of(queue->index));
	}
}

/* Columns and rows, as the configuration space has them. */
static void write_size(struct keg_virtio_console *console, uint32_t size)
{
	const uint16_t words[] = {htole16((uint16_t)size), htole16((uint16_t)(size >> 16))};

	keg_virtio_update_config(&console->device, 0, words, sizeof(words));
}

static bool has_multiport(const struct keg_virtio_console *console)
{
	return keg_virtio_has(&console->device, F(MULTIPORT));
}

static void serve_wake(void *context, uint32_t events)
{
	struct keg_virtio_console *console = context;

	(void)events;
	(void)keg_eventfd_drain(console->wake);
	if (keg_virtio_is_broken(&console->device))
		return;
	if (atomic_exchange(&console->announce, false) && atomic_load(&console->size)) {
		write_size(console, atomic_load(&console->size));
		console->ports[0].tell |= has_multiport(console) && console->ports[0].open
						  ? 1U << CONSOLE_TELL_SIZE
						  : 0;
	}
	if (has_multiport(console))
		keg_virtio_console_send_control(console);
	for (uint32_t i = 0; i < console->port_count; i++)
		keg_virtio_console_receive(console, i);
}

/* ---- The class ---- */

static int start(struct keg_virtio *device)
{
	struct keg_virtio_console *console = console_of(device);

	atomic_store(&console->stopping, false);
	for (uint32_t i = 0; i < console->port_count; i++) {
		console->ports[i].open = false;
		console->ports[i].tell = 0;
	}
	/* The driver looks at the size when it is told that it has changed. */
	atomic_store(&console->announce, true);
	(void)keg_eventfd_signal(console->wake);
	/* What was published before it was ready may never be notified again. */
	for (uint16_t i = 0; i < device->queue_count; i++)
		(void)keg_eventfd_signal(device->queues[i].kick);
	return keg_loop_start(&console->loop, "virtio-console");
}

static void stop(struct keg_virtio *device)
{
	struct keg_virtio_console *console = console_of(device);

	atomic_store(&console->stopping, true);
	keg_loop_stop(&console->loop);
}

/* Section 5.3.4: a character for who has nothing else yet. */
static void write_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count)
{
	struct keg_virtio_console *console = console_of(device);

	if (offset == offsetof(struct virtio_console_config, emerg_wr) && count)
		keg_virtio_console_output(console, 0, bytes, 1);
}

static const struct keg_virtio_class console_class = {
	.name = "console",
	.id = DEVICE_ID,
	.start = start,
	.stop = stop,
	.write_config = write_config,
};

/* ---- Making ---- */

static int make_ports(
	struct keg_virtio_console *console, const struct keg_virtio_console_end *ends, size_t count)
{
	console->ports = calloc(count, sizeof(*console->ports));
	if (!console->ports)
		return keg_fail_errno(ENOMEM, "making the ports of a console");
	console->port_count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		struct keg_virtio_console_port *port = &console->ports[i];
		const char *name = ends[i].name ? ends[i].name : "";

		if (strlen(name) >= sizeof(port->name))
			return keg_fail(EINVAL, "a port's name of %zu bytes: %d are the most",
				strlen(name), KEG_VIRTIO_CONSOLE_NAME - 1);
		memcpy(port->name, name, strlen(name));
		port->end = ends[i];
		port->end.name = port->name;
	}
	return 0;
}

static int make_device(struct keg_virtio_console *console, struct keg_mem *mem)
{
	const bool many = console->port_count > 1;
	const struct keg_virtio_config config = {
		.class = &console_class,
		.mem = mem,
		.features = F(SIZE) | F(EMERG_WRITE) | (many ? F(MULTIPORT) : 0),
		.queue_count = (uint16_t)(many ? 2 * console->port_count + 2 : 2),
		.queue_size = CONSOLE_QUEUE_SIZE,
		.doorbells = UINT64_MAX & ~(UINT64_C(3) << CONSOLE_CONTROL_RECEIVE),
		.config = &console->config,
		.config_bytes = sizeof(console->config),
	};

	console->config.max_nr_ports = htole32(console->port_count);
	return keg_virtio_init(&console->device, &config);
}

static int make_sources(struct keg_virtio_console *console)
{
	struct keg_virtio *device = &console->device;
	int rc = 0;

	console->queues = calloc(device->queue_count, sizeof(*console->queues));
	if (!console->queues)
		return keg_fail_errno(ENOMEM, "making the queues of a console");
	console->wake = keg_eventfd_create();
	if (console->wake < 0)
		return console->wake;
	console->wake_source = (struct keg_loop_source){console->wake, serve_wake, console};
	rc = keg_loop_add(&console->loop, &console->wake_source, EPOLLIN);
	for (uint16_t i = 0; i < device->queue_count && !rc; i++) {
		struct keg_virtio_console_queue *queue = &console->queues[i];

		queue->console = console;
		queue->index = i;
		queue->source =
			(struct keg_loop_source){device->queues[i].kick, serve_queue, queue};
		rc = keg_loop_add(&console->loop, &queue->source, EPOLLIN);
	}
	return rc;
}

static int make_locks(struct keg_virtio_console *console)
{
	int rc = pthread_mutex_init(&console->input_lock, NULL);

	if (rc)
		return keg_fail_errno(rc, "making the locks of a console");
	rc = pthread_mutex_init(&console->output_lock, NULL);
	if (rc == 0)
		return 0;
	pthread_mutex_destroy(&console->input_lock);
	return keg_fail_errno(rc, "making the locks of a console");
}

int keg_virtio_console_init(struct keg_virtio_console *console, struct keg_mem *mem,
	const struct keg_virtio_console_end *ends, size_t count)
{
	int rc;

	memset(console, 0, sizeof(*console));
	console->wake = -1;
	if (!ends || count == 0 || count > KEG_VIRTIO_CONSOLE_PORTS)
		return keg_fail(EINVAL, "a console of %zu ports: 1 to %d are possible", count,
			KEG_VIRTIO_CONSOLE_PORTS);
	rc = make_ports(console, ends, count);
	if (rc)
		goto ports;
	rc = make_locks(console);
	if (rc)
		goto ports;
	rc = make_device(console, mem);
	if (rc)
		goto locks;
	rc = keg_loop_init(&console->loop);
	if (rc)
		goto device;
	rc = make_sources(console);
	if (rc == 0)
		return 0;
	keg_loop_fini(&console->loop);
	if (console->wake >= 0)
		close(console->wake);
	free(console->queues);
device:
	keg_virtio_fini(&console->device);
locks:
	pthread_mutex_destroy(&console->output_lock);
	pthread_mutex_destroy(&console->input_lock);
ports:
	free(console->ports);
	console->ports = NULL;
	return rc;
}

void keg_virtio_console_fini(struct keg_virtio_console *console)
{
	if (!console->device.class)
		return;
	keg_virtio_fini(&console->device);
	keg_loop_fini(&console->loop);
	close(console->wake);
	pthread_mutex_destroy(&console->output_lock);
	pthread_mutex_destroy(&console->input_lock);
	free(console->queues);
	free(console->ports);
}

/* ---- The other end ---- */

static size_t put(struct keg_virtio_console_port *port, const uint8_t *bytes, size_t count)
{
	const size_t end = (port->first + port->count) % CONSOLE_INPUT;
	const size_t room = CONSOLE_INPUT - port->count;
	size_t straight = CONSOLE_INPUT - end;

	port->refused |= count > room;
	if (count > room)
		count = room;
	if (straight > count)
		straight = count;
	memcpy(port->input + end, bytes, straight);
	memcpy(port->input, bytes + straight, count - straight);
	port->count += count;
	return count;
}

ssize_t keg_virtio_console_input(
	struct keg_virtio_console *console, size_t port, const void *bytes, size_t count)
{
	size_t taken;

	if (port >= console->port_count)
		return keg_fail(ENOENT, "the console has no port %zu, but %u of them", port,
			console->port_count);
	if (!count)
		return 0;
	pthread_mutex_lock(&console->input_lock);
	taken = put(&console->ports[port], bytes, count);
	pthread_mutex_unlock(&console->input_lock);
	(void)keg_eventfd_signal(console->wake);
	return (ssize_t)taken;
}

void keg_virtio_console_resize(struct keg_virtio_console *console, uint16_t columns, uint16_t rows)
{
	atomic_store(&console->size, (uint32_t)rows << 16 | columns);
	/* For a driver that begins later; and one that is there is told by the thread. */
	write_size(console, atomic_load(&console->size));
	atomic_store(&console->announce, true);
	(void)keg_eventfd_signal(console->wake);
}
