/* SPDX-License-Identifier: MIT */
/* A guest of a network within the process, for tests. */
#ifndef KEG_TESTS_NET_USER_RIG_H
#define KEG_TESTS_NET_USER_RIG_H

#include "guest.h"

#define CONFIG .size = sizeof(struct keg_net_config), .kind = KEG_NET_USER

static struct guest guest;

static inline void open_user(const struct keg_net_config *config)
{
	struct keg_netdev *netdev = NULL;

	assert_ok(keg_netdev_open(config, &netdev));
	guest_init(&guest, netdev);
}

static inline int close_user(void **state)
{
	(void)state;
	keg_netdev_close(guest.netdev);
	return 0;
}

static inline int open_plain(void **state)
{
	const struct keg_net_config config = {CONFIG};

	(void)state;
	open_user(&config);
	return 0;
}

#endif
