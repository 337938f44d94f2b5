/* SPDX-License-Identifier: MIT */
/* A network card, as virtio 1.2, section 5.1, has it. */
#include <errno.h>

#include "net_rig.h"
#include "testing.h"

static uint8_t packet[KEG_NET_MAX_FRAME], got[KEG_NET_MAX_FRAME];

static int make(void **state)
{
	*state = test_calloc(1, sizeof(struct rig));
	rig_init(*state, 1);
	return 0;
}

static int make_many(void **state)
{
	*state = test_calloc(1, sizeof(struct rig));
	rig_init(*state, RIG_PAIRS);
	return 0;
}

static int unmake(void **state)
{
	rig_fini(*state);
	test_free(*state);
	return 0;
}

static void test_configuration(void **state)
{
	struct rig *rig = *state;
	struct virtio_net_config config;

	rig_start(rig, 0);
	keg_virtio_read_config(&rig->net.device, 0, &config, 12);
	assert_memory_equal(config.mac, "\2keg\0\1", 6);
	assert_int_equal(config.status, VIRTIO_NET_S_LINK_UP);
	assert_int_equal(config.max_virtqueue_pairs, 1);
	assert_int_equal(config.mtu, 1500);
	assert_int_equal(rig->net.device.class->id, 1);
	assert_int_equal(rig->net.device.queue_count, 2);
	/* One pair: no control queue, and nothing to control. */
	assert_false(rig->net.device.offered & RIG_MQ);
}

static void test_sends_what_it_is_given(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio_counts counts;

	rig_start(rig, 0);
	for (uint32_t bytes = RIG_HEADER + 14; bytes < 2000; bytes += 333) {
		rig_offer(rig, RIG_TX, rig_fill(rig, bytes, 3), bytes);
		rig_make_frame(packet, bytes, 3);
		assert_int_equal(rig_receive(rig, 0, got, sizeof(got)), bytes);
		assert_memory_equal(got, packet, bytes);
		driver_wait_used(&rig->driver, RIG_TX, 1);
		assert_int_equal(driver_take_used(&rig->driver, RIG_TX).bytes, 0);
	}
	keg_virtio_count(&rig->net.device, &counts);
	assert_int_equal(counts.requests, 6);
	assert_int_equal(counts.errors, 0);
}

static void test_sends_a_frame_in_bytes(void **state)
{
	enum { BYTES = RIG_HEADER + 40 };
	struct rig *rig = *state;
	struct driver_buffer buffers[BYTES];
	keg_gpa at = rig_fill(rig, BYTES, 9);

	rig_start(rig, KEG_VIRTIO_F_INDIRECT_DESC);
	for (unsigned i = 0; i < BYTES; i++)
		buffers[i] = (struct driver_buffer){at + i, 1, false};
	rig_give(rig, RIG_TX, buffers, BYTES);
	rig_make_frame(packet, BYTES, 9);
	assert_int_equal(rig_receive(rig, 0, got, sizeof(got)), BYTES);
	assert_memory_equal(got, packet, BYTES);
}

static void test_waits_while_the_network_takes_nothing(void **state)
{
	enum { FRAMES = 600, BYTES = RIG_HEADER + 1500 };
	struct rig *rig = *state;
	uint16_t done = 0;
	keg_gpa at;

	rig_start(rig, KEG_VIRTIO_F_EVENT_IDX);
	at = rig_fill(rig, BYTES, 1);
	/* More than the socket holds, before the first is read. */
	for (unsigned sent = 0, received = 0; received < FRAMES;) {
		if (sent < FRAMES && sent - done < DRIVER_QUEUE_SIZE) {
			rig_offer(rig, RIG_TX, at, BYTES);
			sent++;
			continue;
		}
		assert_int_equal(rig_receive(rig, 0, got, sizeof(got)), BYTES);
		received++;
		while (driver_count_used(&rig->driver, RIG_TX)) {
			driver_take_used(&rig->driver, RIG_TX);
			done++;
		}
	}
}

/* Receives a frame, of several buffers perhaps, and compares it. */
static void expect_frame(struct rig *rig, const keg_gpa *buffers, uint32_t each, size_t bytes)
{
	const uint16_t count = (uint16_t)((bytes + each - 1) / each);
	size_t at = 0;

	driver_wait_used(&rig->driver, RIG_RX, 1);
	/* All of its buffers are there together with the first. */
	assert_int_equal(driver_count_used(&rig->driver, RIG_RX), count);
	packet[10] = (uint8_t)count;
	for (uint16_t i = 0; i < count; i++) {
		const uint32_t part = bytes - at < each ? (uint32_t)(bytes - at) : each;

		assert_int_equal(driver_take_used(&rig->driver, RIG_RX).bytes, part);
		assert_memory_equal(driver_host(&rig->driver, buffers[i], part), packet + at, part);
		at += part;
	}
	packet[10] = 0;
}

static void test_receives_into_a_buffer(void **state)
{
	struct rig *rig = *state;
	keg_gpa at = rig_fill(rig, 1600, 0);

	rig_start(rig, 0);
	for (size_t bytes = RIG_HEADER + 14; bytes < 1600; bytes += 300) {
		rig_make_frame(packet, bytes, (uint8_t)bytes);
		rig_offer(rig, RIG_RX, at, 1600);
		rig_send(rig, 0, packet, bytes);
		expect_frame(rig, &at, 1600, bytes);
	}
}

static void test_receives_into_several_buffers(void **state)
{
	enum { EACH = 1000, BUFFERS = 60 };
	struct rig *rig = *state;
	keg_gpa at[BUFFERS];

	rig_start(rig, RIG_MRG | RIG_CSUM | RIG_TSO4);
	for (unsigned i = 0; i < BUFFERS; i++)
		at[i] = rig_fill(rig, EACH, 0);
	/* Small ones, after which it expects more of them; then one that fills all there is. */
	for (size_t bytes = 60; bytes <= BUFFERS * EACH; bytes += bytes < 1100 ? 13 : 7000) {
		unsigned count = (unsigned)(bytes + EACH - 1) / EACH;

		for (unsigned i = 0; i < count; i++)
			rig_offer(rig, RIG_RX, at[i], EACH);
		rig_make_frame(packet, bytes, (uint8_t)bytes);
		rig_send(rig, 0, packet, bytes);
		expect_frame(rig, at, EACH, bytes);
	}
	for (unsigned i = 0; i < BUFFERS; i++)
		rig_offer(rig, RIG_RX, at[i], EACH);
	rig_make_frame(packet, BUFFERS * EACH, 5);
	rig_send(rig, 0, packet, BUFFERS * EACH);
	expect_frame(rig, at, EACH, BUFFERS * EACH);
}

static void test_a_frame_waits_for_buffers(void **state)
{
	enum { EACH = 1000, BUFFERS = 6, BYTES = BUFFERS * EACH - 1 };
	struct rig *rig = *state;
	keg_gpa at[BUFFERS];

	rig_start(rig, RIG_MRG | RIG_CSUM | RIG_TSO4 | KEG_VIRTIO_F_EVENT_IDX);
	rig_make_frame(packet, BYTES, 77);
	rig_send(rig, 0, packet, BYTES);
	for (unsigned i = 0; i < BUFFERS; i++) {
		assert_int_equal(driver_count_used(&rig->driver, RIG_RX), 0);
		at[i] = rig_fill(rig, EACH, 0);
		/* Each is asked for, sooner or later: nobody notifies without being asked. */
		rig_offer(rig, RIG_RX, at[i], EACH);
	}
	expect_frame(rig, at, EACH, BYTES);
}

static void test_a_frame_beyond_its_buffer_is_lost(void **state)
{
	struct rig *rig = *state;
	keg_gpa at = rig_fill(rig, 500, 0);

	rig_start(rig, 0);
	rig_offer(rig, RIG_RX, at, 500);
	rig_make_frame(packet, 501, 1);
	rig_send(rig, 0, packet, 501);
	rig_make_frame(packet, 500, 2);
	rig_send(rig, 0, packet, 500);
	expect_frame(rig, &at, 500, 500);
	assert_int_equal(rig->net.device.queues[RIG_RX].errors, 1);
}

static void test_flags_are_only_for_those_who_agreed(void **state)
{
	struct rig *rig = *state;
	keg_gpa at = rig_fill(rig, 500, 0);

	for (int agreed = 0; agreed < 2; agreed++) {
		rig_start(rig, agreed ? RIG_CSUM : 0);
		rig_offer(rig, RIG_RX, at, 500);
		rig_make_frame(packet, 100, 1);
		packet[0] = VIRTIO_NET_HDR_F_DATA_VALID;
		rig_send(rig, 0, packet, 100);
		packet[0] = agreed ? VIRTIO_NET_HDR_F_DATA_VALID : 0;
		expect_frame(rig, &at, 500, 100);
	}
}

static void test_offloads_without_what_they_need_are_none(void **state)
{
	struct rig *rig = *state;

	rig_start(rig, RIG_OFFLOADS);
	assert_int_equal(rig->features, RIG_OFFLOADS);
	rig_start(rig, RIG_OFFLOADS & ~RIG_TSO4);
	assert_int_equal(rig->features, RIG_CSUM);
	rig_start(rig, RIG_OFFLOADS & ~RIG_CSUM);
	assert_int_equal(rig->features, 0);
}

static void test_a_batch_is_one_interrupt(void **state)
{
	enum { FRAMES = 32, BYTES = RIG_HEADER + 60 };
	struct rig *rig = *state;
	keg_gpa at = rig_fill(rig, BYTES, 1);
	const struct driver_buffer buffer = {at, BYTES, false};

	rig_start(rig, KEG_VIRTIO_F_EVENT_IDX);
	for (int i = 0; i < FRAMES; i++)
		driver_add(&rig->driver, RIG_TX, &buffer, 1);
	driver_publish(&rig->driver, RIG_TX);
	driver_kick(&rig->driver, RIG_TX);
	driver_wait_used(&rig->driver, RIG_TX, FRAMES);
	for (int i = 0; i < FRAMES; i++)
		assert_int_equal(rig_receive(rig, 0, got, sizeof(got)), BYTES);
	/* The first, which a fresh driver always asks for; and that of the last. */
	assert_in_range(rig->net.device.queues[RIG_TX].interrupts, 1, 2);
}

/* ---- Several pairs ---- */

static uint8_t control(
	struct rig *rig, uint8_t class, uint8_t command, uint16_t pairs, uint32_t cut)
{
	const uint16_t queue = 2 * RIG_PAIRS;
	keg_gpa at = driver_alloc(&rig->driver, 8, 1);
	const struct driver_buffer buffers[] = {{at, cut, false}, {at + 4, 1, true}};
	uint8_t *bytes = driver_host(&rig->driver, at, 8);

	memcpy(bytes, (uint8_t[]){class, command, (uint8_t)pairs, (uint8_t)(pairs >> 8), 0xee}, 5);
	assert_int_equal(driver_request(&rig->driver, queue, buffers, 2), 1);
	return bytes[4];
}

static const struct {
	uint8_t class, command;
	uint16_t pairs;
	uint32_t bytes;
	uint8_t answer;
	uint32_t used;
} commands[] = {
	{4, 0, 2, 4, VIRTIO_NET_OK, 2},
	{4, 0, RIG_PAIRS, 4, VIRTIO_NET_OK, RIG_PAIRS},
	{4, 0, RIG_PAIRS + 1, 4, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 0, 0, 4, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 0, 0xffff, 4, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 0, 1, 3, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 0, 1, 2, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 0, 1, 1, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 1, 1, 4, VIRTIO_NET_ERR, RIG_PAIRS},
	{0, 0, 1, 4, VIRTIO_NET_ERR, RIG_PAIRS},
	{0xff, 0xff, 1, 4, VIRTIO_NET_ERR, RIG_PAIRS},
	{4, 0, 1, 4, VIRTIO_NET_OK, 1},
};

static void test_the_control_queue(void **state)
{
	struct rig *rig = *state;

	rig_start(rig, RIG_MQ);
	assert_int_equal(rig->net.device.queue_count, 2 * RIG_PAIRS + 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		print_message("command %zu\n", i);
		assert_int_equal(control(rig, commands[i].class, commands[i].command,
					 commands[i].pairs, commands[i].bytes),
			commands[i].answer);
		assert_int_equal(rig->queues, commands[i].used);
	}
}

static void test_each_pair_serves(void **state)
{
	struct rig *rig = *state;
	keg_gpa at = rig_fill(rig, 100, 1), to = rig_fill(rig, 200, 0);

	rig_start(rig, RIG_MQ);
	for (uint16_t pair = 0; pair < RIG_PAIRS; pair++) {
		rig_offer(rig, (uint16_t)(2 * pair + RIG_TX), at, 100);
		assert_int_equal(rig_receive(rig, pair, got, sizeof(got)), 100);
		rig_offer(rig, (uint16_t)(2 * pair + RIG_RX), to, 200);
		rig_send(rig, pair, got, 100);
		driver_wait_used(&rig->driver, (uint16_t)(2 * pair + RIG_RX), 1);
	}
}

/* Section 5.1.2: the third queue is the control queue then. */
static void test_a_driver_of_one_pair(void **state)
{
	struct rig *rig = *state;
	keg_gpa at = driver_alloc(&rig->driver, 8, 1);
	const struct driver_buffer buffers[] = {{at, 4, false}, {at + 4, 1, true}};
	uint8_t *bytes = driver_host(&rig->driver, at, 8);

	rig_start(rig, UINT64_C(1) << VIRTIO_NET_F_CTRL_VQ);
	memcpy(bytes, "\4\0\1\0\xee", 5);
	assert_int_equal(driver_request(&rig->driver, 2, buffers, 2), 1);
	assert_int_equal(bytes[4], VIRTIO_NET_ERR);
}

int main(void)
{
#define ONE(test)  cmocka_unit_test_setup_teardown(test, make, unmake)
#define MANY(test) cmocka_unit_test_setup_teardown(test, make_many, unmake)
	const struct CMUnitTest tests[] = {
		ONE(test_configuration),
		ONE(test_sends_what_it_is_given),
		ONE(test_sends_a_frame_in_bytes),
		ONE(test_waits_while_the_network_takes_nothing),
		ONE(test_receives_into_a_buffer),
		ONE(test_receives_into_several_buffers),
		ONE(test_a_frame_waits_for_buffers),
		ONE(test_a_frame_beyond_its_buffer_is_lost),
		ONE(test_flags_are_only_for_those_who_agreed),
		ONE(test_offloads_without_what_they_need_are_none),
		ONE(test_a_batch_is_one_interrupt),
		MANY(test_the_control_queue),
		MANY(test_each_pair_serves),
		MANY(test_a_driver_of_one_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
