/* SPDX-License-Identifier: MIT */
/* The parts of a virtio PCI function, for each other: what is where, and who does what. */
#ifndef KEG_VIRTIO_PCI_PARTS_H
#define KEG_VIRTIO_PCI_PARTS_H

#include "virtio/pci.h"

/* The memory BAR: each structure has pages of its own. */
enum {
	KEG_VIRTIO_PCI_COMMON = 0x0000,
	KEG_VIRTIO_PCI_ISR = 0x1000,
	KEG_VIRTIO_PCI_DEVICE = 0x2000,
	KEG_VIRTIO_PCI_NOTIFY = 0x3000,
	KEG_VIRTIO_PCI_PENDING = 0x4000,
	KEG_VIRTIO_PCI_TABLE = 0x8000,
	KEG_VIRTIO_PCI_MEMORY_SIZE = 0x10000,

	KEG_VIRTIO_PCI_COMMON_BYTES = 0x38,
	KEG_VIRTIO_PCI_MULTIPLIER = 4, /* from a queue's notification address to the next one's */

	/* VIRTIO_MSI_NO_VECTOR (section 4.1.5.1.2) */
	KEG_VIRTIO_PCI_NO_VECTOR = 0xffff,

	/* BARs; the memory BAR takes two registers. */
	KEG_VIRTIO_PCI_MEMORY_BAR = 0,
	KEG_VIRTIO_PCI_PORT_BAR = 2,
};

/* ---- pci_common.c: the common configuration ---- */

uint64_t keg_virtio_pci_read_common(void *device, uint64_t offset, uint32_t bytes);
void keg_virtio_pci_write_common(void *device, uint64_t offset, uint64_t value, uint32_t bytes);

/* ---- pci_interrupt.c ---- */

/* No queue has a vector, and nothing is to be told. */
void keg_virtio_pci_reset_interrupts(struct keg_virtio_pci *pci);

/* As struct keg_virtio_transport_ops has them. */
void keg_virtio_pci_interrupt(void *transport, uint16_t queue);
void keg_virtio_pci_config_changed(void *transport);

/* Reading tells what has happened, once. */
uint64_t keg_virtio_pci_read_isr(void *device, uint64_t offset, uint32_t bytes);

/* A look, for the status register, that changes nothing. */
bool keg_virtio_pci_is_interrupting(struct keg_virtio_pci *pci);

/* The guest has turned the line on or off, or MSI-X, which takes its place. */
void keg_virtio_pci_update_line(struct keg_virtio_pci *pci, bool disabled);

/* ---- pci_doorbell.c ---- */

void keg_virtio_pci_serving(void *transport, bool begins);
void keg_virtio_pci_memory_moved(void *device, bool mapped, uint64_t address);
void keg_virtio_pci_ports_moved(void *device, bool mapped, uint64_t address);

/* A write to a notification address is for the queue that it belongs to, whatever is written. */
void keg_virtio_pci_notify(void *device, uint64_t offset, uint64_t value, uint32_t bytes);

/* ---- pci_window.c: the capability that reaches BARs through configuration space ---- */

int keg_virtio_pci_add_window(struct keg_virtio_pci *pci);
void keg_virtio_pci_window_read(struct keg_virtio_pci *pci, uint32_t offset, uint32_t bytes);
void keg_virtio_pci_window_written(struct keg_virtio_pci *pci, uint32_t offset, uint32_t bytes);

/* ---- pci_capability.c ---- */

/* A capability's layout (section 4.1.4). */
enum {
	KEG_VIRTIO_PCI_CAP_LENGTH = 2,
	KEG_VIRTIO_PCI_CAP_TYPE = 3,
	KEG_VIRTIO_PCI_CAP_BAR = 4,
	KEG_VIRTIO_PCI_CAP_START = 8,
	KEG_VIRTIO_PCI_CAP_SIZE = 12,
	KEG_VIRTIO_PCI_CAP_BYTES = 16,
	KEG_VIRTIO_PCI_CAP_EXTRA = 16, /* a multiplier, or data: 4 bytes, in some types */

	KEG_VIRTIO_PCI_TYPE_COMMON = 1,
	KEG_VIRTIO_PCI_TYPE_NOTIFY = 2,
	KEG_VIRTIO_PCI_TYPE_ISR = 3,
	KEG_VIRTIO_PCI_TYPE_DEVICE = 4,
	KEG_VIRTIO_PCI_TYPE_WINDOW = 5,
};

/* All that the function has. */
int keg_virtio_pci_add_capabilities(struct keg_virtio_pci *pci);

#endif
