/* SPDX-License-Identifier: MIT */
/* What a driver may read and write of a virtio device, whatever its transport. */
#include <string.h>

#include <keg/irq.h>

#include "virtio/device.h"

/* ---- Features (virtio 1.2, section 2.2) ---- */

static uint32_t word_of(uint64_t features, uint32_t word)
{
	return word < 2 ? (uint32_t)(features >> 32 * word) : 0;
}

uint32_t keg_virtio_get_features(const struct keg_virtio *device, uint32_t word)
{
	return word_of(device->offered, word);
}

uint32_t keg_virtio_get_agreed(struct keg_virtio *device, uint32_t word)
{
	uint64_t agreed;

	pthread_mutex_lock(&device->lock);
	agreed = device->agreed;
	pthread_mutex_unlock(&device->lock);
	return word_of(agreed, word);
}

/* Once they are agreed upon they stay (section 3.1.1). */
void keg_virtio_set_features(struct keg_virtio *device, uint32_t word, uint32_t bits)
{
	const uint32_t settled = KEG_VIRTIO_FEATURES_OK | KEG_VIRTIO_DRIVER_OK;

	if (word > 1)
		return;
	pthread_mutex_lock(&device->lock);
	if (!(atomic_load(&device->status) & settled)) {
		device->agreed &= ~((uint64_t)UINT32_MAX << 32 * word);
		device->agreed |= (uint64_t)bits << 32 * word;
	}
	pthread_mutex_unlock(&device->lock);
}

/* ---- Queues ---- */

void keg_virtio_get_queue(
	struct keg_virtio *device, uint32_t index, struct keg_virtio_queue_state *state)
{
	const struct keg_virtio_queue *queue;

	memset(state, 0, sizeof(*state));
	if (index >= device->queue_count)
		return;
	queue = &device->queues[index];
	pthread_mutex_lock(&device->lock);
	state->size = queue->layout.size;
	state->max_size = queue->max_size;
	state->enabled = queue->enabled;
	state->descriptors = queue->layout.descriptors;
	state->available = queue->layout.available;
	state->used = queue->layout.used;
	pthread_mutex_unlock(&device->lock);
}

static void set_low(uint64_t *address, uint32_t value)
{
	*address = (*address & ~(uint64_t)UINT32_MAX) | value;
}

static void set_high(uint64_t *address, uint32_t value)
{
	*address = (*address & UINT32_MAX) | (uint64_t)value << 32;
}

static void set_field(
	struct keg_virtio_queue *queue, enum keg_virtio_queue_field field, uint32_t value)
{
	struct keg_virtqueue_layout *layout = &queue->layout;

	switch (field) {
	case KEG_VIRTIO_QUEUE_SIZE:
		if (value && value <= queue->max_size && !(value & (value - 1)))
			layout->size = (uint16_t)value;
		break;
	case KEG_VIRTIO_QUEUE_ENABLE:
		queue->enabled = value & 1;
		break;
	case KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW:
		set_low(&layout->descriptors, value);
		break;
	case KEG_VIRTIO_QUEUE_DESCRIPTORS_HIGH:
		set_high(&layout->descriptors, value);
		break;
	case KEG_VIRTIO_QUEUE_AVAILABLE_LOW:
		set_low(&layout->available, value);
		break;
	case KEG_VIRTIO_QUEUE_AVAILABLE_HIGH:
		set_high(&layout->available, value);
		break;
	case KEG_VIRTIO_QUEUE_USED_LOW:
		set_low(&layout->used, value);
		break;
	case KEG_VIRTIO_QUEUE_USED_HIGH:
		set_high(&layout->used, value);
		break;
	}
}

void keg_virtio_set_queue(struct keg_virtio *device, uint32_t index,
	enum keg_virtio_queue_field field, uint32_t value)
{
	if (index >= device->queue_count)
		return;
	pthread_mutex_lock(&device->lock);
	if (!(atomic_load(&device->status) & KEG_VIRTIO_DRIVER_OK))
		set_field(&device->queues[index], field, value);
	pthread_mutex_unlock(&device->lock);
}

void keg_virtio_kick(struct keg_virtio *device, uint32_t index)
{
	if (index >= device->queue_count)
		return;
	pthread_mutex_lock(&device->lock);
	if (device->started && device->queues[index].enabled) {
		device->queues[index].kicks++;
		(void)keg_eventfd_signal(device->queues[index].kick);
	}
	pthread_mutex_unlock(&device->lock);
}

/* ---- The configuration space (section 2.5) ---- */

/* How many of `count` bytes at `offset` there are. */
static uint32_t within(const struct keg_virtio *device, uint32_t offset, uint32_t count)
{
	const uint32_t left = offset < device->config_bytes ? device->config_bytes - offset : 0;

	return count < left ? count : left;
}

void keg_virtio_read_config(struct keg_virtio *device, uint32_t offset, void *bytes, uint32_t count)
{
	const uint32_t there = within(device, offset, count);

	memset(bytes, 0, count);
	if (!there)
		return;
	pthread_mutex_lock(&device->config_lock);
	memcpy(bytes, device->config + offset, there);
	pthread_mutex_unlock(&device->config_lock);
}

void keg_virtio_write_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count)
{
	const uint32_t there = within(device, offset, count);

	if (!there || !device->class->write_config)
		return;
	pthread_mutex_lock(&device->lock);
	device->class->write_config(device, offset, bytes, there);
	pthread_mutex_unlock(&device->lock);
}

void keg_virtio_update_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count)
{
	const uint32_t there = within(device, offset, count);

	pthread_mutex_lock(&device->config_lock);
	if (there)
		memcpy(device->config + offset, bytes, there);
	atomic_fetch_add(&device->generation, 1);
	pthread_mutex_unlock(&device->config_lock);
	if (atomic_load(&device->status) & KEG_VIRTIO_DRIVER_OK && device->transport_ops)
		device->transport_ops->config_changed(device->transport);
}
