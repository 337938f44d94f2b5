/* SPDX-License-Identifier: MIT */
/* Drivers of the block device that mean harm: each request is refused, or breaks the device, and a
 * good one succeeds afterwards. */
#include "testing.h"

#include <endian.h>

#include "block_rig.h"

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

static const struct {
	uint32_t type;
	uint64_t sector;
	uint32_t bytes;
	uint8_t status;
} requests[] = {
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

static void odd_requests_are_refused(void **state)
{
	struct block_rig *rig = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		uint8_t status;

		memset(rig->host_data, 0xff, BLOCK_RIG_DATA);
		status = block_rig_request(
			rig, requests[i].type, requests[i].sector, requests[i].bytes);
		if (status != requests[i].status)
			fail_msg("case %zu: status %u, not %u", i, status, requests[i].status);
		block_rig_check_alive(rig);
	}
	assert_untouched(rig);
}

static const struct {
	uint64_t sector;
	uint32_t type, sectors, flags;
	uint8_t status;
} ranges[] = {
	{0, DISCARD, 1, 1, UNSUPP}, /* section 5.2.6.2: unmap is not discard's */
	{0, DISCARD, 1, 2, UNSUPP},
	{0, DISCARD, 1, UINT32_MAX, UNSUPP},
	{END, DISCARD, 1, 0, IOERR},
	{END - 1, DISCARD, 2, 0, IOERR},
	{0, DISCARD, END + 1, 0, IOERR},
	{0, DISCARD, UINT32_MAX, 0, IOERR},
	{UINT64_MAX, DISCARD, 1, 0, IOERR},
	{UINT64_MAX, DISCARD, UINT32_MAX, 0, IOERR},
	{UINT64_C(1) << 55, DISCARD, 1, 0, IOERR},
	{0, DISCARD, 0, 0, OK},
	{END, DISCARD, 0, 0, OK},
	{0, ZEROES, 1, 2, UNSUPP},
	{0, ZEROES, 1, 3, UNSUPP},
	{0, ZEROES, 1, 1U << 31, UNSUPP},
	{END, ZEROES, 1, 0, IOERR},
	{END - 1, ZEROES, 2, 1, IOERR},
	{0, ZEROES, END + 1, 1, IOERR},
	{0, ZEROES, UINT32_MAX, 0, IOERR},
	{UINT64_MAX, ZEROES, 1, 0, IOERR},
	{UINT64_MAX - 1, ZEROES, 2, 0, IOERR},
	{UINT64_C(1) << 55, ZEROES, 1, 0, IOERR},
	{END, ZEROES, 0, 1, OK},
};

static void odd_ranges_are_refused(void **state)
{
	struct block_rig *rig = *state;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct virtio_blk_discard_write_zeroes two[2] = {
			{0}, {htole64(ranges[i].sector), htole32(ranges[i].sectors),
				     htole32(ranges[i].flags)}};
		uint8_t status;

		memcpy(rig->host_data, two, sizeof(two));
		status = block_rig_request(rig, ranges[i].type, 0, sizeof(two));
		if (status != ranges[i].status)
			fail_msg("case %zu: status %u, not %u", i, status, ranges[i].status);
		block_rig_check_alive(rig);
	}
	assert_untouched(rig);
}

enum { BROKEN = 0x100 };

/* Where a buffer is: in the rig, or at an address of its own. */
enum { HEADER, DATA, STATUS, PLACES };

static const struct {
	struct driver_buffer buffers[4];
	unsigned count;
	int status;
} chains[] = {
	{{{HEADER, 16, false}}, 1, BROKEN},
	{{{HEADER, 16, false}, {DATA, 512, false}}, 2, BROKEN},
	{{{HEADER, 0, false}}, 1, BROKEN},
	{{{HEADER, 16, false}, {STATUS, 0, true}}, 2, BROKEN},
	{{{STATUS, 1, true}}, 1, IOERR},
	{{{HEADER, 15, false}, {STATUS, 1, true}}, 2, IOERR},
	{{{HEADER, 0, false}, {STATUS, 1, true}}, 2, IOERR},
	{{{HEADER, 16, true}, {STATUS, 1, true}}, 2, IOERR},
	{{{HEADER, 16, false}, {STATUS, 1, true}, {DATA, 512, false}}, 3, BROKEN},
	{{{HEADER, 16, false}, {DATA, 512, true}, {STATUS, 1, true}, {DATA, 0, true}}, 4, OK},
	{{{HEADER, 16, false}, {DATA, 0, true}, {STATUS, 1, true}}, 3, OK},
	{{{HEADER, 16, false}, {UINT64_MAX - 511, 512, true}, {STATUS, 1, true}}, 3, BROKEN},
	{{{HEADER, 16, false}, {UINT64_C(1) << 40, 512, true}, {STATUS, 1, true}}, 3, BROKEN},
	{{{HEADER, 16, false}, {DATA, 512, true}, {UINT64_C(1) << 40, 1, true}}, 3, BROKEN},
	{{{UINT64_C(1) << 40, 16, false}, {STATUS, 1, true}}, 2, BROKEN},
	{{{HEADER, 16, false}, {DATA, UINT32_MAX, true}, {STATUS, 1, true}}, 3, BROKEN},
};

static void request_chain(struct block_rig *rig, size_t i)
{
	const keg_gpa places[PLACES] = {rig->header, rig->data, rig->status};
	struct driver_buffer buffers[4];

	memcpy(buffers, chains[i].buffers, sizeof(buffers));
	for (unsigned j = 0; j < chains[i].count; j++)
		if (buffers[j].address < PLACES)
			buffers[j].address = places[buffers[j].address];
	driver_add(&rig->driver, 0, buffers, chains[i].count);
	driver_publish(&rig->driver, 0);
	driver_kick(&rig->driver, 0);
}

static void odd_chains_are_refused_or_break_the_device(void **state)
{
	struct block_rig *rig = *state;

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		block_rig_set_header(rig, IN, 1);
		request_chain(rig, i);
		if (chains[i].status == BROKEN) {
			driver_wait_broken(&rig->driver);
			assert_int_equal(*rig->host_status, BLOCK_RIG_NOT_ANSWERED);
		} else {
			driver_wait_used(&rig->driver, 0, 1);
			driver_take_used(&rig->driver, 0);
			assert_int_equal(*rig->host_status, chains[i].status);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(odd_requests_are_refused, make, end),
		cmocka_unit_test_setup_teardown(odd_ranges_are_refused, make, end),
		cmocka_unit_test_setup_teardown(
			odd_chains_are_refused_or_break_the_device, make, end),
		cmocka_unit_test_setup_teardown(requests_may_overlap_themselves, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
