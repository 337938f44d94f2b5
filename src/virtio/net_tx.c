/* SPDX-License-Identifier: MIT */
/* Frames from the driver: straight from its buffers into the network (virtio 1.2, 5.1.6.2). */
#include "virtio/net_pair.h"

#include <net/ethernet.h>

#include "base/error.h"

void keg_net_tx_start(struct keg_net_pair *pair)
{
	pair->tx.chain = (struct keg_virtio_chain){.iov = pair->tx.iov, .capacity = KEG_NET_IOVECS};
	pair->tx.waiting = false;
}

/* What is counted once a batch. */
struct tally {
	uint64_t frames, errors, bytes;
};

/* Sends the chain that was taken. False: the network takes nothing now. */
static bool send_chain(struct keg_net_pair *pair, struct tally *tally)
{
	const struct keg_virtio_chain *chain = &pair->tx.chain;
	ssize_t sent = -EINVAL;

	/* The network looks at what is in the header; the lengths are looked at here. */
	if (chain->readable_bytes >= KEG_NET_HEADER + ETHER_HDR_LEN &&
		chain->readable_bytes <= KEG_NET_MAX_FRAME)
		sent = keg_netdev_send(pair->net->netdev, pair->index, chain->iov, chain->readable);
	if (sent == -EAGAIN)
		return false;
	tally->frames++;
	tally->errors += sent < 0;
	tally->bytes += sent > 0 ? (uint64_t)sent : 0;
	return true;
}

static void count(struct keg_virtio_queue *queue, const struct tally *tally)
{
	queue->requests += tally->frames;
	queue->errors += tally->errors;
	queue->bytes_read += tally->bytes;
}

bool keg_net_serve_tx(struct keg_net_pair *pair)
{
	const uint16_t index = keg_net_tx_queue(pair);
	struct keg_virtio_queue *queue = &pair->net->device.queues[index];
	struct keg_net_tx *tx = &pair->tx;
	struct tally tally = {0};
	int rc = 0;

	if (tx->waiting)
		return false;
	keg_virtqueue_hush(&queue->ring);
	while (tally.frames < KEG_NET_BATCH) {
		/* One that waited is still taken. */
		if (!queue->ring.in_flight)
			rc = keg_net_take(pair->net, index, &tx->chain);
		if (!queue->ring.in_flight)
			break;
		tx->waiting = !send_chain(pair, &tally);
		if (tx->waiting)
			break;
		keg_virtqueue_give(&queue->ring, tx->chain.head, 0);
	}
	if (tally.frames)
		count(queue, &tally);
	if (rc < 0)
		return false;
	keg_virtio_interrupt(&pair->net->device, index);
	if (tx->waiting)
		return false;
	return tally.frames == KEG_NET_BATCH || keg_virtqueue_listen(&queue->ring);
}
