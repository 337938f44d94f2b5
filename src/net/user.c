/* SPDX-License-Identifier: MIT */
/*
 * A network within this process: libslirp plays a router, DHCP and name server, and turns the
 * guest's connections into sockets of the host's. No privilege is needed, and there are no
 * offloads. All of libslirp runs in the thread that serves the queue pair.
 */
#include "net/netdev.h"

#include "base/error.h"

#if KEG_HAS_SLIRP

#include <arpa/inet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <keg/irq.h>

#include "net/fragments.h"
#include "net/frames.h"
#include "net/user_poll.h"

struct user {
	struct keg_netdev netdev;
	struct keg_user_slirp slirp;
	struct keg_user_poll poll;
	struct keg_frames frames; /* to the guest */
	int waiting;              /* an eventfd, signalled while there are frames */
	bool signalled;
	struct keg_fragments fragments;   /* from the guest */
	uint8_t frame[KEG_NET_MAX_FRAME]; /* one from the guest, in one piece */
	uint8_t whole[KEG_NET_MAX_FRAME]; /* ... and one that came in parts */
};

/* ---- What libslirp calls ---- */

static ssize_t to_guest(const void *bytes, size_t count, void *opaque)
{
	struct user *user = opaque;

	/* No room: it is lost, as on any network; TCP sends it again. */
	if (keg_frames_put(&user->frames, bytes, count) == 0 && !user->signalled)
		user->signalled = keg_eventfd_signal(user->waiting) == 0;
	return (ssize_t)count;
}

static void guest_error(const char *message, void *opaque)
{
	(void)message;
	(void)opaque;
}

static int64_t clock_ns(void *opaque)
{
	(void)opaque;
	return keg_user_clock_ns();
}

static void *timer_new(SlirpTimerCb call, void *context, void *opaque)
{
	return keg_user_poll_add_timer(&((struct user *)opaque)->poll, call, context);
}

static void timer_free(void *timer, void *opaque)
{
	keg_user_poll_remove_timer(&((struct user *)opaque)->poll, timer);
}

static void timer_mod(void *timer, int64_t expires_ms, void *opaque)
{
	(void)opaque;
	keg_user_timer_set(timer, expires_ms);
}

static void socket_opened(int fd, void *opaque)
{
	keg_user_poll_opened(&((struct user *)opaque)->poll, fd);
}

static void socket_closed(int fd, void *opaque)
{
	keg_user_poll_closed(&((struct user *)opaque)->poll, fd);
}

static void notify(void *opaque)
{
	keg_user_poll_changed(&((struct user *)opaque)->poll);
}

static const SlirpCb callbacks = {
	.send_packet = to_guest,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = socket_opened,
	.unregister_poll_fd = socket_closed,
	.notify = notify,
};

/* ---- What a device calls ---- */

static int user_set_features(struct keg_netdev *netdev, uint64_t features)
{
	(void)features;
	keg_frames_clear(&((struct user *)netdev)->frames);
	keg_fragments_clear(&((struct user *)netdev)->fragments);
	return 0;
}

static int user_set_queues(struct keg_netdev *netdev, uint32_t queues)
{
	(void)netdev;
	(void)queues;
	return 0;
}

static size_t gather(uint8_t *to, size_t room, const struct iovec *iov, uint32_t count)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (iov[i].iov_len > room - bytes)
			return SIZE_MAX;
		memcpy(to + bytes, iov[i].iov_base, iov[i].iov_len);
		bytes += iov[i].iov_len;
	}
	return bytes;
}

/* libslirp gets a frame, if it has room for what that makes it keep. */
static bool input(struct user *user, const uint8_t *frame, size_t bytes)
{
	if (keg_user_poll_is_full(&user->poll) && keg_frame_opens(frame, bytes))
		return false;
	keg_user_poll_set_clock(&user->poll, &user->slirp);
	user->slirp.lib.slirp_input(user->slirp.slirp, frame, (int)bytes);
	/* What it waits for may be another now: sockets, and when to look at them. */
	keg_user_poll_changed(&user->poll);
	return true;
}

static ssize_t user_send(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	struct user *user = (struct user *)netdev;
	size_t bytes = gather(user->frame, sizeof(user->frame), iov, count), frame_bytes;
	const uint8_t *frame = user->frame + sizeof(struct virtio_net_hdr_v1);
	struct virtio_net_hdr_v1 header;

	(void)queue;
	if (bytes > sizeof(user->frame))
		return -EMSGSIZE;
	if (bytes < sizeof(header))
		return -EINVAL;
	memcpy(&header, user->frame, sizeof(header));
	/* No offload was agreed to. */
	if (header.flags || header.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		return -EINVAL;
	frame_bytes = bytes - sizeof(header);
	if (keg_frame_is_fragment(frame, frame_bytes)) {
		frame_bytes = keg_fragments_add(
			&user->fragments, frame, frame_bytes, keg_user_clock_ns(), user->whole);
		frame = user->whole;
		if (!frame_bytes)
			return (ssize_t)bytes;
	}
	return input(user, frame, frame_bytes) ? (ssize_t)bytes : -ENOBUFS;
}

/* Without a frame for the guest, before others have their turn. */
enum { MOST_ROUNDS = 16 };

static ssize_t user_receive(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	struct user *user = (struct user *)netdev;
	uint32_t rounds = 0;
	ssize_t bytes;

	(void)queue;
	/* Only with nothing left to give: so a guest that takes nothing is sent nothing. */
	while (keg_frames_is_empty(&user->frames) && keg_user_poll_run(&user->poll, &user->slirp)) {
		if (++rounds == MOST_ROUNDS) {
			keg_user_poll_later(&user->poll);
			break;
		}
	}
	bytes = keg_frames_take(&user->frames, iov, count);
	if (user->signalled && keg_frames_is_empty(&user->frames)) {
		keg_eventfd_drain(user->waiting);
		user->signalled = false;
	}
	return bytes;
}

static int user_fd(const struct keg_netdev *netdev, uint32_t queue)
{
	(void)queue;
	return ((const struct user *)netdev)->poll.epoll;
}

static void user_close(struct keg_netdev *netdev)
{
	struct user *user = (struct user *)netdev;

	if (user->slirp.slirp)
		user->slirp.lib.slirp_cleanup(user->slirp.slirp);
	keg_user_poll_fini(&user->poll);
	keg_user_log_restore(&user->slirp);
	keg_library_close(user->slirp.handle);
	keg_frames_fini(&user->frames);
	keg_fragments_fini(&user->fragments);
	if (user->waiting >= 0)
		close(user->waiting);
	free(user);
}

static const struct keg_netdev_ops user_ops = {
	.close = user_close,
	.set_features = user_set_features,
	.set_queues = user_set_queues,
	.send = user_send,
	.receive = user_receive,
	.fd = user_fd,
};

/* ---- Opening ---- */

static struct in_addr address(uint8_t last)
{
	return (struct in_addr){htonl(10u << 24 | 2u << 8 | last)};
}

static int make_network(struct user *user, const struct keg_net_config *config)
{
	const struct keg_libslirp *lib = &user->slirp.lib;
	SlirpConfig slirp = {
		.version = 1,
		.restricted = config->flags & KEG_NET_RESTRICT,
		.in_enabled = true,
		.vnetwork = address(0),
		.vnetmask = {htonl(0xffffff00)},
		.vhost = address(2),
		.vdhcp_start = address(15),
		.vnameserver = address(3),
		.in6_enabled = true,
		.vprefix_len = 64,
		.if_mtu = user->netdev.facts.mtu,
		.if_mru = user->netdev.facts.mtu,
	};

	inet_pton(AF_INET6, "fec0::", &slirp.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &slirp.vhost6);
	inet_pton(AF_INET6, "fec0::3", &slirp.vnameserver6);
	user->slirp.slirp = lib->slirp_new(&slirp, &callbacks, user);
	if (!user->slirp.slirp)
		return keg_fail(EINVAL, "user-mode network: libslirp %s refuses to start",
			lib->slirp_version_string());
	return user->poll.lacking ? keg_fail(ENOMEM, "user-mode network: out of memory") : 0;
}

static const struct keg_library library = {
	.name = "libslirp",
	.file = "libslirp.so.0",
	.package = "libslirp0",
	.functions = (const char *const[]){KEG_SLIRP_FUNCTIONS(KEG_LIBRARY_NAME) NULL},
};

static int start_slirp(struct user *user, const struct keg_net_config *config)
{
	int rc = keg_library_open(&library, &user->slirp.handle, &user->slirp.lib);

	if (rc)
		return keg_fail_within(rc, "user-mode network");
	keg_user_log_hush(&user->slirp);
	return make_network(user, config);
}

static int add_forward(struct user *user, const struct keg_net_forward *forward)
{
	const char *host = forward->host_address ? forward->host_address : "127.0.0.1";
	const char *protocol = forward->udp ? "udp" : "tcp";
	struct in_addr on;

	if (inet_pton(AF_INET, host, &on) != 1)
		return keg_fail(EINVAL, "forward of %s port %u: \"%s\" is no IPv4 address",
			protocol, forward->host_port, host);
	if (!forward->host_port || !forward->guest_port)
		return keg_fail(EINVAL, "forward of %s %s:%u to port %u: a port is 1 to 65535",
			protocol, host, forward->host_port, forward->guest_port);
	errno = 0;
	if (user->slirp.lib.slirp_add_hostfwd(user->slirp.slirp, forward->udp, on,
		    forward->host_port, address(15), forward->guest_port) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return keg_fail(EADDRINUSE,
			"forward of %s %s:%u to port %u: the host's port is taken by another "
			"program or forward; choose another",
			protocol, host, forward->host_port, forward->guest_port);
	return keg_fail_errno(errno ? errno : EIO, "forward of %s %s:%u to port %u", protocol, host,
		forward->host_port, forward->guest_port);
}

static int check(const struct keg_net_config *config)
{
	enum { MOST_MTU = 65521 }; /* libslirp's */

	if (config->tap || config->tap_fd)
		return keg_fail(EINVAL, "user-mode network: it has no tap");
	if (config->queues > 1)
		return keg_fail(
			EINVAL, "user-mode network: one queue pair, not %u", config->queues);
	if (config->mtu > MOST_MTU)
		return keg_fail(EINVAL, "user-mode network: an MTU of %u: at most %d", config->mtu,
			MOST_MTU);
	return 0;
}

static int set_up(struct user *user, const struct keg_net_config *config)
{
	int rc;

	user->netdev.facts.mtu = config->mtu ? config->mtu : 1500;
	user->netdev.facts.queues = 1;
	user->waiting = rc = keg_eventfd_create();
	if (rc >= 0)
		rc = keg_user_poll_init(&user->poll, user->waiting);
	if (!rc)
		rc = keg_frames_init(&user->frames);
	if (!rc)
		rc = keg_fragments_init(&user->fragments);
	if (!rc)
		rc = start_slirp(user, config);
	for (size_t i = 0; !rc && i < config->forward_count; i++)
		rc = add_forward(user, &config->forwards[i]);
	if (!rc)
		keg_user_poll_changed(&user->poll);
	return rc;
}

int keg_user_open(const struct keg_net_config *config, struct keg_netdev **netdev)
{
	struct user *user;
	int rc = check(config);

	if (rc)
		return rc;
	user = calloc(1, sizeof(*user));
	if (!user)
		return keg_fail(ENOMEM, "user-mode network: out of memory");
	user->netdev.ops = &user_ops;
	user->waiting = user->poll.epoll = user->poll.timer = -1;
	rc = set_up(user, config);
	if (rc)
		user_close(&user->netdev);
	else
		*netdev = &user->netdev;
	return rc;
}

#else

int keg_user_open(const struct keg_net_config *config, struct keg_netdev **netdev)
{
	(void)config;
	(void)netdev;
	return keg_fail(ENOTSUP,
		"user-mode networks: this keg was built without libslirp; build it with "
		"-Dslirp=enabled, or use a tap");
}

#endif
