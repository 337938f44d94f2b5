/* SPDX-License-Identifier: MIT */
/*
 * A PC's ACPI tables (ACPI 6.4): RSDP, FACS, DSDT, FADT, MADT, MCFG, XSDT. No more than there is:
 * what a kernel finds here it goes and looks for.
 */
#ifndef KEG_BOOT_ACPI_H
#define KEG_BOOT_ACPI_H

#include <stdbool.h>

#include <keg/mem.h>

/* [start, start + bytes); no bytes: there is none. */
struct keg_acpi_range {
	uint64_t start, bytes;
};

/* A virtio device with MMIO transport. */
struct keg_acpi_virtio {
	uint32_t address, bytes, gsi;
	bool edge; /* it gives edges, as an eventfd does; else levels */
};

struct keg_acpi_config {
	uint32_t cpus;
	const uint32_t *apic_ids; /* of each CPU; NULL: its number */
	uint32_t ioapic_address;
	bool pics; /* there are two 8259s, too */
	/* PCI. No buses: there is none. A slot's INTA is GSI pci_gsi + slot % pci_gsi_count. */
	uint64_t ecam; /* of bus 0: 1 MiB each */
	uint32_t pci_buses;
	struct keg_acpi_range pci_memory, pci_memory64, pci_ports; /* what the BARs are in */
	uint32_t pci_gsi, pci_gsi_count;
	/* Ports; 0: there is no such thing. */
	uint16_t pm_event, pm_control; /* struct keg_power's; needed */
	uint16_t pm_timer;             /* Linux boots faster without */
	uint16_t reset;                /* a write of `reset_value` resets */
	uint8_t reset_value;
	uint8_t sci; /* an ISA interrupt */
	uint8_t serial_irq;
	uint16_t serial;
	uint16_t rtc;
	uint16_t pvpanic;
	const struct keg_acpi_virtio *virtio; /* 4096 at most */
	size_t virtio_count;
};

/*
 * Writes the tables for guest-physical address `gpa`, a multiple of 16 below 4 GiB; the RSDP is the
 * first. Returns how many bytes they have. The guest may write to the FACS: it has to be memory.
 * -ENOSPC `size` is too small; -EINVAL the configuration, the message says what of it
 */
int keg_acpi_build(const struct keg_acpi_config *config, keg_gpa gpa, void *buffer, size_t size);

#endif
