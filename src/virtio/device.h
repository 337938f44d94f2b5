/* SPDX-License-Identifier: MIT */
/*
 * A virtio device (virtio 1.2, section 2): what all have in common, between a transport that the
 * driver sees (PCI, MMIO) and a class of device (block, net, console, entropy). Every index and
 * state is checked here, so that each transport has the checks.
 *
 * Threads: the driver's side is called in vCPU threads, any number at once, and takes `lock`. The
 * class's start() and stop() are called with it held; its threads must not take it.
 */
#ifndef KEG_VIRTIO_DEVICE_H
#define KEG_VIRTIO_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "virtio/virtqueue.h"

/* Section 2.1, "Device Status Field". */
enum {
	KEG_VIRTIO_ACKNOWLEDGE = 1,
	KEG_VIRTIO_DRIVER = 2,
	KEG_VIRTIO_DRIVER_OK = 4,
	KEG_VIRTIO_FEATURES_OK = 8,
	KEG_VIRTIO_NEEDS_RESET = 64,
	KEG_VIRTIO_FAILED = 128,
};

/* Section 6, "Reserved Feature Bits": those that every device here has. */
#define KEG_VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define KEG_VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define KEG_VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)

struct keg_virtio;

/* A kind of device. */
struct keg_virtio_class {
	const char *name; /* "block" */
	uint32_t id;      /* section 5 */
	/*
	 * The driver is ready: `agreed` holds the features, and the queues that the driver enabled
	 * are open (queues[i].enabled). The class begins to serve them, in threads of its own. A
	 * negative errno, with a message, breaks the device.
	 */
	int (*start)(struct keg_virtio *device);
	/* Ends that: afterwards no thread touches a queue or guest memory. Only after start(). */
	void (*stop)(struct keg_virtio *device);
	/* The driver wrote to the configuration space, within its size. NULL: ignored. */
	void (*write_config)(
		struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count);
};

struct keg_virtio_queue {
	uint16_t max_size;                  /* what the device offers; a power of two */
	bool doorbell;                      /* often notified: worth an ioeventfd */
	struct keg_virtqueue_layout layout; /* what the driver said; size is at first max_size */
	bool enabled;
	int kick;                  /* an eventfd: the driver has notified this queue */
	struct keg_virtqueue ring; /* open between start() and stop() */

	/* Counted by whoever serves the queue. Bytes are those of the driver's buffers: read from
	 * them, or written to them. */
	_Atomic uint64_t requests, errors, bytes_read, bytes_written, interrupts;
	_Atomic uint64_t kicks; /* notifications that came as an exit, not by a doorbell */
};

/* What a transport does for the device. Any thread; must not take the device's lock. */
struct keg_virtio_transport_ops {
	/* The driver is to look at the used ring of a queue. */
	void (*interrupt)(void *transport, uint16_t queue);
	/* ... at the configuration space, or at the status. */
	void (*config_changed)(void *transport);
	/* Queues are served from now on (or no longer): the place to bind doorbells, with the
	 * device's lock held. May be NULL. */
	void (*serving)(void *transport, bool begins);
};

struct keg_virtio {
	const struct keg_virtio_class *class;
	struct keg_mem *mem;
	const struct keg_virtio_transport_ops *transport_ops;
	void *transport;

	uint64_t offered, agreed; /* features */
	struct keg_virtio_queue *queues;
	uint16_t queue_count;
	uint8_t *config; /* the configuration space: the class's, little-endian */
	uint32_t config_bytes;

	pthread_mutex_t lock;
	bool started;
	_Atomic uint32_t status;
	_Atomic uint32_t generation; /* of the configuration space */
	pthread_mutex_t config_lock; /* guards `config`; taken after `lock` */
	char broken[160];            /* why it needs a reset: the first reason; see break_lock */
	pthread_mutex_t break_lock;
};

/* ---- For boards ---- */

/* What a device is made of; everything is borrowed but `queues`, which is copied into it. */
struct keg_virtio_config {
	const struct keg_virtio_class *class;
	struct keg_mem *mem;
	uint64_t features; /* the class's own: those of section 6 are added */
	uint16_t queue_count;
	uint16_t queue_size;
	uint64_t doorbells; /* a bit for each queue that is worth one; bit 63 for all from 63 on */
	void *config;
	uint32_t config_bytes;
};
int keg_virtio_init(struct keg_virtio *device, const struct keg_virtio_config *config);
void keg_virtio_fini(struct keg_virtio *device); /* stops it, if it serves */

/* What a device has done, all its queues together. */
struct keg_virtio_counts {
	uint64_t requests, errors, bytes_read, bytes_written, interrupts, kicks;
};
void keg_virtio_count(const struct keg_virtio *device, struct keg_virtio_counts *counts);

/* ---- For transports: the driver's side ---- */

void keg_virtio_attach(
	struct keg_virtio *device, const struct keg_virtio_transport_ops *ops, void *transport);

uint8_t keg_virtio_get_status(const struct keg_virtio *device);
/* Section 3.1: 0 resets; FEATURES_OK is kept only if the features may be; DRIVER_OK starts. */
void keg_virtio_set_status(struct keg_virtio *device, uint8_t status);

/* The device may not use the machine's memory any more: it ends to serve, and DRIVER_OK is taken
 * back. What is in flight is lost, so that the driver has to begin anew. */
void keg_virtio_halt(struct keg_virtio *device);

/* 32 bits of the features, `word` 0 or 1; others read as 0 and cannot be written. */
uint32_t keg_virtio_get_features(const struct keg_virtio *device, uint32_t word);
void keg_virtio_set_features(struct keg_virtio *device, uint32_t word, uint32_t bits);
uint32_t keg_virtio_get_agreed(struct keg_virtio *device, uint32_t word);

/* The queue's registers, or a refusal: an index that is none reads as size 0 and ignores writes;
 * nothing changes once the driver is ready. */
struct keg_virtio_queue_state {
	uint16_t size, max_size;
	bool enabled;
	uint64_t descriptors, available, used;
};
void keg_virtio_get_queue(
	struct keg_virtio *device, uint32_t index, struct keg_virtio_queue_state *state);

enum keg_virtio_queue_field {
	KEG_VIRTIO_QUEUE_SIZE,
	KEG_VIRTIO_QUEUE_ENABLE,
	KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW,
	KEG_VIRTIO_QUEUE_DESCRIPTORS_HIGH,
	KEG_VIRTIO_QUEUE_AVAILABLE_LOW,
	KEG_VIRTIO_QUEUE_AVAILABLE_HIGH,
	KEG_VIRTIO_QUEUE_USED_LOW,
	KEG_VIRTIO_QUEUE_USED_HIGH,
};
void keg_virtio_set_queue(struct keg_virtio *device, uint32_t index,
	enum keg_virtio_queue_field field, uint32_t value);

/* The driver has notified a queue, by an exit. An index that is none is ignored. */
void keg_virtio_kick(struct keg_virtio *device, uint32_t index);

/* The configuration space: beyond its end it reads as 0 and ignores writes. */
void keg_virtio_read_config(
	struct keg_virtio *device, uint32_t offset, void *bytes, uint32_t count);
void keg_virtio_write_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count);

/* ---- For classes: the device's side ---- */

/* Whether the driver agreed to all of these features. */
static inline bool keg_virtio_has(const struct keg_virtio *device, uint64_t features)
{
	return (device->agreed & features) == features;
}

/* Interrupts, if the driver wants to hear of what was given back. After each batch. */
void keg_virtio_interrupt(struct keg_virtio *device, uint16_t queue);

/* Changes bytes of the configuration space, and tells the driver if it is one. */
void keg_virtio_update_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count);

/* The driver broke a rule: the device needs a reset (section 2.1.2). `why` is kept for listings.
 * Its threads go on to wait for their end; they touch no queue any more. Any thread. */
void keg_virtio_break(struct keg_virtio *device, const char *why);
bool keg_virtio_is_broken(const struct keg_virtio *device);

#endif
