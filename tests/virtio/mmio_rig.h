/* SPDX-License-Identifier: MIT */
/* A toy behind the memory-mapped transport, on a bus, and a driver that knows only registers. */
#ifndef KEG_TESTS_VIRTIO_MMIO_RIG_H
#define KEG_TESTS_VIRTIO_MMIO_RIG_H

#include "driver.h"
#include "toy.h"
#include "virtio/mmio.h"

enum { MMIO_ADDRESS = 0xd0000000, MMIO_DOORBELLS = 8 };

/* Section 4.2.2, table 4.1. */
enum mmio_register {
	MAGIC_VALUE = 0x000,
	VERSION = 0x004,
	DEVICE_ID = 0x008,
	VENDOR_ID = 0x00c,
	DEVICE_FEATURES = 0x010,
	DEVICE_FEATURES_SEL = 0x014,
	DRIVER_FEATURES = 0x020,
	DRIVER_FEATURES_SEL = 0x024,
	QUEUE_SEL = 0x030,
	QUEUE_NUM_MAX = 0x034,
	QUEUE_NUM = 0x038,
	QUEUE_READY = 0x044,
	QUEUE_NOTIFY = 0x050,
	INTERRUPT_STATUS = 0x060,
	INTERRUPT_ACK = 0x064,
	STATUS = 0x070,
	QUEUE_DESC_LOW = 0x080,
	QUEUE_DESC_HIGH = 0x084,
	QUEUE_DRIVER_LOW = 0x090,
	QUEUE_DRIVER_HIGH = 0x094,
	QUEUE_DEVICE_LOW = 0x0a0,
	QUEUE_DEVICE_HIGH = 0x0a4,
	SHM_LEN_LOW = 0x0b0,
	CONFIG_GENERATION = 0x0fc,
	CONFIG = 0x100,
};

struct mmio_rig {
	struct driver driver;
	struct toy toy;
	struct keg_virtio_mmio mmio;
	struct keg_bus *bus;
	bool high;        /* the interrupt line; under the driver's lock */
	unsigned changes; /* of the line */
	struct keg_doorbell bound[MMIO_DOORBELLS];
	int bound_count;
	int bind_error; /* what binding is to say */
	keg_gpa data;   /* 256 bytes */
};

void mmio_rig_init(struct mmio_rig *rig);
void mmio_rig_fini(struct mmio_rig *rig);

uint32_t mmio_in(struct mmio_rig *rig, uint32_t offset);
void mmio_out(struct mmio_rig *rig, uint32_t offset, uint32_t value);

/* The whole of section 4.2.3.1, through registers only. */
void mmio_start(struct mmio_rig *rig, uint64_t features);
void mmio_set_up_queue(struct mmio_rig *rig, uint16_t queue);

/* A request that must succeed, with its interrupt, which is acknowledged. */
void mmio_check_echo(struct mmio_rig *rig, uint16_t queue);

#endif
