/* SPDX-License-Identifier: MIT */
/* A virtio device and its driver. */
#include "fault/device.h"

#include <time.h>

#include "base/error.h"

enum { MEMORY = 8 << 20, SECONDS = 5 };

struct driver device_driver;
static struct driver *const driver = &device_driver;

int device_make_memory(struct rig *rig)
{
	(void)rig;
	driver_init(driver, MEMORY);
	return 0;
}

void device_reset(void)
{
	if (driver->device)
		driver_reset(driver);
	driver->device = NULL;
}

void device_end(void)
{
	driver_fini(driver);
}

static int tell_broken(void)
{
	const char *why = driver->device->broken;

	if (!why[0])
		return RIG_WRONG("the device is broken, and does not say why");
	return keg_fail(EIO, "the device is broken: %s", why);
}

int device_start(struct keg_virtio *device, uint64_t features)
{
	if (driver->device != device)
		driver_attach(driver, device);
	driver_negotiate(driver, features);
	for (uint16_t i = 0; i < device->queue_count; i++)
		driver_set_up_queue(driver, i);
	keg_virtio_set_status(device, keg_virtio_get_status(device) | KEG_VIRTIO_DRIVER_OK);
	return keg_virtio_is_broken(device) ? tell_broken() : 0;
}

void device_give(uint16_t queue, const struct driver_buffer *buffers, unsigned int count)
{
	driver_add(driver, queue, buffers, count);
	driver_publish(driver, queue);
	driver_kick(driver, queue);
}

int device_take(uint16_t queue)
{
	int rc = device_take_within(queue, SECONDS);

	if (rc == -ETIMEDOUT)
		return RIG_WRONG("the device does not answer: queue %u", queue);
	return rc;
}

int device_take_within(uint16_t index, int seconds)
{
	struct driver_queue *queue = &driver->queues[index];
	struct timespec end;
	int rc = 0;

	/* Where it asks to be interrupted: virtio 1.2, section 2.7.7.1. */
	__atomic_store_n(
		&queue->available->ring[queue->layout.size], queue->last_used, __ATOMIC_SEQ_CST);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds;
	pthread_mutex_lock(&driver->lock);
	while (!rc && !driver_count_used(driver, index) && !keg_virtio_is_broken(driver->device))
		rc = pthread_cond_timedwait(&driver->told, &driver->lock, &end);
	pthread_mutex_unlock(&driver->lock);
	if (rc)
		return keg_fail(ETIMEDOUT, "the device does not answer: queue %u", index);
	if (!driver_count_used(driver, index))
		return tell_broken();
	return (int)driver_take_used(driver, index).bytes;
}

int device_request(uint16_t queue, const struct driver_buffer *buffers, unsigned int count)
{
	device_give(queue, buffers, count);
	return device_take(queue);
}
