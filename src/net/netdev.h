/* SPDX-License-Identifier: MIT */
/* A network from its own side: what each kind of them has. */
#ifndef KEG_NET_NETDEV_H
#define KEG_NET_NETDEV_H

#include "net/net.h"

/* As the functions of net.h say. */
struct keg_netdev_ops {
	void (*close)(struct keg_netdev *netdev);
	int (*set_features)(struct keg_netdev *netdev, uint64_t features);
	int (*set_queues)(struct keg_netdev *netdev, uint32_t queues);
	ssize_t (*send)(
		struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count);
	ssize_t (*receive)(
		struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count);
	int (*fd)(const struct keg_netdev *netdev, uint32_t queue);
};

/* The first member of each kind's own structure. */
struct keg_netdev {
	const struct keg_netdev_ops *ops;
	struct keg_netdev_facts facts;
};

/* Open what a configuration names that was checked as far as all kinds are alike. They fill the
 * facts in, but for the address. */
int keg_tap_open(const struct keg_net_config *config, struct keg_netdev **netdev);
int keg_user_open(const struct keg_net_config *config, struct keg_netdev **netdev);

/* The bytes of all buffers together. */
size_t keg_net_iov_bytes(const struct iovec *iov, uint32_t count);

#endif
