/* SPDX-License-Identifier: MIT */
/* A device from reset to reset: virtio 1.2, sections 2.1, 2.2, 2.5 and 3.1. */
#include "testing.h"

#include <errno.h>

#include "driver.h"
#include "toy.h"

enum {
	ALIVE = KEG_VIRTIO_ACKNOWLEDGE | KEG_VIRTIO_DRIVER,
	AGREED = ALIVE | KEG_VIRTIO_FEATURES_OK,
	READY = AGREED | KEG_VIRTIO_DRIVER_OK,
	BROKEN = READY | KEG_VIRTIO_NEEDS_RESET,
};

struct rig {
	struct driver driver;
	struct toy toy;
	struct keg_virtio *device;
};

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));

	driver_init(&rig->driver, 1 << 20);
	toy_init(&rig->toy, rig->driver.memory.mem);
	rig->device = &rig->toy.virtio;
	driver_attach(&rig->driver, rig->device);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	struct rig *rig = *state;

	toy_fini(&rig->toy);
	rig->driver.device = NULL;
	driver_fini(&rig->driver);
	test_free(rig);
	return 0;
}

static uint8_t status(const struct rig *rig)
{
	return keg_virtio_get_status(rig->device);
}

/* A request that must succeed. */
static void check_echo(struct rig *rig, uint16_t queue)
{
	const keg_gpa from = driver_alloc(&rig->driver, 64, 8);
	const keg_gpa to = driver_alloc(&rig->driver, 64, 8);
	const struct driver_buffer buffers[] = {{from, 6, false}, {to, 64, true}};

	memcpy(driver_host(&rig->driver, from, 6), "hello\n", 6);
	assert_int_equal(driver_request(&rig->driver, queue, buffers, 2), 6);
	assert_memory_equal(driver_host(&rig->driver, to, 6), "hello\n", 6);
}

static void start(struct rig *rig, uint64_t features)
{
	driver_start(&rig->driver, rig->device, features);
}

static void a_driver_that_keeps_the_order_is_served(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(status(rig), 0);
	start(rig, TOY_FEATURE);
	assert_int_equal(status(rig), READY);
	assert_int_equal(rig->toy.starts, 1);
	assert_int_equal(rig->driver.serving, 1);
	for (int i = 0; i < 200; i++)
		check_echo(rig, (uint16_t)(i % TOY_QUEUES));
}

static void all_ways_to_notify_are_served(void **state)
{
	static const uint64_t features[] = {0, KEG_VIRTIO_F_EVENT_IDX, KEG_VIRTIO_F_INDIRECT_DESC,
		KEG_VIRTIO_F_EVENT_IDX | KEG_VIRTIO_F_INDIRECT_DESC | TOY_FEATURE};
	struct rig *rig = *state;

	for (int i = 0; i < 4; i++) {
		start(rig, features[i]);
		for (int j = 0; j < 100; j++)
			check_echo(rig, 0);
	}
	assert_int_equal(rig->toy.stops, 3);
}

static void what_is_not_offered_is_not_agreed_on(void **state)
{
	struct rig *rig = *state;

	keg_virtio_set_status(rig->device, ALIVE);
	keg_virtio_set_features(rig->device, 0, 1 << 4);
	keg_virtio_set_features(rig->device, 1, 1);
	keg_virtio_set_status(rig->device, AGREED);
	assert_int_equal(status(rig), ALIVE);
	/* It may try again. */
	keg_virtio_set_features(rig->device, 0, TOY_FEATURE);
	keg_virtio_set_status(rig->device, AGREED);
	assert_int_equal(status(rig), AGREED);
	assert_true(keg_virtio_has(rig->device, TOY_FEATURE | KEG_VIRTIO_F_VERSION_1));
}

static void a_driver_without_version_1_is_refused(void **state)
{
	struct rig *rig = *state;

	keg_virtio_set_status(rig->device, ALIVE);
	keg_virtio_set_features(rig->device, 0, TOY_FEATURE);
	keg_virtio_set_status(rig->device, AGREED);
	assert_int_equal(status(rig), ALIVE);
}

static void features_come_in_two_words(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(keg_virtio_get_features(rig->device, 0),
		TOY_FEATURE | KEG_VIRTIO_F_INDIRECT_DESC | KEG_VIRTIO_F_EVENT_IDX);
	assert_int_equal(keg_virtio_get_features(rig->device, 1), 1);
	assert_int_equal(keg_virtio_get_features(rig->device, 2), 0);
	assert_int_equal(keg_virtio_get_features(rig->device, UINT32_MAX), 0);
	keg_virtio_set_features(rig->device, 2, 1);
	keg_virtio_set_features(rig->device, UINT32_MAX, 1);
	assert_int_equal(rig->device->agreed, 0);
	keg_virtio_set_features(rig->device, 1, 1);
	assert_int_equal(keg_virtio_get_agreed(rig->device, 1), 1);
	assert_int_equal(keg_virtio_get_agreed(rig->device, 0), 0);
}

static void features_stay_once_they_are_agreed_on(void **state)
{
	struct rig *rig = *state;

	driver_negotiate(&rig->driver, TOY_FEATURE);
	keg_virtio_set_features(rig->device, 0, 0);
	assert_true(keg_virtio_has(rig->device, TOY_FEATURE));
	driver_reset(&rig->driver);
	assert_int_equal(rig->device->agreed, 0);
}

static void bits_of_the_status_are_only_added(void **state)
{
	struct rig *rig = *state;

	start(rig, 0);
	keg_virtio_set_status(rig->device, KEG_VIRTIO_ACKNOWLEDGE);
	assert_int_equal(status(rig), READY);
	/* NEEDS_RESET is the device's, and bits that there are none of are nobody's. */
	keg_virtio_set_status(rig->device, READY | KEG_VIRTIO_NEEDS_RESET | 16 | 32);
	assert_int_equal(status(rig), READY);
	keg_virtio_set_status(rig->device, KEG_VIRTIO_FAILED);
	assert_int_equal(status(rig), READY | KEG_VIRTIO_FAILED);
	assert_int_equal(rig->toy.starts, 1);
}

static void a_driver_that_skips_the_features_breaks_the_device(void **state)
{
	struct rig *rig = *state;

	keg_virtio_set_status(rig->device, ALIVE | KEG_VIRTIO_DRIVER_OK);
	assert_true(keg_virtio_is_broken(rig->device));
	assert_int_equal(rig->toy.starts, 0);
	assert_int_equal(rig->driver.config_changes, 1);
	start(rig, 0);
	check_echo(rig, 0);
}

static void a_reset_forgets_everything(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio_queue_state queue;

	driver_set_size(&rig->driver, 8);
	start(rig, TOY_FEATURE);
	check_echo(rig, 0);
	driver_reset(&rig->driver);
	assert_int_equal(rig->toy.stops, 1);
	assert_int_equal(rig->driver.serving, 0);
	assert_int_equal(rig->device->agreed, 0);
	keg_virtio_get_queue(rig->device, 0, &queue);
	assert_int_equal(queue.size, TOY_QUEUE_SIZE);
	assert_false(queue.enabled);
	assert_int_equal(queue.descriptors | queue.available | queue.used, 0);
	/* Without a start there is no stop. */
	driver_reset(&rig->driver);
	assert_int_equal(rig->toy.stops, 1);
}

static void a_queue_is_what_the_driver_says(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio_queue_state queue;
	const struct keg_virtqueue_layout *layout = &rig->driver.queues[1].layout;

	driver_negotiate(&rig->driver, 0);
	keg_virtio_get_queue(rig->device, 1, &queue);
	assert_int_equal(queue.max_size, TOY_QUEUE_SIZE);
	assert_int_equal(queue.size, TOY_QUEUE_SIZE);
	assert_false(queue.enabled);
	driver_set_size(&rig->driver, 32);
	driver_set_up_queue(&rig->driver, 1);
	keg_virtio_get_queue(rig->device, 1, &queue);
	assert_int_equal(queue.size, 32);
	assert_int_equal(queue.descriptors, layout->descriptors);
	assert_int_equal(queue.available, layout->available);
	assert_int_equal(queue.used, layout->used);
	assert_true(queue.enabled);
	/* Halves of an address. */
	keg_virtio_set_queue(rig->device, 1, KEG_VIRTIO_QUEUE_USED_HIGH, 0x12345678);
	keg_virtio_set_queue(rig->device, 1, KEG_VIRTIO_QUEUE_USED_LOW, 0x9abcdef0);
	keg_virtio_get_queue(rig->device, 1, &queue);
	assert_int_equal(queue.used, 0x123456789abcdef0);
}

static void sizes_that_cannot_be_are_ignored(void **state)
{
	static const uint32_t sizes[] = {0, 3, 63, 65, 128, 0x10000, 0x10010, UINT32_MAX};
	struct rig *rig = *state;
	struct keg_virtio_queue_state queue;

	keg_virtio_set_queue(rig->device, 0, KEG_VIRTIO_QUEUE_SIZE, 16);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		keg_virtio_set_queue(rig->device, 0, KEG_VIRTIO_QUEUE_SIZE, sizes[i]);
		keg_virtio_get_queue(rig->device, 0, &queue);
		assert_int_equal(queue.size, 16);
	}
}

static void queues_that_there_are_not_are_nothing(void **state)
{
	static const uint32_t indices[] = {TOY_QUEUES, 0xffff, 0x10000, UINT32_MAX};
	struct rig *rig = *state;
	struct keg_virtio_queue_state queue, nothing = {0};

	for (int i = 0; i < 4; i++) {
		for (int field = 0; field <= KEG_VIRTIO_QUEUE_USED_HIGH; field++)
			keg_virtio_set_queue(
				rig->device, indices[i], (enum keg_virtio_queue_field)field, 1);
		keg_virtio_get_queue(rig->device, indices[i], &queue);
		assert_memory_equal(&queue, &nothing, sizeof(queue));
		keg_virtio_kick(rig->device, indices[i]);
	}
}

static void queues_freeze_when_the_driver_is_ready(void **state)
{
	struct rig *rig = *state;
	struct keg_virtio_queue_state before, after;

	start(rig, 0);
	keg_virtio_get_queue(rig->device, 0, &before);
	for (int field = 0; field <= KEG_VIRTIO_QUEUE_USED_HIGH; field++)
		keg_virtio_set_queue(rig->device, 0, (enum keg_virtio_queue_field)field, 0x10);
	keg_virtio_set_queue(rig->device, 0, KEG_VIRTIO_QUEUE_ENABLE, 0);
	keg_virtio_get_queue(rig->device, 0, &after);
	assert_memory_equal(&before, &after, sizeof(before));
	check_echo(rig, 0);
}

static void a_queue_that_is_not_enabled_is_not_served(void **state)
{
	struct rig *rig = *state;

	driver_negotiate(&rig->driver, 0);
	driver_set_up_queue(&rig->driver, 1);
	driver_ready(&rig->driver);
	driver_kick(&rig->driver, 0);
	check_echo(rig, 1);
	assert_null(rig->device->queues[0].ring.used);
	assert_int_equal(rig->device->queues[0].kicks, 0);
}

static void a_ring_outside_of_memory_breaks_the_device(void **state)
{
	struct rig *rig = *state;

	driver_negotiate(&rig->driver, 0);
	driver_set_up_queue(&rig->driver, 0);
	keg_virtio_set_queue(rig->device, 0, KEG_VIRTIO_QUEUE_USED_HIGH, 1);
	keg_virtio_set_status(rig->device, READY);
	assert_int_equal(status(rig), BROKEN);
	assert_int_equal(rig->toy.starts, 0);
	assert_non_null(strstr(rig->device->broken, "queue 0: the used ring"));
	driver_wait_config_changes(&rig->driver, 1);
	driver_kick(&rig->driver, 0);
	start(rig, 0);
	assert_string_equal(rig->device->broken, "");
	check_echo(rig, 0);
}

static void a_class_that_cannot_start_breaks_the_device(void **state)
{
	struct rig *rig = *state;

	rig->toy.start_error = ENOMEM;
	driver_negotiate(&rig->driver, 0);
	driver_set_up_queue(&rig->driver, 0);
	keg_virtio_set_status(rig->device, READY);
	assert_int_equal(status(rig), BROKEN);
	assert_string_equal(rig->device->broken, "the toy does not want to");
	assert_int_equal(rig->driver.serving, 0);
	rig->toy.start_error = 0;
	start(rig, 0);
	check_echo(rig, 0);
	assert_int_equal(rig->toy.stops, 0);
}

static void what_breaks_first_is_what_is_told(void **state)
{
	struct rig *rig = *state;

	/* A driver that is not ready is not told. */
	keg_virtio_break(rig->device, "early");
	assert_int_equal(rig->driver.config_changes, 0);
	start(rig, 0);
	keg_virtio_break(rig->device, "first");
	keg_virtio_break(rig->device, "second");
	assert_int_equal(status(rig), BROKEN);
	assert_string_equal(rig->device->broken, "first");
	assert_int_equal(rig->driver.config_changes, 1);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(a_driver_that_keeps_the_order_is_served),
		WITH_RIG(all_ways_to_notify_are_served),
		WITH_RIG(what_is_not_offered_is_not_agreed_on),
		WITH_RIG(a_driver_without_version_1_is_refused),
		WITH_RIG(features_come_in_two_words),
		WITH_RIG(features_stay_once_they_are_agreed_on),
		WITH_RIG(bits_of_the_status_are_only_added),
		WITH_RIG(a_driver_that_skips_the_features_breaks_the_device),
		WITH_RIG(a_reset_forgets_everything),
		WITH_RIG(a_queue_is_what_the_driver_says),
		WITH_RIG(sizes_that_cannot_be_are_ignored),
		WITH_RIG(queues_that_there_are_not_are_nothing),
		WITH_RIG(queues_freeze_when_the_driver_is_ready),
		WITH_RIG(a_queue_that_is_not_enabled_is_not_served),
		WITH_RIG(a_ring_outside_of_memory_breaks_the_device),
		WITH_RIG(a_class_that_cannot_start_breaks_the_device),
		WITH_RIG(what_breaks_first_is_what_is_told),
	};

	return cmocka_run_group_tests_name("virtio device", tests, NULL, NULL);
}
