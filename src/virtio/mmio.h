/* SPDX-License-Identifier: MIT */
/*
 * The memory-mapped transport (virtio 1.2, section 4.2): a window of registers, the configuration
 * space at 0x100 of it, and an interrupt line.
 *
 * Threads: as device.h has it.
 */
#ifndef KEG_VIRTIO_MMIO_H
#define KEG_VIRTIO_MMIO_H

#include <keg/bus.h>

#include "dev/doorbell.h"
#include "dev/irq.h"
#include "virtio/device.h"

enum { KEG_VIRTIO_MMIO_SIZE = 0x200 };

struct keg_virtio_mmio {
	struct keg_virtio *device;
	struct keg_irq irq;
	struct keg_doorbells doorbells;
	uint64_t address; /* where the board has put the window */
	uint64_t bound;   /* a bit for each of the first 64 queues that has a doorbell */

	/* What the registers to come are about. */
	_Atomic uint32_t device_features_sel, driver_features_sel, queue_sel;

	pthread_mutex_t lock;      /* of what follows; taken last, and held while the line is set */
	uint32_t interrupt_status; /* section 4.2.2: the line is high while it is not 0 */
};

/* The transport of a device; everything is borrowed. `doorbells` may be NULL: there are none. */
int keg_virtio_mmio_init(struct keg_virtio_mmio *mmio, struct keg_virtio *device,
	const struct keg_irq *irq, const struct keg_doorbells *doorbells);
/* After the device's own end. */
void keg_virtio_mmio_fini(struct keg_virtio_mmio *mmio);

/* Where the window is, for doorbells. Before the driver is ready. */
void keg_virtio_mmio_place(struct keg_virtio_mmio *mmio, uint64_t address);

/* For a region of KEG_VIRTIO_MMIO_SIZE bytes, whose device is the transport. */
extern const struct keg_bus_ops keg_virtio_mmio_ops;

#endif
