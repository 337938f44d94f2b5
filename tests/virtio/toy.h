/* SPDX-License-Identifier: MIT */
/* A virtio device for tests of the core: what it reads of a chain it writes back, as far as there
 * is room. */
#ifndef KEG_TESTS_VIRTIO_TOY_H
#define KEG_TESTS_VIRTIO_TOY_H

#include "base/loop.h"
#include "virtio/device.h"

enum {
	TOY_ID = 42,
	TOY_QUEUES = 2,
	TOY_QUEUE_SIZE = 64,
	TOY_CAPACITY = 128,
	TOY_CONFIG_BYTES = 24,
};
#define TOY_FEATURE (UINT64_C(1) << 3)

struct toy_queue {
	struct keg_loop_source kick;
	struct keg_virtio *virtio;
	uint16_t index;
	struct iovec iov[TOY_CAPACITY];
};

struct toy {
	struct keg_virtio virtio;
	struct keg_loop loop;
	struct toy_queue queues[TOY_QUEUES];
	uint8_t config[TOY_CONFIG_BYTES];
	unsigned starts, stops, config_writes;
	int start_error;                 /* what start() is to say */
	uint32_t last_write, last_count; /* to the configuration space */
};

void toy_init(struct toy *toy, struct keg_mem *mem);
void toy_fini(struct toy *toy);

#endif
