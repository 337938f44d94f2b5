/* SPDX-License-Identifier: MIT */
/* A queue of the block device: its thread, which takes chains and gives them back. */
#include <stdlib.h>
#include <unistd.h>

#include <keg/irq.h>

#include "base/error.h"
#include "base/thread.h"
#include "virtio/block_parts.h"

/* Also those that were in flight when the host failed: their channel is closed. */
static void free_all(struct keg_virtio_block_queue *queue)
{
	const uint16_t count = queue->request_count;

	for (uint16_t i = 0; i < count; i++)
		queue->free[i] = (uint16_t)(count - 1 - i);
	queue->free_count = count;
	queue->given = false;
}

int keg_virtio_block_queue_init(
	struct keg_virtio_block_queue *queue, struct keg_virtio_block *block, uint16_t index)
{
	const uint16_t count = block->device.queues[index].max_size;

	queue->block = block;
	queue->index = index;
	queue->stop = keg_eventfd_create();
	if (queue->stop < 0)
		return queue->stop;
	/* Large and zeroed: what is not used takes no memory. */
	queue->requests = calloc(count, sizeof(*queue->requests));
	queue->free = calloc(count, sizeof(*queue->free));
	if (!queue->requests || !queue->free)
		return keg_fail(ENOMEM, "no memory for the requests of a block device");
	queue->request_count = count;
	free_all(queue);
	return 0;
}

void keg_virtio_block_queue_fini(struct keg_virtio_block_queue *queue)
{
	if (queue->stop >= 0)
		close(queue->stop);
	free(queue->requests);
	free(queue->free);
}

/* Whether the queue may be used: not once the device is broken, nor while it stops. */
static bool may_serve(struct keg_virtio_block_queue *queue)
{
	return !atomic_load(&queue->stopping) && !keg_virtio_is_broken(&queue->block->device);
}

void keg_virtio_block_give(struct keg_virtio_block_request *request, uint8_t status)
{
	struct keg_virtio_block_queue *queue = request->queue;
	struct keg_virtio_queue *counts = keg_virtio_block_counts(queue);
	/* Of data that may not be there nothing is claimed, and so not what follows it either. */
	uint32_t written =
		status && request->filled ? 0 : request->filled + request->status_follows;

	queue->free[queue->free_count++] = (uint16_t)(request - queue->requests);
	counts->requests++;
	counts->errors += status != 0;
	if (keg_virtio_is_broken(&queue->block->device))
		return;
	*request->status = status;
	keg_virtqueue_put(&counts->ring, request->head, written);
	queue->given = true;
}

/* Takes what the driver has added, as many as it can have had in the ring at once: one that adds
 * what is answered at once, again and again, must not keep the thread from all else. */
static void take_all(struct keg_virtio_block_queue *queue)
{
	struct keg_virtio_queue *counts = keg_virtio_block_counts(queue);

	for (uint16_t i = 0; i < queue->request_count && queue->free_count; i++) {
		const uint16_t slot = queue->free[queue->free_count - 1];
		struct keg_virtio_block_request *request = &queue->requests[slot];
		struct keg_virtio_chain chain = {.iov = request->iov, .capacity = BLOCK_BUFFERS};
		int rc = keg_virtqueue_take(&counts->ring, &chain);

		if (rc == 0)
			return;
		if (rc > 0) {
			queue->free_count--;
			request->queue = queue;
			rc = keg_virtio_block_begin(request, &chain);
			queue->free_count = (uint16_t)(queue->free_count + (rc < 0));
		}
		if (rc < 0) {
			keg_virtio_break(&queue->block->device, keg_error_message());
			return;
		}
	}
}

/* Shows the driver what was given back, if anything was. */
static bool tell(struct keg_virtio_block_queue *queue)
{
	bool given = queue->given;

	queue->given = false;
	if (!given || keg_virtio_is_broken(&queue->block->device))
		return false;
	keg_virtqueue_publish(&keg_virtio_block_counts(queue)->ring);
	keg_virtio_interrupt(&queue->block->device, queue->index);
	return true;
}

/* Whether there is nothing to take, and something will wake the thread. The signal of the end comes
 * once, and may have come already: then only answers are waited for. */
static bool may_sleep(struct keg_virtio_block_queue *queue)
{
	if (atomic_load(&queue->stopping))
		return queue->free_count < queue->request_count;
	return keg_virtio_is_broken(&queue->block->device) || !queue->free_count ||
	       !keg_virtqueue_listen(&keg_virtio_block_counts(queue)->ring);
}

static int serve(struct keg_virtio_block_queue *queue)
{
	struct keg_virtqueue *ring = &keg_virtio_block_counts(queue)->ring;
	const int wake[2] = {keg_virtio_block_counts(queue)->kick, queue->stop};

	while (!atomic_load(&queue->stopping) || queue->free_count < queue->request_count) {
		int rc = 0;

		if (atomic_load(&queue->stopping))
			keg_disk_channel_cancel(queue->channel);
		else if (may_serve(queue))
			take_all(queue);
		rc = keg_disk_channel_wait(queue->channel, wake, false);
		if (rc >= 0 && !tell(queue) && may_sleep(queue)) {
			rc = keg_disk_channel_wait(queue->channel, wake, true);
			tell(queue);
			if (may_serve(queue))
				keg_virtqueue_hush(ring);
		}
		if (rc < 0)
			return keg_fail_errno(-rc, "waiting for the disk");
	}
	return 0;
}

static void *run(void *context)
{
	struct keg_virtio_block_queue *queue = context;
	int rc;

	rc = keg_disk_channel_open(queue->block->disk, queue->request_count, &queue->channel);
	if (!rc) {
		rc = serve(queue);
		keg_disk_channel_close(queue->channel);
		queue->channel = NULL;
	}
	if (rc)
		keg_virtio_break(&queue->block->device, keg_error_message());
	return NULL;
}

int keg_virtio_block_queue_start(struct keg_virtio_block_queue *queue)
{
	int rc;

	free_all(queue);
	atomic_store(&queue->stopping, false);
	rc = keg_thread_create(&queue->thread, NULL, run, queue);
	if (rc)
		return keg_fail_errno(rc, "making the thread of queue %u", queue->index);
	queue->has_thread = true;
	return 0;
}

void keg_virtio_block_queue_stop(struct keg_virtio_block_queue *queue)
{
	if (!queue->has_thread)
		return;
	atomic_store(&queue->stopping, true);
	(void)keg_eventfd_signal(queue->stop);
	pthread_join(queue->thread, NULL);
	(void)keg_eventfd_drain(queue->stop);
	queue->has_thread = false;
}
