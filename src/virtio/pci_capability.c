/* SPDX-License-Identifier: MIT */
/* The capabilities that tell a driver where a virtio PCI function's structures are. */
#include "virtio/pci_parts.h"

enum { MULTIPLIER_BYTES = 4 };

/* One of a structure's places (virtio 1.2, section 4.1.4). */
struct structure {
	uint8_t type, bar;
	uint32_t start, size;
};

static int add(struct keg_virtio_pci *pci, const struct structure *structure)
{
	uint8_t bytes[KEG_VIRTIO_PCI_CAP_BYTES + MULTIPLIER_BYTES] = {0};
	uint8_t count = KEG_VIRTIO_PCI_CAP_BYTES;

	if (structure->type == KEG_VIRTIO_PCI_TYPE_NOTIFY) {
		bytes[KEG_VIRTIO_PCI_CAP_EXTRA] = KEG_VIRTIO_PCI_MULTIPLIER;
		count += MULTIPLIER_BYTES;
	}
	bytes[KEG_VIRTIO_PCI_CAP_LENGTH] = count;
	bytes[KEG_VIRTIO_PCI_CAP_TYPE] = structure->type;
	bytes[KEG_VIRTIO_PCI_CAP_BAR] = structure->bar;
	for (uint32_t i = 0; i < 4; i++) {
		bytes[KEG_VIRTIO_PCI_CAP_START + i] = (uint8_t)(structure->start >> 8 * i);
		bytes[KEG_VIRTIO_PCI_CAP_SIZE + i] = (uint8_t)(structure->size >> 8 * i);
	}
	return keg_pci_add_capability(
		&pci->function, KEG_PCI_CAPABILITY_VENDOR, bytes, NULL, count);
}

/* In the order in which the driver is to prefer them: ports before memory. */
int keg_virtio_pci_add_capabilities(struct keg_virtio_pci *pci)
{
	const uint32_t notify = pci->device->queue_count * KEG_VIRTIO_PCI_MULTIPLIER;
	const bool ports = pci->function.bars[KEG_VIRTIO_PCI_PORT_BAR].kind;
	const struct structure structures[] = {
		{KEG_VIRTIO_PCI_TYPE_COMMON, 0, KEG_VIRTIO_PCI_COMMON, KEG_VIRTIO_PCI_COMMON_BYTES},
		{KEG_VIRTIO_PCI_TYPE_ISR, 0, KEG_VIRTIO_PCI_ISR, 1},
		{KEG_VIRTIO_PCI_TYPE_DEVICE, 0, KEG_VIRTIO_PCI_DEVICE, pci->device->config_bytes},
		{KEG_VIRTIO_PCI_TYPE_NOTIFY, KEG_VIRTIO_PCI_PORT_BAR, 0, ports ? notify : 0},
		{KEG_VIRTIO_PCI_TYPE_NOTIFY, 0, KEG_VIRTIO_PCI_NOTIFY, notify},
	};
	int rc;

	for (size_t i = 0; i < sizeof(structures) / sizeof(structures[0]); i++) {
		/* What is empty is not there. */
		rc = structures[i].size ? add(pci, &structures[i]) : 0;
		if (rc < 0)
			return rc;
	}
	rc = keg_virtio_pci_add_window(pci);
	if (rc < 0)
		return rc;
	rc = keg_msix_add(&pci->msix, &pci->function, KEG_VIRTIO_PCI_MEMORY_BAR,
		KEG_VIRTIO_PCI_TABLE, KEG_VIRTIO_PCI_PENDING);
	return rc < 0 ? rc : 0;
}
