/* SPDX-License-Identifier: MIT */
/*
 * BARs through configuration space (virtio 1.2, section 4.1.4.9), for firmware that maps nothing:
 * the driver writes BAR, offset and length, and reads or writes data. The BAR's own operations do
 * it, whether it is mapped or not, with the PCI bus's lock held.
 */
#include "virtio/pci_parts.h"

enum { DATA_BYTES = 4, WINDOW_BYTES = KEG_VIRTIO_PCI_CAP_EXTRA + DATA_BYTES };

int keg_virtio_pci_add_window(struct keg_virtio_pci *pci)
{
	const uint8_t bytes[WINDOW_BYTES] = {
		[KEG_VIRTIO_PCI_CAP_LENGTH] = WINDOW_BYTES,
		[KEG_VIRTIO_PCI_CAP_TYPE] = KEG_VIRTIO_PCI_TYPE_WINDOW,
	};
	uint8_t writable[WINDOW_BYTES] = {[KEG_VIRTIO_PCI_CAP_BAR] = 0xff};
	int rc;

	for (uint32_t i = KEG_VIRTIO_PCI_CAP_START; i < WINDOW_BYTES; i++)
		writable[i] = 0xff;
	rc = keg_pci_add_capability(
		&pci->function, KEG_PCI_CAPABILITY_VENDOR, bytes, writable, WINDOW_BYTES);
	if (rc > 0)
		pci->window = (uint32_t)rc;
	return rc;
}

/* What the driver has said, if there is such a place. */
struct target {
	const struct keg_pci_bar *bar;
	uint32_t offset, bytes;
};

static bool find_target(const struct keg_virtio_pci *pci, struct target *target)
{
	const struct keg_pci_function *function = &pci->function;
	uint32_t bar = keg_pci_get(function, pci->window + KEG_VIRTIO_PCI_CAP_BAR, 1);

	if (bar >= KEG_PCI_BARS || function->bars[bar].kind == KEG_PCI_BAR_NONE)
		return false;
	target->bar = &function->bars[bar];
	target->offset = keg_pci_get(function, pci->window + KEG_VIRTIO_PCI_CAP_START, 4);
	target->bytes = keg_pci_get(function, pci->window + KEG_VIRTIO_PCI_CAP_SIZE, 4);
	if (target->bytes != 1 && target->bytes != 2 && target->bytes != 4)
		return false;
	return target->offset % target->bytes == 0 && target->offset < target->bar->size;
}

static uint32_t data_of(const struct keg_virtio_pci *pci)
{
	return pci->window + KEG_VIRTIO_PCI_CAP_EXTRA;
}

void keg_virtio_pci_window_read(struct keg_virtio_pci *pci, uint32_t offset, uint32_t bytes)
{
	struct target target;
	uint64_t value;

	if (!keg_pci_touches(offset, bytes, data_of(pci), DATA_BYTES) || !find_target(pci, &target))
		return;
	value = target.bar->ops->read(pci, target.offset, target.bytes);
	keg_pci_put(&pci->function, data_of(pci), (uint32_t)value, target.bytes);
}

void keg_virtio_pci_window_written(struct keg_virtio_pci *pci, uint32_t offset, uint32_t bytes)
{
	struct target target;

	if (keg_pci_touches(offset, bytes, data_of(pci), DATA_BYTES) && find_target(pci, &target))
		target.bar->ops->write(pci, target.offset,
			keg_pci_get(&pci->function, data_of(pci), target.bytes), target.bytes);
}
