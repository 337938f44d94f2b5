/* SPDX-License-Identifier: MIT */
/* A virtio PCI function's notifications: as doorbells, wherever its BARs are, or as exits. */
#include "virtio/pci_parts.h"

/* A driver writes the queue's index, 2 bytes (virtio 1.2, section 4.1.5.2). */
enum { ANY_LENGTH = 0, NOTIFICATION_BYTES = 2 };

/* Any length is best: the kernel need not look at the instruction. Not every one can. */
static void bind(struct keg_virtio_pci *pci, struct keg_doorbell *bell, struct keg_doorbell wanted)
{
	const struct keg_doorbells *doorbells = &pci->doorbells;

	wanted.bytes = ANY_LENGTH;
	if (doorbells->bind(doorbells->context, &wanted) < 0) {
		wanted.bytes = NOTIFICATION_BYTES;
		if (doorbells->bind(doorbells->context, &wanted) < 0)
			return;
	}
	*bell = wanted;
}

/* With `bell_lock` held; nothing is bound. Where the driver is to notify, if it can, and nowhere
 * else: each doorbell takes the kernel a while. */
static void bind_all(struct keg_virtio_pci *pci)
{
	struct keg_doorbell wanted = {.pio = pci->ports.mapped};
	uint64_t start =
		wanted.pio ? pci->ports.address : pci->memory.address + KEG_VIRTIO_PCI_NOTIFY;

	if (!pci->serving || !pci->doorbells.bind || !(pci->ports.mapped || pci->memory.mapped))
		return;
	for (uint32_t i = 0; i < pci->device->queue_count; i++) {
		const struct keg_virtio_queue *queue = &pci->device->queues[i];

		if (!queue->doorbell || !queue->enabled)
			continue;
		wanted.address = start + (uint64_t)i * KEG_VIRTIO_PCI_MULTIPLIER;
		wanted.fd = queue->kick;
		bind(pci, &pci->bells[i], wanted);
	}
}

static void unbind_all(struct keg_virtio_pci *pci)
{
	for (uint32_t i = 0; i < pci->device->queue_count; i++) {
		if (pci->bells[i].fd < 0)
			continue;
		if (pci->doorbells.unbind)
			pci->doorbells.unbind(pci->doorbells.context, &pci->bells[i]);
		pci->bells[i].fd = -1;
	}
}

void keg_virtio_pci_serving(void *transport, bool begins)
{
	struct keg_virtio_pci *pci = transport;

	pthread_mutex_lock(&pci->bell_lock);
	unbind_all(pci);
	pci->serving = begins;
	bind_all(pci);
	pthread_mutex_unlock(&pci->bell_lock);
}

static void move(struct keg_virtio_pci *pci, struct keg_virtio_pci_place *place, bool mapped,
	uint64_t address)
{
	pthread_mutex_lock(&pci->bell_lock);
	unbind_all(pci);
	place->mapped = mapped;
	place->address = address;
	bind_all(pci);
	pthread_mutex_unlock(&pci->bell_lock);
}

void keg_virtio_pci_memory_moved(void *device, bool mapped, uint64_t address)
{
	struct keg_virtio_pci *pci = device;

	move(pci, &pci->memory, mapped, address);
}

void keg_virtio_pci_ports_moved(void *device, bool mapped, uint64_t address)
{
	struct keg_virtio_pci *pci = device;

	move(pci, &pci->ports, mapped, address);
}

void keg_virtio_pci_notify(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;

	(void)value;
	(void)bytes;
	if (offset % KEG_VIRTIO_PCI_MULTIPLIER == 0)
		keg_virtio_kick(pci->device, (uint32_t)(offset / KEG_VIRTIO_PCI_MULTIPLIER));
}
