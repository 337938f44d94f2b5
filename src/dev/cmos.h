/* SPDX-License-Identifier: MIT */
/*
 * A Motorola MC146818 real-time clock with 128 bytes of battery-backed memory, as PCs have it: an
 * index port and a data port. It shows the host's time in UTC, and a guest cannot set it: what it
 * writes to the time is ignored. It raises no interrupts. Facts are from the data sheet
 * (MC146818AS, 1984), and the century's place is that of the PC.
 *
 * Threads: any thread at any time; `now` is called with the clock's lock held.
 */
#ifndef KEG_DEV_CMOS_H
#define KEG_DEV_CMOS_H

#include <pthread.h>
#include <stdbool.h>

#include <keg/bus.h>

enum {
	KEG_CMOS_SIZE = 2, /* bytes of its region */
	KEG_CMOS_RAM = 128,
};

/* Where the time comes from: nanoseconds since 1970-01-01 00:00 UTC. */
struct keg_cmos_clock {
	uint64_t (*now)(void *context);
	void *context;
};

struct keg_cmos {
	struct keg_cmos_clock clock;
	pthread_mutex_t lock;
	uint32_t index;
	uint8_t ram[KEG_CMOS_RAM]; /* but for the time and registers C and D */
	uint64_t shown;            /* the time that is shown, as `now` gave it */
	uint32_t fields_read;      /* which of its fields have been read: see refresh() */
	uint64_t update_seen;      /* the second in which register C was read last */
};

extern const struct keg_bus_ops keg_cmos_ops;

/* Makes one, with all memory zero and the registers as firmware leaves them: BCD, 24 hours. */
int keg_cmos_init(struct keg_cmos *cmos, const struct keg_cmos_clock *clock);
void keg_cmos_fini(struct keg_cmos *cmos);

#endif
