/* SPDX-License-Identifier: MIT */
/* The block device's cache: which writes are safe when they are answered (virtio 1.2, 5.2.5). */
#include "testing.h"

#include "block_rig.h"
#include "virtio/block_parts.h"

enum { WRITEBACK = offsetof(struct virtio_blk_config, wce) };

static struct block_rig *make(uint64_t not_features)
{
	struct block_rig *rig = test_calloc(1, sizeof(*rig));

	block_rig_init(rig, &(struct block_rig_config){.not_features = not_features});
	return rig;
}

static void end(struct block_rig *rig)
{
	block_rig_fini(rig);
	test_free(rig);
}

static uint8_t get_cache(struct block_rig *rig)
{
	uint8_t value = 0xff;

	keg_virtio_read_config(&rig->block.device, WRITEBACK, &value, 1);
	return value;
}

static void set_cache(struct block_rig *rig, uint8_t value)
{
	keg_virtio_write_config(&rig->block.device, WRITEBACK, &value, 1);
}

/* One request at a time is always the same. */
static bool is_safe_when_answered(struct block_rig *rig)
{
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_OUT, 3, 512), VIRTIO_BLK_S_OK);
	return rig->block.queues[0].requests[0].disk.durable;
}

static void a_driver_that_cannot_flush_has_none(void **state)
{
	struct block_rig *rig = make(BLOCK_RIG_FEATURE(FLUSH));

	(void)state;
	assert_int_equal(get_cache(rig), 0);
	assert_true(is_safe_when_answered(rig));
	block_rig_check_alive(rig);
	end(rig);
}

static void a_driver_can_do_without(void **state)
{
	struct block_rig *rig = make(0);

	(void)state;
	assert_int_equal(get_cache(rig), 1);
	assert_false(is_safe_when_answered(rig));
	set_cache(rig, 0);
	assert_int_equal(get_cache(rig), 0);
	assert_true(is_safe_when_answered(rig));
	set_cache(rig, 1);
	assert_int_equal(get_cache(rig), 1);
	assert_false(is_safe_when_answered(rig));
	block_rig_check_alive(rig);
	end(rig);
}

static void a_reset_brings_it_back(void **state)
{
	struct block_rig *rig = make(0);

	(void)state;
	set_cache(rig, 0);
	block_rig_restart(rig);
	assert_int_equal(get_cache(rig), 1);
	assert_false(is_safe_when_answered(rig));
	end(rig);
}

static void it_is_only_for_who_agreed_to_it(void **state)
{
	struct block_rig *rig = make(BLOCK_RIG_FEATURE(CONFIG_WCE));

	(void)state;
	set_cache(rig, 0);
	assert_int_equal(get_cache(rig), 1);
	assert_false(is_safe_when_answered(rig));
	end(rig);
}

static void the_rest_of_the_configuration_cannot_be_written(void **state)
{
	struct block_rig *rig = make(0);
	uint8_t before[60], after[60], ones[60];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	keg_virtio_read_config(&rig->block.device, 0, before, sizeof(before));
	keg_virtio_write_config(&rig->block.device, 0, ones, sizeof(ones));
	keg_virtio_write_config(&rig->block.device, WRITEBACK + 1, ones, 8);
	keg_virtio_read_config(&rig->block.device, 0, after, sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	end(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_driver_that_cannot_flush_has_none),
		cmocka_unit_test(a_driver_can_do_without),
		cmocka_unit_test(a_reset_brings_it_back),
		cmocka_unit_test(it_is_only_for_who_agreed_to_it),
		cmocka_unit_test(the_rest_of_the_configuration_cannot_be_written),
	};

	return cmocka_run_group_tests_name("virtio-block-cache", tests, NULL, NULL);
}
