/* SPDX-License-Identifier: MIT */
/* A port by which a test in the guest ends the machine and hands out a status. */
#ifndef KEG_DEV_DEBUG_EXIT_H
#define KEG_DEV_DEBUG_EXIT_H

#include <keg/bus.h>

enum { KEG_DEBUG_EXIT_SIZE = 4 }; /* bytes of its region */

/*
 * `end` gets (value << 1) | 1 for whatever is written, in the vCPU's thread: so no status is 0,
 * which a hypervisor's exit has for other reasons. Reads are all ones.
 */
struct keg_debug_exit {
	void (*end)(void *context, uint32_t status);
	void *context;
};

extern const struct keg_bus_ops keg_debug_exit_ops;

#endif
