/* SPDX-License-Identifier: MIT */
/* What all networks have in common: the configuration's checks, and the way to each kind. */
#include "net/netdev.h"

#include <string.h>
#include <sys/random.h>

#include "base/error.h"

enum {
	MAC_GROUP = 1, /* of the first byte, as they are on the wire */
	MAC_LOCAL = 2,
	LEAST_MTU = 68, /* RFC 791: what every interface must carry; virtio's least too */
};

static int (*const kinds[])(const struct keg_net_config *, struct keg_netdev **) = {
	[KEG_NET_USER] = keg_user_open,
	[KEG_NET_TAP] = keg_tap_open,
};

int keg_net_make_mac(uint8_t mac[6])
{
	ssize_t rc;

	do
		rc = getrandom(mac, 6, 0);
	while (rc < 0 && errno == EINTR);
	if (rc != 6)
		return keg_fail_errno(rc < 0 ? errno : EIO, "making up a MAC address");
	mac[0] = (uint8_t)((mac[0] & ~MAC_GROUP) | MAC_LOCAL);
	return 0;
}

static bool is_zero(const uint8_t mac[6])
{
	return !(mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]);
}

static int check(const struct keg_net_config *config)
{
	if ((uint32_t)config->kind >= sizeof(kinds) / sizeof(*kinds))
		return keg_fail(EINVAL, "network: there is no kind %d", (int)config->kind);
	if (config->flags & ~(uint32_t)(KEG_NET_RESTRICT | KEG_NET_NO_OFFLOADS))
		return keg_fail(EINVAL, "network: flags 0x%x are unknown", config->flags);
	if (config->mac[0] & MAC_GROUP)
		return keg_fail(EINVAL,
			"network: the MAC address begins with %02x, which makes it a group's: the "
			"lowest bit must be 0",
			config->mac[0]);
	if (config->mtu && config->mtu < LEAST_MTU)
		return keg_fail(EINVAL, "network: an MTU of %u is too small: at least %d",
			config->mtu, LEAST_MTU);
	if (config->forward_count && !config->forwards)
		return keg_fail(EINVAL, "network: %zu forwards, but forwards is NULL",
			config->forward_count);
	return 0;
}

int keg_netdev_open(const struct keg_net_config *config, struct keg_netdev **netdev)
{
	struct keg_net_config own;
	uint8_t mac[6];
	int rc = keg_config_copy(
		&own, sizeof(own), config, config ? config->size : 0, "struct keg_net_config");

	if (!rc)
		rc = check(&own);
	memcpy(mac, own.mac, sizeof(mac));
	if (!rc && is_zero(mac))
		rc = keg_net_make_mac(mac);
	if (!rc)
		rc = kinds[own.kind](&own, netdev);
	if (!rc)
		memcpy((*netdev)->facts.mac, mac, sizeof(mac));
	return rc;
}

void keg_netdev_close(struct keg_netdev *netdev)
{
	if (netdev)
		netdev->ops->close(netdev);
}

void keg_netdev_get_facts(const struct keg_netdev *netdev, struct keg_netdev_facts *facts)
{
	*facts = netdev->facts;
}

int keg_netdev_set_features(struct keg_netdev *netdev, uint64_t features)
{
	return netdev->ops->set_features(netdev, features & netdev->facts.features);
}

int keg_netdev_set_queues(struct keg_netdev *netdev, uint32_t queues)
{
	if (queues < 1 || queues > netdev->facts.queues)
		return keg_fail(EINVAL, "network: %u queue pairs, where there are 1 to %u", queues,
			netdev->facts.queues);
	return netdev->ops->set_queues(netdev, queues);
}

ssize_t keg_netdev_send(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	return netdev->ops->send(netdev, queue, iov, count);
}

ssize_t keg_netdev_receive(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	return netdev->ops->receive(netdev, queue, iov, count);
}

int keg_netdev_fd(const struct keg_netdev *netdev, uint32_t queue)
{
	return netdev->ops->fd(netdev, queue);
}

size_t keg_net_iov_bytes(const struct iovec *iov, uint32_t count)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < count; i++)
		bytes += iov[i].iov_len;
	return bytes;
}
