/* SPDX-License-Identifier: MIT */
/*
 * A network card (virtio 1.2, section 5.1), on a network of src/net.
 *
 * Threads: one a queue pair, from the driver's DRIVER_OK to its reset. The first serves the control
 * queue too.
 */
#ifndef KEG_VIRTIO_NET_H
#define KEG_VIRTIO_NET_H

#include <linux/virtio_net.h>

#include "net/net.h"
#include "virtio/device.h"

enum {
	KEG_VIRTIO_NET_QUEUE_SIZE = 256, /* what is usual */
	KEG_VIRTIO_NET_QUEUE_MAX = 512,  /* a chain of as many buffers fits one readv(2) */
};

struct keg_net_pair;

struct keg_virtio_net {
	struct keg_virtio device;
	struct keg_netdev *netdev;
	struct virtio_net_config config;
	uint32_t pair_count;
	struct keg_net_pair *pairs;
	int stop; /* an eventfd: the threads are to end */
	_Atomic bool stopping;
};

/* Makes a card on a network, which it borrows. queue_size: 0 for what is usual; a power of two to
 * KEG_VIRTIO_NET_QUEUE_MAX. -EINVAL, -ENOMEM, -EMFILE */
int keg_virtio_net_init(struct keg_virtio_net *net, struct keg_mem *mem, struct keg_netdev *netdev,
	uint16_t queue_size);

/* Ends its threads, if it serves. The network is closed after. */
void keg_virtio_net_fini(struct keg_virtio_net *net);

#endif
