/* SPDX-License-Identifier: MIT */
/*
 * A tap interface: an Ethernet card of the host's whose other end is a descriptor.
 * Linux, Documentation/networking/tuntap.rst; <linux/if_tun.h>.
 */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "net/netdev.h"

struct tap {
	struct keg_netdev netdev;
	char name[IFNAMSIZ];
	bool multi_queue;
	uint32_t attached; /* the first of `fds`, through which frames come */
	int fds[KEG_NET_MAX_QUEUES];
};

/* What the driver can take in, in virtio's words and in tun's. The first is needed by the rest. */
static const struct {
	uint64_t feature;
	unsigned int flag;
} offloads[] = {
	{UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM},
	{UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4},
	{UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6},
	{UINT64_C(1) << VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN},
};
enum { OFFLOADS = sizeof(offloads) / sizeof(*offloads) };

/* What the kernel does with frames that a header comes before, always. */
static const uint64_t host_offloads =
	UINT64_C(1) << VIRTIO_NET_F_CSUM | UINT64_C(1) << VIRTIO_NET_F_HOST_TSO4 |
	UINT64_C(1) << VIRTIO_NET_F_HOST_TSO6 | UINT64_C(1) << VIRTIO_NET_F_HOST_ECN;

static int tap_set_queues(struct keg_netdev *netdev, uint32_t queues)
{
	struct tap *tap = (struct tap *)netdev;

	while (tap->attached != queues) {
		bool attach = tap->attached < queues;
		uint32_t index = attach ? tap->attached : tap->attached - 1;
		struct ifreq request = {0};

		request.ifr_flags = attach ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
		if (ioctl(tap->fds[index], TUNSETQUEUE, &request))
			return keg_fail_errno(errno, "%s: %s queue %u", tap->name,
				attach ? "attaching" : "detaching", index);
		tap->attached = attach ? index + 1 : index;
	}
	return 0;
}

/* Frames that wait: they are of the time before, with offloads that may not hold now. */
static void drop_waiting(struct tap *tap)
{
	enum { MOST = 4096 };       /* more than a queue holds (500 to 1000): never for ever */
	char start[KEG_NET_HEADER]; /* the least that a frame is read into */

	for (uint32_t i = 0; i < tap->attached; i++) {
		for (int n = 0; n < MOST && read(tap->fds[i], start, sizeof(start)) > 0; n++)
			;
	}
}

static int tap_set_features(struct keg_netdev *netdev, uint64_t features)
{
	struct tap *tap = (struct tap *)netdev;
	unsigned int flags = 0;

	/* Section 5.1.3.1: segments in need checksums in. A driver that asks otherwise gets none.
	 */
	for (int i = 0; i < OFFLOADS && (features & offloads[0].feature); i++)
		flags |= features & offloads[i].feature ? offloads[i].flag : 0;
	if (ioctl(tap->fds[0], TUNSETOFFLOAD, flags))
		return keg_fail_errno(errno, "%s: setting offloads 0x%x", tap->name, flags);
	drop_waiting(tap);
	return tap_set_queues(netdev, 1);
}

static ssize_t tap_send(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	ssize_t rc;

	do
		rc = writev(((struct tap *)netdev)->fds[queue], iov, (int)count);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

static ssize_t tap_receive(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	ssize_t rc;

	do
		rc = readv(((struct tap *)netdev)->fds[queue], iov, (int)count);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

static int tap_fd(const struct keg_netdev *netdev, uint32_t queue)
{
	return ((const struct tap *)netdev)->fds[queue];
}

static void tap_close(struct keg_netdev *netdev)
{
	struct tap *tap = (struct tap *)netdev;

	for (uint32_t i = 0; i < KEG_NET_MAX_QUEUES; i++) {
		if (tap->fds[i] >= 0)
			close(tap->fds[i]);
	}
	free(tap);
}

static const struct keg_netdev_ops tap_ops = {
	.close = tap_close,
	.set_features = tap_set_features,
	.set_queues = tap_set_queues,
	.send = tap_send,
	.receive = tap_receive,
	.fd = tap_fd,
};

static int open_tun(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		return fd;
	if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		return keg_fail_errno(errno,
			"opening /dev/net/tun: the host's kernel needs the tun module (modprobe "
			"tun)");
	if (errno == EACCES || errno == EPERM)
		return keg_fail_errno(
			errno, "opening /dev/net/tun: this user may not read and write it");
	return keg_fail_errno(errno, "opening /dev/net/tun");
}

static int explain(int error, const char *name, bool multi_queue)
{
	switch (error) {
	case EPERM:
		return keg_fail(EPERM,
			"tap %s: making or taking it needs CAP_NET_ADMIN, or an interface that was "
			"made for this user: ip tuntap add dev %s mode tap user NAME%s",
			name, name, multi_queue ? " multi_queue" : "");
	case EBUSY:
		return keg_fail(
			EBUSY, "tap %s: in use: by another machine, or as another kind", name);
	case EINVAL:
		return keg_fail(EINVAL,
			"tap %s: not a name for an interface, not a tap, or made %s multi_queue",
			name, multi_queue ? "without" : "with");
	default:
		return keg_fail_errno(error, "tap %s", name);
	}
}

/* Binds a descriptor to the interface, which is made if there is none. 0 or an errno. */
static int bind_queue(struct tap *tap, int fd, bool multi_queue)
{
	struct ifreq request = {0};

	request.ifr_flags =
		(short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (multi_queue ? IFF_MULTI_QUEUE : 0));
	memcpy(request.ifr_name, tap->name, sizeof(tap->name));
	if (ioctl(fd, TUNSETIFF, &request))
		return errno;
	/* The kernel has filled in a pattern such as "tap%d". */
	memcpy(tap->name, request.ifr_name, sizeof(tap->name));
	return 0;
}

static int open_queues(struct tap *tap, uint32_t queues)
{
	int error;

	tap->multi_queue = queues > 1;
	for (uint32_t i = 0; i < queues; i++) {
		tap->fds[i] = open_tun();
		if (tap->fds[i] < 0)
			return tap->fds[i];
		error = bind_queue(tap, tap->fds[i], tap->multi_queue);
		/* One that was made for several queues does for one too. */
		if (error == EINVAL && queues == 1) {
			error = bind_queue(tap, tap->fds[i], true);
			tap->multi_queue = !error;
		}
		if (error)
			return explain(error, tap->name, tap->multi_queue);
		tap->attached = i + 1;
	}
	return 0;
}

static int take_fd(struct tap *tap, int fd)
{
	struct ifreq request = {0};
	int flags;

	if (ioctl(fd, TUNGETIFF, &request))
		return keg_fail_errno(
			errno, "tap descriptor %d: it is not bound to a tap interface", fd);
	if (!(request.ifr_flags & IFF_TAP) || !(request.ifr_flags & IFF_VNET_HDR) ||
		!(request.ifr_flags & IFF_NO_PI))
		return keg_fail(EINVAL,
			"tap descriptor %d: %s was not bound with IFF_TAP | IFF_NO_PI | "
			"IFF_VNET_HDR",
			fd, request.ifr_name);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return keg_fail_errno(errno, "tap descriptor %d: making it non-blocking", fd);
	memcpy(tap->name, request.ifr_name, sizeof(tap->name));
	tap->fds[0] = fd;
	tap->attached = 1;
	return 0;
}

static int set_header(const struct tap *tap, uint32_t queues)
{
	int bytes = KEG_NET_HEADER, little_endian = 1;

	for (uint32_t i = 0; i < queues; i++) {
		if (ioctl(tap->fds[i], TUNSETVNETHDRSZ, &bytes))
			return keg_fail_errno(
				errno, "%s: setting headers of %d bytes", tap->name, bytes);
		/* Only a big-endian host needs to be told; an old kernel lacks the call. */
		if (ioctl(tap->fds[i], TUNSETVNETLE, &little_endian) && errno != EINVAL)
			return keg_fail_errno(
				errno, "%s: setting little-endian headers", tap->name);
	}
	return 0;
}

/* The most offloads that the kernel takes; then none, until a driver agrees to some. */
static int probe_offloads(struct tap *tap)
{
	unsigned int flags = 0;
	uint64_t features = 0;

	for (int i = 0; i < OFFLOADS; i++) {
		if (ioctl(tap->fds[0], TUNSETOFFLOAD, flags | offloads[i].flag) == 0) {
			flags |= offloads[i].flag;
			features |= offloads[i].feature;
		}
	}
	if (ioctl(tap->fds[0], TUNSETOFFLOAD, 0))
		return keg_fail_errno(errno, "%s: setting no offloads", tap->name);
	tap->netdev.facts.features = features ? features | host_offloads : 0;
	return 0;
}

/* Reads the interface's MTU, or sets it and brings the interface up, if it is keg's own. */
static int set_interface(struct tap *tap, const struct keg_net_config *config, bool made)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;
	struct ifreq request = {0};

	if (fd < 0)
		return keg_fail_errno(errno, "a socket for %s's settings", tap->name);
	memcpy(request.ifr_name, tap->name, sizeof(tap->name));
	request.ifr_mtu = config->mtu;
	if (made && config->mtu && ioctl(fd, SIOCSIFMTU, &request))
		rc = keg_fail_errno(errno, "%s: setting an MTU of %u", tap->name, config->mtu);
	else if (!config->mtu && ioctl(fd, SIOCGIFMTU, &request))
		rc = keg_fail_errno(errno, "%s: reading its MTU", tap->name);
	tap->netdev.facts.mtu =
		(uint16_t)(request.ifr_mtu > UINT16_MAX ? UINT16_MAX : request.ifr_mtu);
	if (!rc && made && ioctl(fd, SIOCGIFFLAGS, &request))
		rc = keg_fail_errno(errno, "%s: reading its flags", tap->name);
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	if (!rc && made && ioctl(fd, SIOCSIFFLAGS, &request))
		rc = keg_fail_errno(errno, "%s: bringing it up", tap->name);
	close(fd);
	return rc;
}

static int check(const struct keg_net_config *config)
{
	if (config->forward_count || config->flags & KEG_NET_RESTRICT)
		return keg_fail(EINVAL,
			"tap: forwards and KEG_NET_RESTRICT are of user-mode networks; the host's "
			"own firewall rules a tap");
	if (config->queues > KEG_NET_MAX_QUEUES)
		return keg_fail(EINVAL, "tap: %u queue pairs: at most %d", config->queues,
			KEG_NET_MAX_QUEUES);
	if (!config->tap == !config->tap_fd)
		return keg_fail(EINVAL, "tap: either a name or a descriptor is needed");
	if (config->tap_fd && config->queues > 1)
		return keg_fail(
			EINVAL, "tap: a descriptor is one queue pair, not %u", config->queues);
	if (config->tap && (!*config->tap || strlen(config->tap) >= IFNAMSIZ))
		return keg_fail(
			EINVAL, "tap \"%s\": a name has 1 to %d bytes", config->tap, IFNAMSIZ - 1);
	return 0;
}

static int set_up(struct tap *tap, const struct keg_net_config *config)
{
	uint32_t queues = config->queues ? config->queues : 1;
	bool made = false;
	int rc;

	if (config->tap) {
		memcpy(tap->name, config->tap, strlen(config->tap));
		made = if_nametoindex(tap->name) == 0;
		rc = open_queues(tap, queues);
	} else {
		rc = take_fd(tap, config->tap_fd);
	}
	if (!rc)
		rc = set_header(tap, queues);
	if (!rc && !(config->flags & KEG_NET_NO_OFFLOADS))
		rc = probe_offloads(tap);
	if (!rc)
		rc = set_interface(tap, config, made);
	tap->netdev.facts.queues = queues;
	return rc;
}

int keg_tap_open(const struct keg_net_config *config, struct keg_netdev **netdev)
{
	struct tap *tap;
	int rc = check(config);

	if (rc)
		return rc;
	tap = calloc(1, sizeof(*tap));
	if (!tap)
		return keg_fail(ENOMEM, "tap: out of memory");
	tap->netdev.ops = &tap_ops;
	for (uint32_t i = 0; i < KEG_NET_MAX_QUEUES; i++)
		tap->fds[i] = -1;
	rc = set_up(tap, config);
	if (!rc) {
		*netdev = &tap->netdev;
		return 0;
	}
	/* It becomes the network's only with success. */
	if (config->tap_fd)
		tap->fds[0] = -1;
	tap_close(&tap->netdev);
	return rc;
}
