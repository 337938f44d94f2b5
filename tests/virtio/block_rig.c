/* SPDX-License-Identifier: MIT */
/* A block device with an image of its own and a driver, for tests. */
#include "testing.h"

#include <endian.h>
#include <fcntl.h>

#include "block/direct.h"
#include "block_rig.h"

static void make_image(struct block_rig *rig)
{
	uint8_t sector[512];

	strcpy(rig->path, "/var/tmp/keg-test-XXXXXX");
	rig->image = mkstemp(rig->path);
	assert_true(rig->image >= 0);
	for (uint64_t i = 0; i < BLOCK_RIG_SECTORS; i++) {
		memset(sector, block_rig_byte(i), sizeof(sector));
		assert_int_equal(write(rig->image, sector, sizeof(sector)), sizeof(sector));
	}
}

static uint64_t features(const struct block_rig *rig)
{
	return rig->block.device.offered & ~rig->config.not_features;
}

void block_rig_init(struct block_rig *rig, const struct block_rig_config *config)
{
	struct keg_disk_config disk = {
		.size = sizeof(disk), .path = rig->path, .flags = config->disk_flags};
	struct keg_virtio_block_config block = {
		.queues = config->queues,
		.queue_size = config->queue_size,
		.serial = config->serial,
	};

	rig->config = *config;
	make_image(rig);
	disk.flags = direct_if_there_is(rig->path, config->disk_flags);
	driver_init(&rig->driver, 8 << 20);
	if (config->queue_size)
		driver_set_size(&rig->driver, config->queue_size);
	rig->header = driver_alloc(&rig->driver, 16, 16);
	rig->status = driver_alloc(&rig->driver, 1, 1);
	rig->host_status = driver_host(&rig->driver, rig->status, 1);
	rig->data = driver_alloc(&rig->driver, BLOCK_RIG_DATA, 4096);
	rig->host_data = driver_host(&rig->driver, rig->data, BLOCK_RIG_DATA);
	assert_ok(keg_disk_open(&disk, &rig->disk));
	assert_ok(keg_virtio_block_init(&rig->block, rig->driver.memory.mem, rig->disk, &block));
	driver_start(&rig->driver, &rig->block.device, features(rig));
}

void block_rig_fini(struct block_rig *rig)
{
	/* The device goes before the memory that it uses, and has been reset by then. */
	driver_reset(&rig->driver);
	rig->driver.device = NULL;
	keg_virtio_block_fini(&rig->block);
	keg_disk_close(rig->disk);
	driver_fini(&rig->driver);
	unlink(rig->path);
	close(rig->image);
}

void block_rig_restart(struct block_rig *rig)
{
	driver_reset(&rig->driver);
	driver_start(&rig->driver, &rig->block.device, features(rig));
}

bool block_rig_all(const void *bytes, size_t count, uint8_t value)
{
	for (size_t i = 0; i < count; i++)
		if (((const uint8_t *)bytes)[i] != value)
			return false;
	return true;
}

void block_rig_read_image(struct block_rig *rig, uint64_t sector, void *to, size_t bytes)
{
	assert_int_equal(pread(rig->image, to, bytes, (off_t)(sector * 512)), bytes);
}

void block_rig_set_header(struct block_rig *rig, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr header = {.type = htole32(type), .sector = htole64(sector)};

	assert_ok(keg_mem_write(rig->driver.memory.mem, rig->header, &header, sizeof(header)));
	*rig->host_status = BLOCK_RIG_NOT_ANSWERED;
}

uint8_t block_rig_request(struct block_rig *rig, uint32_t type, uint64_t sector, uint32_t bytes)
{
	const bool reads = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	struct driver_buffer buffers[3] = {{rig->header, 16, false}};
	unsigned count = 1;

	block_rig_set_header(rig, type, sector);
	if (bytes)
		buffers[count++] = (struct driver_buffer){rig->data, bytes, reads};
	buffers[count++] = (struct driver_buffer){rig->status, 1, true};
	rig->used = driver_request(&rig->driver, 0, buffers, count);
	return *rig->host_status;
}

void block_rig_check_alive(struct block_rig *rig)
{
	uint8_t sector[512];

	if (keg_virtio_is_broken(&rig->block.device))
		block_rig_restart(rig);
	memset(rig->host_data, 0x5a, 512);
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_OUT, 3, 512), VIRTIO_BLK_S_OK);
	memset(rig->host_data, 0, 512);
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_IN, 3, 512), VIRTIO_BLK_S_OK);
	assert_true(block_rig_all(rig->host_data, 512, 0x5a));
	memset(sector, block_rig_byte(3), sizeof(sector));
	memcpy(rig->host_data, sector, sizeof(sector));
	assert_int_equal(block_rig_request(rig, VIRTIO_BLK_T_OUT, 3, 512), VIRTIO_BLK_S_OK);
}
