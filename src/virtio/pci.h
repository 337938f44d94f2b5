/* SPDX-License-Identifier: MIT */
/*
 * A virtio device as a PCI function (virtio 1.2, section 4.1): modern only, with MSI-X, and an
 * interrupt line for drivers without it.
 *
 * Threads: what the driver does may come in any thread. Locks are taken in this order: the PCI
 * bus's, `lock`, the device's, `bell_lock`; `line_lock` and those of MSI-X come last.
 */
#ifndef KEG_VIRTIO_PCI_H
#define KEG_VIRTIO_PCI_H

#include <pthread.h>
#include <stdatomic.h>

#include "dev/doorbell.h"
#include "dev/irq.h"
#include "dev/msix.h"
#include "dev/pci.h"
#include "virtio/device.h"

enum {
	KEG_VIRTIO_PCI_QUEUES = 1024,      /* most that there can be */
	KEG_VIRTIO_PCI_PORT_QUEUES = 64,   /* most that a BAR of ports has room for */
	KEG_VIRTIO_PCI_CONFIG_BYTES = 4096 /* most that a configuration space can have */
};

/* Where a BAR is now. */
struct keg_virtio_pci_place {
	bool mapped;
	uint64_t address;
};

struct keg_virtio_pci {
	struct keg_virtio *device;
	struct keg_irq irq;
	struct keg_doorbells doorbells;
	struct keg_pci_function function;
	struct keg_msix msix;
	bool is_master;  /* by the command register; the PCI bus's lock */
	uint32_t window; /* the capability through which BARs are reached, in configuration space */

	pthread_mutex_t lock; /* the common configuration's registers */
	uint32_t device_feature_select, driver_feature_select, queue_select;
	_Atomic uint32_t config_vector;
	_Atomic uint32_t *queue_vectors;

	pthread_mutex_t line_lock;
	uint32_t isr;
	bool line_disabled; /* by the command register */
	bool line;

	pthread_mutex_t bell_lock;
	bool serving;
	struct keg_virtio_pci_place memory, ports;
	struct keg_doorbell *bells; /* one for each queue; fd is -1 for what is not bound */
};

/* What a function is made of: the structures are copied. */
struct keg_virtio_pci_config {
	struct keg_virtio *device; /* must outlive the function */
	struct keg_pci_bus *bus;
	uint8_t slot; /* as keg_pci_add() has it */
	struct keg_msi msi;
	struct keg_irq irq; /* without `set` the function has no interrupt line */
	struct keg_doorbells doorbells;
	/* Notifications by ports too, where there are no more than KEG_VIRTIO_PCI_PORT_QUEUES:
	 * the driver is to prefer those, as their exits need no decoding of instructions. */
	bool ports;
};

/*
 * How many MSI-X vectors a device's function has: one for each queue, and one for changes of the
 * configuration. The board's struct keg_msi sees numbers below that.
 */
uint32_t keg_virtio_pci_vectors(const struct keg_virtio *device);

/* Puts the function on the bus. -EINVAL it has too many queues, or too large a configuration
 * space; -ENOMEM; what keg_pci_add() says */
int keg_virtio_pci_init(struct keg_virtio_pci *pci, const struct keg_virtio_pci_config *config);

/* Takes it off the bus and resets the device, which no longer has a transport then. Only when no
 * vCPU runs; before keg_virtio_fini(). */
void keg_virtio_pci_fini(struct keg_virtio_pci *pci);

#endif
