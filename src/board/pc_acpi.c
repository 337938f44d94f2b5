/* SPDX-License-Identifier: MIT */
/* What a kernel is told of the PC: ACPI tables, and the addresses that it is to leave alone. */
#include "board/pc.h"
#include "board/platform.h"
#include "board/virtio.h"
#include "boot/acpi.h"

/* Beside memory: where a firmware would be, and registers that no table lists. */
static const struct keg_boot_range reserved[] = {
	{0xa0000, PC_ACPI_START - 0xa0000, 2},
	{PC_ACPI_START, PC_ACPI_BYTES, 2},
	{PC_ECAM, KEG_PCI_ECAM_BYTES, 2},
};

static void describe_virtio(struct keg_board *board, struct keg_acpi_config *config,
	struct keg_acpi_virtio list[BOARD_VIRTIO_MOST])
{
	for (size_t i = 0; i < board->virtios->count; i++) {
		list[i] = (struct keg_acpi_virtio){
			.address = (uint32_t)pc_virtio_mmio(i),
			.bytes = (uint32_t)PC_VIRTIO_MMIO_SIZE,
			.gsi = keg_pc_virtio_gsi(i),
		};
	}
	config->virtio = list;
	config->virtio_count = board->virtios->count;
}

static void describe_pci(struct keg_acpi_config *config)
{
	config->ecam = PC_ECAM;
	config->pci_buses = 1;
	config->pci_memory = (struct keg_acpi_range){
		PC_PCI_MEMORY_START, PC_PCI_MEMORY_END - PC_PCI_MEMORY_START};
	config->pci_ports =
		(struct keg_acpi_range){PC_PORT_PCI_START, PC_PORT_PCI_END - PC_PORT_PCI_START};
	config->pci_gsi = PC_GSI_PCI;
	config->pci_gsi_count = PC_GSI_PCI_COUNT;
}

int keg_platform_describe(struct keg_board *board, struct keg_boot_config *boot)
{
	struct keg_acpi_virtio list[BOARD_VIRTIO_MOST];
	struct keg_acpi_config config = {
		.cpus = board->config.cpus,
		.ioapic_address = (uint32_t)PC_IOAPIC,
		.pics = !(board->config.flags & KEG_BOARD_SPLIT_IRQCHIP),
		.pm_event = PC_PORT_PM + KEG_POWER_EVENT,
		.pm_control = PC_PORT_PM + KEG_POWER_CONTROL,
		.reset = 0xcf9,
		.reset_value = 6,
		.sci = PC_GSI_SCI,
		.serial = 0x3f8,
		.serial_irq = PC_GSI_UART,
		.rtc = 0x70,
		.pvpanic = PC_PORT_PVPANIC,
	};
	void *tables;
	int rc;

	/* A machine too small for them has none: it has room for no kernel that reads them. */
	if (board->config.memory_bytes < PC_ACPI_START + PC_ACPI_BYTES)
		return 0;
	if (board->config.flags & KEG_BOARD_MMIO)
		describe_virtio(board, &config, list);
	else
		describe_pci(&config);
	rc = keg_mem_slice(board->mem, PC_ACPI_START, PC_ACPI_BYTES, KEG_ACCESS_WRITE, &tables);
	if (!rc)
		rc = keg_acpi_build(&config, PC_ACPI_START, tables, PC_ACPI_BYTES);
	if (rc < 0)
		return rc;
	boot->acpi_rsdp = PC_ACPI_START;
	boot->reserved = reserved;
	boot->reserved_count = sizeof(reserved) / sizeof(reserved[0]);
	return 0;
}
