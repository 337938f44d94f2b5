/* SPDX-License-Identifier: MIT */
/* A toy for drivers that mean harm, in memory with every kind of end. */
#ifndef KEG_TESTS_VIRTIO_HOSTILE_RIG_H
#define KEG_TESTS_VIRTIO_HOSTILE_RIG_H

#include "driver.h"
#include "toy.h"

/* The map: two regions that touch, a hole, one to read only, one of I/O, and the last that can be.
 */
enum {
	MEMORY = 1 << 20,
	DATA = 0x1000, /* 64 KiB in the first region that the test may do with as it likes */
	DATA_BYTES = 0x10000,
	TABLE = DATA + 0x8000, /* the second half of it: an indirect table */
	NEXT_REGION = MEMORY,
	REGION_BYTES = 0x10000,
	HOLE = NEXT_REGION + REGION_BYTES,
	ROM = 2 << 20,
	IO = 3 << 20,
};
#define LAST_REGION (UINT64_MAX - REGION_BYTES + 1)

struct hostile_rig {
	struct driver driver;
	struct toy toy;
	struct driver_queue *queue; /* the first */
};

void hostile_rig_init(struct hostile_rig *rig);
void hostile_rig_fini(struct hostile_rig *rig);

void hostile_start(struct hostile_rig *rig, uint64_t features);

/* Shows the device `count` more heads, whatever they are, and notifies it. */
void hostile_publish(struct hostile_rig *rig, uint16_t count);

/* A request that must succeed, on each queue. */
void hostile_check_echo(struct hostile_rig *rig);

/* Either a good request succeeds, or the device says that it needs a reset; after one it does. */
void hostile_check_alive(struct hostile_rig *rig);

#endif
