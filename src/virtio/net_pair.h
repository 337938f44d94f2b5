/* SPDX-License-Identifier: MIT */
/* A network card's queue pair, as its thread sees it. */
#ifndef KEG_VIRTIO_NET_PAIR_H
#define KEG_VIRTIO_NET_PAIR_H

#include "virtio/net.h"

enum {
	KEG_NET_BATCH = 64,    /* chains, before another queue has its turn */
	KEG_NET_IOVECS = 1023, /* one less than readv(2) takes: the last is the overflow's */
};

/* Receive buffers that were taken and not used yet, the first first. */
struct keg_net_held {
	uint16_t head, iovecs;
	uint64_t bytes;
};

struct keg_net_rx {
	struct keg_net_held held[KEG_VIRTIO_NET_QUEUE_MAX];
	uint32_t first, count; /* of `held`, which is a ring */
	uint64_t bytes;        /* that all of them can hold */
	struct iovec iov[KEG_NET_IOVECS + 1];
	uint32_t iov_first, iov_end; /* theirs, in the same order */

	uint64_t need;  /* bytes that any frame fits into */
	uint64_t offer; /* bytes that the next one probably fits into */
	bool ready;     /* the network may have frames */
	/* A frame that buffers were too few for: what is in them, and the rest. */
	uint64_t frame, offered;
	uint8_t overflow[KEG_NET_MAX_FRAME];
};

struct keg_net_tx {
	struct iovec iov[KEG_NET_IOVECS];
	struct keg_virtio_chain chain;
	bool waiting; /* `chain` waits until the network takes frames again */
};

struct keg_net_pair {
	struct keg_virtio_net *net;
	uint32_t index;
	int epoll;
	bool running;
	pthread_t thread;
	struct keg_net_rx rx;
	struct keg_net_tx tx;
};

static inline uint16_t keg_net_rx_queue(const struct keg_net_pair *pair)
{
	return (uint16_t)(2 * pair->index);
}

static inline uint16_t keg_net_tx_queue(const struct keg_net_pair *pair)
{
	return (uint16_t)(2 * pair->index + 1);
}

/* Which queue is the control queue (section 5.1.2). */
uint16_t keg_net_control_queue(const struct keg_virtio_net *net);

/* Serve a queue for a batch. Whether there is more to do at once. */
bool keg_net_serve_rx(struct keg_net_pair *pair);
bool keg_net_serve_tx(struct keg_net_pair *pair);
bool keg_net_serve_control(struct keg_virtio_net *net);

/* Begins anew, before the thread is there. */
void keg_net_rx_start(struct keg_net_pair *pair);
void keg_net_tx_start(struct keg_net_pair *pair);

/* The descriptors that a pair's thread waits for; and the thread. */
int keg_net_pair_init(struct keg_net_pair *pair, struct keg_virtio_net *net, uint32_t index);
void keg_net_pair_fini(struct keg_net_pair *pair);
int keg_net_pair_start(struct keg_net_pair *pair);
void keg_net_pair_join(struct keg_net_pair *pair);

/* Takes a chain: 1, 0 there is none, or a negative errno: the device is broken. */
int keg_net_take(struct keg_virtio_net *net, uint16_t queue, struct keg_virtio_chain *chain);

#endif
