/* SPDX-License-Identifier: MIT */
/* A PC's devices, for the DSDT: those which a kernel would not find by itself. */
#include "boot/acpi_dsdt.h"

#include <stdio.h>

enum {
	PCI_SLOTS = 32,
	PCI_CONFIG_PORT = 0xcf8, /* PCI Local Bus 3.0, section 3.2.2.3.2 */
	PCI_CONFIG_PORTS = 8,
	ECAM_BUS_BYTES = 1 << 20,
	SERIAL_PORTS = 8,
	RTC_PORTS = 2,
	SLEEP_TYPE_S5 = 0, /* as struct keg_power has it */
};

static void put_eisa_id(struct keg_aml *aml, const char *name, const char *id)
{
	keg_aml_name(aml, name);
	keg_aml_eisa_id(aml, id);
}

static void put_integer(struct keg_aml *aml, const char *name, uint64_t value)
{
	keg_aml_name(aml, name);
	keg_aml_integer(aml, value);
}

static void begin_crs(struct keg_aml *aml)
{
	keg_aml_name(aml, "_CRS");
	keg_aml_begin_resources(aml);
}

/* ---- PCI ---- */

static void put_window(struct keg_aml *aml, const struct keg_acpi_range *range)
{
	if (range->bytes)
		keg_aml_memory_window(aml, range->start, range->start + range->bytes - 1);
}

static void put_bridge_resources(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	const struct keg_acpi_range *ports = &config->pci_ports;

	begin_crs(aml);
	keg_aml_bus_window(aml, 0, (uint8_t)(config->pci_buses - 1));
	keg_aml_io(aml, PCI_CONFIG_PORT, PCI_CONFIG_PORTS);
	if (ports->bytes)
		keg_aml_port_window(
			aml, (uint16_t)ports->start, (uint16_t)(ports->start + ports->bytes - 1));
	put_window(aml, &config->pci_memory);
	put_window(aml, &config->pci_memory64);
	keg_aml_end(aml);
}

/* ACPI 6.4, section 6.2.13: each slot's first pin. Slot 0 is the bridge itself. */
static void put_interrupt_routes(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	enum { ANY_FUNCTION = 0xffff, INTA = 0, NO_SOURCE = 0 };

	keg_aml_name(aml, "_PRT");
	keg_aml_begin_package(aml, PCI_SLOTS - 1);
	for (uint32_t slot = 1; slot < PCI_SLOTS; slot++) {
		keg_aml_begin_package(aml, 4);
		keg_aml_integer(aml, slot << 16 | ANY_FUNCTION);
		keg_aml_integer(aml, INTA);
		keg_aml_integer(aml, NO_SOURCE);
		keg_aml_integer(aml, config->pci_gsi + slot % config->pci_gsi_count);
		keg_aml_end(aml);
	}
	keg_aml_end(aml);
}

/* PCI Firmware 3.2, section 4.1.2: ECAM is to be reserved as a resource of the motherboard. */
static void put_ecam(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	keg_aml_begin_device(aml, "ECAM");
	put_eisa_id(aml, "_HID", "PNP0C02");
	begin_crs(aml);
	keg_aml_memory(aml, (uint32_t)config->ecam, config->pci_buses * ECAM_BUS_BYTES);
	keg_aml_end(aml);
	keg_aml_end(aml);
}

static void put_pci(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	if (!config->pci_buses)
		return;
	keg_aml_begin_device(aml, "PCI0");
	put_eisa_id(aml, "_HID", "PNP0A08");
	put_eisa_id(aml, "_CID", "PNP0A03");
	put_integer(aml, "_UID", 0);
	put_bridge_resources(aml, config);
	put_interrupt_routes(aml, config);
	keg_aml_end(aml);
	put_ecam(aml, config);
}

/* ---- Others ---- */

static void put_serial(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	if (!config->serial)
		return;
	keg_aml_begin_device(aml, "COM1");
	put_eisa_id(aml, "_HID", "PNP0501");
	put_integer(aml, "_UID", 1);
	begin_crs(aml);
	keg_aml_io(aml, config->serial, SERIAL_PORTS);
	keg_aml_irq(aml, config->serial_irq);
	keg_aml_end(aml);
	keg_aml_end(aml);
}

static void put_rtc(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	if (!config->rtc)
		return;
	keg_aml_begin_device(aml, "RTC");
	put_eisa_id(aml, "_HID", "PNP0B00");
	begin_crs(aml);
	keg_aml_io(aml, config->rtc, RTC_PORTS);
	keg_aml_end(aml);
	keg_aml_end(aml);
}

/* QEMU's "PVPANIC device" specification has the hardware id. */
static void put_pvpanic(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	if (!config->pvpanic)
		return;
	keg_aml_begin_device(aml, "PEVT");
	keg_aml_name(aml, "_HID");
	keg_aml_string(aml, "QEMU0001");
	begin_crs(aml);
	keg_aml_io(aml, config->pvpanic, 1);
	keg_aml_end(aml);
	keg_aml_end(aml);
}

/* The hardware id is what Linux's virtio_mmio driver looks for. */
static void put_virtio(struct keg_aml *aml, const struct keg_acpi_virtio *virtio, uint32_t number)
{
	char name[8];

	snprintf(name, sizeof(name), "V%03X", number & 0xfff);
	keg_aml_begin_device(aml, name);
	keg_aml_name(aml, "_HID");
	keg_aml_string(aml, "LNRO0005");
	put_integer(aml, "_UID", number);
	begin_crs(aml);
	keg_aml_memory(aml, virtio->address, virtio->bytes);
	keg_aml_interrupt(aml, virtio->gsi, virtio->edge);
	keg_aml_end(aml);
	keg_aml_end(aml);
}

/* ACPI 6.4, section 7.4.2: what to write to put the machine into S5. */
static void put_s5(struct keg_aml *aml)
{
	keg_aml_name(aml, "_S5");
	keg_aml_begin_package(aml, 4);
	keg_aml_integer(aml, SLEEP_TYPE_S5);
	for (int i = 1; i < 4; i++)
		keg_aml_integer(aml, 0);
	keg_aml_end(aml);
}

void keg_acpi_put_dsdt(struct keg_aml *aml, const struct keg_acpi_config *config)
{
	keg_aml_begin_scope(aml, "_SB");
	put_pci(aml, config);
	put_serial(aml, config);
	put_rtc(aml, config);
	put_pvpanic(aml, config);
	for (size_t i = 0; i < config->virtio_count; i++)
		put_virtio(aml, &config->virtio[i], (uint32_t)i);
	keg_aml_end(aml);
	put_s5(aml);
}
