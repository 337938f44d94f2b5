/* SPDX-License-Identifier: MIT */
/* The block device with a driver that keeps the rules: virtio 1.2, section 5.2. */
#include "testing.h"

#include <endian.h>
#include <signal.h>
#include <sys/resource.h>

#include "block_rig.h"

static struct block_rig *make(const struct block_rig_config *config)
{
	struct block_rig *rig = test_calloc(1, sizeof(*rig));

	block_rig_init(rig, config);
	return rig;
}

static void end(struct block_rig *rig)
{
	block_rig_fini(rig);
	test_free(rig);
}

static void tells_its_size_and_what_it_can(void **state)
{
	struct block_rig *rig = make(&(struct block_rig_config){.queues = 3, .queue_size = 64});
	struct virtio_blk_config config = {0};

	(void)state;
	keg_virtio_read_config(&rig->block.device, 0, &config, 60);
	assert_int_equal(le64toh(config.capacity), BLOCK_RIG_SECTORS);
	assert_int_equal(le32toh(config.seg_max), 62);
	assert_int_equal(le32toh(config.blk_size), 512);
	assert_int_equal(config.physical_block_exp, 3);
	assert_int_equal(le16toh(config.num_queues), 3);
	assert_int_equal(le32toh(config.max_discard_seg), 16);
	assert_int_equal(rig->block.device.offered & 0xffffff,
		BLOCK_RIG_FEATURE(SEG_MAX) | BLOCK_RIG_FEATURE(BLK_SIZE) |
			BLOCK_RIG_FEATURE(FLUSH) | BLOCK_RIG_FEATURE(TOPOLOGY) |
			BLOCK_RIG_FEATURE(MQ) | BLOCK_RIG_FEATURE(DISCARD) |
			BLOCK_RIG_FEATURE(WRITE_ZEROES) | BLOCK_RIG_FEATURE(CONFIG_WCE));
	end(rig);
}

static const uint32_t kinds[] = {
	0,
	KEG_DISK_THREADS,
	KEG_DISK_DIRECT,
	KEG_DISK_DIRECT | KEG_DISK_THREADS,
	KEG_DISK_SCRATCH,
	KEG_DISK_NO_SYNC,
};

static void reads_writes_and_flushes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = kinds[i]});
		uint8_t sectors[1024];

		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 9, 1024), 0);
		assert_int_equal(rig->used, 1025);
		assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(9)));
		assert_true(block_rig_all(rig->host_data + 512, 512, block_rig_byte(10)));
		memset(rig->host_data, 0xa5, 1024);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_OUT, 9, 1024), 0);
		assert_int_equal(rig->used, 1);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_FLUSH, 0, 0), 0);
		block_rig_read_image(rig, 9, sectors, 1024);
		if (kinds[i] & KEG_DISK_SCRATCH)
			assert_true(block_rig_all(sectors, 512, block_rig_byte(9)));
		else
			assert_true(block_rig_all(sectors, 1024, 0xa5));
		memset(rig->host_data, 0, 1024);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 9, 1024), 0);
		assert_true(block_rig_all(rig->host_data, 1024, 0xa5));
		end(rig);
	}
}

static void the_last_sector_can_be_used(void **state)
{
	struct block_rig *rig = make(&(struct block_rig_config){0});

	(void)state;
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, BLOCK_RIG_SECTORS - 1, 512), 0);
	assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(BLOCK_RIG_SECTORS - 1)));
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_OUT, BLOCK_RIG_SECTORS - 1, 512), 0);
	end(rig);
}

static void the_whole_disk_is_read_at_once(void **state)
{
	struct block_rig *rig = make(&(struct block_rig_config){0});

	(void)state;
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 0, BLOCK_RIG_DATA), 0);
	for (uint64_t i = 0; i < BLOCK_RIG_SECTORS; i++)
		assert_true(block_rig_all(rig->host_data + i * 512, 512, block_rig_byte(i)));
	end(rig);
}

static void says_who_it_is(void **state)
{
	static const struct {
		const char *serial, *told;
	} table[] = {
		{NULL, "keg\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
		{"disk-7", "disk-7\0\0\0\0\0\0\0\0\0\0\0\0\0"},
		{"01234567890123456789", "01234567890123456789"},
		{"01234567890123456789abc", "01234567890123456789"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.serial = table[i].serial});

		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_GET_ID, 0, 20), 0);
		assert_int_equal(rig->used, 21);
		assert_memory_equal(rig->host_data, table[i].told, 20);
		end(rig);
	}
}

/* Section 2.7.4: where a buffer ends means nothing. */
static void requests_come_in_any_pieces(void **state)
{
	struct block_rig *rig = make(&(struct block_rig_config){0});
	struct driver_buffer buffers[16 + 3];

	(void)state;
	for (uint32_t i = 0; i < 16; i++)
		buffers[i] = (struct driver_buffer){rig->header + i, 1, false};
	/* A header in bytes; data and status in one buffer, or the data in odd pieces. */
	block_rig_set_header(rig, VIRTIO_BLK_T_IN, 5);
	buffers[16] = (struct driver_buffer){rig->data, 513, true};
	assert_int_equal(driver_request(&rig->driver, 0, buffers, 17), 513);
	assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(5)));
	assert_int_equal(rig->host_data[512], VIRTIO_BLK_S_OK);

	memset(rig->host_data, 0, 1024);
	block_rig_set_header(rig, VIRTIO_BLK_T_IN, 6);
	buffers[16] = (struct driver_buffer){rig->data, 3, true};
	buffers[17] = (struct driver_buffer){rig->data + 3, 509, true};
	buffers[18] = (struct driver_buffer){rig->status, 1, true};
	assert_int_equal(driver_request(&rig->driver, 0, buffers, 19), 513);
	assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(6)));
	assert_int_equal(*rig->host_status, VIRTIO_BLK_S_OK);
	end(rig);
}

/* A header and its data in one buffer. */
static void a_header_may_run_into_the_data(void **state)
{
	struct block_rig *rig = make(&(struct block_rig_config){0});
	struct virtio_blk_outhdr header = {
		.type = htole32(VIRTIO_BLK_T_OUT), .sector = htole64(77)};
	struct driver_buffer buffers[] = {
		{rig->data, 16 + 100, false},
		{rig->data + 116, 412, false},
		{rig->status, 1, true},
	};
	uint8_t sector[512];

	(void)state;
	memcpy(rig->host_data, &header, 16);
	memset(rig->host_data + 16, 0x3c, 512);
	assert_int_equal(driver_request(&rig->driver, 0, buffers, 3), 1);
	block_rig_read_image(rig, 77, sector, 512);
	assert_true(block_rig_all(sector, 512, 0x3c));
	end(rig);
}

static void memory_need_not_be_aligned(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = kinds[i]});
		struct driver_buffer buffers[] = {
			{rig->header, 16, false},
			{rig->data + 7, 1024, false},
			{rig->status, 1, true},
		};

		memset(rig->host_data, 0x77, 2048);
		block_rig_set_header(rig, VIRTIO_BLK_T_OUT, 21);
		assert_int_equal(driver_request(&rig->driver, 0, buffers, 3), 1);
		assert_int_equal(*rig->host_status, 0);
		memset(rig->host_data, 0, 2048);
		buffers[1].writable = true;
		block_rig_set_header(rig, VIRTIO_BLK_T_IN, 21);
		assert_int_equal(driver_request(&rig->driver, 0, buffers, 3), 1025);
		assert_int_equal(*rig->host_status, 0);
		assert_true(block_rig_all(rig->host_data + 7, 1024, 0x77));
		assert_true(block_rig_all(rig->host_data, 7, 0));
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 20, 512), 0);
		assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(20)));
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 23, 512), 0);
		assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(23)));
		end(rig);
	}
}

static void put_range(
	struct block_rig *rig, unsigned i, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes range = {
		htole64(sector), htole32(sectors), htole32(flags)};

	memcpy(rig->host_data + i * sizeof(range), &range, sizeof(range));
}

static void writes_zeroes_to_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = kinds[i]});

		put_range(rig, 0, 8, 16, 0);
		put_range(rig, 1, 101, 3, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
		put_range(rig, 2, 0, 0, 0);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_WRITE_ZEROES, 0, 48), 0);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 0, 128 * 512), 0);
		for (uint32_t s = 0; s < 128; s++) {
			bool zero = (s >= 8 && s < 24) || (s >= 101 && s < 104);

			assert_true(block_rig_all(
				rig->host_data + s * 512UL, 512, zero ? 0 : block_rig_byte(s)));
		}
		end(rig);
	}
}

static void discards_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = kinds[i]});
		bool can = rig->block.device.offered & BLOCK_RIG_FEATURE(DISCARD);

		put_range(rig, 0, 64, 8, 0);
		put_range(rig, 1, 256, 1024, 0);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_DISCARD, 0, 32),
			can ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_UNSUPP);
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 63, 512), 0);
		assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(63)));
		assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 72, 512), 0);
		assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(72)));
		end(rig);
	}
}

/* Every queue at once, each with all the requests that it can have, and all of them counted. */
static void serves_several_queues(void **state)
{
	enum { EACH = 20 };
	const uint16_t queues = 4;
	struct block_rig *rig = make(&(struct block_rig_config){.queues = queues});
	struct keg_virtio_counts counts;

	(void)state;
	block_rig_set_header(rig, VIRTIO_BLK_T_IN, 40);
	for (uint16_t q = 0; q < queues; q++) {
		for (uint32_t i = 0; i < EACH; i++) {
			uint32_t at = ((uint32_t)q * EACH + i) * 1024;
			struct driver_buffer buffers[] = {
				{rig->header, 16, false},
				{rig->data + at, 512 + 1, true},
			};

			driver_add(&rig->driver, q, buffers, 2);
		}
		driver_publish(&rig->driver, q);
		driver_kick(&rig->driver, q);
	}
	for (uint16_t q = 0; q < queues; q++) {
		driver_wait_used(&rig->driver, q, EACH);
		for (uint32_t i = 0; i < EACH; i++)
			assert_int_equal(driver_take_used(&rig->driver, q).bytes, 513);
	}
	for (uint32_t i = 0; i < (uint32_t)queues * EACH; i++)
		assert_true(block_rig_all(rig->host_data + i * 1024UL, 512, block_rig_byte(40)));
	keg_virtio_count(&rig->block.device, &counts);
	assert_int_equal(counts.requests, queues * EACH);
	assert_int_equal(counts.bytes_written, queues * EACH * 512);
	assert_int_equal(counts.errors, 0);
	end(rig);
}

static void a_read_only_disk_is_not_written(void **state)
{
	struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = KEG_DISK_READONLY});

	(void)state;
	assert_true(rig->block.device.offered & BLOCK_RIG_FEATURE(RO));
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_OUT, 0, 512), VIRTIO_BLK_S_IOERR);
	put_range(rig, 0, 0, 1, 0);
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_DISCARD, 0, 16), VIRTIO_BLK_S_IOERR);
	assert_int_equal(
		block_rig_request(rig, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16), VIRTIO_BLK_S_IOERR);
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 0, 512), 0);
	assert_true(block_rig_all(rig->host_data, 512, block_rig_byte(0)));
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_FLUSH, 0, 0), 0);
	end(rig);
}

/* An image that somebody cuts short: what is gone is an error, and the rest still works. */
static void an_image_may_shrink(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = kinds[i]});

		assert_int_equal(ftruncate(rig->image, 4096), 0);
		assert_int_equal(
			block_rig_request(rig, VIRTIO_BLK_T_IN, 4, 4096), VIRTIO_BLK_S_IOERR);
		assert_int_equal(rig->used, 0);
		assert_int_equal(
			block_rig_request(rig, VIRTIO_BLK_T_IN, 100, 512), VIRTIO_BLK_S_IOERR);
		block_rig_check_alive(rig);
		end(rig);
	}
}

/* A write beyond RLIMIT_FSIZE is an error to the guest, and no signal to the program. */
static void a_full_disk_is_an_error(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct block_rig *rig = make(&(struct block_rig_config){.disk_flags = kinds[i]});
		struct rlimit old, limit;

		assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
		limit = (struct rlimit){64UL * 512, old.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(
			block_rig_request(rig, VIRTIO_BLK_T_OUT, 64, 512), VIRTIO_BLK_S_IOERR);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
		block_rig_check_alive(rig);
		end(rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_its_size_and_what_it_can),
		cmocka_unit_test(reads_writes_and_flushes),
		cmocka_unit_test(the_last_sector_can_be_used),
		cmocka_unit_test(the_whole_disk_is_read_at_once),
		cmocka_unit_test(says_who_it_is),
		cmocka_unit_test(requests_come_in_any_pieces),
		cmocka_unit_test(a_header_may_run_into_the_data),
		cmocka_unit_test(memory_need_not_be_aligned),
		cmocka_unit_test(writes_zeroes_to_ranges),
		cmocka_unit_test(discards_ranges),
		cmocka_unit_test(serves_several_queues),
		cmocka_unit_test(a_read_only_disk_is_not_written),
		cmocka_unit_test(an_image_may_shrink),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
