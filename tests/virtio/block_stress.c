/* SPDX-License-Identifier: MIT */
/* The block device under floods, under a driver that changes what is being read, and resets amid
 * requests. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "block_rig.h"
#include "dev/random.h"

static int make(void **state)
{
	*state = test_calloc(1, sizeof(struct block_rig));
	block_rig_init(*state, &(struct block_rig_config){.queues = 2});
	return 0;
}

static int end(void **state)
{
	block_rig_fini(*state);
	test_free(*state);
	return 0;
}

/* The same buffers for all, as fast as they can be added. */
static void a_flood_is_answered(void **state)
{
	enum { AT_ONCE = 64 / 3, ROUNDS = 200 };
	struct block_rig *rig = *state;
	uint64_t seed = 99;

	for (int round = 0; round < (be_quick() ? ROUNDS / 10 : ROUNDS); round++) {
		static const uint32_t kinds[] = {VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT,
			VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_ID, 77};
		uint32_t type = kinds[random_below(&seed, 5)];
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{rig->data, 4096, type != VIRTIO_BLK_T_OUT},
			{rig->status, 1, true},
		};

		memset(rig->host_data, block_rig_byte(8), 512);
		block_rig_set_header(rig, type, 8);
		for (int i = 0; i < AT_ONCE; i++)
			driver_add(&rig->driver, 0, buffers, 3);
		driver_publish(&rig->driver, 0);
		driver_kick(&rig->driver, 0);
		driver_wait_used(&rig->driver, 0, AT_ONCE);
		for (int i = 0; i < AT_ONCE; i++)
			driver_take_used(&rig->driver, 0);
	}
	block_rig_check_alive(rig);
}

struct flipping {
	struct block_rig *rig;
	atomic_bool end;
};

/* Another vCPU that changes whatever a request is made of. */
static void *flip(void *context)
{
	struct flipping *flipping = context;
	struct block_rig *rig = flipping->rig;
	struct driver_queue *queue = &rig->driver.queues[0];
	uint8_t *header = driver_host(&rig->driver, rig->header, 16);
	uint64_t seed = 4711;

	while (!atomic_load(&flipping->end)) {
		__atomic_store_n(&header[random_below(&seed, 16)], (uint8_t)random_below(&seed, 16),
			__ATOMIC_RELAXED);
		__atomic_store_n(&queue->descriptors[random_below(&seed, 64)].len,
			random_below(&seed, 4096), __ATOMIC_RELAXED);
		__atomic_store_n(&queue->descriptors[random_below(&seed, 64)].addr,
			rig->data + random_below(&seed, 1 << 16), __ATOMIC_RELAXED);
		__atomic_store_n(&queue->descriptors[random_below(&seed, 64)].flags,
			(uint16_t)random_below(&seed, 4), __ATOMIC_RELAXED);
	}
	return NULL;
}

static void fields_may_change_while_they_are_read(void **state)
{
	enum { ROUNDS = 300 };
	struct block_rig *rig = *state;
	struct flipping flipping = {.rig = rig};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, flip, &flipping), 0);
	for (int round = 0; round < (be_quick() ? ROUNDS / 10 : ROUNDS); round++) {
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{rig->data, 4096, round % 2},
			{rig->status, 1, true},
		};

		block_rig_set_header(rig, round % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 8);
		for (int i = 0; i < 8; i++)
			driver_add(&rig->driver, 0, buffers, 3);
		driver_publish(&rig->driver, 0);
		driver_kick(&rig->driver, 0);
		if (round % 4 == 3)
			block_rig_restart(rig);
	}
	atomic_store(&flipping.end, true);
	pthread_join(thread, NULL);
	block_rig_restart(rig);
	block_rig_check_alive(rig);
}

/* Section 2.4: after a reset the device touches neither rings nor buffers. */
static void a_reset_ends_what_is_in_flight(uint32_t flags)
{
	enum { RESETS = 100, AT_ONCE = 20 };
	struct block_rig *rig = test_calloc(1, sizeof(*rig));

	block_rig_init(rig, &(struct block_rig_config){.disk_flags = flags});
	for (int i = 0; i < RESETS; i++) {
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{rig->data, 1 << 16, i % 2},
			{rig->status, 1, true},
		};

		memset(rig->host_data, 0x11, 1 << 16);
		block_rig_set_header(rig, i % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 128);
		for (int j = 0; j < AT_ONCE; j++)
			driver_add(&rig->driver, 0, buffers, 3);
		driver_publish(&rig->driver, 0);
		driver_kick(&rig->driver, 0);
		driver_reset(&rig->driver);
		memset(rig->host_data, 0x99, 1 << 16);
		*rig->host_status = BLOCK_RIG_NOT_ANSWERED;
		block_rig_restart(rig);
		assert_true(block_rig_all(rig->host_data, 1 << 16, 0x99));
		assert_int_equal(*rig->host_status, BLOCK_RIG_NOT_ANSWERED);
	}
	block_rig_check_alive(rig);
	block_rig_fini(rig);
	test_free(rig);
}

static void resets_amid_requests(void **state)
{
	static const uint32_t kinds[] = {
		0, KEG_DISK_THREADS | KEG_DISK_DIRECT, KEG_DISK_DIRECT, KEG_DISK_SCRATCH};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		a_reset_ends_what_is_in_flight(kinds[i]);
}

/* Its thread wakes at the end's signal, wherever it is when that comes. */
static void a_device_that_broke_amid_requests_can_be_reset(void **state)
{
	enum { RESETS = 300, AT_ONCE = 20, NO_HEAD = 0x4000 };
	struct block_rig *rig = test_calloc(1, sizeof(*rig));

	(void)state;
	block_rig_init(rig, &(struct block_rig_config){.disk_flags = KEG_DISK_DIRECT});
	for (int i = 0; i < RESETS; i++) {
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{rig->data, 1 << 16, true},
			{rig->status, 1, true},
		};

		block_rig_set_header(rig, VIRTIO_BLK_T_IN, 128);
		for (int j = 0; j < AT_ONCE; j++)
			driver_add(&rig->driver, 0, buffers, 3);
		driver_add_head(&rig->driver, 0, NO_HEAD);
		driver_publish(&rig->driver, 0);
		driver_kick(&rig->driver, 0);
		if (i % 2)
			driver_wait_broken(&rig->driver);
		block_rig_restart(rig);
	}
	block_rig_check_alive(rig);
	block_rig_fini(rig);
	test_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_flood_is_answered, make, end),
		cmocka_unit_test_setup_teardown(fields_may_change_while_they_are_read, make, end),
		cmocka_unit_test(resets_amid_requests),
		cmocka_unit_test(a_device_that_broke_amid_requests_can_be_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
