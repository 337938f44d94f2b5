/* SPDX-License-Identifier: MIT */
/* A PC to describe, and its tables as a kernel finds them: from the RSDP on, byte by byte. */
#ifndef KEG_TESTS_BOOT_ACPI_PC_H
#define KEG_TESTS_BOOT_ACPI_PC_H

#include "testing.h"

#include "boot/acpi.h"

enum { ACPI_GPA = 0xe0000, ACPI_BYTES = 0x20000 };

static const struct keg_acpi_virtio acpi_virtio[] = {
	{.address = 0xe8000000, .bytes = 0x1000, .gsi = 16, .edge = true},
	{.address = 0xe8001000, .bytes = 0x200, .gsi = 40},
};

/* A PC with everything. */
static const struct keg_acpi_config acpi_pc = {
	.cpus = 4,
	.ioapic_address = 0xfec00000,
	.pics = true,
	.ecam = 0xe0000000,
	.pci_buses = 1,
	.pci_memory = {0xc0000000, 0x20000000},
	.pci_memory64 = {1ULL << 40, 1ULL << 36},
	.pci_ports = {0xc000, 0x4000},
	.pci_gsi = 16,
	.pci_gsi_count = 8,
	.pm_event = 0x600,
	.pm_control = 0x604,
	.pm_timer = 0x608,
	.reset = 0xcf9,
	.reset_value = 6,
	.sci = 9,
	.serial = 0x3f8,
	.serial_irq = 4,
	.rtc = 0x70,
	.pvpanic = 0x505,
	.virtio = acpi_virtio,
	.virtio_count = 2,
};

struct acpi_blob {
	uint8_t bytes[ACPI_BYTES];
	int used;
};

static inline uint64_t acpi_number(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	while (count--)
		value = value << 8 | bytes[count];
	return value;
}

static inline bool acpi_sums_to_zero(const uint8_t *bytes, size_t count)
{
	uint8_t sum = 0;

	while (count--)
		sum = (uint8_t)(sum + bytes[count]);
	return sum == 0;
}

static inline const uint8_t *acpi_at(const struct acpi_blob *blob, uint64_t gpa)
{
	assert_in_range(gpa, ACPI_GPA, ACPI_GPA + (uint64_t)blob->used - 36);
	return blob->bytes + (gpa - ACPI_GPA);
}

/* A table by its address: whole, and with a right checksum. */
static inline const uint8_t *acpi_table(
	const struct acpi_blob *blob, uint64_t gpa, const char *signature)
{
	const uint8_t *table = acpi_at(blob, gpa);
	uint64_t length = acpi_number(table + 4, 4);

	assert_memory_equal(table, signature, 4);
	assert_in_range(length, 36, ACPI_GPA + (uint64_t)blob->used - gpa);
	assert_true(acpi_sums_to_zero(table, length));
	return table;
}

static inline const uint8_t *acpi_xsdt(const struct acpi_blob *blob)
{
	return acpi_table(blob, acpi_number(blob->bytes + 24, 8), "XSDT");
}

/* One of the tables that the XSDT names; NULL if it names none of that kind. */
static inline const uint8_t *acpi_find(const struct acpi_blob *blob, const char *signature)
{
	const uint8_t *xsdt = acpi_xsdt(blob), *found = NULL;

	for (uint64_t at = 36; at < acpi_number(xsdt + 4, 4); at += 8) {
		uint64_t gpa = acpi_number(xsdt + at, 8);

		if (memcmp(acpi_at(blob, gpa), signature, 4) != 0)
			continue;
		assert_null(found);
		found = acpi_table(blob, gpa, signature);
	}
	return found;
}

/* The FADT has its address. */
static inline const uint8_t *acpi_dsdt(const struct acpi_blob *blob)
{
	return acpi_table(blob, acpi_number(acpi_find(blob, "FACP") + 40, 4), "DSDT");
}

static inline void acpi_build(struct acpi_blob *blob, const struct keg_acpi_config *config)
{
	memset(blob->bytes, 0xa5, sizeof(blob->bytes));
	assert_ok(blob->used = keg_acpi_build(config, ACPI_GPA, blob->bytes, sizeof(blob->bytes)));
}

#endif
