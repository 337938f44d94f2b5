/* SPDX-License-Identifier: MIT */
/* The debug-exit port. */
#include "dev/debug_exit.h"

static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	const struct keg_debug_exit *debug_exit = device;

	(void)offset;
	(void)bytes;
	debug_exit->end(debug_exit->context, (uint32_t)(value << 1) | 1);
}

const struct keg_bus_ops keg_debug_exit_ops = {.write = write_access};
