/* SPDX-License-Identifier: MIT */
/* The port for panics. */
#include "dev/pvpanic.h"

enum { EVENTS = KEG_PVPANIC_PANICKED | KEG_PVPANIC_CRASH_LOADED };

static uint64_t read_access(void *device, uint64_t offset, uint32_t bytes)
{
	(void)device;
	(void)bytes;
	return offset ? 0 : EVENTS;
}

/* Bits that are unknown here are ignored, as the specification asks for. */
static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	const struct keg_pvpanic *pvpanic = device;
	uint32_t events = (uint32_t)value & EVENTS;

	(void)bytes;
	if (!offset && events)
		pvpanic->event(pvpanic->context, events);
}

const struct keg_bus_ops keg_pvpanic_ops = {read_access, write_access};
