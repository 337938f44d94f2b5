/* SPDX-License-Identifier: MIT */
/*
 * A queue pair's thread. It waits for the driver's notifications, the network and its end, all
 * edge-triggered: so nothing needs to be read back or asked for again, and what cannot be served
 * yet (frames without buffers, say) does not keep it awake.
 */
#include "virtio/net_pair.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

/* What an event is about. */
enum { FROM_DRIVER, FROM_NETWORK, FROM_OWNER };

static int watch(int epoll, int fd, uint32_t events, uint32_t source)
{
	struct epoll_event event = {.events = events, .data.u32 = source};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		return keg_fail_errno(errno, "a network card: waiting for descriptor %d", fd);
	return 0;
}

/* It is the last queue or, where the driver knows of one pair only, the third. */
static int watch_control(const struct keg_net_pair *pair)
{
	const struct keg_virtio *device = &pair->net->device;
	const uint32_t in = EPOLLIN | EPOLLET;
	int rc = watch(pair->epoll, device->queues[device->queue_count - 1].kick, in, FROM_DRIVER);

	return rc ? rc : watch(pair->epoll, device->queues[2].kick, in, FROM_DRIVER);
}

int keg_net_pair_init(struct keg_net_pair *pair, struct keg_virtio_net *net, uint32_t index)
{
	const uint32_t in = EPOLLIN | EPOLLET;
	int rc;

	pair->net = net;
	pair->index = index;
	pair->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (pair->epoll < 0)
		return keg_fail_errno(errno, "a network card: what it waits with");
	/* The end is not edge-triggered: it is the same for all threads, and stays. */
	rc = watch(pair->epoll, net->stop, EPOLLIN, FROM_OWNER);
	if (!rc)
		rc = watch(pair->epoll, net->device.queues[keg_net_rx_queue(pair)].kick, in,
			FROM_DRIVER);
	if (!rc)
		rc = watch(pair->epoll, net->device.queues[keg_net_tx_queue(pair)].kick, in,
			FROM_DRIVER);
	if (!rc && index == 0 && net->pair_count > 1)
		rc = watch_control(pair);
	if (!rc)
		rc = watch(pair->epoll, keg_netdev_fd(net->netdev, index), in | EPOLLOUT,
			FROM_NETWORK);
	return rc;
}

void keg_net_pair_fini(struct keg_net_pair *pair)
{
	if (pair->epoll >= 0)
		close(pair->epoll);
}

int keg_net_take(struct keg_virtio_net *net, uint16_t queue, struct keg_virtio_chain *chain)
{
	int rc = keg_virtqueue_take(&net->device.queues[queue].ring, chain);

	if (rc < 0)
		keg_virtio_break(&net->device, keg_error_message());
	return rc;
}

/* Whether there is more to do at once. */
static bool work(struct keg_net_pair *pair)
{
	struct keg_virtio *device = &pair->net->device;
	const uint16_t control = keg_net_control_queue(pair->net);
	bool more = false;

	if (pair->index == 0 && control < device->queue_count && device->queues[control].enabled &&
		keg_virtio_has(device, UINT64_C(1) << VIRTIO_NET_F_CTRL_VQ))
		more = keg_net_serve_control(pair->net);
	if (device->queues[keg_net_tx_queue(pair)].enabled && !keg_virtio_is_broken(device))
		more = keg_net_serve_tx(pair) || more;
	if (device->queues[keg_net_rx_queue(pair)].enabled && !keg_virtio_is_broken(device))
		more = keg_net_serve_rx(pair) || more;
	return more;
}

static void wait_for_work(struct keg_net_pair *pair)
{
	struct epoll_event events[4];
	int count = epoll_wait(pair->epoll, events, sizeof(events) / sizeof(*events), -1);

	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 != FROM_NETWORK)
			continue;
		if (events[i].events & ~(uint32_t)EPOLLOUT)
			pair->rx.ready = true;
		if (events[i].events & EPOLLOUT)
			pair->tx.waiting = false;
	}
}

static void *run(void *argument)
{
	struct keg_net_pair *pair = argument;

	while (!atomic_load_explicit(&pair->net->stopping, memory_order_relaxed)) {
		if (keg_virtio_is_broken(&pair->net->device) || !work(pair))
			wait_for_work(pair);
	}
	return NULL;
}

/* Whether the pair has anything to serve: a driver need not enable every queue. */
static bool has_queues(const struct keg_net_pair *pair)
{
	const struct keg_virtio *device = &pair->net->device;

	if (pair->index == 0)
		return true;
	return keg_virtio_has(device, UINT64_C(1) << VIRTIO_NET_F_MQ) &&
	       (device->queues[keg_net_rx_queue(pair)].enabled ||
		       device->queues[keg_net_tx_queue(pair)].enabled);
}

int keg_net_pair_start(struct keg_net_pair *pair)
{
	int rc;

	if (!has_queues(pair))
		return 0;
	keg_net_rx_start(pair);
	keg_net_tx_start(pair);
	rc = keg_thread_create(&pair->thread, NULL, run, pair);
	if (rc)
		return keg_fail_errno(rc, "a network card: making a thread");
	pair->running = true;
	return 0;
}

void keg_net_pair_join(struct keg_net_pair *pair)
{
	if (pair->running)
		pthread_join(pair->thread, NULL);
	pair->running = false;
}
