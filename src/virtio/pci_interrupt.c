/* SPDX-License-Identifier: MIT */
/* A virtio PCI function's interrupts: messages, or a line with the ISR status beside it. */
#include "virtio/pci_parts.h"

/* The ISR status (virtio 1.2, section 4.1.4.5). */
enum { ISR_QUEUE = 1 << 0, ISR_CONFIG = 1 << 1 };

/* With `line_lock` held. Whoever uses MSI-X does not use the line (PCI 3.0, section 6.8). */
static void set_line(struct keg_virtio_pci *pci)
{
	bool high = pci->isr && !pci->line_disabled && !keg_msix_enabled(&pci->msix);

	if (high == pci->line)
		return;
	pci->line = high;
	keg_irq_set(&pci->irq, high);
}

static void raise(struct keg_virtio_pci *pci, uint32_t why)
{
	pthread_mutex_lock(&pci->line_lock);
	pci->isr |= why;
	set_line(pci);
	pthread_mutex_unlock(&pci->line_lock);
}

static uint32_t take_isr(struct keg_virtio_pci *pci)
{
	uint32_t isr;

	pthread_mutex_lock(&pci->line_lock);
	isr = pci->isr;
	pci->isr = 0;
	set_line(pci);
	pthread_mutex_unlock(&pci->line_lock);
	return isr;
}

void keg_virtio_pci_reset_interrupts(struct keg_virtio_pci *pci)
{
	atomic_store(&pci->config_vector, KEG_VIRTIO_PCI_NO_VECTOR);
	for (uint32_t i = 0; i < pci->device->queue_count; i++)
		atomic_store(&pci->queue_vectors[i], KEG_VIRTIO_PCI_NO_VECTOR);
	(void)take_isr(pci);
}

/* NO_VECTOR is none that MSI-X knows of, and sends nothing. */
void keg_virtio_pci_interrupt(void *transport, uint16_t queue)
{
	struct keg_virtio_pci *pci = transport;

	if (keg_msix_enabled(&pci->msix))
		keg_msix_send(&pci->msix, atomic_load(&pci->queue_vectors[queue]));
	else
		raise(pci, ISR_QUEUE);
}

/* The status tells of this with MSI-X, too (section 4.1.4.5.1). */
void keg_virtio_pci_config_changed(void *transport)
{
	struct keg_virtio_pci *pci = transport;

	raise(pci, ISR_CONFIG);
	keg_msix_send(&pci->msix, atomic_load(&pci->config_vector));
}

uint64_t keg_virtio_pci_read_isr(void *device, uint64_t offset, uint32_t bytes)
{
	(void)bytes;
	return offset ? 0 : take_isr(device);
}

bool keg_virtio_pci_is_interrupting(struct keg_virtio_pci *pci)
{
	bool any;

	pthread_mutex_lock(&pci->line_lock);
	any = pci->isr && !keg_msix_enabled(&pci->msix);
	pthread_mutex_unlock(&pci->line_lock);
	return any;
}

void keg_virtio_pci_update_line(struct keg_virtio_pci *pci, bool disabled)
{
	pthread_mutex_lock(&pci->line_lock);
	pci->line_disabled = disabled;
	set_line(pci);
	pthread_mutex_unlock(&pci->line_lock);
}
