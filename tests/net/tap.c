/* SPDX-License-Identifier: MIT */
/* Tap interfaces, in a network namespace of the test's own. The host's side is a packet socket. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "wire.h"

#define CONFIG .size = sizeof(struct keg_net_config), .kind = KEG_NET_TAP

#define GUEST_CSUM (UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM)
#define GUEST_TSO4 (UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO4)

static struct wire wire;

static struct keg_netdev *open_tap(const struct keg_net_config *config)
{
	struct keg_netdev *netdev = NULL;

	assert_ok(keg_netdev_open(config, &netdev));
	assert_ok(keg_netdev_set_features(netdev, 0));
	return netdev;
}

/* The host's end of an interface; with headers before its frames, if asked for. */
static int open_host(const char *interface, int with_header)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const struct timeval limit = {.tv_sec = WIRE_SECONDS};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	assert_true(fd >= 0);
	address.sll_ifindex = (int)if_nametoindex(interface);
	assert_int_not_equal(address.sll_ifindex, 0);
	assert_int_equal(
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &with_header, sizeof(with_header)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void make_frame(struct wire *out, size_t bytes, uint8_t seed)
{
	memset(&out->header, 0, sizeof(out->header));
	out->bytes = bytes;
	for (size_t i = 0; i < bytes; i++)
		out->frame[i] = (uint8_t)(i * 7 + seed);
	memset(out->frame, 0xff, 6);
	memcpy(out->frame + 6, "\2keg01", 6);
	wire_put16(out->frame + 12, ETHERTYPE_TEST);
}

static int interface_flags(const char *name, int *mtu)
{
	struct ifreq request = {0};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), flags;

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	flags = request.ifr_flags;
	assert_int_equal(ioctl(fd, SIOCGIFMTU, &request), 0);
	*mtu = request.ifr_mtu;
	close(fd);
	return flags;
}

static void test_frames_go_both_ways(void **state)
{
	const struct keg_net_config config = {CONFIG, .tap = "both0"};
	struct keg_netdev *netdev = open_tap(&config);
	int host = open_host("both0", 0);
	static uint8_t got[2048], sent[1514];

	(void)state;
	for (size_t bytes = 60; bytes <= 1514; bytes += 727) {
		make_frame(&wire, bytes, (uint8_t)bytes);
		assert_int_equal(wire_send(netdev, 0, &wire), KEG_NET_HEADER + bytes);
		do
			assert_true(recv(host, got, sizeof(got), 0) > 0);
		while (wire_get16(got + 12) != ETHERTYPE_TEST);
		assert_memory_equal(got, wire.frame, bytes);

		memcpy(sent, wire.frame, bytes);
		sent[20] ^= 0xff;
		assert_int_equal(send(host, sent, bytes, 0), bytes);
		wire_receive(netdev, 0, &wire, ETHERTYPE_TEST);
		assert_int_equal(wire.bytes, bytes);
		assert_memory_equal(wire.frame, sent, bytes);
	}
	close(host);
	keg_netdev_close(netdev);
}

static void test_a_made_interface_is_up_and_gone_after(void **state)
{
	const struct keg_net_config config = {CONFIG, .tap = "made%d", .mtu = 9000};
	struct keg_netdev *netdev = open_tap(&config);
	struct keg_netdev_facts facts;
	int mtu;

	(void)state;
	keg_netdev_get_facts(netdev, &facts);
	assert_int_equal(facts.mtu, 9000);
	assert_int_equal(facts.queues, 1);
	assert_int_equal(facts.mac[0] & 3, 2);
	assert_true(interface_flags("made0", &mtu) & IFF_UP);
	assert_int_equal(mtu, 9000);
	keg_netdev_close(netdev);
	assert_int_equal(if_nametoindex("made0"), 0);
}

/* What an administrator does beforehand: ip tuntap add dev NAME mode tap. */
static int make_interface(const char *name, int flags)
{
	struct ifreq request = {0};
	int fd = open("/dev/net/tun", O_RDWR);

	assert_true(fd >= 0);
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	request.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | flags);
	assert_int_equal(ioctl(fd, TUNSETIFF, &request), 0);
	assert_int_equal(ioctl(fd, TUNSETPERSIST, 1), 0);
	return fd;
}

static void set_mtu(const char *name, int mtu)
{
	struct ifreq request = {0};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	request.ifr_mtu = mtu;
	assert_int_equal(ioctl(fd, SIOCSIFMTU, &request), 0);
	close(fd);
}

static void test_an_interface_made_before_is_left_as_it_is(void **state)
{
	static const int kinds[] = {0, IFF_VNET_HDR, IFF_MULTI_QUEUE};
	char name[] = "before0";

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++, name[6]++) {
		const struct keg_net_config config = {CONFIG, .tap = name};
		struct keg_netdev_facts facts;
		struct keg_netdev *netdev;
		int mtu;

		close(make_interface(name, kinds[i]));
		set_mtu(name, 1400);
		netdev = open_tap(&config);
		keg_netdev_get_facts(netdev, &facts);
		assert_int_equal(facts.mtu, 1400);
		assert_false(interface_flags(name, &mtu) & IFF_UP);
		/* Nothing goes out of it then, and that is no end of the world. */
		make_frame(&wire, 60, 1);
		assert_true(wire_send(netdev, 0, &wire) < 0);
		keg_netdev_close(netdev);
		assert_int_not_equal(if_nametoindex(name), 0);
	}
}

static void test_what_cannot_be_had_is_said(void **state)
{
	const struct keg_net_config busy = {CONFIG, .tap = "busy0"};
	const struct keg_net_config single = {CONFIG, .tap = "single0", .queues = 2};
	const struct keg_net_config other = {CONFIG, .tap = "lo"};
	struct keg_netdev *netdev, *first = open_tap(&busy);

	(void)state;
	assert_fails(keg_netdev_open(&busy, &netdev), EBUSY, "in use");
	keg_netdev_close(first);
	close(make_interface("single0", 0));
	assert_fails(keg_netdev_open(&single, &netdev), EINVAL, "multi_queue");
	assert_fails(keg_netdev_open(&other, &netdev), EINVAL, "not a tap");
}

static void test_without_privilege_the_way_is_said(void **state)
{
	const struct keg_net_config config = {CONFIG, .tap = "denied0"};
	struct keg_netdev *netdev;
	int rc;

	(void)state;
	assert_int_equal(seteuid(65534), 0);
	rc = keg_netdev_open(&config, &netdev);
	assert_int_equal(seteuid(0), 0);
	/* Some hosts let nobody but root open /dev/net/tun. */
	assert_true(rc == -EPERM || rc == -EACCES);
	assert_non_null(strstr(keg_error_message(),
		rc == -EPERM ? "ip tuntap add dev denied0" : "may not read and write"));
}

static void test_a_descriptor_given(void **state)
{
	int raw = make_interface("given0", 0), fd = make_interface("given1", IFF_VNET_HDR);
	const struct keg_net_config refused = {CONFIG, .tap_fd = raw};
	const struct keg_net_config config = {CONFIG, .tap_fd = fd};
	struct keg_netdev *netdev;

	(void)state;
	assert_fails(keg_netdev_open(&refused, &netdev), EINVAL, "IFF_VNET_HDR");
	/* It stays the caller's. */
	assert_int_equal(close(raw), 0);
	netdev = open_tap(&config);
	assert_int_equal(keg_netdev_fd(netdev, 0), fd);
	keg_netdev_close(netdev);
	assert_int_equal(close(fd), -1);
}

enum { SEGMENT = 1000, SEGMENTS = 4, HEADERS = 14 + 20 + 20 };

/* A TCP segment of four, with a header of the old kind before it, as a packet socket has them. */
static void send_segments(int host)
{
	static struct {
		struct virtio_net_hdr header;
		uint8_t frame[HEADERS + SEGMENTS * SEGMENT];
	} __attribute__((packed)) large;
	uint8_t *ip = large.frame + 14, *tcp = ip + 20;

	large.header = (struct virtio_net_hdr){VIRTIO_NET_HDR_F_NEEDS_CSUM,
		VIRTIO_NET_HDR_GSO_TCPV4, HEADERS, SEGMENT, 14 + 20, 16};
	memset(large.frame, 0xff, 6);
	memcpy(large.frame + 6, "\2keg02", 6);
	wire_put16(large.frame + 12, ETHERTYPE_IP);
	memcpy(ip, "\x45\0\0\0\0\0\0\0\x40\6\0\0\12\0\0\1\12\0\0\2", 20);
	wire_put16(ip + 2, 40 + SEGMENTS * SEGMENT);
	wire_put16(ip + 10, wire_checksum(ip, 20, 0));
	memset(tcp, 0, 20);
	wire_put16(tcp, 1234);
	tcp[12] = 5 << 4;
	tcp[13] = 16;
	/* The checksum so far: of the pseudo header, not inverted. */
	wire_put16(tcp + 16, (uint16_t)~wire_checksum(ip + 12, 8, 6 + 20 + SEGMENTS * SEGMENT));
	assert_int_equal(send(host, &large, sizeof(large), 0), sizeof(large));
}

static void test_offloads_are_those_agreed_on(void **state)
{
	const struct keg_net_config config = {CONFIG, .tap = "offload0"};
	struct keg_netdev *netdev = open_tap(&config);
	int host = open_host("offload0", 1);
	struct keg_netdev_facts facts;
	size_t payload = 0;

	(void)state;
	keg_netdev_get_facts(netdev, &facts);
	assert_true(facts.features & GUEST_TSO4);
	assert_true(facts.features & UINT64_C(1) << VIRTIO_NET_F_HOST_TSO4);

	/* Without any, the kernel cuts it up, and fills the checksums in. */
	send_segments(host);
	for (int i = 0; i < SEGMENTS; i++) {
		wire_receive(netdev, 0, &wire, ETHERTYPE_IP);
		assert_int_equal(wire.header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
		assert_false(wire.header.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM);
		payload += wire.bytes - HEADERS;
	}
	assert_int_equal(payload, SEGMENTS * SEGMENT);

	/* Segments without checksums are none. */
	assert_ok(keg_netdev_set_features(netdev, GUEST_TSO4));
	send_segments(host);
	wire_receive(netdev, 0, &wire, ETHERTYPE_IP);
	assert_int_equal(wire.bytes, HEADERS + SEGMENT);

	/* What came before the agreement is gone with it. */
	assert_ok(keg_netdev_set_features(netdev, GUEST_CSUM | GUEST_TSO4));
	send_segments(host);
	wire_receive(netdev, 0, &wire, ETHERTYPE_IP);
	assert_int_equal(wire.bytes, HEADERS + SEGMENTS * SEGMENT);
	assert_int_equal(wire.header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(wire.header.gso_size, SEGMENT);
	assert_int_equal(wire.header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	close(host);
	keg_netdev_close(netdev);
}

static void test_no_offloads_if_asked(void **state)
{
	const struct keg_net_config config = {
		CONFIG, .tap = "plain0", .flags = KEG_NET_NO_OFFLOADS};
	struct keg_netdev *netdev = open_tap(&config);
	struct keg_netdev_facts facts;

	(void)state;
	keg_netdev_get_facts(netdev, &facts);
	assert_int_equal(facts.features, 0);
	keg_netdev_close(netdev);
}

static const struct {
	const char *name;
	struct virtio_net_hdr_v1 header;
	size_t bytes;
} bad[] = {
	{"no frame", {.flags = 0}, 0},
	{"less than Ethernet's header", {.flags = 0}, 13},
	{"headers longer than it", {.hdr_len = 9999, .gso_size = 9, .gso_type = 1}, 60},
	{"segments of nothing", {.gso_type = 1, .hdr_len = 54}, 60},
	{"an unknown kind of segments", {.gso_type = 0x77, .gso_size = 9}, 60},
	{"a checksum beyond it", {.flags = 1, .csum_start = 60, .csum_offset = 60}, 60},
	{"a checksum that wraps", {.flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff}, 60},
};

static void test_bad_frames_are_refused(void **state)
{
	const struct keg_net_config config = {CONFIG, .tap = "bad0"};
	struct keg_netdev *netdev = open_tap(&config);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		print_message("%s\n", bad[i].name);
		make_frame(&wire, bad[i].bytes < 14 ? 60 : bad[i].bytes, 1);
		wire.header = bad[i].header;
		wire.bytes = bad[i].bytes;
		assert_true(wire_send(netdev, 0, &wire) < 0);
		make_frame(&wire, 60, 1);
		assert_int_equal(wire_send(netdev, 0, &wire), KEG_NET_HEADER + 60);
	}
	keg_netdev_close(netdev);
}

/* Counts the frames that have come through a queue. */
static unsigned count_frames(struct keg_netdev *netdev, uint32_t queue)
{
	unsigned count = 0;

	while (wire_try_receive(netdev, queue, &wire, 0))
		count += wire_type(&wire) == ETHERTYPE_TEST;
	return count;
}

static void test_several_queues(void **state)
{
	enum { QUEUES = 4, FRAMES = 64 };
	const struct keg_net_config config = {CONFIG, .tap = "many0", .queues = QUEUES};
	struct keg_netdev *netdev = open_tap(&config);
	int host = open_host("many0", 0);
	unsigned count = 0;

	(void)state;
	for (int i = 0; i < FRAMES; i++) {
		make_frame(&wire, 60, (uint8_t)i);
		assert_int_equal(send(host, wire.frame, 60, 0), 60);
	}
	/* One pair at first, whatever there is. */
	assert_int_equal(count_frames(netdev, 0), FRAMES);
	for (uint32_t queues = QUEUES; queues; queues--) {
		assert_ok(keg_netdev_set_queues(netdev, queues));
		for (int i = 0; i < FRAMES; i++) {
			make_frame(&wire, 60, (uint8_t)i);
			/* Flows are told apart by their addresses. */
			wire.frame[11] = (uint8_t)i;
			assert_int_equal(send(host, wire.frame, 60, 0), 60);
		}
		count = 0;
		for (uint32_t i = 0; i < queues; i++)
			count += count_frames(netdev, i);
		assert_int_equal(count, FRAMES);
	}
	assert_fails(keg_netdev_set_queues(netdev, 0), EINVAL, "1 to 4");
	assert_fails(keg_netdev_set_queues(netdev, QUEUES + 1), EINVAL, "1 to 4");
	for (uint32_t i = 0; i < QUEUES; i++) {
		make_frame(&wire, 60, 1);
		assert_ok(keg_netdev_set_queues(netdev, QUEUES));
		assert_int_equal(wire_send(netdev, i, &wire), KEG_NET_HEADER + 60);
	}
	close(host);
	keg_netdev_close(netdev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_go_both_ways),
		cmocka_unit_test(test_a_made_interface_is_up_and_gone_after),
		cmocka_unit_test(test_an_interface_made_before_is_left_as_it_is),
		cmocka_unit_test(test_what_cannot_be_had_is_said),
		cmocka_unit_test(test_without_privilege_the_way_is_said),
		cmocka_unit_test(test_a_descriptor_given),
		cmocka_unit_test(test_offloads_are_those_agreed_on),
		cmocka_unit_test(test_no_offloads_if_asked),
		cmocka_unit_test(test_bad_frames_are_refused),
		cmocka_unit_test(test_several_queues),
	};

	if (access("/dev/net/tun", R_OK | W_OK) || unshare(CLONE_NEWNET)) {
		fprintf(stderr, "SKIPPED: taps need root, and /dev/net/tun: %s\n", strerror(errno));
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
