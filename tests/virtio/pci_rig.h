/* SPDX-License-Identifier: MIT */
/*
 * A virtio device as a PCI function on a machine's buses, and what a driver does with it: finds its
 * structures through the capabilities, and reads and writes them where its BARs are. The device
 * serves when the test says so: it returns each chain, having written nothing.
 */
#ifndef KEG_TESTS_VIRTIO_PCI_RIG_H
#define KEG_TESTS_VIRTIO_PCI_RIG_H

#include "driver.h"
#include "testing.h"
#include "virtio/pci.h"

enum {
	RIG_SLOT = 3,
	RIG_QUEUES = 3,
	RIG_VECTORS = RIG_QUEUES + 1,
	RIG_CONFIG_BYTES = 24,
	RIG_BELLS = 8,
	RIG_ECAM = 0xe0000000,
	RIG_MEMORY = 0xc0000000,
	RIG_PORTS = 0xc000,
	RIG_NO_VECTOR = 0xffff,
	RIG_MSIX_ENABLED = 0x8000,
};

/* A structure, as a capability tells of it. */
struct rig_structure {
	uint32_t capability; /* where that is; 0 if there is none */
	uint8_t bar;
	uint32_t offset, bytes;
	uint32_t multiplier;
};

struct pci_rig {
	struct driver driver;
	struct keg_bus *ports, *memory;
	struct keg_pci_bus bus;
	struct keg_virtio virtio;
	struct keg_virtio_pci pci;
	uint8_t config[RIG_CONFIG_BYTES];
	unsigned starts, stops;

	struct rig_structure common, isr, device, notify_ports, notify_memory, window;
	uint32_t msix; /* its capability */

	/* What the board would get. */
	bool line;
	bool armed[RIG_VECTORS];
	unsigned sent[RIG_VECTORS];
	struct keg_doorbell bells[RIG_BELLS];
	unsigned bell_count, binds;
	bool no_any_length, no_bells;
};

/* With notifications by ports too, and a line, if the test wants them. */
void pci_rig_init(struct pci_rig *rig, bool ports, bool line);
void pci_rig_fini(struct pci_rig *rig);

/* Configuration space, through ECAM; a BAR's bytes, wherever it is. */
uint32_t rig_config_read(struct pci_rig *rig, uint32_t offset, uint32_t bytes);
void rig_config_write(struct pci_rig *rig, uint32_t offset, uint32_t value, uint32_t bytes);
uint64_t rig_bar_address(struct pci_rig *rig, uint32_t bar);
uint64_t rig_read(
	struct pci_rig *rig, const struct rig_structure *at, uint32_t offset, uint32_t bytes);
void rig_write(struct pci_rig *rig, const struct rig_structure *at, uint32_t offset, uint64_t value,
	uint32_t bytes);

/* The command register: memory, ports and bus master. */
void rig_enable(struct pci_rig *rig);

/* MSI-X, with each vector's message filled in and unmasked. */
void rig_enable_msix(struct pci_rig *rig);
uint64_t rig_table(uint32_t vector); /* where its entry is in the memory BAR */

/* All that a driver does until DRIVER_OK, through the registers. */
void rig_set_up_queue(struct pci_rig *rig, uint16_t queue);
void rig_start(struct pci_rig *rig);
void rig_reset(struct pci_rig *rig);

/* Gives back, as the device, all that there is in a queue, and tells the driver. */
unsigned rig_serve(struct pci_rig *rig, uint16_t queue);

/* Adds a chain and serves it: whether the driver sees it come back. */
bool rig_works(struct pci_rig *rig, uint16_t queue);

#endif
