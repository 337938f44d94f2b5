/* SPDX-License-Identifier: MIT */
/* The console device: virtio 1.2, section 5.3. */
#include <endian.h>
#include <errno.h>

#include "testing.h"

#include "console_rig.h"

#define ALL (CONSOLE_F(SIZE) | CONSOLE_F(MULTIPORT) | KEG_VIRTIO_F_EVENT_IDX)

/* ---- What it is ---- */

static void one_port_has_two_queues(void **state)
{
	struct console_rig *rig = console_rig_make(1);

	(void)state;
	assert_int_equal(rig->console.device.class->id, 3);
	assert_int_equal(rig->console.device.queue_count, 2);
	assert_false(rig->console.device.offered & CONSOLE_F(MULTIPORT));
	console_rig_end(rig);
}

static void more_ports_have_control_queues_too(void **state)
{
	struct console_rig *rig = console_rig_make(3);
	struct virtio_console_config config;

	(void)state;
	assert_int_equal(rig->console.device.queue_count, 8);
	assert_true(rig->console.device.offered & CONSOLE_F(MULTIPORT));
	keg_virtio_read_config(&rig->console.device, 0, &config, sizeof(config));
	assert_int_equal(le32toh(config.max_nr_ports), 3);
	console_rig_end(rig);
}

static void what_cannot_be_made(void **state)
{
	struct keg_virtio_console_end ends[KEG_VIRTIO_CONSOLE_PORTS + 1] = {
		{.name = "a name of thirty-two characters!"}};
	struct keg_virtio_console console;
	struct driver driver;

	(void)state;
	driver_init(&driver, CONSOLE_MEMORY);
	assert_fails(
		keg_virtio_console_init(&console, driver.memory.mem, ends, 0), EINVAL, "0 ports");
	assert_fails(keg_virtio_console_init(
			     &console, driver.memory.mem, ends, KEG_VIRTIO_CONSOLE_PORTS + 1),
		EINVAL, "17 ports");
	assert_fails(keg_virtio_console_init(&console, driver.memory.mem, ends, 1), EINVAL,
		"name of 32 bytes");
	driver_fini(&driver);
}

/* ---- Bytes ---- */

static void what_the_guest_writes_comes_out(void **state)
{
	struct console_rig *rig = console_rig_make(1);

	(void)state;
	console_rig_start(rig, 0);
	console_rig_write(rig, 1, "hello, ", 7);
	console_rig_write(rig, 1, "world\n", 6);
	console_rig_wait_text(rig, 0, 13);
	assert_memory_equal(rig->ends[0].text, "hello, world\n", 13);
	assert_int_equal(rig->console.device.queues[1].requests, 2);
	assert_int_equal(rig->console.device.queues[1].bytes_read, 13);
	console_rig_end(rig);
}

static void long_and_scattered_output_stays_in_order(void **state)
{
	struct console_rig *rig = console_rig_make(1);
	struct driver_buffer buffers[32];

	(void)state;
	console_rig_start(rig, KEG_VIRTIO_F_INDIRECT_DESC);
	for (uint32_t i = 0; i < CONSOLE_PAGE; i++)
		rig->host[i] = (uint8_t)(i * 7);
	for (uint32_t i = 0; i < 32; i++)
		buffers[i] = (struct driver_buffer){rig->page + i, CONSOLE_PAGE - i, false};
	driver_add_indirect(&rig->driver, 1, buffers, 32);
	driver_publish(&rig->driver, 1);
	driver_kick(&rig->driver, 1);
	console_rig_wait_text(rig, 0, CONSOLE_TEXT);
	for (uint32_t i = 0; i < 15; i++)
		assert_memory_equal(rig->ends[0].text + i * CONSOLE_PAGE - i * (i - 1) / 2,
			rig->host + i, CONSOLE_PAGE - i);
	console_rig_end(rig);
}

static void input_fills_the_guests_buffers(void **state)
{
	struct console_rig *rig = console_rig_make(1);

	(void)state;
	console_rig_start(rig, 0);
	/* A buffer that waits, and one that comes after the input. */
	console_rig_offer(rig, 0, 0, 4);
	assert_int_equal(keg_virtio_console_input(&rig->console, 0, "abcdefg", 7), 7);
	assert_int_equal(console_rig_read(rig, 0), 4);
	assert_memory_equal(rig->host, "abcd", 4);
	console_rig_offer(rig, 0, 0, 100);
	assert_int_equal(console_rig_read(rig, 0), 3);
	assert_memory_equal(rig->host, "efg", 3);
	console_rig_end(rig);
}

static void input_before_the_driver_is_ready_waits(void **state)
{
	struct console_rig *rig = console_rig_make(1);

	(void)state;
	assert_int_equal(keg_virtio_console_input(&rig->console, 0, "early", 5), 5);
	console_rig_start(rig, 0);
	console_rig_offer(rig, 0, 0, 100);
	assert_int_equal(console_rig_read(rig, 0), 5);
	assert_memory_equal(rig->host, "early", 5);
	console_rig_end(rig);
}

static void input_beyond_the_room_is_told_of(void **state)
{
	struct console_rig *rig = console_rig_make(1);
	char bytes[CONSOLE_PAGE + 10];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i % 251);
	console_rig_start(rig, 0);
	assert_int_equal(
		keg_virtio_console_input(&rig->console, 0, bytes, sizeof(bytes)), CONSOLE_PAGE);
	assert_int_equal(keg_virtio_console_input(&rig->console, 0, bytes, 1), 0);
	assert_int_equal(rig->ends[0].rooms, 0);
	console_rig_offer(rig, 0, 0, 10);
	assert_int_equal(console_rig_read(rig, 0), 10);
	console_rig_wait_rooms(rig, 0, 1);
	/* Around the end of the ring, in order. */
	assert_int_equal(keg_virtio_console_input(&rig->console, 0, bytes + CONSOLE_PAGE, 10), 10);
	console_rig_offer(rig, 0, 0, CONSOLE_PAGE);
	assert_int_equal(console_rig_read(rig, 0), CONSOLE_PAGE);
	assert_memory_equal(rig->host, bytes + 10, CONSOLE_PAGE);
	assert_int_equal(rig->ends[0].rooms, 1);
	console_rig_end(rig);
}

static void a_port_that_is_none_takes_no_input(void **state)
{
	struct console_rig *rig = console_rig_make(2);

	(void)state;
	assert_fails((int)keg_virtio_console_input(&rig->console, 2, "x", 1), ENOENT, "no port 2");
	assert_int_equal(keg_virtio_console_input(&rig->console, 1, "x", 0), 0);
	console_rig_end(rig);
}

/* ---- Size, and a character in an emergency ---- */

static void the_size_is_in_the_configuration(void **state)
{
	struct console_rig *rig = console_rig_make(1);
	uint16_t words[2];

	(void)state;
	keg_virtio_console_resize(&rig->console, 80, 25);
	console_rig_start(rig, CONSOLE_F(SIZE));
	/* A driver looks when it is told of a change. */
	driver_wait_config_changes(&rig->driver, 1);
	keg_virtio_read_config(&rig->console.device, 0, words, sizeof(words));
	assert_int_equal(le16toh(words[0]), 80);
	assert_int_equal(le16toh(words[1]), 25);
	keg_virtio_console_resize(&rig->console, 132, 43);
	driver_wait_config_changes(&rig->driver, 2);
	keg_virtio_read_config(&rig->console.device, 0, words, sizeof(words));
	assert_int_equal(le16toh(words[0]), 132);
	assert_int_equal(le16toh(words[1]), 43);
	console_rig_end(rig);
}

static void a_character_in_an_emergency(void **state)
{
	struct console_rig *rig = console_rig_make(1);
	const uint32_t character = htole32(0x121);

	(void)state;
	assert_true(rig->console.device.offered & CONSOLE_F(EMERG_WRITE));
	/* Nothing has been agreed upon yet. */
	keg_virtio_write_config(&rig->console.device, 8, &character, 4);
	keg_virtio_write_config(&rig->console.device, 8, &character, 1);
	keg_virtio_write_config(&rig->console.device, 0, &character, 4);
	keg_virtio_write_config(&rig->console.device, 9, &character, 2);
	assert_int_equal(rig->ends[0].count, 2);
	assert_memory_equal(rig->ends[0].text, "!!", 2);
	console_rig_end(rig);
}

/* ---- Several ports ---- */

/* Section 5.3.6.2, as Linux goes through it. */
static void ports_are_announced_and_opened(void **state)
{
	struct console_rig *rig = console_rig_make(2);
	uint16_t words[2];

	(void)state;
	keg_virtio_console_resize(&rig->console, 80, 25);
	console_rig_start(rig, ALL);
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	assert_int_equal(console_rig_hear(rig, 0, VIRTIO_CONSOLE_PORT_ADD, 0), 0);
	assert_int_equal(console_rig_hear(rig, 1, VIRTIO_CONSOLE_PORT_ADD, 0), 0);
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(console_rig_hear(rig, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1), 0);
	assert_int_equal(console_rig_hear(rig, 0, VIRTIO_CONSOLE_RESIZE, 0), 4);
	memcpy(words, rig->host + sizeof(struct virtio_console_control), sizeof(words));
	assert_int_equal(le16toh(words[0]), 80);
	assert_int_equal(le16toh(words[1]), 25);
	assert_int_equal(console_rig_hear(rig, 0, VIRTIO_CONSOLE_PORT_NAME, 1), 7);
	assert_int_equal(console_rig_hear(rig, 0, VIRTIO_CONSOLE_PORT_OPEN, 1), 0);
	console_rig_tell(rig, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(console_rig_hear(rig, 1, VIRTIO_CONSOLE_PORT_NAME, 1), 5);
	assert_memory_equal(rig->host + sizeof(struct virtio_console_control), "port1", 5);
	assert_int_equal(console_rig_hear(rig, 1, VIRTIO_CONSOLE_PORT_OPEN, 1), 0);
	console_rig_end(rig);
}

static void input_waits_until_the_port_is_open(void **state)
{
	struct console_rig *rig = console_rig_make(2);

	(void)state;
	console_rig_start(rig, ALL);
	console_rig_offer(rig, 4, 0, 100);
	assert_int_equal(keg_virtio_console_input(&rig->console, 1, "data", 4), 4);
	console_rig_tell(rig, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	assert_int_equal(driver_count_used(&rig->driver, 4), 0);
	console_rig_tell(rig, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	assert_int_equal(console_rig_read(rig, 4), 4);
	assert_memory_equal(rig->host, "data", 4);
	console_rig_end(rig);
}

static void each_port_has_its_own_end(void **state)
{
	struct console_rig *rig = console_rig_make(3);

	(void)state;
	console_rig_start(rig, ALL);
	console_rig_write(rig, 1, "zero", 4);
	console_rig_write(rig, 5, "one", 3);
	console_rig_write(rig, 7, "two", 3);
	console_rig_wait_text(rig, 0, 4);
	console_rig_wait_text(rig, 1, 3);
	console_rig_wait_text(rig, 2, 3);
	assert_memory_equal(rig->ends[2].text, "two", 3);
	console_rig_end(rig);
}

static void the_size_of_an_open_console_is_a_message(void **state)
{
	struct console_rig *rig = console_rig_make(2);

	(void)state;
	console_rig_start(rig, ALL);
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_PORT_OPEN, 1);
	keg_virtio_console_resize(&rig->console, 100, 50);
	assert_int_equal(console_rig_hear(rig, 0, VIRTIO_CONSOLE_RESIZE, 0), 4);
	console_rig_end(rig);
}

/* After a reset the ports are closed again, and nothing is left to be told. */
static void a_reset_forgets(void **state)
{
	struct console_rig *rig = console_rig_make(2);

	(void)state;
	console_rig_start(rig, ALL);
	console_rig_tell(rig, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	console_rig_tell(rig, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	console_rig_start(rig, ALL);
	console_rig_offer(rig, 4, 0, 16);
	assert_int_equal(keg_virtio_console_input(&rig->console, 1, "x", 1), 1);
	console_rig_tell(rig, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	assert_int_equal(console_rig_hear(rig, 1, VIRTIO_CONSOLE_PORT_NAME, 1), 5);
	assert_int_equal(driver_count_used(&rig->driver, 4), 0);
	console_rig_end(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_port_has_two_queues),
		cmocka_unit_test(more_ports_have_control_queues_too),
		cmocka_unit_test(what_cannot_be_made),
		cmocka_unit_test(what_the_guest_writes_comes_out),
		cmocka_unit_test(long_and_scattered_output_stays_in_order),
		cmocka_unit_test(input_fills_the_guests_buffers),
		cmocka_unit_test(input_before_the_driver_is_ready_waits),
		cmocka_unit_test(input_beyond_the_room_is_told_of),
		cmocka_unit_test(a_port_that_is_none_takes_no_input),
		cmocka_unit_test(the_size_is_in_the_configuration),
		cmocka_unit_test(a_character_in_an_emergency),
		cmocka_unit_test(ports_are_announced_and_opened),
		cmocka_unit_test(input_waits_until_the_port_is_open),
		cmocka_unit_test(each_port_has_its_own_end),
		cmocka_unit_test(the_size_of_an_open_console_is_a_message),
		cmocka_unit_test(a_reset_forgets),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
