/* SPDX-License-Identifier: MIT */
/* The PC's virtio devices: functions of its PCI bus, or pages of registers. */
#include <stdlib.h>

#include "base/error.h"
#include "board/pc.h"
#include "board/platform.h"
#include "board/virtio.h"
#include "virtio/mmio.h"
#include "virtio/pci.h"

struct pc_virtio {
	struct pc_input input;
	struct board_msi msi;
	union {
		struct keg_virtio_pci pci;
		struct keg_virtio_mmio mmio;
	};
};

static bool by_mmio(const struct keg_board *board)
{
	return board->config.flags & KEG_BOARD_MMIO;
}

uint32_t keg_pc_virtio_gsi(size_t index)
{
	return PC_GSI_PCI + (uint32_t)(pc_virtio_slot(index) % PC_GSI_PCI_COUNT);
}

bool keg_platform_wants_entropy(const struct keg_board *board)
{
	return !(board->config.flags & KEG_BOARD_NO_ENTROPY);
}

/* ---- Doorbells ---- */

static int bind_doorbell(void *context, const struct keg_doorbell *doorbell)
{
	struct keg_board *board = context;

	return keg_vm_add_doorbell(board->vm, doorbell);
}

static void unbind_doorbell(void *context, const struct keg_doorbell *doorbell)
{
	struct keg_board *board = context;

	(void)keg_vm_remove_doorbell(board->vm, doorbell);
}

static struct keg_doorbells doorbells_of(struct keg_board *board)
{
	return (struct keg_doorbells){
		.bind = bind_doorbell, .unbind = unbind_doorbell, .context = board};
}

/* ---- The two transports ---- */

static int attach_pci(
	struct pc *pc, struct pc_virtio *place, struct keg_virtio *device, size_t index)
{
	struct keg_virtio_pci_config config = {
		.device = device,
		.bus = &pc->pci,
		.slot = pc_virtio_slot(index),
		.irq = keg_pc_input_connect(pc, &place->input, keg_pc_virtio_gsi(index)),
		.doorbells = doorbells_of(pc->board),
		.ports = true,
	};
	int rc = keg_board_msi_init(&place->msi, &pc->routes, keg_virtio_pci_vectors(device));

	if (rc)
		return rc;
	config.msi = keg_board_msi_lines(&place->msi);
	rc = keg_virtio_pci_init(&place->pci, &config);
	if (rc)
		keg_board_msi_fini(&place->msi);
	return rc;
}

static int attach_mmio(
	struct pc *pc, struct pc_virtio *place, struct keg_virtio *device, size_t index)
{
	const struct keg_irq irq =
		keg_pc_input_connect(pc, &place->input, keg_pc_virtio_gsi(index));
	const struct keg_doorbells doorbells = doorbells_of(pc->board);
	struct keg_bus_region region = {
		.name = "virtio registers",
		.start = pc_virtio_mmio(index),
		.size = PC_VIRTIO_MMIO_SIZE,
		.ops = &keg_virtio_mmio_ops,
		.device = &place->mmio,
	};
	int rc = keg_virtio_mmio_init(&place->mmio, device, &irq, &doorbells);

	if (rc)
		return rc;
	keg_virtio_mmio_place(&place->mmio, region.start);
	rc = keg_bus_add(pc->board->memory, &region);
	if (rc)
		keg_virtio_mmio_fini(&place->mmio);
	return rc;
}

int keg_platform_attach(struct keg_board *board, struct board_virtio *virtio, size_t index)
{
	struct pc_virtio *place = calloc(1, sizeof(*place));
	struct pc *pc = board->platform;
	int rc;

	if (!place)
		return keg_fail_errno(ENOMEM, "attaching a virtio device");
	rc = by_mmio(board) ? attach_mmio(pc, place, virtio->device, index)
			    : attach_pci(pc, place, virtio->device, index);
	if (rc) {
		free(place);
		return rc;
	}
	virtio->attachment = place;
	return 0;
}

void keg_platform_detach(struct keg_board *board, struct board_virtio *virtio)
{
	struct pc_virtio *place = virtio->attachment;

	if (by_mmio(board)) {
		keg_virtio_set_status(virtio->device, 0);
		(void)keg_bus_remove(board->memory, place->mmio.address);
		keg_virtio_mmio_fini(&place->mmio);
	} else {
		keg_virtio_pci_fini(&place->pci);
		keg_board_msi_fini(&place->msi);
	}
	free(place);
	virtio->attachment = NULL;
}
