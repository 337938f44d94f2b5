/* SPDX-License-Identifier: MIT */
/* Networks of both kinds behind network cards: made, and a frame sent and received. */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "fault/device.h"
#include "virtio/net.h"

enum { ROOM = 2048, ARP = 42, FRAME = KEG_NET_HEADER + ARP };

static struct net {
	struct keg_netdev *netdev;
	struct keg_virtio_net net;
	bool made;
	int tap;    /* a descriptor to be handed over; or -1 */
	int client; /* of the forwarded port; or -1 */
	uint16_t port;
	keg_gpa in, out;
	uint8_t *host_in, *host_out;
} now;

static void end_net(struct rig *rig)
{
	(void)rig;
	device_reset();
	if (now.made)
		keg_virtio_net_fini(&now.net);
	keg_netdev_close(now.netdev);
	device_end();
	if (now.tap >= 0)
		close(now.tap);
	if (now.client >= 0)
		close(now.client);
}

static int begin(struct rig *rig)
{
	memset(&now, 0, sizeof(now));
	now.tap = now.client = -1;
	device_make_memory(rig);
	rig->end = end_net;
	now.in = driver_alloc(&device_driver, ROOM, 16);
	now.out = driver_alloc(&device_driver, ROOM, 16);
	now.host_in = driver_host(&device_driver, now.in, ROOM);
	now.host_out = driver_host(&device_driver, now.out, ROOM);
	return 0;
}

static int make(struct rig *rig)
{
	int rc = keg_virtio_net_init(&now.net, device_driver.memory.mem, now.netdev, 16);

	(void)rig;
	now.made = !rc;
	return rc;
}

static int start(void)
{
	return device_start(&now.net.device, now.net.device.offered);
}

/* RFC 826: who is 10.0.2.2? */
static void put_arp(uint8_t *packet)
{
	static const uint8_t request[] = {0, 1, 8, 0, 6, 4, 0, 1};
	static const uint8_t guest[] = {10, 0, 2, 15}, host[] = {10, 0, 2, 2};
	uint8_t *frame = packet + KEG_NET_HEADER;

	memset(packet, 0, FRAME);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, now.net.config.mac, 6);
	frame[12] = 8;
	frame[13] = 6;
	memcpy(frame + 14, request, sizeof(request));
	frame[15] = 1;
	frame[16] = 8;
	memcpy(frame + 22, now.net.config.mac, 6);
	memcpy(frame + 28, guest, 4);
	memcpy(frame + 38, host, 4);
}

static int send_arp(void)
{
	const struct driver_buffer buffer = {now.out, FRAME, false};

	put_arp(now.host_out);
	/* A network that takes nothing, ever, keeps the frame. */
	device_give(1, &buffer, 1);
	return device_take_within(1, 2);
}

/* ---- Within the process ---- */

/* A port that nobody has. */
static int begin_user(struct rig *rig)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t bytes = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin(rig);
	if (!KEG_HAS_SLIRP) {
		close(fd);
		return keg_fail(ENOTSUP, "built without libslirp");
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, bytes) ||
		getsockname(fd, (struct sockaddr *)&address, &bytes)) {
		perror("fault: a port");
		exit(EXIT_FAILURE);
	}
	close(fd);
	now.port = ntohs(address.sin_port);
	return 0;
}

static int open_user(struct rig *rig)
{
	const struct keg_net_forward forwards[] = {
		{.host_port = now.port, .guest_port = 22},
		{.udp = true, .host_port = now.port, .guest_port = 53},
	};
	const struct keg_net_config config = {
		.size = sizeof(config),
		.kind = KEG_NET_USER,
		.forwards = forwards,
		.forward_count = 2,
	};

	(void)rig;
	return keg_netdev_open(&config, &now.netdev);
}

/* Frames of the network's own may come before the one that is meant. */
static int receive(bool (*is_meant)(const uint8_t *frame), int seconds)
{
	const struct driver_buffer buffer = {now.in, ROOM, true};
	int rc;

	do {
		device_give(0, &buffer, 1);
		rc = device_take_within(0, seconds);
	} while (rc >= 0 && !is_meant(now.host_in + KEG_NET_HEADER));
	return rc;
}

static bool is_arp_reply(const uint8_t *frame)
{
	return frame[12] == 8 && frame[13] == 6 && frame[21] == 2;
}

/* IPv4, TCP, SYN. */
static bool is_syn(const uint8_t *frame)
{
	return frame[12] == 8 && frame[13] == 0 && frame[23] == IPPROTO_TCP && frame[47] == 2;
}

static int ask(struct rig *rig)
{
	int rc = start();

	(void)rig;
	if (!rc)
		rc = send_arp();
	return rc < 0 ? rc : receive(is_arp_reply, 5);
}

/* Who connects to the port that is forwarded is heard of by the guest. */
static int accept_client(struct rig *rig)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons(now.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int rc = ask(rig);

	if (rc < 0)
		return rc;
	/* The client is not libkeg's. */
	fault_arm(false);
	if (now.client >= 0)
		close(now.client);
	now.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	fault_arm(true);
	if (connect(now.client, (const struct sockaddr *)&address, sizeof(address)))
		return RIG_WRONG("the port is not forwarded");
	/* Where no socket can ever be waited for, none is. */
	return receive(is_syn, 2);
}

static const struct fault_step user_steps[] = {
	FAULT_STEP("begin", begin_user, FAULT_SETUP | FAULT_GATE),
	FAULT_STEP("open", open_user, 0),
	FAULT_STEP("make", make, 0),
	FAULT_STEP("ask", ask, FAULT_FORGIVING),
	FAULT_STEP("accept", accept_client, FAULT_FORGIVING),
};

/* ---- Tap ---- */

/* In a network namespace of the process's own. */
static int begin_tap(struct rig *rig)
{
	static bool moved;

	if (!moved && unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return keg_fail(ENOTSUP, "no network namespace of its own");
	moved = true;
	if (access("/dev/net/tun", R_OK | W_OK))
		return keg_fail(ENOTSUP, "no /dev/net/tun");
	return begin(rig);
}

static int open_tap(struct rig *rig)
{
	const struct keg_net_config config = {
		.size = sizeof(config),
		.kind = KEG_NET_TAP,
		.tap = "fault0",
		.queues = 2,
		.mtu = 1400,
	};

	(void)rig;
	return keg_netdev_open(&config, &now.netdev);
}

/* Whatever the host's kernel makes of it. */
static int send_one(struct rig *rig)
{
	const struct driver_buffer buffer = {now.in, ROOM, true};
	int rc = start();

	(void)rig;
	if (rc)
		return rc;
	device_give(0, &buffer, 1);
	return send_arp();
}

/* Both pairs: virtio 1.2, section 5.1.6.5.5. */
static int use_both(struct rig *rig)
{
	const struct {
		uint8_t class, command;
		uint16_t pairs;
	} both = {VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, 2};
	const struct driver_buffer buffers[] = {
		{now.out, 2, false}, {now.out + 2, 2, false}, {now.in, 1, true}};
	int rc = start();

	(void)rig;
	memcpy(now.host_out, &both, sizeof(both));
	now.host_in[0] = 0xee;
	if (!rc)
		rc = device_request(4, buffers, 3);
	if (rc < 0)
		return rc;
	if (now.host_in[0] == VIRTIO_NET_ERR)
		return keg_fail(EIO, "the network card cannot use both pairs");
	return now.host_in[0] ? RIG_WRONG("an answer of %u", now.host_in[0]) : 0;
}

static const struct fault_step tap_steps[] = {
	FAULT_STEP("begin", begin_tap, FAULT_SETUP | FAULT_GATE),
	FAULT_STEP_FOR("open", open_tap, 0, "tap_close", "keg_tap_open", "open_tun", "bind_queue",
		"set_header", "set_interface", "probe_offloads"),
	FAULT_STEP("make", make, 0),
	FAULT_STEP_FOR("send", send_one, FAULT_FORGIVING, "tap_send", "tap_receive",
		"tap_set_features", "drop_waiting"),
	FAULT_STEP_FOR("both", use_both, FAULT_FORGIVING, "tap_set_queues"),
};

/* One that somebody else has opened. */
static int begin_descriptor(struct rig *rig)
{
	struct ifreq request = {.ifr_name = "fault1"};
	int rc = begin_tap(rig);

	if (rc)
		return rc;
	request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	now.tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (now.tap < 0 || ioctl(now.tap, TUNSETIFF, &request)) {
		perror("fault: a tap");
		exit(EXIT_FAILURE);
	}
	return 0;
}

/* It becomes the network's with success only. */
static int hand_over(struct rig *rig)
{
	const struct keg_net_config config = {
		.size = sizeof(config), .kind = KEG_NET_TAP, .tap_fd = now.tap};
	int rc = keg_netdev_open(&config, &now.netdev);

	(void)rig;
	if (!rc)
		now.tap = -1;
	return rc;
}

static const struct fault_step descriptor_steps[] = {
	FAULT_STEP("begin", begin_descriptor, FAULT_SETUP | FAULT_GATE),
	FAULT_STEP_FOR("hand over", hand_over, 0, "take_fd"),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("net-user", user_steps, .threads = true, .sealed = true, .brief = true),
	FAULT_SCENARIO("net-tap", tap_steps, .threads = true, .sealed = true, .brief = true),
	FAULT_SCENARIO("net-descriptor", descriptor_steps, .brief = true),
};

const struct fault_suite fault_nets = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
