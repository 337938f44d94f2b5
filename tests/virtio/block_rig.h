/* SPDX-License-Identifier: MIT */
/* A block device with an image of its own and a driver, for tests. */
#ifndef KEG_TESTS_VIRTIO_BLOCK_RIG_H
#define KEG_TESTS_VIRTIO_BLOCK_RIG_H

#include <linux/virtio_blk.h>

#include "driver.h"
#include "virtio/block.h"

enum {
	BLOCK_RIG_SECTORS = 2048,
	BLOCK_RIG_DATA = 1 << 20,
	BLOCK_RIG_NOT_ANSWERED = 0xee, /* what a status is before it is one */
};

#define BLOCK_RIG_FEATURE(name) (UINT64_C(1) << VIRTIO_BLK_F_##name)

/* What a test wants other than the usual. */
struct block_rig_config {
	uint32_t disk_flags;   /* of enum keg_disk_flags */
	uint64_t not_features; /* those that the driver does without, of all that are offered */
	uint16_t queues, queue_size;
	const char *serial;
};

struct block_rig {
	char path[32];
	int image; /* the image, past the device: sector i begins as block_rig_byte(i) */
	struct keg_disk *disk;
	struct keg_virtio_block block;
	struct driver driver;
	struct block_rig_config config;

	keg_gpa header, data, status;
	uint8_t *host_data; /* BLOCK_RIG_DATA bytes */
	uint8_t *host_status;
	uint32_t used; /* what the last request's used entry said */
};

void block_rig_init(struct block_rig *rig, const struct block_rig_config *config);
void block_rig_fini(struct block_rig *rig);

/* What sector i is filled with in a new image. */
static inline uint8_t block_rig_byte(uint64_t sector)
{
	return (uint8_t)(sector * 7 + 1);
}

/* Whether all of some bytes are the same. */
bool block_rig_all(const void *bytes, size_t count, uint8_t value);
/* What the image holds. */
void block_rig_read_image(struct block_rig *rig, uint64_t sector, void *to, size_t bytes);

void block_rig_set_header(struct block_rig *rig, uint32_t type, uint64_t sector);

/* A request in the usual three buffers, `bytes` of rig->data, on queue 0; returns its status. */
uint8_t block_rig_request(struct block_rig *rig, uint32_t type, uint64_t sector, uint32_t bytes);

/* The device works: what is written to a sector is read from it. Restarts one that is broken. */
void block_rig_check_alive(struct block_rig *rig);

/* Reset, and all over again. */
void block_rig_restart(struct block_rig *rig);

#endif
