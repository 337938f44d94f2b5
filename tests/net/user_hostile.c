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

/* A part of a datagram of `bytes` bytes, each of which is what its place makes it. */
struct part {
	uint32_t offset, bytes;
	bool more;
};

static uint8_t byte_at(uint32_t i)
{
	return (uint8_t)(i * 7 + i / 256);
}

static void send_part(uint16_t number, uint16_t port, uint32_t all, const struct part *part)
{
	static struct wire wire;
	uint8_t *ip = wire.frame + 14;

	wire.bytes = 14 + 20 + part->bytes;
	memset(ip, 0, 20);
	memcpy(wire.frame, guest.gateway, 6);
	memcpy(wire.frame + 6, guest.mac, 6);
	wire_put16(wire.frame + 12, 0x0800);
	ip[0] = 0x45;
	wire_put16(ip + 2, (uint16_t)(20 + part->bytes));
	wire_put16(ip + 4, number);
	wire_put16(ip + 6, (uint16_t)((part->more ? 0x2000 : 0) | part->offset / 8));
	ip[8] = 64;
	ip[9] = IP_UDP;
	wire_put32(ip + 12, GUEST_ADDRESS);
	wire_put32(ip + 16, GATEWAY);
	wire_put16(ip + 10, wire_checksum(ip, 20, 0));
	for (uint32_t i = 0; i < part->bytes; i++)
		ip[20 + i] = byte_at(part->offset + i);
	if (part->offset == 0) { /* UDP's header, without a checksum */
		wire_put16(ip + 20, 5000);
		wire_put16(ip + 22, port);
		wire_put16(ip + 24, (uint16_t)all);
		wire_put16(ip + 26, 0);
	}
	assert_int_equal(wire_send(guest.netdev, 0, &wire), KEG_NET_HEADER + wire.bytes);
}

static void assert_alive(void)
{
	guest_ping(&guest, GATEWAY, 7);
	guest_wait_for(&guest, IP_ICMP);
	assert_int_equal(wire_get16(guest.payload + 6), 7);
}

enum { ALL = 4008, PARTS = 4 };
static const struct part parts[PARTS] = {
	{0, 1480, true}, {1480, 1480, true}, {2960, 800, true}, {3760, 248, false}};

/* In every order, and some of them twice. */
static void test_datagrams_in_parts(void **state)
{
	static const int orders[][6] = {{0, 1, 2, 3, -1}, {3, 2, 1, 0, -1}, {3, 0, 2, 1, -1},
		{1, 3, 0, 2, -1}, {0, 0, 3, 1, 2, -1}, {2, 3, 3, 1, 0, -1}};
	uint8_t bytes[ALL];
	uint16_t port;
	int fd = host_bind(SOCK_DGRAM, &port);

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		for (size_t j = 0; j < 6 && orders[i][j] >= 0; j++)
			send_part((uint16_t)i, port, ALL, &parts[orders[i][j]]);
		assert_int_equal(poll(&wait, 1, 10000), 1);
		assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), ALL - 8);
		for (uint32_t at = 8; at < ALL; at++)
			assert_int_equal(bytes[at - 8], byte_at(at));
	}
	close(fd);
}

/* What is no datagram in the end, whatever comes to complete it. */
static const struct {
	const char *name;
	struct part parts[4];
} odd[] = {
	{"the last part alone", {{8, 8, false}}},
	{"two ends", {{3760, 248, false}, {3760, 256, false}, {0, 1480, true}}},
	{"beyond the end", {{16, 8, false}, {24, 8, true}, {0, 16, true}}},
	{"the end before what is there", {{24, 8, true}, {8, 8, false}, {0, 8, true}}},
	{"overlapping", {{0, 16, true}, {8, 16, true}, {24, 8, false}}},
	{"an odd number of bytes with more to come", {{0, 13, true}, {13, 8, false}}},
	{"beyond 64 KiB", {{65528, 1480, false}, {0, 1480, true}}},
	{"nothing", {{0, 0, true}, {8, 0, false}}},
};

static void test_parts_that_make_no_datagram(void **state)
{
	uint16_t port;
	int fd = host_bind(SOCK_DGRAM, &port);
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		print_message("%s\n", odd[i].name);
		for (size_t j = 0; j < 4 && (odd[i].parts[j].bytes || j == 0); j++)
			send_part((uint16_t)(100 + i), port, 32, &odd[i].parts[j]);
		assert_alive();
		assert_int_equal(poll(&wait, 1, 0), 0);
	}
	close(fd);
}

/* Of datagrams that are never whole some are kept, and others' turn comes. */
static void test_fragments_without_end(void **state)
{
	enum { MANY = 10000 };
	const struct part first = {0, 16384, true};

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		send_part((uint16_t)i, 9, 32768, &first);
	assert_alive();
	test_datagrams_in_parts(state);
}

/* An echo request to somebody beyond the network, of which libslirp says that it cannot be sent. */
static void ping_by_ipv6(void)
{
	static struct wire wire = {.bytes = 14 + 40 + 8};
	uint8_t *ip = wire.frame + 14;

	memcpy(wire.frame, guest.gateway, 6);
	memcpy(wire.frame + 6, guest.mac, 6);
	wire_put16(wire.frame + 12, 0x86dd);
	ip[0] = 0x60;
	wire_put16(ip + 4, 8);
	ip[6] = 58;                 /* ICMPv6 */
	ip[7] = 64;                 /* hops */
	wire_put16(ip + 8, 0xfec0); /* fec0::15 */
	ip[23] = 0x15;
	wire_put32(ip + 24, 0x20010db8); /* 2001:db8::1 */
	ip[39] = 1;
	ip[40] = 128; /* echo request */
	wire_put16(ip + 42, 0);
	/* RFC 8200, section 8.1: with the addresses, the length and the protocol */
	wire_put16(ip + 42, wire_checksum(ip + 8, 32 + 8, 8 + 58));
	wire_send(guest.netdev, 0, &wire);
}

static void test_nothing_is_printed(void **state)
{
	char path[] = "/tmp/keg-test-XXXXXX";
	int file = mkstemp(path), saved = dup(STDERR_FILENO);
	off_t printed;

	(void)state;
	assert_true(file >= 0 && saved >= 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	for (int i = 0; i < 10; i++)
		ping_by_ipv6();
	dup2(saved, STDERR_FILENO);
	close(saved);
	printed = lseek(file, 0, SEEK_END);
	close(file);
	unlink(path);
	assert_int_equal(printed, 0);
	assert_alive();
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_user)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_restricted, close_user),
		PLAIN(test_bad_frames),
		PLAIN(test_datagrams_in_parts),
		PLAIN(test_parts_that_make_no_datagram),
		PLAIN(test_fragments_without_end),
		PLAIN(test_nothing_is_printed),
	};

	if (!KEG_HAS_SLIRP) {
		fprintf(stderr, "SKIPPED: this keg is built without libslirp\n");
		return TEST_SKIPPED;
	}
	/* As those do who serve a network. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
