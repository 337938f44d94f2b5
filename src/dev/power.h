/* SPDX-License-Identifier: MIT */
/*
 * ACPI's fixed power management hardware (ACPI 6.4, section 4.8.3): the PM1a event and control
 * registers and the PM timer, with a power button. ACPI is always enabled: there is no SMI command
 * port. Of the fixed events only the power button's ever happens; the timer's carry is not told.
 *
 * Threads: any thread at any time; `now` and the SCI are called with the device's lock held, `off`
 * without it, in the vCPU's thread.
 */
#ifndef KEG_DEV_POWER_H
#define KEG_DEV_POWER_H

#include <pthread.h>

#include <keg/bus.h>

#include "dev/irq.h"

enum {
	/* Its region, and what is where in it: what the FADT tells of. */
	KEG_POWER_SIZE = 12,
	KEG_POWER_EVENT = 0,   /* PM1a_EVT: 4 bytes */
	KEG_POWER_CONTROL = 4, /* PM1a_CNT: 2 bytes */
	KEG_POWER_TIMER = 8,   /* PM_TMR: 4 bytes, all 32 bits of it count */

	KEG_POWER_SLEEP_TYPE_S5 = 0, /* what the board's \_S5 object says: off */
};

struct keg_power_config {
	void (*off)(void *context);
	uint64_t (*now)(void *context); /* nanoseconds, from any time on; never back */
	void *context;
	struct keg_irq sci; /* a level: the power button was pressed, and the guest wants to know */
};

struct keg_power {
	struct keg_power_config config;
	pthread_mutex_t lock;
	uint32_t status, enable; /* PM1a_STS, PM1a_EN */
	bool sci;                /* how the line stands */
	bool off;                /* the guest has just asked for it */
};

extern const struct keg_bus_ops keg_power_ops;

int keg_power_init(struct keg_power *power, const struct keg_power_config *config);
void keg_power_fini(struct keg_power *power);

/* Presses the power button. Any thread. */
void keg_power_press(struct keg_power *power);

#endif
