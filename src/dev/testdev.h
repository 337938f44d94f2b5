/* SPDX-License-Identifier: MIT */
/*
 * What the field's test suites for PC hypervisors expect of a machine (QEMU's "pc-testdev"): a
 * latch of 32 bits, a way to have a page taken from the guest's page tables for a moment, interrupt
 * lines that the guest itself raises, and memory that is reached by exits only.
 *
 * Threads: any thread at any time. `forget_page` is called in the vCPU's thread; lines are set with
 * the device's lock held.
 */
#ifndef KEG_DEV_TESTDEV_H
#define KEG_DEV_TESTDEV_H

#include <pthread.h>

#include <keg/bus.h>

#include "dev/irq.h"

enum {
	/* Three regions of one device. Ports, 0xe0 on a PC: */
	KEG_TESTDEV_PORTS_SIZE = 12,
	KEG_TESTDEV_LINES_SIZE = 24,       /* ports, 0x2000 on a PC */
	KEG_TESTDEV_MEMORY_SIZE = 0x10000, /* memory, 0xff000000 on a PC */

	KEG_TESTDEV_LINES = 24,
};

struct keg_testdev_config {
	struct keg_irq lines[KEG_TESTDEV_LINES];
	/*
	 * The guest wants KVM to forget how it has mapped the page at `gpa`, whose contents stay.
	 * `gpa` may be anything. May be NULL: nothing happens.
	 */
	void (*forget_page)(void *context, uint64_t gpa);
	void *context;
};

struct keg_testdev {
	struct keg_testdev_config config;
	pthread_mutex_t lock;
	uint8_t latch[4];
	uint8_t memory[KEG_TESTDEV_MEMORY_SIZE];
};

extern const struct keg_bus_ops keg_testdev_ports_ops;
extern const struct keg_bus_ops keg_testdev_lines_ops;
extern const struct keg_bus_ops keg_testdev_memory_ops;

int keg_testdev_init(struct keg_testdev *testdev, const struct keg_testdev_config *config);
void keg_testdev_fini(struct keg_testdev *testdev);

#endif
