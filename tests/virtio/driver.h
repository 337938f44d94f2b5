/* SPDX-License-Identifier: MIT */
/*
 * The driver's side of a virtio device, for tests without KVM: queues in guest memory, chains, and
 * a transport that notes what the device tells it. Whatever fails ends the test.
 *
 *	struct driver d;
 *	driver_init(&d, 1 << 20);
 *	... keg_virtio_block_init(&block, d.memory.mem, ...) ...
 *	driver_start(&d, &block.virtio, KEG_VIRTIO_BLK_F_FLUSH);
 *	keg_gpa data = driver_alloc(&d, 512, 16);
 *	struct driver_buffer buffers[] = {{header, 16, false}, {data, 512, true}, {status, 1,
 *true}}; assert_int_equal(driver_request(&d, 0, buffers, 3), 513); driver_fini(&d);	before the
 *device's own fini: resets it
 */
#ifndef KEG_TESTS_VIRTIO_DRIVER_H
#define KEG_TESTS_VIRTIO_DRIVER_H

#include <pthread.h>

#include <linux/virtio_ring.h>

#include "../guest_memory.h"
#include "virtio/device.h"

enum {
	DRIVER_QUEUES = 16,     /* of a device, at most */
	DRIVER_SECONDS = 20,    /* how long a device may take before the test fails */
	DRIVER_QUEUE_SIZE = 64, /* of each queue, unless driver_set_size() says otherwise */
};

struct driver_buffer {
	keg_gpa address;
	uint32_t bytes;
	bool writable;
};

/* What the device gave back. */
struct driver_used {
	uint32_t id; /* the head that driver_add() returned */
	uint32_t bytes;
};

/* A queue: the rings as this process sees them, free to be spoilt. */
struct driver_queue {
	struct keg_virtqueue_layout layout;
	struct vring_desc *descriptors;
	struct vring_avail *available;
	struct vring_used *used;
	uint16_t next_descriptor; /* descriptors are used one after the other, in a circle */
	uint16_t published;       /* the available index that the device was shown */
	uint16_t added;           /* chains put into the ring, shown or not */
	uint16_t last_used;       /* up to where the used ring was read */
	unsigned interrupts;      /* so far; under the lock */
	struct {
		keg_gpa address;
		unsigned count;
	} tables[KEG_VIRTQUEUE_MAX]; /* the indirect ones, by head */
};

struct driver {
	struct guest_memory memory;
	uint64_t bytes;
	keg_gpa next_free;
	struct keg_virtio *device;
	bool event_idx, has_indirect;
	uint16_t size;
	struct driver_queue queues[DRIVER_QUEUES];

	pthread_mutex_t lock;
	pthread_cond_t told;
	unsigned config_changes; /* so far; under the lock */
	int serving;             /* begins less ends; under the lock */
};

/* Guest memory of `bytes` at 0, and nothing else yet. */
void driver_init(struct driver *driver, uint64_t bytes);
/* Resets the device, if there is one, and frees the memory. */
void driver_fini(struct driver *driver);

/* Guest memory that nobody else has, zeroed; and where it is in this process. */
keg_gpa driver_alloc(struct driver *driver, uint64_t bytes, uint64_t alignment);
void *driver_host(struct driver *driver, keg_gpa gpa, uint64_t bytes);

/* The size of the queues that are laid out from now on: a power of two. */
void driver_set_size(struct driver *driver, uint16_t size);

/*
 * The whole of section 3.1.1: reset, features (VERSION_1 is added; give INDIRECT_DESC and EVENT_IDX
 * if they are wanted), all queues, DRIVER_OK; asserts that the device agrees with it all.
 */
void driver_start(struct driver *driver, struct keg_virtio *device, uint64_t features);

/* Its steps, for tests that do something else in between. */
void driver_attach(struct driver *driver, struct keg_virtio *device); /* the noting transport */
void driver_negotiate(struct driver *driver, uint64_t features);      /* reset, to FEATURES_OK */
void driver_set_up_queue(struct driver *driver, uint16_t queue); /* lays out, tells the device */
void driver_ready(struct driver *driver);                        /* DRIVER_OK */
void driver_reset(struct driver *driver);

/* Fresh, empty rings in guest memory, known to this side only: for tests of a transport, which
 * tell the layout to the device through its registers. */
void driver_lay_out(struct driver *driver, uint16_t queue);
/* For their interrupts: as if the noting transport had been told. */
void driver_interrupted(struct driver *driver, uint16_t queue);
extern const struct keg_virtio_transport_ops driver_transport_ops;

/*
 * Puts a chain of `count` buffers into the available ring, unseen until it is published. Returns
 * its head. The caller keeps no more descriptors in flight than there are.
 */
uint16_t driver_add(
	struct driver *driver, uint16_t queue, const struct driver_buffer *buffers, unsigned count);
/* The same through an indirect table. */
uint16_t driver_add_indirect(
	struct driver *driver, uint16_t queue, const struct driver_buffer *buffers, unsigned count);
/* Puts just a head into the available ring, whatever it may be. */
void driver_add_head(struct driver *driver, uint16_t queue, uint16_t head);
void driver_publish(struct driver *driver, uint16_t queue);

/* Whether the device asked to be notified of what was published after `before`. */
bool driver_must_kick(struct driver *driver, uint16_t queue, uint16_t before);
/* Notifies the device, whether it asked or not. */
void driver_kick(struct driver *driver, uint16_t queue);

/* How many used entries have not been read yet. */
uint16_t driver_count_used(struct driver *driver, uint16_t queue);
/* Waits, through interrupts, until there are `count`; then none of them is lost. */
void driver_wait_used(struct driver *driver, uint16_t queue, uint16_t count);
/* The next used entry; the test fails if there is none. */
struct driver_used driver_take_used(struct driver *driver, uint16_t queue);

/* One request from adding to the used entry: returns how many bytes the device wrote. */
uint32_t driver_request(
	struct driver *driver, uint16_t queue, const struct driver_buffer *buffers, unsigned count);

/* Waits for the `count`-th interrupt of a queue, or change of configuration or status. */
void driver_wait_interrupts(struct driver *driver, uint16_t queue, unsigned count);
void driver_wait_config_changes(struct driver *driver, unsigned count);
/* Waits until the device says that it needs a reset. */
void driver_wait_broken(struct driver *driver);

#endif
