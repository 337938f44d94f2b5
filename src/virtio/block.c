/* SPDX-License-Identifier: MIT */
/* The block device: what it offers, and its queues' beginning and end. */
#include "virtio/block.h"

#include <endian.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "virtio/block_parts.h"

enum {
	DEFAULT_SIZE = 256,
	MIN_SIZE = 4,
	MAX_QUEUES = 64,
};

#define FEATURE(name) (UINT64_C(1) << VIRTIO_BLK_F_##name)

static struct keg_virtio_block *block_of(struct keg_virtio *device)
{
	return (struct keg_virtio_block *)device;
}

/* With the cache that a driver may choose to do without (section 5.2.4, "writeback"). */
static void set_cache(struct keg_virtio_block *block, bool on)
{
	const uint8_t value = on;

	atomic_store(&block->writes_through, !on);
	pthread_mutex_lock(&block->device.config_lock);
	block->config[offsetof(struct virtio_blk_config, wce)] = value;
	pthread_mutex_unlock(&block->device.config_lock);
}

static void write_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count)
{
	const uint32_t at = offsetof(struct virtio_blk_config, wce);
	struct keg_virtio_block *block = block_of(device);

	if (!keg_virtio_has(device, FEATURE(CONFIG_WCE)) || offset > at || at - offset >= count)
		return;
	set_cache(block, ((const uint8_t *)bytes)[at - offset]);
	/* Nor is what was written before asked for any more. A failure is kept for later flushes.
	 */
	if (atomic_load(&block->writes_through))
		(void)keg_disk_sync(block->disk);
}

static void stop(struct keg_virtio *device)
{
	struct keg_virtio_block *block = block_of(device);

	for (uint16_t i = 0; i < block->queue_count; i++)
		keg_virtio_block_queue_stop(&block->queues[i]);
	set_cache(block, true);
}

static int start(struct keg_virtio *device)
{
	struct keg_virtio_block *block = block_of(device);
	int rc = 0;

	/* Who cannot flush cannot ask for safety either (section 5.2.5). */
	if (!keg_virtio_has(device, FEATURE(FLUSH)))
		set_cache(block, false);
	for (uint16_t i = 0; i < block->queue_count && !rc; i++)
		if (device->queues[i].enabled)
			rc = keg_virtio_block_queue_start(&block->queues[i]);
	if (rc)
		stop(device);
	return rc;
}

static const struct keg_virtio_class block_class = {
	.name = "block",
	.id = VIRTIO_ID_BLOCK,
	.start = start,
	.stop = stop,
	.write_config = write_config,
};

static uint64_t features(const struct keg_virtio_block *block)
{
	const struct keg_disk_facts *facts = &block->facts;
	uint64_t offered =
		FEATURE(SEG_MAX) | FEATURE(BLK_SIZE) | FEATURE(FLUSH) | FEATURE(CONFIG_WCE);

	if (facts->readonly)
		offered |= FEATURE(RO);
	if (block->queue_count > 1)
		offered |= FEATURE(MQ);
	if (facts->can_discard && !facts->readonly)
		offered |= FEATURE(DISCARD);
	if (facts->can_write_zeroes && !facts->readonly)
		offered |= FEATURE(WRITE_ZEROES);
	if (facts->physical_block_size > facts->block_size)
		offered |= FEATURE(TOPOLOGY);
	return offered;
}

/* Section 5.2.4. */
static void fill_config(struct keg_virtio_block *block, uint16_t queue_size)
{
	const struct keg_disk_facts *facts = &block->facts;
	const uint32_t blocks = facts->physical_block_size / facts->block_size;
	const uint32_t sectors = facts->block_size / BLOCK_SECTOR;
	const uint32_t segments =
		queue_size - 2U < BLOCK_SEGMENTS ? queue_size - 2U : BLOCK_SEGMENTS;
	struct virtio_blk_config config = {
		.capacity = htole64(facts->bytes / BLOCK_SECTOR),
		.seg_max = htole32(segments),
		.blk_size = htole32(facts->block_size),
		.physical_block_exp = (uint8_t)__builtin_ctz(blocks),
		.min_io_size = htole16((uint16_t)blocks),
		.wce = 1,
		.num_queues = htole16(block->queue_count),
		.max_discard_sectors = htole32(BLOCK_MAX_DISCARD),
		.max_discard_seg = htole32(BLOCK_RANGES),
		.discard_sector_alignment = htole32(sectors * blocks),
		.max_write_zeroes_sectors = htole32(BLOCK_MAX_ZEROES),
		.max_write_zeroes_seg = htole32(BLOCK_RANGES),
		.write_zeroes_may_unmap = 1,
	};

	_Static_assert(sizeof(config) >= sizeof(block->config), "what is told is declared");
	memcpy(block->config, &config, sizeof(block->config));
}

static int make_queues(struct keg_virtio_block *block)
{
	int rc = 0;

	block->queues = calloc(block->queue_count, sizeof(*block->queues));
	if (!block->queues)
		return keg_fail(ENOMEM, "no memory for the queues of a block device");
	for (uint16_t i = 0; i < block->queue_count; i++)
		block->queues[i].stop = -1;
	for (uint16_t i = 0; i < block->queue_count && !rc; i++)
		rc = keg_virtio_block_queue_init(&block->queues[i], block, i);
	return rc;
}

static void free_queues(struct keg_virtio_block *block)
{
	for (uint16_t i = 0; block->queues && i < block->queue_count; i++)
		keg_virtio_block_queue_fini(&block->queues[i]);
	free(block->queues);
	block->queues = NULL;
}

int keg_virtio_block_init(struct keg_virtio_block *block, struct keg_mem *mem,
	struct keg_disk *disk, const struct keg_virtio_block_config *config)
{
	const uint16_t size = config->queue_size ? config->queue_size : DEFAULT_SIZE;
	const char *serial = config->serial ? config->serial : "keg";
	struct keg_virtio_config device = {
		.class = &block_class,
		.mem = mem,
		.queue_size = size,
		.doorbells = UINT64_MAX,
		.config = block->config,
		.config_bytes = sizeof(block->config),
	};
	int rc;

	memset(block, 0, sizeof(*block));
	if (config->queues > MAX_QUEUES)
		return keg_fail(EINVAL, "a block device with %u queues: at most %d", config->queues,
			MAX_QUEUES);
	if (size < MIN_SIZE)
		return keg_fail(
			EINVAL, "a block device with queues of %u: at least %d", size, MIN_SIZE);
	block->disk = disk;
	block->queue_count = (uint16_t)(config->queues ? config->queues : 1);
	memcpy(block->serial, serial, strnlen(serial, sizeof(block->serial)));
	keg_disk_get_facts(disk, &block->facts);
	fill_config(block, size);
	device.queue_count = block->queue_count;
	device.features = features(block);
	rc = keg_virtio_init(&block->device, &device);
	if (rc)
		return rc;
	rc = make_queues(block);
	if (rc)
		keg_virtio_block_fini(block);
	return rc;
}

void keg_virtio_block_fini(struct keg_virtio_block *block)
{
	keg_virtio_fini(&block->device);
	free_queues(block);
}
