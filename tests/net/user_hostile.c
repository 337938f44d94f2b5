/* SPDX-License-Identifier: MIT */
/* The network within the process: what a guest there cannot reach, and what harm it tries to do. */
#include <signal.h>
#include <sys/socket.h>

#include "host.h"
#include "user_rig.h"

static void test_restricted(void **state)
{
	const struct keg_net_config config = {CONFIG, .flags = KEG_NET_RESTRICT};
	uint16_t port;
	int fd = host_bind(SOCK_DGRAM, &port);
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	(void)state;
	open_user(&config);
	guest_send_udp(&guest, GUEST_ADDRESS, 5000, GATEWAY, port, "out", 3);
	/* It would be there at once. */
	assert_int_equal(poll(&wait, 1, 0), 0);
	close(fd);
}

static const struct {
	const char *name;
	struct virtio_net_hdr_v1 header;
	size_t bytes;
	ssize_t result;
} bad[] = {
	{"a checksum that nobody agreed on", {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM}, 60, -EINVAL},
	{"segments that nobody agreed on", {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4}, 60, -EINVAL},
	{"an empty frame", {0}, 0, KEG_NET_HEADER},
	{"half of Ethernet's header", {0}, 7, KEG_NET_HEADER + 7},
	{"IP without IP", {0}, 14, KEG_NET_HEADER + 14},
	{"the longest", {0}, sizeof(guest.out.frame), KEG_NET_MAX_FRAME},
};

static void test_bad_frames(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		print_message("%s\n", bad[i].name);
		memset(&guest.out, 0, sizeof(guest.out));
		guest.out.header = bad[i].header;
		memcpy(guest.out.frame, guest.gateway, 6);
		wire_put16(guest.out.frame + 12, 0x0800);
		guest.out.bytes = bad[i].bytes;
		assert_int_equal(wire_send(guest.netdev, 0, &guest.out), bad[i].result);
		guest_ping(&guest, GATEWAY, (uint16_t)i);
		guest_wait_for(&guest, IP_ICMP);
		assert_int_equal(wire_get16(guest.payload + 6), i);
	}
}

/* The first part of a datagram, of which the rest never comes. */
static ssize_t send_fragment(uint16_t number)
{
	enum { BYTES = 16384 };
	static struct wire wire = {.bytes = 14 + BYTES};
	uint8_t *ip = wire.frame + 14;

	memset(ip, 0, 20);
	memcpy(wire.frame, guest.gateway, 6);
	memcpy(wire.frame + 6, guest.mac, 6);
	wire_put16(wire.frame + 12, 0x0800);
	ip[0] = 0x45;
	wire_put16(ip + 2, BYTES);
	wire_put16(ip + 4, number);
	wire_put16(ip + 6, 0x2000);
	ip[8] = 64;
	ip[9] = IP_UDP;
	wire_put32(ip + 12, GUEST_ADDRESS);
	wire_put32(ip + 16, GATEWAY);
	wire_put16(ip + 10, wire_checksum(ip, 20, 0));
	return wire_send(guest.netdev, 0, &wire);
}

/* Each is kept for half a minute: not as many as a guest can send in that time. */
static void test_fragments_without_end(void **state)
{
	enum { MANY = 10000 };
	ssize_t rc = 0;
	int sent = 0;

	(void)state;
	while (sent < MANY && (rc = send_fragment((uint16_t)sent)) > 0)
		sent++;
	assert_in_range(sent, 100, MANY - 1);
	assert_int_equal(rc, -ENOBUFS);
	/* All else goes on. */
	guest_ping(&guest, GATEWAY, 7);
	guest_wait_for(&guest, IP_ICMP);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_user)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_restricted, close_user),
		PLAIN(test_bad_frames),
		PLAIN(test_fragments_without_end),
	};

	if (!KEG_HAS_SLIRP) {
		fprintf(stderr, "SKIPPED: this keg is built without libslirp\n");
		return TEST_SKIPPED;
	}
	/* As those do who serve a network. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
