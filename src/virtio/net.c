/* SPDX-License-Identifier: MIT */
/* A network card: its making, and its control queue. */
#include "virtio/net.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keg/irq.h>

#include "base/error.h"
#include "virtio/net_pair.h"

#define BIT(feature) (UINT64_C(1) << (feature))

/* Section 5.1.3.1: what a feature cannot be without. */
static const struct {
	uint64_t feature, needs;
} dependencies[] = {
	{BIT(VIRTIO_NET_F_GUEST_TSO4), BIT(VIRTIO_NET_F_GUEST_CSUM)},
	{BIT(VIRTIO_NET_F_GUEST_TSO6), BIT(VIRTIO_NET_F_GUEST_CSUM)},
	{BIT(VIRTIO_NET_F_GUEST_ECN), BIT(VIRTIO_NET_F_GUEST_TSO4) | BIT(VIRTIO_NET_F_GUEST_TSO6)},
};

/* What of the agreed offloads holds: a driver that leaves one out has none that needs it. */
static uint64_t effective_features(uint64_t features)
{
	for (size_t i = 0; i < sizeof(dependencies) / sizeof(*dependencies); i++) {
		if (!(features & dependencies[i].needs))
			features &= ~dependencies[i].feature;
	}
	return features;
}

static void stop_pairs(struct keg_virtio_net *net)
{
	atomic_store(&net->stopping, true);
	(void)keg_eventfd_signal(net->stop);
	for (uint32_t i = 0; i < net->pair_count; i++)
		keg_net_pair_join(&net->pairs[i]);
	(void)keg_eventfd_drain(net->stop);
}

static int start(struct keg_virtio *device)
{
	struct keg_virtio_net *net = (struct keg_virtio_net *)device;
	int rc = keg_netdev_set_features(net->netdev, effective_features(device->agreed));

	atomic_store(&net->stopping, false);
	for (uint32_t i = 0; !rc && i < net->pair_count; i++)
		rc = keg_net_pair_start(&net->pairs[i]);
	if (rc)
		stop_pairs(net);
	return rc;
}

static void stop(struct keg_virtio *device)
{
	stop_pairs((struct keg_virtio_net *)device);
}

static const struct keg_virtio_class net_class = {
	.name = "net",
	.id = VIRTIO_ID_NET,
	.start = start,
	.stop = stop,
};

/* ---- The control queue (section 5.1.6.5) ---- */

uint16_t keg_net_control_queue(const struct keg_virtio_net *net)
{
	/* Section 5.1.2: without several pairs there is one before it, whatever was offered. */
	return (uint16_t)(keg_virtio_has(&net->device, BIT(VIRTIO_NET_F_MQ)) ? 2 * net->pair_count
									     : 2);
}

/* Section 5.1.6.5.5: the driver uses this many pairs from now on. */
static bool set_pairs(struct keg_virtio_net *net, const struct keg_virtio_chain *chain)
{
	uint16_t pairs;

	if (keg_virtio_chain_read(chain, sizeof(struct virtio_net_ctrl_hdr), &pairs,
		    sizeof(pairs)) < sizeof(pairs))
		return false;
	pairs = le16toh(pairs);
	if (pairs < VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN || pairs > net->pair_count)
		return false;
	for (uint32_t i = 0; i < 2U * pairs; i++) {
		if (!net->device.queues[i].enabled)
			return false;
	}
	return keg_netdev_set_queues(net->netdev, pairs) == 0;
}

static uint8_t perform(struct keg_virtio_net *net, const struct keg_virtio_chain *chain)
{
	struct virtio_net_ctrl_hdr header;
	bool done = false;

	if (keg_virtio_chain_read(chain, 0, &header, sizeof(header)) == sizeof(header) &&
		header.class == VIRTIO_NET_CTRL_MQ && header.cmd == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
		done = keg_virtio_has(&net->device, BIT(VIRTIO_NET_F_MQ)) && set_pairs(net, chain);
	return done ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

bool keg_net_serve_control(struct keg_virtio_net *net)
{
	enum { BATCH = 4 };
	const uint16_t index = keg_net_control_queue(net);
	struct keg_virtio_queue *queue = &net->device.queues[index];
	struct iovec iov[KEG_VIRTIO_NET_QUEUE_MAX];
	int done = 0, rc = 0;

	for (; done < BATCH; done++) {
		struct keg_virtio_chain chain = {.iov = iov, .capacity = KEG_VIRTIO_NET_QUEUE_MAX};
		uint8_t answer;
		size_t written;

		rc = keg_net_take(net, index, &chain);
		if (rc <= 0)
			break;
		answer = perform(net, &chain);
		written = keg_virtio_chain_write(&chain, 0, &answer, sizeof(answer));
		queue->requests++;
		queue->errors += answer != VIRTIO_NET_OK;
		keg_virtqueue_give(&queue->ring, chain.head, (uint32_t)written);
	}
	if (rc < 0)
		return false;
	keg_virtio_interrupt(&net->device, index);
	return done == BATCH || keg_virtqueue_listen(&queue->ring);
}

/* ---- Making ---- */

static void set_config(struct virtio_net_config *config, const struct keg_netdev_facts *facts)
{
	memset(config, 0, sizeof(*config));
	memcpy(config->mac, facts->mac, sizeof(config->mac));
	config->status = htole16(VIRTIO_NET_S_LINK_UP);
	config->max_virtqueue_pairs = htole16((uint16_t)facts->queues);
	config->mtu = htole16(facts->mtu);
}

static int make_device(struct keg_virtio_net *net, struct keg_mem *mem, uint16_t queue_size)
{
	struct keg_netdev_facts facts;
	struct keg_virtio_config config = {
		.class = &net_class,
		.mem = mem,
		.queue_size = queue_size ? queue_size : KEG_VIRTIO_NET_QUEUE_SIZE,
		.config = &net->config,
		/* As far as its features reach. */
		.config_bytes = offsetof(struct virtio_net_config, speed),
	};

	keg_netdev_get_facts(net->netdev, &facts);
	set_config(&net->config, &facts);
	config.queue_count = (uint16_t)(2 * facts.queues);
	/* All that frames go through; each pair has two. */
	config.doorbells = config.queue_count < 64 ? BIT(config.queue_count) - 1 : UINT64_MAX;
	config.features = facts.features | BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_MTU) |
			  BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MRG_RXBUF);
	if (facts.queues > 1) {
		config.features |= BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_MQ);
		config.queue_count++;
	}
	return keg_virtio_init(&net->device, &config);
}

static int make_pairs(struct keg_virtio_net *net)
{
	uint32_t count = le16toh(net->config.max_virtqueue_pairs);
	int rc = 0;

	net->pairs = calloc(count, sizeof(*net->pairs));
	if (!net->pairs)
		return keg_fail(ENOMEM, "a network card: out of memory");
	net->pair_count = count;
	for (uint32_t i = 0; i < count; i++)
		net->pairs[i].epoll = -1;
	for (uint32_t i = 0; !rc && i < count; i++)
		rc = keg_net_pair_init(&net->pairs[i], net, i);
	return rc;
}

int keg_virtio_net_init(struct keg_virtio_net *net, struct keg_mem *mem, struct keg_netdev *netdev,
	uint16_t queue_size)
{
	int rc;

	memset(net, 0, sizeof(*net));
	net->stop = -1;
	if (queue_size > KEG_VIRTIO_NET_QUEUE_MAX)
		return keg_fail(EINVAL, "a network card with queues of %u: at most %d", queue_size,
			KEG_VIRTIO_NET_QUEUE_MAX);
	net->netdev = netdev;
	rc = make_device(net, mem, queue_size);
	if (rc)
		return rc;
	net->stop = rc = keg_eventfd_create();
	if (rc >= 0)
		rc = make_pairs(net);
	if (rc)
		keg_virtio_net_fini(net);
	return rc;
}

void keg_virtio_net_fini(struct keg_virtio_net *net)
{
	if (!net->netdev)
		return;
	keg_virtio_fini(&net->device);
	for (uint32_t i = 0; i < net->pair_count; i++)
		keg_net_pair_fini(&net->pairs[i]);
	free(net->pairs);
	if (net->stop >= 0)
		close(net->stop);
	memset(net, 0, sizeof(*net));
}
