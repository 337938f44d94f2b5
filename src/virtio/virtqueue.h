/* SPDX-License-Identifier: MIT */
/*
 * A split virtqueue, the device's side (virtio 1.2, section 2.7). The one place where rings and
 * descriptors are read: everything in them is the guest's and may change while it is looked at, so
 * each field is copied once, the copy is checked, and the copy is used.
 *
 * Threads: one at a time serves a queue; which one, is the device's business.
 */
#ifndef KEG_VIRTIO_VIRTQUEUE_H
#define KEG_VIRTIO_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "mem/span.h"

enum {
	KEG_VIRTQUEUE_MAX = 1024, /* descriptors in a queue, and in an indirect table */
};

struct keg_virtqueue {
	struct keg_mem *mem;
	uint16_t size; /* a power of two */
	bool event_idx;
	bool indirect;

	/* What keg_virtqueue_open() found: pointers into guest memory. */
	const void *descriptors;
	void *available;
	void *used;

	uint16_t next_available; /* the next entry of the available ring to look at */
	uint16_t next_used;      /* the next entry of the used ring to fill */
	uint16_t notified_used;  /* next_used when the driver was last told */
	uint16_t in_flight;      /* chains taken and not yet given back: at most `size` */
	uint64_t taken[KEG_VIRTQUEUE_MAX / 64]; /* a bit for each head in flight */

	struct keg_span near[2]; /* the regions that buffers were found in lately */
};

/* Where the driver has put a queue, as it told the transport. */
struct keg_virtqueue_layout {
	uint16_t size;
	keg_gpa descriptors, available, used;
};

/* What the driver has handed over in one go: buffers to read, then buffers to write. */
struct keg_virtio_chain {
	uint16_t head;     /* names the chain when it is given back */
	uint16_t readable; /* how many of `iov`, from its start, the device reads */
	uint16_t writable; /* how many, after those, it writes */
	uint64_t readable_bytes, writable_bytes; /* below 2^32 together */
	struct iovec *iov;                       /* the caller's, of `capacity` elements */
	uint16_t capacity;
};

/*
 * Begins to use a queue: checks alignment, size and that each ring lies within writable memory.
 * -EINVAL a size that is no power of two or above KEG_VIRTQUEUE_MAX, or an address that is not
 * aligned; -EFAULT a ring is not in the machine's memory. The message names which.
 */
int keg_virtqueue_open(struct keg_virtqueue *queue, struct keg_mem *mem,
	const struct keg_virtqueue_layout *layout, bool event_idx, bool indirect);

/*
 * Takes the next chain. 1, or 0 if there is none now. -EBADMSG the driver broke a rule: a
 * descriptor out of range or outside of memory, a loop, more than `capacity` buffers, 2^32 bytes or
 * more, a table in a table, more heads than descriptors. The message says which; after that the
 * queue must not be used until the device is reset.
 */
int keg_virtqueue_take(struct keg_virtqueue *queue, struct keg_virtio_chain *chain);

/* Gives a chain back, of whose writable buffers `written` bytes, from the start, were filled. */
void keg_virtqueue_give(struct keg_virtqueue *queue, uint16_t head, uint32_t written);

/* The same in two steps, for chains that the driver is to see all at once: each is put into the
 * used ring, and then all are published. */
void keg_virtqueue_put(struct keg_virtqueue *queue, uint16_t head, uint32_t written);
void keg_virtqueue_publish(struct keg_virtqueue *queue);

/* Whether the driver wants to hear of what was given back since it last did. To be asked once
 * after each batch; with true the caller interrupts. */
bool keg_virtqueue_must_interrupt(struct keg_virtqueue *queue);

/*
 * Asks the driver for a notification of its next chain; returns true if there is one already, and
 * the caller goes on taking. While it takes, keg_virtqueue_hush() spares both sides the exits.
 */
bool keg_virtqueue_listen(struct keg_virtqueue *queue);
void keg_virtqueue_hush(struct keg_virtqueue *queue);

/* ---- Copying to and from a chain's buffers, as if they were one ---- */

/* Returns how many bytes there were, from `offset` on. */
size_t keg_virtio_chain_read(
	const struct keg_virtio_chain *chain, size_t offset, void *to, size_t bytes);
size_t keg_virtio_chain_write(
	const struct keg_virtio_chain *chain, size_t offset, const void *from, size_t bytes);

#endif
