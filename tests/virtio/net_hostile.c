/* SPDX-License-Identifier: MIT */
/* A network card under drivers that mean harm: each request fails, or the card says that it needs a
 * reset; and after that it serves. */
#include <sys/socket.h>

#include "net_rig.h"
#include "testing.h"

enum {
	MEMORY = 16 << 20, /* the guest's */
	LARGE = 1 << 20,
};

static uint8_t packet[KEG_NET_MAX_FRAME], got[KEG_NET_MAX_FRAME];

static int make(void **state)
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

/* One frame each way, as it should be. */
static void expect_service(struct rig *rig)
{
	keg_gpa at = rig_fill(rig, 100, 4), to = rig_fill(rig, 2000, 0);

	rig_make_frame(packet, 100, 4);
	rig_offer(rig, RIG_TX, at, 100);
	assert_int_equal(rig_receive(rig, 0, got, sizeof(got)), 100);
	assert_memory_equal(got, packet, 100);
	driver_wait_used(&rig->driver, RIG_TX, 1);
	driver_take_used(&rig->driver, RIG_TX);
	rig_offer(rig, RIG_RX, to, 2000);
	rig_send(rig, 0, packet, 100);
	driver_wait_used(&rig->driver, RIG_RX, 1);
	assert_int_equal(driver_take_used(&rig->driver, RIG_RX).bytes, 100);
}

/* ---- Requests that fail alone ---- */

static const struct {
	const char *name;
	uint16_t queue;
	unsigned count;
	struct {
		uint32_t bytes;
		bool writable;
	} buffers[4];
} failing[] = {
	{"send nothing", RIG_TX, 1, {{0, false}}},
	{"send a byte", RIG_TX, 1, {{1, false}}},
	{"send half a header", RIG_TX, 1, {{11, false}}},
	{"send a header alone", RIG_TX, 1, {{12, false}}},
	{"send half of Ethernet's header", RIG_TX, 2, {{12, false}, {13, false}}},
	{"send a byte too much", RIG_TX, 1, {{KEG_NET_MAX_FRAME + 1, false}}},
	{"send a megabyte", RIG_TX, 2, {{12, false}, {LARGE, false}}},
	{"send what is to be written", RIG_TX, 1, {{100, true}}},
	{"send a header, and what is to be written", RIG_TX, 2, {{12, false}, {100, true}}},
	{"receive into nothing", RIG_RX, 1, {{0, true}}},
	{"receive into a byte", RIG_RX, 1, {{1, true}}},
	{"receive into less than a header", RIG_RX, 2, {{5, true}, {6, true}}},
	{"receive into what is to be read", RIG_RX, 1, {{2000, false}}},
	{"receive into both", RIG_RX, 2, {{12, false}, {2000, true}}},
};

static void fail_alone(struct rig *rig, size_t number, keg_gpa memory)
{
	const uint16_t queue = failing[number].queue;
	struct driver_buffer buffers[4];

	print_message("%s\n", failing[number].name);
	for (unsigned i = 0; i < failing[number].count; i++)
		buffers[i] = (struct driver_buffer){memory, failing[number].buffers[i].bytes,
			failing[number].buffers[i].writable};
	rig_give(rig, queue, buffers, failing[number].count);
	driver_wait_used(&rig->driver, queue, 1);
	assert_int_equal(driver_take_used(&rig->driver, queue).bytes, 0);
	assert_int_equal(rig->net.device.queues[queue].errors, number + 1);
}

static void test_bad_requests_fail_alone(void **state)
{
	struct rig *rig = *state;
	keg_gpa memory = driver_alloc(&rig->driver, LARGE, 1);

	for (size_t i = 0; i < sizeof(failing) / sizeof(*failing); i++) {
		rig_start(rig, RIG_MRG);
		for (int q = 0; q < 2; q++)
			rig->net.device.queues[q].errors = i;
		fail_alone(rig, i, memory);
		expect_service(rig);
	}
}

/* ---- Requests that break the card ---- */

static const struct {
	const char *name, *words;
	struct vring_desc descriptor;
} breaking[] = {
	{"nowhere", "buffer", {UINT64_C(1) << 40, 100, 0, 0}},
	{"beyond the end", "buffer", {MEMORY - 10, 100, 0, 0}},
	{"an address that wraps", "buffer", {UINT64_MAX - 10, 100, 0, 0}},
	{"all of 32 bits", "buffer", {0x1000, UINT32_MAX, 0, 0}},
	{"a next one that is none", "descriptor", {0x1000, 100, VRING_DESC_F_NEXT, 0xffff}},
	{"itself again", "circle", {0x1000, 100, VRING_DESC_F_NEXT, 0}},
	{"a table that nobody agreed on", "indirect", {0x1000, 32, VRING_DESC_F_INDIRECT, 0}},
};

static void break_queue(struct rig *rig, uint16_t queue, size_t number)
{
	struct vring_desc descriptor = breaking[number].descriptor;

	/* As the queue is used, so that nothing else is wrong. */
	if (queue % 2 == RIG_RX && queue < 2 * RIG_PAIRS)
		descriptor.flags |= VRING_DESC_F_WRITE;
	rig->driver.queues[queue].descriptors[0] = descriptor;
	driver_add_head(&rig->driver, queue, 0);
	driver_publish(&rig->driver, queue);
	driver_kick(&rig->driver, queue);
	driver_wait_broken(&rig->driver);
	assert_non_null(strstr(rig->net.device.broken, breaking[number].words));
	/* It says so, and lets everything lie. */
	assert_true(keg_virtio_get_status(&rig->net.device) & KEG_VIRTIO_NEEDS_RESET);
	assert_int_equal(driver_count_used(&rig->driver, queue), 0);
}

static void test_broken_rules_break_the_card(void **state)
{
	static const uint16_t queues[] = {RIG_RX, RIG_TX, 2, 3, 2 * RIG_PAIRS};
	struct rig *rig = *state;

	for (size_t q = 0; q < sizeof(queues) / sizeof(*queues); q++) {
		for (size_t i = 0; i < sizeof(breaking) / sizeof(*breaking); i++) {
			print_message("queue %u: %s\n", queues[q], breaking[i].name);
			rig_start(rig, RIG_MRG | RIG_MQ);
			break_queue(rig, queues[q], i);
		}
		rig_start(rig, 0);
		expect_service(rig);
	}
}

static const struct {
	const char *name;
	uint16_t head, index;
} rings[] = {
	{"a head beyond the queue", DRIVER_QUEUE_SIZE, 1},
	{"the last head there could be", 0xffff, 1},
	{"more than the queue holds", 0, DRIVER_QUEUE_SIZE + 1},
	{"an index that went back", 0, 0xffff},
};

static void test_broken_rings_break_the_card(void **state)
{
	struct rig *rig = *state;

	for (uint16_t queue = 0; queue < 4; queue++) {
		for (size_t i = 0; i < sizeof(rings) / sizeof(*rings); i++) {
			print_message("queue %u: %s\n", queue, rings[i].name);
			rig_start(rig, RIG_MQ);
			rig->driver.queues[queue].available->ring[0] = rings[i].head;
			__atomic_store_n(&rig->driver.queues[queue].available->idx, rings[i].index,
				__ATOMIC_SEQ_CST);
			driver_kick(&rig->driver, queue);
			driver_wait_broken(&rig->driver);
		}
	}
	rig_start(rig, 0);
	expect_service(rig);
}

/* ---- The control queue ---- */

static const struct {
	const char *name;
	uint32_t read[2], written;
	uint32_t used;
} controls[] = {
	{"nothing at all", {0, 0}, 0, 0},
	{"no room for the answer", {2, 2}, 0, 0},
	{"no command", {0, 0}, 1, 1},
	{"half a command", {1, 0}, 1, 1},
	{"a command in two", {1, 1}, 1, 1},
	{"much room for the answer", {2, 2}, 4096, 1},
	{"a long command", {2, 65536}, 1, 1},
};

static void test_bad_commands_are_answered(void **state)
{
	struct rig *rig = *state;
	keg_gpa memory = driver_alloc(&rig->driver, 65536, 1);

	rig_start(rig, RIG_MQ);
	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++) {
		const struct driver_buffer buffers[] = {{memory, controls[i].read[0], false},
			{memory, controls[i].read[1], false}, {memory, controls[i].written, true}};

		print_message("%s\n", controls[i].name);
		memset(driver_host(&rig->driver, memory, 4), 0xff, 4);
		assert_int_equal(
			driver_request(&rig->driver, 2 * RIG_PAIRS, buffers, 3), controls[i].used);
		assert_int_equal(rig->queues, 1);
	}
	expect_service(rig);
}

/* ---- Queues that are not there ---- */

static void test_queues_that_were_not_enabled(void **state)
{
	struct rig *rig = *state;

	for (uint16_t only = 0; only < 2 * RIG_PAIRS + 1; only++) {
		driver_attach(&rig->driver, &rig->net.device);
		driver_negotiate(&rig->driver, RIG_MQ);
		driver_set_up_queue(&rig->driver, only);
		driver_ready(&rig->driver);
		for (uint16_t i = 0; i < 2 * RIG_PAIRS + 3; i++)
			driver_kick(&rig->driver, i);
		rig_make_frame(packet, 100, 1);
		rig_send(rig, 0, packet, 100);
	}
	driver_reset(&rig->driver);
	/* What came meanwhile is still in this test's network. */
	while (recv(rig->inner[0], got, sizeof(got), 0) > 0)
		;
	rig_start(rig, 0);
	expect_service(rig);
}

/* ---- Resets ---- */

static void test_resets_in_the_middle_of_traffic(void **state)
{
	enum { ROUNDS = 100, FRAMES = 20 };
	struct rig *rig = *state;
	keg_gpa at = rig_fill(rig, 1000, 1), to = rig_fill(rig, 3000, 0);

	for (int round = 0; round < ROUNDS; round++) {
		rig_start(rig, RIG_MRG | RIG_CSUM | RIG_TSO4 | KEG_VIRTIO_F_EVENT_IDX);
		for (int i = 0; i < FRAMES; i++) {
			const struct driver_buffer in = {to, 700, true}, out = {at, 1000, false};

			driver_add(&rig->driver, RIG_RX, &in, 1);
			driver_add(&rig->driver, RIG_TX, &out, 1);
			send(rig->outer[0], packet, i % 2 ? 2000 : 100, MSG_DONTWAIT);
		}
		driver_publish(&rig->driver, RIG_RX);
		driver_publish(&rig->driver, RIG_TX);
		driver_kick(&rig->driver, RIG_RX);
		driver_kick(&rig->driver, RIG_TX);
		/* At another moment each time. */
		if (round % 3 == 1)
			driver_wait_used(&rig->driver, RIG_TX, 1);
		if (round % 3 == 2)
			driver_wait_used(&rig->driver, RIG_TX, FRAMES);
		driver_reset(&rig->driver);
		while (recv(rig->outer[0], got, sizeof(got), MSG_DONTWAIT) > 0)
			;
	}
	while (recv(rig->inner[0], got, sizeof(got), 0) > 0)
		;
	rig_start(rig, 0);
	expect_service(rig);
}

int main(void)
{
#define RIG(test) cmocka_unit_test_setup_teardown(test, make, unmake)
	const struct CMUnitTest tests[] = {
		RIG(test_bad_requests_fail_alone),
		RIG(test_broken_rules_break_the_card),
		RIG(test_broken_rings_break_the_card),
		RIG(test_bad_commands_are_answered),
		RIG(test_queues_that_were_not_enabled),
		RIG(test_resets_in_the_middle_of_traffic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
