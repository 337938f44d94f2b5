/* SPDX-License-Identifier: MIT */
/* A device's configuration space, its counts, and how it is made. */
#include "testing.h"

#include <errno.h>

#include "driver.h"
#include "toy.h"

struct rig {
	struct driver driver;
	struct toy toy;
};

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));

	driver_init(&rig->driver, 1 << 20);
	toy_init(&rig->toy, rig->driver.memory.mem);
	driver_attach(&rig->driver, &rig->toy.virtio);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	struct rig *rig = *state;

	driver_fini(&rig->driver);
	toy_fini(&rig->toy);
	test_free(rig);
	return 0;
}

static void it_reads_as_zero_beyond_its_end(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio *device = &rig->toy.virtio;
	uint8_t bytes[8];

	keg_virtio_read_config(device, 0, bytes, 8);
	assert_memory_equal(bytes, "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7", 8);
	keg_virtio_read_config(device, TOY_CONFIG_BYTES - 2, bytes, 8);
	assert_memory_equal(bytes, "\xd6\xd7\0\0\0\0\0\0", 8);
	keg_virtio_read_config(device, TOY_CONFIG_BYTES, bytes, 8);
	assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
	memset(bytes, 1, 8);
	keg_virtio_read_config(device, UINT32_MAX, bytes, 8);
	assert_memory_equal(bytes, "\0\0\0\0\0\0\0\0", 8);
}

static void writes_reach_the_class_within_its_end(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio *device = &rig->toy.virtio;

	keg_virtio_write_config(device, 4, "abcd", 4);
	assert_int_equal(rig->toy.last_write, 4);
	assert_int_equal(rig->toy.last_count, 4);
	assert_memory_equal(rig->toy.config + 4, "abcd", 4);
	keg_virtio_write_config(device, TOY_CONFIG_BYTES - 1, "abcd", 4);
	assert_int_equal(rig->toy.last_count, 1);
	assert_int_equal(rig->toy.config_writes, 2);
	keg_virtio_write_config(device, TOY_CONFIG_BYTES, "abcd", 4);
	keg_virtio_write_config(device, UINT32_MAX, "abcd", 4);
	assert_int_equal(rig->toy.config_writes, 2);
}

/* Section 2.5.1: the generation changes with it; and a driver that is there hears of it. */
static void a_change_has_a_generation_and_is_told(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio *device = &rig->toy.virtio;
	const uint32_t generation = device->generation;
	uint8_t byte;

	keg_virtio_update_config(device, 3, "x", 1);
	assert_int_not_equal(device->generation, generation);
	assert_int_equal(rig->driver.config_changes, 0);
	driver_start(&rig->driver, device, 0);
	keg_virtio_update_config(device, 3, "y", 1);
	assert_int_equal(rig->driver.config_changes, 1);
	keg_virtio_read_config(device, 3, &byte, 1);
	assert_int_equal(byte, 'y');
}

static void what_it_does_is_counted(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio_counts counts;
	const keg_gpa data = driver_alloc(&rig->driver, 64, 8);
	const struct driver_buffer buffers[] = {{data, 10, false}, {data + 32, 10, true}};

	driver_start(&rig->driver, &rig->toy.virtio, 0);
	for (uint16_t i = 0; i < 10; i++)
		driver_request(&rig->driver, i % TOY_QUEUES, buffers, 2);
	driver_reset(&rig->driver);
	keg_virtio_count(&rig->toy.virtio, &counts);
	assert_int_equal(counts.requests, 10);
	assert_int_equal(counts.bytes_read, 100);
	assert_in_range(counts.kicks, 1, 10);
	assert_in_range(counts.interrupts, 1, 10);
}

static void doorbells_are_for_whom_they_are_worth_it(void **state)
{
	struct rig *rig = *state;

	assert_true(rig->toy.virtio.queues[0].doorbell);
	assert_false(rig->toy.virtio.queues[1].doorbell);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	static const struct {
		uint16_t count, size;
	} cases[] = {{0, 64}, {1, 0}, {1, 48}, {1, 2048}};
	static const struct keg_virtio_class class = {.name = "toy"};
	struct keg_virtio_config config = {.class = &class};
	struct keg_virtio device;

	(void)state;
	for (int i = 0; i < 4; i++) {
		config.queue_count = cases[i].count;
		config.queue_size = cases[i].size;
		assert_fails(keg_virtio_init(&device, &config), EINVAL, "toy");
	}
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(it_reads_as_zero_beyond_its_end),
		WITH_RIG(writes_reach_the_class_within_its_end),
		WITH_RIG(a_change_has_a_generation_and_is_told),
		WITH_RIG(what_it_does_is_counted),
		WITH_RIG(doorbells_are_for_whom_they_are_worth_it),
		cmocka_unit_test(sizes_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests_name("virtio configuration", tests, NULL, NULL);
}
