/* SPDX-License-Identifier: MIT */
/* Drivers of the block device that mean harm: each request is refused, or breaks the device, and a
 * good one succeeds afterwards. */
#include "testing.h"

#include <endian.h>
#include <pthread.h>
#include <stdatomic.h>

#include "block_rig.h"
#include "dev/random.h"

enum {
	END = BLOCK_RIG_SECTORS,
	OK = VIRTIO_BLK_S_OK,
	IOERR = VIRTIO_BLK_S_IOERR,
	UNSUPP = VIRTIO_BLK_S_UNSUPP,
	IN = VIRTIO_BLK_T_IN,
	OUT = VIRTIO_BLK_T_OUT,
	ID = VIRTIO_BLK_T_GET_ID,
	FLUSH = VIRTIO_BLK_T_FLUSH,
	DISCARD = VIRTIO_BLK_T_DISCARD,
	ZEROES = VIRTIO_BLK_T_WRITE_ZEROES,
};

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

/* Nothing of the image has changed. */
static void assert_untouched(struct block_rig *rig)
{
	static uint8_t all[END * 512];

	block_rig_read_image(rig, 0, all, sizeof(all));
	for (uint64_t i = 0; i < END; i++)
		assert_true(block_rig_all(all + i * 512, 512, block_rig_byte(i)));
}

static void odd_requests_are_refused(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t bytes;
		uint8_t status;
	} table[] = {
		{IN, END, 512, IOERR},
		{IN, END - 1, 1024, IOERR},
		{IN, END + 1, 512, IOERR},
		{IN, UINT64_MAX, 512, IOERR},
		{IN, UINT64_MAX - 1, 1024, IOERR},
		{IN, UINT64_MAX / 512, 512, IOERR},
		{IN, UINT64_MAX / 512 + 1, 512, IOERR},
		{IN, UINT64_C(1) << 55, 512, IOERR},
		{IN, UINT64_C(1) << 63, 512, IOERR},
		{IN, END, 0, OK},
		{IN, END + 1, 0, IOERR},
		{IN, 0, 0, OK},
		{IN, 0, 1, IOERR},
		{IN, 0, 511, IOERR},
		{IN, 0, 513, IOERR},
		{IN, 1, BLOCK_RIG_DATA, IOERR},
		{OUT, END, 512, IOERR},
		{OUT, END - 1, 1024, IOERR},
		{OUT, UINT64_MAX, 512, IOERR},
		{OUT, UINT64_MAX - 1, 1024, IOERR},
		{OUT, UINT64_MAX / 512 + 1, 512, IOERR},
		{OUT, UINT64_C(1) << 55, 512, IOERR},
		{OUT, END, 0, OK},
		{OUT, END + 1, 0, IOERR},
		{OUT, 0, 0, OK},
		{OUT, 0, 1, IOERR},
		{OUT, 0, 511, IOERR},
		{OUT, 1, BLOCK_RIG_DATA, IOERR},
		{ID, 0, 0, OK},
		{ID, UINT64_MAX, 1, OK},
		{ID, 0, 19, OK},
		{ID, 0, 21, OK},
		{ID, 0, BLOCK_RIG_DATA, OK},
		{FLUSH, UINT64_MAX, 0, OK},
		{FLUSH, 0, 512, OK},
		{DISCARD, 0, 0, IOERR},
		{DISCARD, 0, 15, IOERR},
		{DISCARD, 0, 17, IOERR},
		{DISCARD, 0, 17 * 16, IOERR},
		{DISCARD, 0, BLOCK_RIG_DATA, IOERR},
		{ZEROES, 0, 0, IOERR},
		{ZEROES, 0, 8, IOERR},
		{ZEROES, 0, 31, IOERR},
		{ZEROES, 0, 17 * 16, IOERR},
		{2, 0, 512, UNSUPP},
		{3, 0, 512, UNSUPP},
		{5, 0, 0, UNSUPP},
		{9, 0, 512, UNSUPP},
		{10, 0, 512, UNSUPP},
		{12, 0, 16, UNSUPP},
		{14, 0, 16, UNSUPP},
		{255, 0, 0, UNSUPP},
		{0x80000000, 0, 0, UNSUPP},
		{0x80000001, 0, 512, UNSUPP},
		{UINT32_MAX, UINT64_MAX, 512, UNSUPP},
	};
	struct block_rig *rig = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t status;

		memset(rig->host_data, 0xff, BLOCK_RIG_DATA);
		status = block_rig_request(rig, table[i].type, table[i].sector, table[i].bytes);
		if (status != table[i].status)
			fail_msg("case %zu: status %u, not %u", i, status, table[i].status);
		block_rig_check_alive(rig);
	}
	assert_untouched(rig);
}

static void odd_ranges_are_refused(void **state)
{
	static const struct {
		uint32_t type;
		uint64_t sector;
		uint32_t sectors, flags;
		uint8_t status;
	} table[] = {
		{DISCARD, 0, 1, 1, UNSUPP}, /* section 5.2.6.2: unmap is not discard's */
		{DISCARD, 0, 1, 2, UNSUPP},
		{DISCARD, 0, 1, UINT32_MAX, UNSUPP},
		{DISCARD, END, 1, 0, IOERR},
		{DISCARD, END - 1, 2, 0, IOERR},
		{DISCARD, 0, END + 1, 0, IOERR},
		{DISCARD, 0, UINT32_MAX, 0, IOERR},
		{DISCARD, UINT64_MAX, 1, 0, IOERR},
		{DISCARD, UINT64_MAX, UINT32_MAX, 0, IOERR},
		{DISCARD, UINT64_C(1) << 55, 1, 0, IOERR},
		{DISCARD, 0, 0, 0, OK},
		{DISCARD, END, 0, 0, OK},
		{ZEROES, 0, 1, 2, UNSUPP},
		{ZEROES, 0, 1, 3, UNSUPP},
		{ZEROES, 0, 1, 1U << 31, UNSUPP},
		{ZEROES, END, 1, 0, IOERR},
		{ZEROES, END - 1, 2, 1, IOERR},
		{ZEROES, 0, END + 1, 1, IOERR},
		{ZEROES, 0, UINT32_MAX, 0, IOERR},
		{ZEROES, UINT64_MAX, 1, 0, IOERR},
		{ZEROES, UINT64_MAX - 1, 2, 0, IOERR},
		{ZEROES, UINT64_C(1) << 55, 1, 0, IOERR},
		{ZEROES, END, 0, 1, OK},
	};
	struct block_rig *rig = *state;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct virtio_blk_discard_write_zeroes ranges[2] = {
			{0}, {htole64(table[i].sector), htole32(table[i].sectors),
				     htole32(table[i].flags)}};
		uint8_t status;

		memcpy(rig->host_data, ranges, sizeof(ranges));
		status = block_rig_request(rig, table[i].type, 0, sizeof(ranges));
		if (status != table[i].status)
			fail_msg("case %zu: status %u, not %u", i, status, table[i].status);
		block_rig_check_alive(rig);
	}
	assert_untouched(rig);
}

enum { BROKEN = 0x100 };

static void odd_chains_are_refused_or_break_the_device(void **state)
{
	struct block_rig *rig = *state;
	const keg_gpa header = rig->header, data = rig->data, status = rig->status;
	const struct {
		struct driver_buffer buffers[4];
		unsigned count;
		int status;
	} table[] = {
		{{{header, 16, false}}, 1, BROKEN},
		{{{header, 16, false}, {data, 512, false}}, 2, BROKEN},
		{{{header, 0, false}}, 1, BROKEN},
		{{{header, 16, false}, {status, 0, true}}, 2, BROKEN},
		{{{status, 1, true}}, 1, IOERR},
		{{{header, 15, false}, {status, 1, true}}, 2, IOERR},
		{{{header, 0, false}, {status, 1, true}}, 2, IOERR},
		{{{header, 16, true}, {status, 1, true}}, 2, IOERR},
		{{{header, 16, false}, {status, 1, true}, {data, 512, false}}, 3, BROKEN},
		{{{header, 16, false}, {data, 512, true}, {status, 1, true}, {data, 0, true}}, 4,
			OK},
		{{{header, 16, false}, {data, 0, true}, {status, 1, true}}, 3, OK},
		{{{header, 16, false}, {UINT64_MAX - 511, 512, true}, {status, 1, true}}, 3,
			BROKEN},
		{{{header, 16, false}, {UINT64_C(1) << 40, 512, true}, {status, 1, true}}, 3,
			BROKEN},
		{{{header, 16, false}, {data, 512, true}, {UINT64_C(1) << 40, 1, true}}, 3, BROKEN},
		{{{UINT64_C(1) << 40, 16, false}, {status, 1, true}}, 2, BROKEN},
		{{{header, 16, false}, {data, UINT32_MAX, true}, {status, 1, true}}, 3, BROKEN},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		block_rig_set_header(rig, IN, 1);
		if (table[i].status == BROKEN) {
			driver_add(&rig->driver, 0, table[i].buffers, table[i].count);
			driver_publish(&rig->driver, 0);
			driver_kick(&rig->driver, 0);
			driver_wait_broken(&rig->driver);
			assert_int_equal(*rig->host_status, BLOCK_RIG_NOT_ANSWERED);
		} else {
			driver_request(&rig->driver, 0, table[i].buffers, table[i].count);
			assert_int_equal(*rig->host_status, table[i].status);
		}
		block_rig_check_alive(rig);
	}
	assert_untouched(rig);
}

/* The device's answer may be read as the next request's header, data or ring. */
static void requests_may_overlap_themselves(void **state)
{
	struct block_rig *rig = *state;
	const struct keg_virtqueue_layout *ring = &rig->driver.queues[0].layout;
	const keg_gpa targets[] = {
		rig->header, rig->status, ring->descriptors, ring->available, ring->used};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{targets[i], 512, true},
			{rig->status, 1, true},
		};

		block_rig_set_header(rig, IN, 1);
		driver_add(&rig->driver, 0, buffers, 3);
		driver_publish(&rig->driver, 0);
		driver_kick(&rig->driver, 0);
		/* What the driver is told then is worth nothing; but a reset ends it. */
		block_rig_restart(rig);
		block_rig_check_alive(rig);
	}
}

/* The same buffers for all, as fast as they can be added. */
static void a_flood_is_answered(void **state)
{
	enum { AT_ONCE = 64 / 3, ROUNDS = 200 };
	struct block_rig *rig = *state;
	uint64_t seed = 99;

	for (int round = 0; round < (be_quick() ? ROUNDS / 10 : ROUNDS); round++) {
		static const uint32_t kinds[] = {IN, OUT, FLUSH, ID, 77};
		uint32_t type = kinds[random_below(&seed, 5)];
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{rig->data, 4096, type != OUT},
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

		block_rig_set_header(rig, round % 2 ? IN : OUT, 8);
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
		block_rig_set_header(rig, i % 2 ? IN : OUT, 128);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(odd_requests_are_refused, make, end),
		cmocka_unit_test_setup_teardown(odd_ranges_are_refused, make, end),
		cmocka_unit_test_setup_teardown(
			odd_chains_are_refused_or_break_the_device, make, end),
		cmocka_unit_test_setup_teardown(requests_may_overlap_themselves, make, end),
		cmocka_unit_test_setup_teardown(a_flood_is_answered, make, end),
		cmocka_unit_test_setup_teardown(fields_may_change_while_they_are_read, make, end),
		cmocka_unit_test(resets_amid_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
