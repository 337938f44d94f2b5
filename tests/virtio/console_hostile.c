/* SPDX-License-Identifier: MIT */
/*
 * Drivers of a console that mean harm, one case each. After it a good request succeeds, or the
 * device says that it needs a reset; after one it serves as before, and it stops at once.
 */
#include <endian.h>
#include <time.h>

#include "testing.h"

#include "console_rig.h"

#define MULTI (CONSOLE_F(SIZE) | CONSOLE_F(MULTIPORT) | KEG_VIRTIO_F_INDIRECT_DESC)

enum { RX = 0, TX = 1, PORTS = 3, SIZE = DRIVER_QUEUE_SIZE };

/* A good request: it comes out at the other end. */
static void assert_serves(struct console_rig *rig)
{
	size_t before = rig->ends[0].count;

	console_rig_write(rig, TX, "good", 4);
	console_rig_wait_text(rig, 0, before + 4);
	if (before + 4 <= CONSOLE_TEXT)
		assert_memory_equal(rig->ends[0].text + before, "good", 4);
}

/* Section 2.1.2. Whatever has happened, a reset helps, and takes no time. */
static void assert_recovers(struct console_rig *rig)
{
	struct timespec before, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	driver_reset(&rig->driver);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec <= 1);
	console_rig_start(rig, MULTI);
	assert_serves(rig);
}

static void put(struct console_rig *rig, uint16_t queue, keg_gpa gpa, uint32_t bytes, bool writable)
{
	const struct driver_buffer one = {gpa, bytes, writable};

	driver_add(&rig->driver, queue, &one, 1);
	driver_publish(&rig->driver, queue);
	driver_kick(&rig->driver, queue);
}

/* ---- What is served, or refused on its own ---- */

static void messages_of_every_length(struct console_rig *rig)
{
	uint8_t bytes[64] = {0};

	for (uint32_t i = 1; i < sizeof(bytes); i++)
		console_rig_write(rig, CONTROL_TX, bytes, i);
	assert_int_equal(rig->console.device.queues[CONTROL_TX].errors, 63);
}

static void messages_that_mean_nothing(struct console_rig *rig)
{
	static const struct {
		uint32_t port;
		uint16_t event, value;
	} messages[] = {
		{0, VIRTIO_CONSOLE_DEVICE_READY, 0},
		{0, VIRTIO_CONSOLE_DEVICE_READY, 2},
		{0, VIRTIO_CONSOLE_PORT_ADD, 1},
		{0, VIRTIO_CONSOLE_PORT_REMOVE, 1},
		{0, VIRTIO_CONSOLE_PORT_READY, 0},
		{0, VIRTIO_CONSOLE_PORT_READY, UINT16_MAX},
		{0, VIRTIO_CONSOLE_CONSOLE_PORT, 1},
		{0, VIRTIO_CONSOLE_RESIZE, 1},
		{0, VIRTIO_CONSOLE_PORT_NAME, 1},
		{0, 8, 1},
		{0, UINT16_MAX, 1},
		{PORTS, VIRTIO_CONSOLE_PORT_READY, 1},
		{PORTS, VIRTIO_CONSOLE_PORT_OPEN, 1},
		{1U << 31, VIRTIO_CONSOLE_PORT_OPEN, 1},
		{UINT32_MAX, VIRTIO_CONSOLE_PORT_READY, 1},
		{UINT32_MAX, VIRTIO_CONSOLE_PORT_OPEN, 1},
	};

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		console_rig_tell(rig, messages[i].port, messages[i].event, messages[i].value);
	assert_int_equal(rig->console.device.queues[CONTROL_TX].errors,
		sizeof(messages) / sizeof(messages[0]));
}

/* Nobody listens to the answers: they are as many as the ports, however often they are asked for.
 */
static void ten_thousand_questions(struct console_rig *rig)
{
	for (int i = 0; i < 10000; i++) {
		console_rig_tell(rig, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
		console_rig_tell(rig, (uint32_t)i % PORTS, VIRTIO_CONSOLE_PORT_READY, 1);
	}
	console_rig_hear(rig, 0, VIRTIO_CONSOLE_PORT_ADD, 0);
	console_rig_hear(rig, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
	console_rig_hear(rig, 0, VIRTIO_CONSOLE_PORT_NAME, 1);
	console_rig_hear(rig, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	for (uint32_t port = 1; port < PORTS; port++) {
		console_rig_hear(rig, port, VIRTIO_CONSOLE_PORT_ADD, 0);
		console_rig_hear(rig, port, VIRTIO_CONSOLE_PORT_NAME, 1);
		console_rig_hear(rig, port, VIRTIO_CONSOLE_PORT_OPEN, 1);
	}
	console_rig_offer(rig, CONTROL_RX, 0, 64);
	assert_serves(rig);
	assert_int_equal(driver_count_used(&rig->driver, CONTROL_RX), 0);
}

/* A message that does not fit waits for a buffer that it fits. */
static void buffers_too_small_for_messages(struct console_rig *rig)
{
	console_rig_tell(rig, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	for (uint32_t i = 1; i < 8 + 5; i++) {
		console_rig_offer(rig, CONTROL_RX, 0, i);
		assert_int_equal(console_rig_read(rig, CONTROL_RX), 0);
	}
	assert_int_equal(console_rig_hear(rig, 1, VIRTIO_CONSOLE_PORT_NAME, 1), 5);
}

static void output_to_write_into(struct console_rig *rig)
{
	const struct driver_buffer one = {rig->page, 64, true};

	assert_int_equal(driver_request(&rig->driver, TX, &one, 1), 0);
	assert_int_equal(rig->ends[0].count, 0);
}

static void input_to_read_from(struct console_rig *rig)
{
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	put(rig, RX, rig->page, 64, false);
	console_rig_offer(rig, RX, 0, 64);
	assert_int_equal(keg_virtio_console_input(&rig->console, 0, "x", 1), 1);
	assert_int_equal(console_rig_read(rig, RX), 0);
	assert_int_equal(console_rig_read(rig, RX), 1);
	assert_int_equal(rig->console.device.queues[RX].errors, 1);
}

static void messages_to_write_into(struct console_rig *rig)
{
	const struct driver_buffer one = {rig->page, 64, true};

	assert_int_equal(driver_request(&rig->driver, CONTROL_TX, &one, 1), 0);
}

static void registers_of_every_width(struct console_rig *rig)
{
	uint64_t value;

	for (uint32_t offset = 0; offset < 32; offset++) {
		for (uint32_t width = 1; width <= 8; width *= 2) {
			value = UINT64_MAX;
			keg_virtio_write_config(&rig->console.device, offset, &value, width);
			keg_virtio_read_config(&rig->console.device, offset, &value, width);
			if (offset >= 12)
				assert_int_equal(value << (64 - 8 * width) >> (64 - 8 * width), 0);
		}
	}
	/* One character for each width at the emergency register, and at no other. */
	assert_int_equal(rig->ends[0].count, 4);
	rig->ends[0].count = 0;
}

/* ---- What breaks the device, or may ---- */

static void a_buffer_outside_of_memory(struct console_rig *rig)
{
	put(rig, TX, UINT64_C(1) << 40, 64, false);
	driver_wait_broken(&rig->driver);
}

static void a_message_at_the_end_of_memory(struct console_rig *rig)
{
	put(rig, CONTROL_TX, CONSOLE_MEMORY - 4, 8, false);
	driver_wait_broken(&rig->driver);
}

static void answers_outside_of_memory(struct console_rig *rig)
{
	put(rig, CONTROL_RX, UINT64_MAX - 8, 64, true);
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	driver_wait_broken(&rig->driver);
}

static void a_head_that_is_none(struct console_rig *rig)
{
	driver_add_head(&rig->driver, TX, SIZE);
	driver_publish(&rig->driver, TX);
	driver_kick(&rig->driver, TX);
	driver_wait_broken(&rig->driver);
}

/* Input that is written over the rings it comes through. */
static void input_into_the_ring_itself(struct console_rig *rig)
{
	char bytes[2048];

	memset(bytes, 0xff, sizeof(bytes));
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	put(rig, RX, rig->driver.queues[RX].layout.available, 128, true);
	put(rig, RX, rig->driver.queues[RX].layout.descriptors, 1024, true);
	keg_virtio_console_input(&rig->console, 0, bytes, sizeof(bytes));
	driver_wait_broken(&rig->driver);
}

/* 4 GiB at once, the same bytes over and over: a reset does not wait for their end. */
static void output_without_end(struct console_rig *rig)
{
	struct driver_buffer buffers[100];

	for (size_t i = 0; i < 100; i++)
		buffers[i] = (struct driver_buffer){0, CONSOLE_MEMORY, false};
	driver_add_indirect(&rig->driver, TX, buffers, 100);
	driver_publish(&rig->driver, TX);
	driver_kick(&rig->driver, TX);
	console_rig_wait_text(rig, 0, 1);
}

/* ---- Fields that change while they are looked at ---- */

struct flipper {
	struct console_rig *rig;
	_Atomic bool stop;
};

static void *flip(void *context)
{
	struct flipper *flipper = context;
	struct driver_queue *queue = &flipper->rig->driver.queues[TX];

	for (uint32_t i = 0; !flipper->stop; i++) {
		volatile struct vring_desc *one = &queue->descriptors[i % SIZE];

		one->addr ^= i & 1 ? UINT64_C(1) << 50 : 64;
		one->len ^= 1U << i % 32;
		one->flags = (uint16_t)(i % 8);
		one->next = (uint16_t)i;
	}
	return NULL;
}

static void descriptors_that_change(struct console_rig *rig)
{
	struct flipper flipper = {.rig = rig};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, flip, &flipper), 0);
	for (int i = 0; i < 2000 && !keg_virtio_is_broken(&rig->console.device); i++)
		put(rig, TX, rig->page, 64, false);
	flipper.stop = true;
	pthread_join(thread, NULL);
}

/* ---- All of them ---- */

static const struct {
	const char *name;
	void (*run)(struct console_rig *rig);
	bool serves; /* the next good request succeeds without a reset */
} cases[] = {
	{"messages of every length", messages_of_every_length, true},
	{"messages that mean nothing", messages_that_mean_nothing, true},
	{"ten thousand questions", ten_thousand_questions, true},
	{"buffers too small for messages", buffers_too_small_for_messages, true},
	{"output to write into", output_to_write_into, true},
	{"input to read from", input_to_read_from, true},
	{"messages to write into", messages_to_write_into, true},
	{"registers of every width", registers_of_every_width, true},
	{"a buffer outside of memory", a_buffer_outside_of_memory, false},
	{"a message at the end of memory", a_message_at_the_end_of_memory, false},
	{"answers outside of memory", answers_outside_of_memory, false},
	{"a head that is none", a_head_that_is_none, false},
	{"input into the ring itself", input_into_the_ring_itself, false},
	{"output without end", output_without_end, false},
	{"descriptors that change", descriptors_that_change, false},
};

static void hostile_drivers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct console_rig *rig = console_rig_make(PORTS);

		print_message("%s\n", cases[i].name);
		console_rig_start(rig, MULTI);
		cases[i].run(rig);
		if (cases[i].serves)
			assert_serves(rig);
		assert_recovers(rig);
		console_rig_end(rig);
	}
}

/* Queues that the driver has not enabled, in all combinations, and notified all the same. */
static void queues_that_are_not_there(void **state)
{
	enum { QUEUES = 2 * PORTS + 2 };
	/* A step without common factors: each queue is on and off all the same. */
	const unsigned int step = be_quick() ? 13 : 1;

	(void)state;
	for (unsigned int enabled = 0; enabled < 1U << QUEUES; enabled += step) {
		struct console_rig *rig = console_rig_make(PORTS);

		keg_virtio_console_resize(&rig->console, 80, 25);
		driver_negotiate(&rig->driver, MULTI);
		for (uint16_t i = 0; i < QUEUES; i++) {
			if (enabled >> i & 1)
				driver_set_up_queue(&rig->driver, i);
		}
		driver_ready(&rig->driver);
		keg_virtio_console_input(&rig->console, 1, "x", 1);
		for (uint32_t i = 0; i < QUEUES + 2; i++)
			keg_virtio_kick(&rig->console.device, i);
		if (enabled >> CONTROL_TX & 1)
			console_rig_tell(rig, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
		if (enabled >> TX & 1)
			assert_serves(rig);
		assert_false(keg_virtio_is_broken(&rig->console.device));
		console_rig_end(rig);
	}
}

/* The control queues of who has not agreed to several ports do no harm. */
static void control_without_agreement(void **state)
{
	struct console_rig *rig = console_rig_make(PORTS);

	(void)state;
	console_rig_start(rig, 0);
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_serves(rig);
	console_rig_end(rig);
}

/* Input, sizes and resets at the same time. */
static void *make_input(void *context)
{
	struct flipper *flipper = context;

	for (uint16_t i = 0; !flipper->stop; i++) {
		keg_virtio_console_input(&flipper->rig->console, i % PORTS, "input", 5);
		keg_virtio_console_resize(&flipper->rig->console, i, 25);
	}
	return NULL;
}

static void resets_amid_input(void **state)
{
	struct console_rig *rig = console_rig_make(PORTS);
	struct flipper flipper = {.rig = rig};
	pthread_t thread;

	(void)state;
	console_rig_start(rig, MULTI);
	assert_int_equal(pthread_create(&thread, NULL, make_input, &flipper), 0);
	for (int i = 0; i < 100; i++) {
		driver_reset(&rig->driver);
		console_rig_start(rig, MULTI);
		console_rig_tell(rig, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
		console_rig_offer(rig, RX, 0, 1024);
		/* What had no room is cut off: it may be less than was put in at once. */
		assert_true(console_rig_read(rig, RX) >= 1);
		assert_serves(rig);
	}
	flipper.stop = true;
	pthread_join(thread, NULL);
	console_rig_end(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_drivers),
		cmocka_unit_test(queues_that_are_not_there),
		cmocka_unit_test(control_without_agreement),
		cmocka_unit_test(resets_amid_input),
	};

	return cmocka_run_group_tests_name("console-hostile", tests, NULL, NULL);
}
