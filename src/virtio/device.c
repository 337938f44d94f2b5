/* SPDX-License-Identifier: MIT */
/* A virtio device's life: its making, and its status from reset to reset (virtio 1.2, section 3.1).
 */
#include "virtio/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keg/irq.h>

#include "base/error.h"

#define COMMON_FEATURES                                                                            \
	(KEG_VIRTIO_F_INDIRECT_DESC | KEG_VIRTIO_F_EVENT_IDX | KEG_VIRTIO_F_VERSION_1)

/* The bits of the status that are the driver's to set. */
enum {
	DRIVERS_BITS = KEG_VIRTIO_ACKNOWLEDGE | KEG_VIRTIO_DRIVER | KEG_VIRTIO_DRIVER_OK |
		       KEG_VIRTIO_FEATURES_OK | KEG_VIRTIO_FAILED,
};

/* ---- Making ---- */

static int make_queues(struct keg_virtio *device, const struct keg_virtio_config *config)
{
	struct keg_virtio_queue *queue;

	device->queues = calloc(config->queue_count, sizeof(*device->queues));
	if (!device->queues)
		return keg_fail_errno(ENOMEM, "making the queues of a %s", config->class->name);
	for (uint16_t i = 0; i < config->queue_count; i++) {
		queue = &device->queues[i];
		queue->kick = keg_eventfd_create();
		if (queue->kick < 0)
			return queue->kick;
		device->queue_count++;
		queue->max_size = queue->layout.size = config->queue_size;
		queue->doorbell = config->doorbells >> (i < 63 ? i : 63) & 1;
	}
	return 0;
}

static void free_queues(struct keg_virtio *device)
{
	for (uint16_t i = 0; i < device->queue_count; i++)
		close(device->queues[i].kick);
	free(device->queues);
	device->queues = NULL;
	device->queue_count = 0;
}

static int make_locks(struct keg_virtio *device)
{
	pthread_mutex_t *const locks[] = {&device->lock, &device->config_lock, &device->break_lock};
	int rc;

	for (int i = 0; i < 3; i++) {
		rc = pthread_mutex_init(locks[i], NULL);
		if (rc == 0)
			continue;
		while (i-- > 0)
			pthread_mutex_destroy(locks[i]);
		return keg_fail_errno(rc, "making the locks of a %s", device->class->name);
	}
	return 0;
}

int keg_virtio_init(struct keg_virtio *device, const struct keg_virtio_config *config)
{
	const uint16_t size = config->queue_size;
	int rc;

	memset(device, 0, sizeof(*device));
	if (config->queue_count == 0 || size == 0 || size & (size - 1) || size > KEG_VIRTQUEUE_MAX)
		return keg_fail(EINVAL, "a %s with %u queues of %u: none, or no power of two to %d",
			config->class->name, config->queue_count, size, KEG_VIRTQUEUE_MAX);
	device->class = config->class;
	device->mem = config->mem;
	device->offered = config->features | COMMON_FEATURES;
	device->config = config->config;
	device->config_bytes = config->config_bytes;
	rc = make_locks(device);
	if (rc) {
		device->class = NULL; /* there is nothing to release */
		return rc;
	}
	rc = make_queues(device, config);
	if (rc)
		keg_virtio_fini(device);
	return rc;
}

void keg_virtio_attach(
	struct keg_virtio *device, const struct keg_virtio_transport_ops *ops, void *transport)
{
	device->transport_ops = ops;
	device->transport = transport;
}

void keg_virtio_count(const struct keg_virtio *device, struct keg_virtio_counts *counts)
{
	memset(counts, 0, sizeof(*counts));
	for (uint16_t i = 0; i < device->queue_count; i++) {
		counts->requests += device->queues[i].requests;
		counts->errors += device->queues[i].errors;
		counts->bytes_read += device->queues[i].bytes_read;
		counts->bytes_written += device->queues[i].bytes_written;
		counts->interrupts += device->queues[i].interrupts;
		counts->kicks += device->queues[i].kicks;
	}
}

/* ---- Starting and stopping, with the lock held ---- */

static void tell_serving(struct keg_virtio *device, bool begins)
{
	if (device->transport_ops && device->transport_ops->serving)
		device->transport_ops->serving(device->transport, begins);
}

static int open_rings(struct keg_virtio *device)
{
	struct keg_virtio_queue *queue;
	int rc;

	for (uint16_t i = 0; i < device->queue_count; i++) {
		queue = &device->queues[i];
		if (!queue->enabled)
			continue;
		rc = keg_virtqueue_open(&queue->ring, device->mem, &queue->layout,
			keg_virtio_has(device, KEG_VIRTIO_F_EVENT_IDX),
			keg_virtio_has(device, KEG_VIRTIO_F_INDIRECT_DESC));
		if (rc)
			return keg_fail_within(rc, "queue %u", i);
	}
	return 0;
}

static void close_rings(struct keg_virtio *device)
{
	for (uint16_t i = 0; i < device->queue_count; i++) {
		memset(&device->queues[i].ring, 0, sizeof(device->queues[i].ring));
		(void)keg_eventfd_drain(device->queues[i].kick);
	}
}

static void start(struct keg_virtio *device)
{
	int rc = open_rings(device);

	if (!rc)
		rc = device->class->start(device);
	if (rc) {
		keg_virtio_break(device, keg_error_message());
		close_rings(device);
		return;
	}
	device->started = true;
	tell_serving(device, true);
}

static void stop(struct keg_virtio *device)
{
	if (!device->started)
		return;
	tell_serving(device, false);
	device->class->stop(device);
	device->started = false;
	close_rings(device);
}

static void reset(struct keg_virtio *device)
{
	struct keg_virtio_queue *queue;

	stop(device);
	for (uint16_t i = 0; i < device->queue_count; i++) {
		queue = &device->queues[i];
		queue->layout = (struct keg_virtqueue_layout){.size = queue->max_size};
		queue->enabled = false;
	}
	device->agreed = 0;
	pthread_mutex_lock(&device->break_lock);
	device->broken[0] = '\0';
	atomic_store(&device->status, 0);
	pthread_mutex_unlock(&device->break_lock);
}

void keg_virtio_fini(struct keg_virtio *device)
{
	if (!device->class)
		return;
	pthread_mutex_lock(&device->lock);
	stop(device);
	pthread_mutex_unlock(&device->lock);
	free_queues(device);
	pthread_mutex_destroy(&device->break_lock);
	pthread_mutex_destroy(&device->config_lock);
	pthread_mutex_destroy(&device->lock);
	device->class = NULL;
}

/* ---- The status ---- */

uint8_t keg_virtio_get_status(const struct keg_virtio *device)
{
	return (uint8_t)atomic_load(&device->status);
}

/* Section 2.2.2: what was not offered is not accepted; section 6.2: nor a driver without VERSION_1.
 */
static bool may_agree(const struct keg_virtio *device)
{
	return !(device->agreed & ~device->offered) &&
	       keg_virtio_has(device, KEG_VIRTIO_F_VERSION_1);
}

/* Bits are only ever added (section 2.1.1), but for a reset. */
static void add_status(struct keg_virtio *device, uint32_t bits)
{
	const uint32_t old = atomic_load(&device->status);

	bits &= DRIVERS_BITS & ~old;
	if (bits & KEG_VIRTIO_FEATURES_OK && !may_agree(device))
		bits &= ~(uint32_t)KEG_VIRTIO_FEATURES_OK;
	atomic_fetch_or(&device->status, bits);
	if (!(bits & KEG_VIRTIO_DRIVER_OK))
		return;
	if ((old | bits) & KEG_VIRTIO_FEATURES_OK)
		start(device);
	else
		keg_virtio_break(device, "the driver was ready before the features were agreed on");
}

void keg_virtio_set_status(struct keg_virtio *device, uint8_t status)
{
	pthread_mutex_lock(&device->lock);
	if (status == 0)
		reset(device);
	else
		add_status(device, status);
	pthread_mutex_unlock(&device->lock);
}

void keg_virtio_halt(struct keg_virtio *device)
{
	pthread_mutex_lock(&device->lock);
	stop(device);
	atomic_fetch_and(&device->status, ~(uint32_t)KEG_VIRTIO_DRIVER_OK);
	pthread_mutex_unlock(&device->lock);
}

/* ---- The device's side ---- */

void keg_virtio_interrupt(struct keg_virtio *device, uint16_t queue)
{
	if (!keg_virtqueue_must_interrupt(&device->queues[queue].ring))
		return;
	device->queues[queue].interrupts++;
	if (device->transport_ops)
		device->transport_ops->interrupt(device->transport, queue);
}

/* Section 2.1.2: a driver that is ready is told that the device needs a reset. */
void keg_virtio_break(struct keg_virtio *device, const char *why)
{
	uint32_t old;

	pthread_mutex_lock(&device->break_lock);
	/* The reason is there before anybody is told that there is one. */
	if (!keg_virtio_is_broken(device))
		snprintf(device->broken, sizeof(device->broken), "%s", why);
	old = atomic_fetch_or(&device->status, KEG_VIRTIO_NEEDS_RESET);
	pthread_mutex_unlock(&device->break_lock);
	if (!(old & KEG_VIRTIO_NEEDS_RESET) && old & KEG_VIRTIO_DRIVER_OK && device->transport_ops)
		device->transport_ops->config_changed(device->transport);
}

bool keg_virtio_is_broken(const struct keg_virtio *device)
{
	return atomic_load(&device->status) & KEG_VIRTIO_NEEDS_RESET;
}
