/* SPDX-License-Identifier: MIT */
/* The parts of the block device: its queues' threads, and their requests. */
#ifndef KEG_VIRTIO_BLOCK_PARTS_H
#define KEG_VIRTIO_BLOCK_PARTS_H

#include "virtio/block.h"

enum {
	BLOCK_SEGMENTS = 254,                /* buffers of data in a request: what is told */
	BLOCK_BUFFERS = BLOCK_SEGMENTS + 34, /* in a chain: header and status may be in pieces */
	BLOCK_RANGES = 16,                   /* to discard, or to write zeroes to, in a request */
	BLOCK_SECTOR = 512,                  /* section 5.2.4: whatever blk_size is */
	BLOCK_MAX_DISCARD = (1U << 30) / BLOCK_SECTOR,
	BLOCK_MAX_ZEROES = (64U << 20) / BLOCK_SECTOR, /* what may have to be written is bounded */
};

struct keg_virtio_block_request {
	struct keg_disk_request disk; /* first: an answer finds the rest by it */
	struct keg_virtio_block_queue *queue;
	uint8_t *status;     /* in guest memory: the last byte that the device writes */
	uint32_t filled;     /* bytes of data, from the start, that the driver has if it succeeds */
	bool status_follows; /* ... and the status right after them */
	uint16_t head;
	uint16_t range, ranges; /* the next one, of how many */
	struct {
		uint64_t offset, bytes;
		bool unmap;
	} todo[BLOCK_RANGES];
	struct iovec iov[BLOCK_BUFFERS];
};

struct keg_virtio_block_queue {
	struct keg_virtio_block *block;
	uint16_t index;
	int stop; /* an eventfd */
	atomic_bool stopping;
	pthread_t thread;
	bool has_thread;

	/* The thread's own. */
	struct keg_disk_channel *channel;
	struct keg_virtio_block_request *requests;
	uint16_t *free; /* which requests are, those used last on top */
	uint16_t free_count, request_count;
	bool given; /* chains were given back, and the driver not told */
};

static inline struct keg_virtio_queue *keg_virtio_block_counts(
	const struct keg_virtio_block_queue *queue)
{
	return &queue->block->device.queues[queue->index];
}

/* ---- block_queue.c ---- */

int keg_virtio_block_queue_init(
	struct keg_virtio_block_queue *queue, struct keg_virtio_block *block, uint16_t index);
void keg_virtio_block_queue_fini(struct keg_virtio_block_queue *queue);
int keg_virtio_block_queue_start(struct keg_virtio_block_queue *queue);
/* When nothing is in flight any more, its thread has ended. */
void keg_virtio_block_queue_stop(struct keg_virtio_block_queue *queue);

/* Gives a request's chain back, and the request free. */
void keg_virtio_block_give(struct keg_virtio_block_request *request, uint8_t status);

/* ---- block_request.c ---- */

/* Begins what a chain asks for; it is answered then, or later. -EBADMSG it cannot be answered. */
int keg_virtio_block_begin(
	struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain);

#endif
