/* SPDX-License-Identifier: MIT */
/* The network within the process: what a guest there can reach, and who can reach it. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

#include "host.h"
#include "user_rig.h"

enum { CLIENTS = HOST_CLIENTS, BYTES = 64 << 10, LARGE = 2 << 20 };

static uint8_t *make_data(size_t bytes, uint32_t seed)
{
	uint8_t *data = test_malloc(bytes);

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
	return data;
}

/* ---- The services of the network ---- */

/* RFC 2131; what is asked for is in the option 53. */
static void send_dhcp(uint8_t kind, uint32_t address)
{
	uint8_t message[300] = {1, 1, 6, 0, 'k', 'e', 'g', '!'};

	memcpy(message + 28, guest.mac, 6);
	memcpy(message + 236, "\x63\x82\x53\x63\x35\1", 6);
	message[242] = kind;
	if (address) {
		memcpy(message + 243, "\x32\4", 2);
		wire_put32(message + 245, address);
		message[249] = 0xff;
	} else {
		message[243] = 0xff;
	}
	guest_send_udp(&guest, 0, 68, UINT32_MAX, 67, message, sizeof(message));
}

/* The value of an option of the answer that came, 4 bytes or 1. */
static uint32_t dhcp_option(uint8_t option)
{
	const uint8_t *at = guest.payload + 240, *end = guest.payload + guest.payload_bytes;

	for (; at + 2 < end && *at != 0xff; at += *at ? 2 + at[1] : 1) {
		if (*at == option)
			return at[1] == 1 ? at[2] : wire_get32(at + 2);
	}
	fail_msg("no option %u in the answer", option);
	return 0;
}

static void test_dhcp(void **state)
{
	enum { DISCOVER = 1, OFFER = 2, REQUEST = 3, ACKNOWLEDGED = 5 };

	(void)state;
	send_dhcp(DISCOVER, 0);
	guest_wait_for(&guest, IP_UDP);
	assert_int_equal(guest.from_port, 67);
	assert_int_equal(dhcp_option(53), OFFER);
	assert_int_equal(wire_get32(guest.payload + 16), GUEST_ADDRESS);
	send_dhcp(REQUEST, GUEST_ADDRESS);
	guest_wait_for(&guest, IP_UDP);
	assert_int_equal(dhcp_option(53), ACKNOWLEDGED);
	assert_int_equal(dhcp_option(1), 0xffffff00);
	assert_int_equal(dhcp_option(3), GATEWAY);
	assert_int_equal(dhcp_option(6), NAME_SERVER);
}

static void test_ping(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 3; i++) {
		guest_ping(&guest, GATEWAY, i);
		guest_wait_for(&guest, IP_ICMP);
		assert_int_equal(guest.from, GATEWAY);
		assert_int_equal(guest.payload[0], 0);
		assert_int_equal(wire_get16(guest.payload + 6), i);
	}
}

static void test_udp(void **state)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	uint8_t bytes[1400], *data = make_data(sizeof(bytes), 1);
	uint16_t port;
	int fd = host_bind(SOCK_DGRAM, &port);

	(void)state;
	for (size_t count = 1; count <= sizeof(bytes); count += 233) {
		guest_send_udp(&guest, GUEST_ADDRESS, 5000, GATEWAY, port, data, count);
		assert_int_equal(
			recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size),
			count);
		assert_memory_equal(bytes, data, count);
		assert_int_equal(
			sendto(fd, bytes, count, 0, (struct sockaddr *)&from, size), count);
		guest_wait_for(&guest, IP_UDP);
		assert_int_equal(guest.payload_bytes, count);
		assert_int_equal(guest.from, GATEWAY);
		assert_int_equal(guest.from_port, port);
		assert_memory_equal(guest.payload, data, count);
	}
	close(fd);
	test_free(data);
}

/* ---- Connections outwards ---- */

/* Lets the network work until this many connections have got all that they sent. */
static void wait_for_echoes(struct connection **connections, unsigned count)
{
	unsigned done = 0;

	while (done < count) {
		if (!guest_take(&guest, WIRE_SECONDS * 1000))
			fail_msg("%u of %u connections are done, and nothing comes", done, count);
		done = 0;
		for (unsigned i = 0; i < count; i++)
			done += connections[i]->in_done == connections[i]->in_room;
	}
}

static void exchange(unsigned count, size_t bytes)
{
	struct connection *connections[CLIENTS];
	struct server server;

	host_start_server(&server, count);
	for (unsigned i = 0; i < count; i++) {
		connections[i] = guest_connect(&guest, GATEWAY, server.port);
		connections[i]->out = make_data(bytes, i + 1);
		connections[i]->in = test_malloc(bytes);
		connections[i]->in_room = connections[i]->out_bytes = bytes;
	}
	wait_for_echoes(connections, count);
	for (unsigned i = 0; i < count; i++) {
		assert_memory_equal(connections[i]->in, connections[i]->out, bytes);
		guest_finish(&guest, connections[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		while (!connections[i]->finished)
			assert_true(guest_take(&guest, WIRE_SECONDS * 1000));
		test_free(connections[i]->in);
		test_free(connections[i]->out);
	}
	guest.count = 0;
	host_stop_server(&server);
}

static void test_tcp(void **state)
{
	(void)state;
	exchange(1, LARGE);
}

static void test_fifty_connections(void **state)
{
	(void)state;
	exchange(CLIENTS, BYTES);
}

static void test_nobody_listens(void **state)
{
	struct connection *c = guest_connect(&guest, GATEWAY, host_free_port(SOCK_STREAM));

	(void)state;
	while (!c->refused)
		assert_true(guest_take(&guest, WIRE_SECONDS * 1000));
}

/* ---- Connections inwards ---- */

static void test_a_forwarded_port(void **state)
{
	struct keg_net_forward forward = {
		.host_port = host_free_port(SOCK_STREAM), .guest_port = 2222};
	const struct keg_net_config config = {
		CONFIG, .forwards = &forward, .forward_count = 1, .flags = KEG_NET_RESTRICT};
	struct client client = {.port = forward.host_port, .bytes = BYTES};
	pthread_t thread;

	(void)state;
	open_user(&config);
	client.data = make_data(BYTES, 7);
	client.got = test_malloc(BYTES);
	guest.listens = 2222;
	guest.echo_room = test_malloc(BYTES);
	guest.echo_bytes = BYTES;
	assert_int_equal(pthread_create(&thread, NULL, host_run_client, &client), 0);
	while (!client.ended)
		guest_take(&guest, 100);
	pthread_join(thread, NULL);
	assert_int_equal(client.done, BYTES);
	assert_memory_equal(client.got, client.data, BYTES);
	test_free(guest.echo_room);
	test_free(client.got);
	test_free(client.data);
}

static void test_a_forwarded_udp_port(void **state)
{
	struct keg_net_forward forward = {
		.udp = true, .host_port = host_free_port(SOCK_DGRAM), .guest_port = 5353};
	const struct keg_net_config config = {CONFIG, .forwards = &forward, .forward_count = 1};
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(forward.host_port)};
	uint16_t own;
	uint8_t answer[16];
	int fd = host_bind(SOCK_DGRAM, &own);

	(void)state;
	open_user(&config);
	assert_int_equal(
		sendto(fd, "question", 8, 0, (struct sockaddr *)&address, sizeof(address)), 8);
	guest_wait_for(&guest, IP_UDP);
	assert_int_equal(guest.payload_bytes, 8);
	assert_memory_equal(guest.payload, "question", 8);
	guest_send_udp(&guest, GUEST_ADDRESS, 5353, guest.from, guest.from_port, "answer", 6);
	assert_int_equal(recv(fd, answer, sizeof(answer), 0), 6);
	assert_memory_equal(answer, "answer", 6);
	close(fd);
}

static void test_a_port_that_is_taken(void **state)
{
	struct keg_net_forward forwards[2] = {
		{.host_port = 0, .guest_port = 1}, {.guest_port = 80}};
	struct keg_net_config config = {CONFIG, .forwards = forwards, .forward_count = 2};
	struct keg_netdev *netdev;
	char words[64];
	int fd = host_bind(SOCK_STREAM, &forwards[1].host_port);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	forwards[0].host_port = host_free_port(SOCK_STREAM);
	snprintf(words, sizeof(words), "tcp 127.0.0.1:%u to port 80", forwards[1].host_port);
	assert_fails(keg_netdev_open(&config, &netdev), EADDRINUSE, words);
	close(fd);
	/* The first was given up with it. */
	assert_ok(keg_netdev_open(&config, &netdev));
	keg_netdev_close(netdev);
}

/* A network that has nothing to do, with a conversation open, wakes its thread for timers only. */
static void test_rests(void **state)
{
	enum { MS = 1500, MOST = 20 };
	uint16_t port;
	int fd = host_bind(SOCK_DGRAM, &port);
	struct pollfd wait = {.fd = keg_netdev_fd(guest.netdev, 0), .events = POLLIN};
	const int64_t end = wire_now_ms() + MS;
	unsigned woken = 0;

	(void)state;
	guest_send_udp(&guest, GUEST_ADDRESS, 5000, GATEWAY, port, "x", 1);
	while (wire_now_ms() < end) {
		guest_take(&guest, 0);
		woken += poll(&wait, 1, (int)(end - wire_now_ms() + 1)) > 0;
	}
	assert_in_range(woken, 1, MOST);
	close(fd);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_user)
	const struct CMUnitTest tests[] = {
		PLAIN(test_dhcp),
		PLAIN(test_ping),
		PLAIN(test_udp),
		PLAIN(test_tcp),
		PLAIN(test_fifty_connections),
		PLAIN(test_nobody_listens),
		PLAIN(test_rests),
		cmocka_unit_test_teardown(test_a_forwarded_port, close_user),
		cmocka_unit_test_teardown(test_a_forwarded_udp_port, close_user),
		cmocka_unit_test(test_a_port_that_is_taken),
	};

	if (!KEG_HAS_SLIRP) {
		fprintf(stderr, "SKIPPED: this keg is built without libslirp\n");
		return TEST_SKIPPED;
	}
	/* As those do who serve a network. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
