/* SPDX-License-Identifier: MIT */
/* The entropy device: virtio 1.2, section 5.4. */
#include "testing.h"

#include "driver.h"
#include "virtio/entropy.h"

struct rig {
	struct driver driver;
	struct keg_virtio_entropy entropy;
	keg_gpa data;
	uint8_t *host;
};

enum { BYTES = 1 << 20, MOST = 64 << 10 };

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));

	driver_init(&rig->driver, 4 << 20);
	assert_ok(keg_virtio_entropy_init(&rig->entropy, rig->driver.memory.mem));
	driver_start(&rig->driver, &rig->entropy.virtio, KEG_VIRTIO_F_INDIRECT_DESC);
	rig->data = driver_alloc(&rig->driver, BYTES, 4096);
	rig->host = driver_host(&rig->driver, rig->data, BYTES);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	struct rig *rig = *state;

	driver_fini(&rig->driver);
	keg_virtio_entropy_fini(&rig->entropy);
	test_free(rig);
	return 0;
}

static uint32_t ask(struct rig *rig, uint32_t bytes, bool writable)
{
	const struct driver_buffer one = {rig->data, bytes, writable};

	return driver_request(&rig->driver, 0, &one, 1);
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
	size_t i = 0;

	while (i < count && bytes[i] == 0)
		i++;
	return i == count;
}

static void it_is_number_4_with_one_queue(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig->entropy.virtio.class->id, 4);
	assert_int_equal(rig->entropy.virtio.queue_count, 1);
	assert_int_equal(rig->entropy.virtio.config_bytes, 0);
}

static void buffers_are_filled_and_no_two_alike(void **state)
{
	struct rig *rig = *state;
	uint8_t first[64];

	assert_int_equal(ask(rig, 64, true), 64);
	memcpy(first, rig->host, 64);
	assert_false(is_zero(first, 64));
	assert_true(is_zero(rig->host + 64, 64));
	assert_int_equal(ask(rig, 64, true), 64);
	assert_memory_not_equal(first, rig->host, 64);
}

static void a_chain_is_filled_across_its_buffers(void **state)
{
	struct rig *rig = *state;
	const struct driver_buffer buffers[] = {
		{rig->data, 32, true}, {rig->data + 4096, 1, true}, {rig->data + 8192, 32, true}};

	assert_int_equal(driver_request(&rig->driver, 0, buffers, 3), 65);
	assert_false(is_zero(rig->host, 32));
	assert_false(is_zero(rig->host + 8192, 32));
	assert_true(is_zero(rig->host + 32, 4064));
}

/* Section 5.4.6.1: at least one byte, and perhaps fewer than there is room for. */
static void one_chain_gets_64_kib_at_most(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(ask(rig, BYTES, true), MOST);
	assert_false(is_zero(rig->host + MOST - 32, 32));
	assert_true(is_zero(rig->host + MOST, BYTES - MOST));
}

static void what_cannot_be_written_is_given_back_empty(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(ask(rig, 64, false), 0);
	assert_true(is_zero(rig->host, 64));
	assert_int_equal(rig->entropy.virtio.queues[0].errors, 1);
	assert_int_equal(ask(rig, 64, true), 64);
}

static void many_chains_at_once_are_all_served(void **state)
{
	struct rig *rig = *state;

	for (int round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < DRIVER_QUEUE_SIZE; i++) {
			const struct driver_buffer one = {rig->data + i * 16, 16, true};

			driver_add(&rig->driver, 0, &one, 1);
		}
		driver_publish(&rig->driver, 0);
		driver_kick(&rig->driver, 0);
		driver_wait_used(&rig->driver, 0, DRIVER_QUEUE_SIZE);
		for (uint32_t i = 0; i < DRIVER_QUEUE_SIZE; i++)
			assert_int_equal(driver_take_used(&rig->driver, 0).bytes, 16);
	}
	assert_int_equal(rig->entropy.virtio.queues[0].requests, 50 * DRIVER_QUEUE_SIZE);
}

static void a_chain_that_breaks_the_rules_breaks_the_device(void **state)
{
	struct rig *rig = *state;
	const struct driver_buffer outside = {UINT64_C(1) << 40, 64, true};

	driver_add(&rig->driver, 0, &outside, 1);
	driver_publish(&rig->driver, 0);
	driver_kick(&rig->driver, 0);
	driver_wait_broken(&rig->driver);
	driver_wait_config_changes(&rig->driver, 1);
	driver_start(&rig->driver, &rig->entropy.virtio, 0);
	assert_int_equal(ask(rig, 64, true), 64);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(it_is_number_4_with_one_queue),
		WITH_RIG(buffers_are_filled_and_no_two_alike),
		WITH_RIG(a_chain_is_filled_across_its_buffers),
		WITH_RIG(one_chain_gets_64_kib_at_most),
		WITH_RIG(what_cannot_be_written_is_given_back_empty),
		WITH_RIG(many_chains_at_once_are_all_served),
		WITH_RIG(a_chain_that_breaks_the_rules_breaks_the_device),
	};

	return cmocka_run_group_tests_name("entropy", tests, NULL, NULL);
}
