/* SPDX-License-Identifier: MIT */
/* An io_uring for one thread: requests, and the eventfds that wake it, in one call of the host. */
#ifndef KEG_BLOCK_RING_H
#define KEG_BLOCK_RING_H

#include "block/inside.h"

enum {
	KEG_RING_WATCHED = 3, /* eventfds */
};

struct keg_ring;

/* NULL where there is none to be had: the library, the kernel, or its policy says no. */
struct keg_ring *keg_ring_open(struct keg_disk *disk, uint32_t depth);
void keg_ring_close(struct keg_ring *ring); /* NULL is allowed */

/* Whether the ring can serve it: reads and writes as the host wants them, and flushes. */
bool keg_ring_takes(const struct keg_disk *disk, const struct keg_disk_request *request);

/* Notes a request for the next enter. */
void keg_ring_prepare(struct keg_ring *ring, struct keg_disk_request *request);

/* Whether there are requests that were prepared and not reaped. */
bool keg_ring_is_busy(const struct keg_ring *ring);

/* From the next enter on, signals of `fd` set bit `index`. It is never drained. */
void keg_ring_watch(struct keg_ring *ring, uint32_t index, int fd);

/* Begins what was prepared, and sleeps, if it is to, until something has happened. */
int keg_ring_enter(struct keg_ring *ring, bool wait);

/* The next request that is done, or NULL; sets bits of *signalled on the way. */
struct keg_disk_request *keg_ring_reap(struct keg_ring *ring, uint32_t *signalled);

#endif
