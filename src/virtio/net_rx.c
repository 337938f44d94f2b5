/* SPDX-License-Identifier: MIT */
/*
 * Frames to the driver (virtio 1.2, sections 5.1.6.3 and 5.1.6.4): straight from the network into
 * its buffers, of which one frame may fill several.
 *
 * How long a frame is shows only when it has come. So it is offered the buffers that it probably
 * needs, and behind them memory of keg's own, from where the rest is copied.
 */
#include "virtio/net_pair.h"

#include <endian.h>
#include <net/ethernet.h>
#include <string.h>

#include "base/error.h"

#define BIT(feature) (UINT64_C(1) << (feature))

enum {
	HELD = KEG_VIRTIO_NET_QUEUE_MAX,
	VLAN_TAGS = 8, /* two */
	/* The driver hears of so much before the batch ends, and begins while the rest comes in. */
	TELL_BYTES = 128 << 10,
};

static bool merges(const struct keg_net_pair *pair)
{
	return keg_virtio_has(&pair->net->device, BIT(VIRTIO_NET_F_MRG_RXBUF));
}

static struct keg_virtqueue *ring_of(const struct keg_net_pair *pair)
{
	return &pair->net->device.queues[keg_net_rx_queue(pair)].ring;
}

void keg_net_rx_start(struct keg_net_pair *pair)
{
	const uint64_t segments = BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6);
	struct keg_net_rx *rx = &pair->rx;

	rx->first = rx->count = 0;
	rx->iov_first = rx->iov_end = 0;
	rx->bytes = rx->frame = rx->offered = 0;
	rx->need = KEG_NET_HEADER + ETHER_HDR_LEN + VLAN_TAGS + le16toh(pair->net->config.mtu);
	if (pair->net->device.agreed & segments)
		rx->need = KEG_NET_MAX_FRAME;
	rx->offer = rx->need;
	rx->ready = true;
}

/* ---- Buffers that are held ---- */

static const struct keg_net_held *held_at(const struct keg_net_rx *rx, uint32_t index)
{
	return &rx->held[(rx->first + index) % HELD];
}

static void hold(struct keg_net_rx *rx, const struct keg_virtio_chain *chain)
{
	rx->held[(rx->first + rx->count++) % HELD] =
		(struct keg_net_held){chain->head, chain->writable, chain->writable_bytes};
	rx->iov_end += chain->writable;
	rx->bytes += chain->writable_bytes;
}

/* Makes room for the iovecs of a chain that is as long as one may be. */
static bool has_room(struct keg_net_rx *rx, uint16_t longest)
{
	if (rx->count == HELD)
		return false;
	if (KEG_NET_IOVECS - rx->iov_end >= longest)
		return true;
	memmove(rx->iov, rx->iov + rx->iov_first, (rx->iov_end - rx->iov_first) * sizeof(*rx->iov));
	rx->iov_end -= rx->iov_first;
	rx->iov_first = 0;
	return KEG_NET_IOVECS - rx->iov_end >= longest;
}

/* Takes buffers until `bytes` would fit, or there are no more. False: the device is broken. */
static bool gather(struct keg_net_pair *pair, uint64_t bytes)
{
	const uint16_t index = keg_net_rx_queue(pair);
	struct keg_virtqueue *ring = ring_of(pair);
	struct keg_net_rx *rx = &pair->rx;
	/* Bounds the chains that no frame can be put into. */
	uint32_t most = ring->size;

	while ((rx->count == 0 || (merges(pair) && rx->bytes < bytes)) && most-- &&
		has_room(rx, ring->size)) {
		struct keg_virtio_chain chain = {.iov = rx->iov + rx->iov_end,
			.capacity = (uint16_t)(KEG_NET_IOVECS - rx->iov_end)};
		int rc = keg_net_take(pair->net, index, &chain);

		if (rc <= 0)
			return rc == 0;
		/* Section 5.1.6.3.1: each must hold the header at least. */
		if (chain.readable == 0 && chain.writable_bytes >= KEG_NET_HEADER) {
			hold(rx, &chain);
			continue;
		}
		keg_virtqueue_give(ring, chain.head, 0);
		pair->net->device.queues[index].errors++;
	}
	return true;
}

/* ---- Frames ---- */

/* Reads one into buffers of `offer` bytes or more, and what follows them. */
static ssize_t read_frame(struct keg_net_pair *pair)
{
	struct keg_net_rx *rx = &pair->rx;
	uint32_t chains = 0, iovecs = 0;
	struct iovec *last, saved;
	ssize_t bytes;

	rx->offered = 0;
	do {
		rx->offered += held_at(rx, chains)->bytes;
		iovecs += held_at(rx, chains)->iovecs;
		chains++;
	} while (merges(pair) && chains < rx->count && rx->offered < rx->offer);
	last = &rx->iov[rx->iov_first + iovecs];
	saved = *last;
	*last = (struct iovec){rx->overflow, sizeof(rx->overflow)};
	bytes = keg_netdev_receive(
		pair->net->netdev, pair->index, rx->iov + rx->iov_first, iovecs + 1);
	*last = saved;
	return bytes;
}

/* The rest of a frame goes from keg's memory into buffers after those that it was offered. */
static void copy_overflow(struct keg_net_rx *rx)
{
	const struct keg_virtio_chain all = {.iov = rx->iov + rx->iov_first,
		.writable = (uint16_t)(rx->iov_end - rx->iov_first)};

	keg_virtio_chain_write(&all, rx->offered, rx->overflow, rx->frame - rx->offered);
}

static void finish_header(struct keg_net_pair *pair, uint32_t chains)
{
	struct keg_net_rx *rx = &pair->rx;
	const struct keg_virtio_chain first = {
		.iov = rx->iov + rx->iov_first, .writable = held_at(rx, 0)->iovecs};
	const uint16_t number = htole16((uint16_t)chains);
	const uint8_t none = 0;

	keg_virtio_chain_write(
		&first, offsetof(struct virtio_net_hdr_v1, num_buffers), &number, sizeof(number));
	/* Section 5.1.6.4.1: a driver without this has been promised no flags. */
	if (!keg_virtio_has(&pair->net->device, BIT(VIRTIO_NET_F_GUEST_CSUM)))
		keg_virtio_chain_write(
			&first, offsetof(struct virtio_net_hdr_v1, flags), &none, sizeof(none));
}

/* Gives the frame's buffers back, all at once (section 5.1.6.4.1). */
static void deliver(struct keg_net_pair *pair)
{
	struct keg_virtqueue *ring = ring_of(pair);
	struct keg_net_rx *rx = &pair->rx;
	uint64_t left = rx->frame;
	uint32_t chains = 0;

	for (uint64_t bytes = 0; bytes < rx->frame; chains++)
		bytes += held_at(rx, chains)->bytes;
	finish_header(pair, chains);
	for (uint32_t i = 0; i < chains; i++) {
		const struct keg_net_held held = *held_at(rx, 0);
		uint64_t part = left < held.bytes ? left : held.bytes;

		keg_virtqueue_put(ring, held.head, (uint32_t)part);
		left -= part;
		rx->bytes -= held.bytes;
		rx->iov_first += held.iovecs;
		rx->first = (rx->first + 1) % HELD;
		rx->count--;
	}
	keg_virtqueue_publish(ring);
	if (rx->iov_first == rx->iov_end)
		rx->iov_first = rx->iov_end = 0;
	/* Larger ones at once, smaller ones by and by. */
	rx->offer -= rx->offer / 16;
	rx->offer = rx->offer < rx->frame ? rx->frame : rx->offer;
	rx->frame = 0;
}

enum outcome {
	DELIVERED,
	LOST,      /* it cannot be delivered, ever */
	NO_FRAME,  /* there is none, now */
	NO_BUFFER, /* the driver must make more available */
	BROKEN,
};

/* The next frame, or the one for which buffers were missing. */
static enum outcome receive(struct keg_net_pair *pair, uint64_t *received)
{
	struct keg_net_rx *rx = &pair->rx;
	ssize_t bytes;

	if (!gather(pair, rx->frame ? rx->frame : rx->offer))
		return BROKEN;
	if (rx->count == 0)
		return NO_BUFFER;
	if (!rx->frame) {
		bytes = read_frame(pair);
		if (bytes < 0)
			return NO_FRAME;
		if (bytes < KEG_NET_HEADER + ETHER_HDR_LEN)
			return LOST;
		rx->frame = (uint64_t)bytes;
		if (rx->frame > rx->bytes && !gather(pair, rx->frame))
			return BROKEN;
	}
	*received = rx->frame;
	if (rx->frame > rx->bytes && merges(pair) && rx->count < ring_of(pair)->size &&
		has_room(rx, ring_of(pair)->size))
		return NO_BUFFER;
	if (rx->frame > rx->bytes) {
		rx->frame = 0;
		return LOST;
	}
	if (rx->frame > rx->offered)
		copy_overflow(rx);
	deliver(pair);
	return DELIVERED;
}

bool keg_net_serve_rx(struct keg_net_pair *pair)
{
	const uint16_t index = keg_net_rx_queue(pair);
	struct keg_virtio_queue *queue = &pair->net->device.queues[index];
	uint64_t frames = 0, errors = 0, bytes = 0, untold = 0, received = 0;
	enum outcome outcome = pair->rx.ready ? DELIVERED : NO_FRAME;

	keg_virtqueue_hush(&queue->ring);
	while (outcome <= LOST && frames + errors < KEG_NET_BATCH) {
		outcome = receive(pair, &received);
		errors += outcome == LOST;
		if (outcome != DELIVERED)
			continue;
		frames++;
		bytes += received;
		untold += received;
		if (untold >= TELL_BYTES) {
			keg_virtio_interrupt(&pair->net->device, index);
			untold = 0;
		}
	}
	queue->requests += frames;
	queue->errors += errors;
	queue->bytes_written += bytes;
	if (outcome == BROKEN)
		return false;
	keg_virtio_interrupt(&pair->net->device, index);
	pair->rx.ready = outcome != NO_FRAME;
	/* Only a driver whose buffers are missing is asked to tell of new ones. */
	if (outcome == NO_BUFFER)
		return keg_virtqueue_listen(&queue->ring);
	return outcome <= LOST;
}
