/* SPDX-License-Identifier: MIT */
/*
 * The port by which a guest's kernel says that it has panicked (QEMU's "PVPANIC device"
 * specification). Linux finds it through ACPI, by the hardware id QEMU0001.
 *
 * Threads: any thread at any time. `event` is called in the vCPU's thread.
 */
#ifndef KEG_DEV_PVPANIC_H
#define KEG_DEV_PVPANIC_H

#include <keg/bus.h>

enum {
	KEG_PVPANIC_SIZE = 1, /* bytes of its region, 0x505 on a PC */

	/* Events, as bits. The port reads as those that there are. */
	KEG_PVPANIC_PANICKED = 1 << 0,
	KEG_PVPANIC_CRASH_LOADED = 1 << 1, /* it panicked, and saves a dump by itself */
};

struct keg_pvpanic {
	/* `events` has at least one bit, and none but those above. */
	void (*event)(void *context, uint32_t events);
	void *context;
};

extern const struct keg_bus_ops keg_pvpanic_ops;

#endif
