/* SPDX-License-Identifier: MIT */
/* ACPI's PM1a control register (ACPI 6.5, section 4.8.3.2), as far as powering off needs it. */
#ifndef KEG_DEV_POWER_H
#define KEG_DEV_POWER_H

#include <keg/bus.h>

enum {
	KEG_POWER_SIZE = 2, /* bytes of its region */

	KEG_POWER_SLEEP_TYPE_S5 = 0, /* what the board's \_S5 object says: off */
};

/* `off` is called in the vCPU's thread. The register reads as SCI_EN: ACPI is always enabled. */
struct keg_power {
	void (*off)(void *context);
	void *context;
};

extern const struct keg_bus_ops keg_power_ops;

#endif
