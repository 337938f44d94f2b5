/* SPDX-License-Identifier: MIT */
/*
 * A block device (virtio 1.2, section 5.2) in front of a disk of the host's. Each queue has a
 * thread and a channel of its own; while the thread works the driver need not notify it, and is
 * interrupted once a batch.
 */
#ifndef KEG_VIRTIO_BLOCK_H
#define KEG_VIRTIO_BLOCK_H

#include "block/disk.h"
#include "virtio/device.h"

struct keg_virtio_block_queue;

struct keg_virtio_block {
	struct keg_virtio device; /* first: the class finds the rest by it */
	struct keg_disk *disk;
	struct keg_disk_facts facts;
	char serial[20]; /* ends with a 0 only if it is shorter */
	uint8_t config[60];
	atomic_bool writes_through; /* each write is safe when it is answered */
	struct keg_virtio_block_queue *queues;
	uint16_t queue_count;
};

struct keg_virtio_block_config {
	uint32_t queues;     /* 0 for 1; to 64 */
	uint16_t queue_size; /* 0 for 256; a power of two, 4 to KEG_VIRTQUEUE_MAX */
	const char *serial;  /* its first 20 bytes are told; NULL for "keg" */
};

/* Borrows memory and disk. -EINVAL, -ENOMEM, and what the host says of eventfds. */
int keg_virtio_block_init(struct keg_virtio_block *block, struct keg_mem *mem,
	struct keg_disk *disk, const struct keg_virtio_block_config *config);
void keg_virtio_block_fini(struct keg_virtio_block *block);

#endif
