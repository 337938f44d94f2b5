/* SPDX-License-Identifier: MIT */
/* Configurations of networks that cannot be: each is refused with a sentence that says why. */
#include <errno.h>
#include <fcntl.h>

#include "net/frames.h"
#include "net/net.h"
#include "testing.h"

static const struct keg_net_forward no_port = {.guest_port = 22};
static const struct keg_net_forward no_address = {
	.host_address = "localhost", .host_port = 2222, .guest_port = 22};

#define CONFIG .size = sizeof(struct keg_net_config)

static const struct {
	const char *name;
	struct keg_net_config config;
	int error;
	const char *words;
} refused[] = {
	{"no size", {.kind = KEG_NET_USER}, EINVAL, "size"},
	{"no kind", {CONFIG, .kind = 7}, EINVAL, "no kind 7"},
	{"a flag that is none", {CONFIG, .flags = 1 << 9}, EINVAL, "flags 0x200"},
	{"a group's address", {CONFIG, .mac = {0x33, 0x33}}, EINVAL, "33"},
	{"a tiny MTU", {CONFIG, .mtu = 67}, EINVAL, "67"},
	{"forwards from nowhere", {CONFIG, .forward_count = 1}, EINVAL, "NULL"},
	{"user: a tap", {CONFIG, .tap = "tap0"}, EINVAL, "no tap"},
	{"user: two pairs", {CONFIG, .queues = 2}, EINVAL, "one queue pair"},
	{"user: a huge MTU", {CONFIG, .mtu = 65535}, EINVAL, "65535"},
	{"tap: nothing", {CONFIG, .kind = KEG_NET_TAP}, EINVAL, "either"},
	{"tap: both", {CONFIG, .kind = KEG_NET_TAP, .tap = "t", .tap_fd = 9}, EINVAL, "either"},
	{"tap: no name", {CONFIG, .kind = KEG_NET_TAP, .tap = ""}, EINVAL, "1 to 15"},
	{"tap: a long name", {CONFIG, .kind = KEG_NET_TAP, .tap = "sixteen-letters-"}, EINVAL,
		"1 to 15"},
	{"tap: many pairs", {CONFIG, .kind = KEG_NET_TAP, .tap = "t", .queues = 17}, EINVAL, "16"},
	{"tap: a descriptor of two pairs", {CONFIG, .kind = KEG_NET_TAP, .tap_fd = 9, .queues = 2},
		EINVAL, "one queue pair"},
	{"tap: forwards",
		{CONFIG, .kind = KEG_NET_TAP, .tap = "t", .forwards = &no_port, .forward_count = 1},
		EINVAL, "user-mode"},
	{"tap: restricted", {CONFIG, .kind = KEG_NET_TAP, .tap = "t", .flags = KEG_NET_RESTRICT},
		EINVAL, "RESTRICT"},
	{"tap: a closed descriptor", {CONFIG, .kind = KEG_NET_TAP, .tap_fd = 999}, EBADF, "999"},
};

static void test_refused(void **state)
{
	struct keg_netdev *netdev;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		print_message("%s\n", refused[i].name);
		/* Without it, that is what is said first. */
		if (!KEG_HAS_SLIRP && strncmp(refused[i].name, "user:", 5) == 0)
			continue;
		assert_fails(keg_netdev_open(&refused[i].config, &netdev), refused[i].error,
			refused[i].words);
	}
	assert_fails(keg_netdev_open(NULL, &netdev), EINVAL, "none");
}

static void test_a_descriptor_of_something_else(void **state)
{
	struct keg_net_config config = {CONFIG, .kind = KEG_NET_TAP};
	struct keg_netdev *netdev;

	(void)state;
	config.tap_fd = open("/dev/null", O_RDWR);
	assert_fails(keg_netdev_open(&config, &netdev), ENOTTY, "not bound to a tap");
	/* It stays the caller's, and as it was. */
	assert_false(fcntl(config.tap_fd, F_GETFL) & O_NONBLOCK);
	close(config.tap_fd);
}

static void test_forwards_refused(void **state)
{
	struct keg_net_config config = {CONFIG, .forwards = &no_port, .forward_count = 1};
	struct keg_netdev *netdev;

	(void)state;
	if (!KEG_HAS_SLIRP) {
		assert_fails(keg_netdev_open(&config, &netdev), ENOTSUP, "libslirp");
		return;
	}
	assert_fails(keg_netdev_open(&config, &netdev), EINVAL, "a port is 1 to 65535");
	config.forwards = &no_address;
	assert_fails(keg_netdev_open(&config, &netdev), EINVAL, "\"localhost\" is no IPv4 address");
}

static void test_random_addresses(void **state)
{
	uint8_t a[6], b[6];

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_ok(keg_net_make_mac(a));
		assert_ok(keg_net_make_mac(b));
		assert_int_equal(a[0] & 3, 2); /* locally administered, and one card's */
		assert_memory_not_equal(a, b, sizeof(a));
	}
}

static void test_frames_are_bounded(void **state)
{
	static uint8_t frame[2048], got[KEG_NET_HEADER + sizeof(frame)];
	const struct iovec iov[] = {{got, 5}, {got + 5, sizeof(got) - 5}};
	struct keg_frames frames = {0};
	unsigned put = 0, taken = 0;

	(void)state;
	assert_ok(keg_frames_init(&frames));
	assert_int_equal(keg_frames_take(&frames, iov, 2), -EAGAIN);
	for (;; put++) {
		memcpy(frame, &put, sizeof(put));
		if (keg_frames_put(&frames, frame, sizeof(frame)))
			break;
		assert_true(put < 10000);
	}
	assert_int_equal(frames.dropped, 1);
	assert_true(put > 400);
	/* One out, one in: the queue goes round. */
	for (; taken < 3000; taken++) {
		assert_int_equal(keg_frames_take(&frames, iov, 2), sizeof(got));
		assert_memory_equal(got + KEG_NET_HEADER, &taken, sizeof(taken));
		memcpy(frame, &put, sizeof(put));
		assert_ok(keg_frames_put(&frames, frame, sizeof(frame)));
		put++;
	}
	/* What does not fit is cut. */
	assert_int_equal(keg_frames_take(&frames, iov, 1), 5);
	assert_int_equal(keg_frames_put(&frames, got, KEG_NET_MAX_FRAME + 1), -EMSGSIZE);
	keg_frames_clear(&frames);
	assert_true(keg_frames_is_empty(&frames));
	keg_frames_fini(&frames);
}

static const struct {
	const char *name;
	bool opens;
	size_t bytes;
	uint8_t type[2], ip[60];
} conversations[] = {
	{"short", false, 33, {8, 0}, {0x45, [9] = 17}},
	{"ARP", false, 60, {8, 6}, {0}},
	{"UDP", true, 60, {8, 0}, {0x45, [9] = 17}},
	{"ICMP", true, 60, {8, 0}, {0x45, [9] = 1}},
	{"TCP, SYN", true, 60, {8, 0}, {0x45, [9] = 6, [33] = 2}},
	{"TCP, SYN and ACK", false, 60, {8, 0}, {0x45, [9] = 6, [33] = 18}},
	{"TCP, ACK", false, 60, {8, 0}, {0x45, [9] = 6, [33] = 16}},
	{"TCP after options, SYN", true, 60, {8, 0}, {0x46, [9] = 6, [37] = 2}},
	{"TCP cut short", false, 46, {8, 0}, {0x45, [9] = 6, [33] = 2}},
	{"TCP after a header that is too long", false, 60, {8, 0}, {0x4f, [9] = 6}},
	{"IPv6, TCP, SYN", true, 74, {0x86, 0xdd}, {0x60, [6] = 6, [53] = 2}},
	{"IPv6, TCP, ACK", false, 74, {0x86, 0xdd}, {0x60, [6] = 6, [53] = 16}},
	{"IPv6, UDP", true, 74, {0x86, 0xdd}, {0x60, [6] = 17}},
};

static void test_conversations(void **state)
{
	uint8_t *frame;

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(*conversations); i++) {
		print_message("%s\n", conversations[i].name);
		/* To its very size, so that a sanitizer sees who reads beyond it. */
		frame = test_calloc(1, conversations[i].bytes);
		memcpy(frame + 12, conversations[i].type, 2);
		memcpy(frame + 14, conversations[i].ip, conversations[i].bytes - 14);
		assert_int_equal(
			keg_frame_opens(frame, conversations[i].bytes), conversations[i].opens);
		test_free(frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_a_descriptor_of_something_else),
		cmocka_unit_test(test_forwards_refused),
		cmocka_unit_test(test_random_addresses),
		cmocka_unit_test(test_frames_are_bounded),
		cmocka_unit_test(test_conversations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
