/* SPDX-License-Identifier: MIT */
/* The PC's ACPI tables. Sections and tables are those of ACPI 6.4; all numbers are little-endian.
 */
#include "boot/acpi.h"

#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "boot/acpi_dsdt.h"
#include "boot/acpi_tables.h"

static const uint32_t local_apic_address = 0xfee00000;

/* Where the tables are put. Once something did not fit, `full` is set and nothing is written. */
struct writer {
	uint8_t *bytes;
	size_t size, used;
	keg_gpa gpa;
	bool full;
};

static void append(struct writer *writer, const void *data, size_t bytes)
{
	if (bytes > writer->size - writer->used)
		writer->full = true;
	if (writer->full)
		return;
	memcpy(writer->bytes + writer->used, data, bytes);
	writer->used += bytes;
}

/* Zeros up to an address that is a multiple of `alignment`. */
static void align(struct writer *writer, size_t alignment)
{
	static const uint8_t zeros[ACPI_FACS_ALIGNMENT];

	append(writer, zeros, -(writer->gpa + writer->used) & (alignment - 1));
}

/* What makes the sum of all bytes zero. */
static uint8_t checksum(const uint8_t *bytes, size_t count)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return (uint8_t)-sum;
}

/* Section 5.2.6. Returns where the table is in the buffer. */
static size_t begin_table(struct writer *writer, const char *signature, uint8_t revision)
{
	struct acpi_header header = {
		.revision = revision,
		.oem_id = ACPI_OEM_ID,
		.oem_table_id = ACPI_OEM_TABLE_ID,
		.oem_revision = 1,
		.creator_id = ACPI_CREATOR_ID,
		.creator_revision = 1,
	};
	size_t start;

	memcpy(header.signature, signature, sizeof(header.signature));
	align(writer, ACPI_ALIGNMENT);
	start = writer->used;
	append(writer, &header, sizeof(header));
	return start;
}

/* Returns the table's address. */
static keg_gpa end_table(struct writer *writer, size_t start)
{
	uint8_t *table = writer->bytes + start;
	uint32_t length = (uint32_t)(writer->used - start);

	if (writer->full)
		return 0;
	memcpy(table + offsetof(struct acpi_header, length), &length, sizeof(length));
	table[offsetof(struct acpi_header, checksum)] = checksum(table, length);
	return writer->gpa + start;
}

/* Section 5.2.10: nothing but its presence matters here. */
static keg_gpa put_facs(struct writer *writer)
{
	const struct acpi_facs facs = {.signature = "FACS", .length = sizeof(facs), .version = 2};

	align(writer, ACPI_FACS_ALIGNMENT);
	append(writer, &facs, sizeof(facs));
	return writer->gpa + writer->used - sizeof(facs);
}

static keg_gpa put_dsdt(struct writer *writer, const struct keg_acpi_config *config)
{
	size_t start = begin_table(writer, "DSDT", 2);
	struct keg_aml aml;
	int used;

	keg_aml_init(&aml, writer->bytes + writer->used, writer->size - writer->used);
	keg_acpi_put_dsdt(&aml, config);
	used = keg_aml_finish(&aml);
	if (used < 0)
		writer->full = true;
	else
		writer->used += (size_t)used;
	return end_table(writer, start);
}

/* ---- FADT ---- */

/* A register in ports (section 5.2.3.2); none at port 0. */
static struct acpi_address port_address(uint16_t port, uint8_t bytes, uint8_t access)
{
	if (!port)
		return (struct acpi_address){0};
	return (struct acpi_address){
		.space = ACPI_SPACE_IO,
		.bits = (uint8_t)(8 * bytes),
		.access = access,
		.address = port,
	};
}

/* Section 5.2.9. What is zero is not there: an SMI command port, GPEs, P_BLKs, a sleep button. */
static keg_gpa put_fadt(
	struct writer *writer, const struct keg_acpi_config *config, keg_gpa facs, keg_gpa dsdt)
{
	const struct acpi_fadt_body fadt = {
		.facs = (uint32_t)facs,
		.dsdt = (uint32_t)dsdt,
		.sci = config->sci,
		.pm1a_event = config->pm_event,
		.pm1a_control = config->pm_control,
		.pm_timer = config->pm_timer,
		.pm1_event_bytes = ACPI_PM1_EVENT_BYTES,
		.pm1_control_bytes = ACPI_PM1_CONTROL_BYTES,
		.pm_timer_bytes = config->pm_timer ? ACPI_PM_TIMER_BYTES : 0,
		.c2_latency = ACPI_NO_C2,
		.c3_latency = ACPI_NO_C3,
		.century = config->rtc ? ACPI_CMOS_CENTURY : 0,
		.boot_flags = ACPI_BOOT_NO_VGA | ACPI_BOOT_NO_ASPM |
			      (config->serial ? ACPI_BOOT_LEGACY_DEVICES : 0) |
			      (config->rtc ? 0 : ACPI_BOOT_NO_RTC),
		.flags = ACPI_FADT_WBINVD | ACPI_FADT_PROC_C1 | ACPI_FADT_NO_SLEEP_BUTTON |
			 ACPI_FADT_NO_FIXED_RTC | ACPI_FADT_TIMER_32_BITS |
			 (config->reset ? ACPI_FADT_RESET_REGISTER : 0),
		.reset_register = port_address(config->reset, 1, ACPI_ACCESS_BYTE),
		.reset_value = config->reset_value,
		.minor_version = 4,
		.x_dsdt = dsdt,
		.x_pm1a_event =
			port_address(config->pm_event, ACPI_PM1_EVENT_BYTES, ACPI_ACCESS_WORD),
		.x_pm1a_control =
			port_address(config->pm_control, ACPI_PM1_CONTROL_BYTES, ACPI_ACCESS_WORD),
		.x_pm_timer =
			port_address(config->pm_timer, ACPI_PM_TIMER_BYTES, ACPI_ACCESS_DWORD),
	};
	size_t start = begin_table(writer, "FACP", 6);

	append(writer, &fadt, sizeof(fadt));
	return end_table(writer, start);
}

/* ---- MADT ---- */

/* Sections 5.2.12.2 and 5.2.12.12. Returns whether its id needs an x2APIC. */
static bool put_cpu(struct writer *writer, uint32_t cpu, uint32_t id)
{
	const struct acpi_madt_local_apic local_apic = {
		.type = 0,
		.length = sizeof(local_apic),
		.uid = (uint8_t)cpu,
		.id = (uint8_t)id,
		.flags = ACPI_MADT_ENABLED,
	};
	const struct acpi_madt_x2apic x2apic = {
		.type = 9,
		.length = sizeof(x2apic),
		.id = id,
		.flags = ACPI_MADT_ENABLED,
		.uid = cpu,
	};
	bool wide = id >= ACPI_FIRST_X2APIC || cpu >= ACPI_FIRST_X2APIC;

	if (wide)
		append(writer, &x2apic, sizeof(x2apic));
	else
		append(writer, &local_apic, sizeof(local_apic));
	return wide;
}

static void put_override(struct writer *writer, uint8_t irq, uint32_t gsi, uint16_t flags)
{
	const struct acpi_madt_override override = {
		.type = 2,
		.length = sizeof(override),
		.source = irq,
		.gsi = gsi,
		.flags = flags,
	};

	append(writer, &override, sizeof(override));
}

/* Sections 5.2.12.7 and 5.2.12.13: LINT1 of every processor is the NMI. */
static void put_nmi(struct writer *writer, bool x2apics)
{
	const struct acpi_madt_nmi nmi = {
		.type = 4, .length = sizeof(nmi), .uid = UINT8_MAX, .lint = 1};
	const struct acpi_madt_x2apic_nmi x2apic_nmi = {
		.type = 10, .length = sizeof(x2apic_nmi), .uid = UINT32_MAX, .lint = 1};

	append(writer, &nmi, sizeof(nmi));
	if (x2apics)
		append(writer, &x2apic_nmi, sizeof(x2apic_nmi));
}

/* Section 5.2.12. ISA interrupts are at the inputs of their numbers, the timer's too, as KVM has
 * them; the SCI alone is a level. */
static keg_gpa put_madt(struct writer *writer, const struct keg_acpi_config *config)
{
	const struct acpi_madt_body madt = {
		.local_apic_address = local_apic_address,
		.flags = config->pics ? ACPI_MADT_PCAT_COMPAT : 0,
	};
	const struct acpi_madt_io_apic io_apic = {
		.type = 1, .length = sizeof(io_apic), .address = config->ioapic_address};
	size_t start = begin_table(writer, "APIC", 5);
	bool x2apics = false;

	append(writer, &madt, sizeof(madt));
	for (uint32_t i = 0; i < config->cpus && !writer->full; i++)
		x2apics |= put_cpu(writer, i, config->apic_ids ? config->apic_ids[i] : i);
	append(writer, &io_apic, sizeof(io_apic));
	put_override(writer, config->sci, config->sci, ACPI_MADT_ACTIVE_HIGH | ACPI_MADT_LEVEL);
	put_nmi(writer, x2apics);
	return end_table(writer, start);
}

/* ---- The rest ---- */

/* PCI Firmware 3.2, section 4.1.2. */
static keg_gpa put_mcfg(struct writer *writer, const struct keg_acpi_config *config)
{
	const struct acpi_mcfg_body mcfg = {
		.address = config->ecam,
		.last_bus = (uint8_t)(config->pci_buses - 1),
	};
	size_t start = begin_table(writer, "MCFG", 1);

	append(writer, &mcfg, sizeof(mcfg));
	return end_table(writer, start);
}

/* Section 5.2.5.3. The XSDT is enough: there is no RSDT. */
static void fill_rsdp(struct writer *writer, keg_gpa xsdt)
{
	struct acpi_rsdp rsdp = {
		.signature = "RSD PTR ",
		.oem_id = ACPI_OEM_ID,
		.revision = 2,
		.length = sizeof(rsdp),
		.xsdt = xsdt,
	};

	rsdp.checksum = checksum((const uint8_t *)&rsdp, ACPI_RSDP_FIRST_BYTES);
	rsdp.extended_checksum = checksum((const uint8_t *)&rsdp, sizeof(rsdp));
	memcpy(writer->bytes, &rsdp, sizeof(rsdp));
}

static void put_all(struct writer *writer, const struct keg_acpi_config *config)
{
	static const struct acpi_rsdp room;
	keg_gpa tables[3], facs, dsdt, xsdt;
	size_t count = 0, start;

	append(writer, &room, sizeof(room));
	facs = put_facs(writer);
	dsdt = put_dsdt(writer, config);
	tables[count++] = put_fadt(writer, config, facs, dsdt);
	tables[count++] = put_madt(writer, config);
	if (config->pci_buses)
		tables[count++] = put_mcfg(writer, config);
	start = begin_table(writer, "XSDT", 1);
	append(writer, tables, count * sizeof(tables[0]));
	xsdt = end_table(writer, start);
	if (!writer->full)
		fill_rsdp(writer, xsdt);
}

/* ---- The configuration ---- */

static bool fits(const struct keg_acpi_range *range, uint64_t bits)
{
	uint64_t most = UINT64_MAX >> (64 - bits);

	if (!range->bytes)
		return true;
	return range->start <= most && range->bytes - 1 <= most - range->start;
}

static const char *wrong_with_pci(const struct keg_acpi_config *config)
{
	const struct keg_acpi_range ecam = {config->ecam, (uint64_t)config->pci_buses << 20};

	if (!config->pci_buses)
		return NULL;
	if (config->pci_buses > 256)
		return "there are more than 256 PCI buses";
	if (!fits(&ecam, 32))
		return "the ECAM is not below 4 GiB";
	if (!fits(&config->pci_memory, 32))
		return "the PCI memory is not below 4 GiB";
	if (!fits(&config->pci_memory64, 64))
		return "the 64-bit PCI memory wraps";
	if (!fits(&config->pci_ports, 16))
		return "the PCI ports are not below 64 KiB";
	if (!config->pci_gsi_count)
		return "PCI has no interrupts";
	return NULL;
}

static const char *wrong_with(const struct keg_acpi_config *config, keg_gpa gpa, size_t size)
{
	const struct keg_acpi_range tables = {gpa, size};

	if (gpa % ACPI_ALIGNMENT || !fits(&tables, 32))
		return "the tables' address is not a multiple of 16 below 4 GiB";
	if (!config->cpus)
		return "there is no CPU";
	if (!config->pm_event || !config->pm_control)
		return "the ports of PM1a_EVT and PM1a_CNT are missing";
	if (config->sci > 15 || config->serial_irq > 15)
		return "an ISA interrupt is above 15";
	if (config->virtio_count > 4096)
		return "there are more than 4096 virtio devices";
	for (size_t i = 0; i < config->virtio_count; i++) {
		const struct keg_acpi_range range = {
			config->virtio[i].address, config->virtio[i].bytes};

		if (!range.bytes || !fits(&range, 32))
			return "a virtio device's registers are empty or not below 4 GiB";
	}
	return wrong_with_pci(config);
}

int keg_acpi_build(const struct keg_acpi_config *config, keg_gpa gpa, void *buffer, size_t size)
{
	struct writer writer = {.bytes = buffer, .size = size, .gpa = gpa};
	const char *wrong = wrong_with(config, gpa, size);

	if (wrong)
		return keg_fail(EINVAL, "ACPI: %s", wrong);
	put_all(&writer, config);
	if (writer.full || writer.used > INT_MAX)
		return keg_fail(ENOSPC, "ACPI: the tables do not fit %zu bytes", size);
	return (int)writer.used;
}
