/* SPDX-License-Identifier: MIT */
/* The ACPI tables, read as a kernel reads them. Offsets are those of ACPI 6.4, section 5.2. */
#include "acpi_pc.h"

#include <errno.h>

static struct acpi_blob blob;

static const uint8_t *build_and_find(const struct keg_acpi_config *config, const char *signature)
{
	acpi_build(&blob, config);
	return acpi_find(&blob, signature);
}

/* A generic address: space, bits, offset, access, address. */
static void assert_address(const uint8_t *bytes, uint8_t bits, uint8_t access, uint64_t address)
{
	assert_int_equal(bytes[0], address ? 1 : 0);
	assert_int_equal(bytes[1], bits);
	assert_int_equal(bytes[2], 0);
	assert_int_equal(bytes[3], access);
	assert_int_equal(acpi_number(bytes + 4, 8), address);
}

static void the_rsdp_is_first_and_leads_to_the_xsdt(void **state)
{
	(void)state;
	acpi_build(&blob, &acpi_pc);
	assert_memory_equal(blob.bytes, "RSD PTR ", 8);
	assert_int_equal(blob.bytes[15], 2);
	assert_int_equal(acpi_number(blob.bytes + 20, 4), 36);
	assert_true(acpi_sums_to_zero(blob.bytes, 20));
	assert_true(acpi_sums_to_zero(blob.bytes, 36));
	/* FADT, MADT, MCFG. */
	assert_int_equal(acpi_number(acpi_xsdt(&blob) + 4, 4), 36 + 3 * 8);
	/* Not a byte beyond what it said. */
	for (size_t i = (size_t)blob.used; i < sizeof(blob.bytes); i++)
		assert_int_equal(blob.bytes[i], 0xa5);
}

static void the_fadt_tells_of_the_fixed_hardware(void **state)
{
	const uint8_t *fadt = build_and_find(&acpi_pc, "FACP");

	(void)state;
	assert_int_equal(acpi_number(fadt + 4, 4), 276);
	assert_int_equal(fadt[8], 6);
	assert_int_equal(fadt[131], 4);
	assert_int_equal(acpi_number(fadt + 46, 2), 9);
	/* No SMI command port: ACPI is on. */
	assert_int_equal(acpi_number(fadt + 48, 4), 0);
	assert_int_equal(acpi_number(fadt + 56, 4), 0x600);
	assert_int_equal(acpi_number(fadt + 64, 4), 0x604);
	assert_int_equal(acpi_number(fadt + 76, 4), 0x608);
	assert_int_equal(acpi_number(fadt + 80, 8), 0);
	assert_int_equal(acpi_number(fadt + 88, 4), 0x04000204);
	assert_address(fadt + 148, 32, 2, 0x600);
	assert_address(fadt + 172, 16, 2, 0x604);
	assert_address(fadt + 208, 32, 3, 0x608);
	assert_int_equal(acpi_number(fadt + 40, 4), acpi_number(fadt + 140, 8));
}

static void the_fadt_tells_what_there_is_and_what_not(void **state)
{
	enum { LEGACY = 1, KEYBOARD = 2, NO_VGA = 4, NO_MSI = 8, NO_RTC = 0x20 };
	enum { POWER_BUTTON = 1 << 4, SLEEP_BUTTON = 1 << 5, FIXED_RTC = 1 << 6, RESET = 1 << 10 };
	const uint8_t *fadt = build_and_find(&acpi_pc, "FACP");
	uint64_t boot = acpi_number(fadt + 109, 2), flags = acpi_number(fadt + 112, 4);

	(void)state;
	assert_int_equal(boot & (LEGACY | KEYBOARD | NO_VGA | NO_MSI | NO_RTC), LEGACY | NO_VGA);
	assert_int_equal(fadt[108], 0x32);
	/* The power button is a fixed one, because its flag is not set; the others are none. */
	assert_int_equal(flags & (POWER_BUTTON | SLEEP_BUTTON | FIXED_RTC | RESET),
		SLEEP_BUTTON | FIXED_RTC | RESET);
	/* Not a hardware-reduced one. */
	assert_int_equal(flags >> 20, 0);
	/* All 32 bits of the timer count; WBINVD works; C1 does. */
	assert_int_equal(flags & 0x105, 0x105);
	assert_address(fadt + 116, 8, 1, 0xcf9);
	assert_int_equal(fadt[128], 6);
	/* No C2, no C3. */
	assert_true(acpi_number(fadt + 96, 2) > 100 && acpi_number(fadt + 98, 2) > 1000);
}

static void the_facs_is_aligned_to_64_bytes(void **state)
{
	static const keg_gpa gpas[] = {0xe0000, 0xe0010, 0x7fff30, 0xffe00000};

	(void)state;
	for (size_t i = 0; i < sizeof(gpas) / sizeof(gpas[0]); i++) {
		const uint8_t *facs;
		uint64_t xsdt, fadt, gpa;

		assert_ok(keg_acpi_build(&acpi_pc, gpas[i], blob.bytes, sizeof(blob.bytes)));
		xsdt = acpi_number(blob.bytes + 24, 8) - gpas[i];
		fadt = acpi_number(blob.bytes + xsdt + 36, 8) - gpas[i];
		gpa = acpi_number(blob.bytes + fadt + 36, 4);
		assert_int_equal(gpa % 64, 0);
		facs = blob.bytes + (gpa - gpas[i]);
		assert_memory_equal(facs, "FACS", 4);
		assert_int_equal(acpi_number(facs + 4, 4), 64);
	}
}

static void what_is_not_there_is_not_told_of(void **state)
{
	static const struct keg_acpi_config least = {
		.cpus = 1, .pm_event = 0x600, .pm_control = 0x604, .sci = 9};
	const uint8_t *fadt = build_and_find(&least, "FACP");
	const char *const names[] = {"PCI0", "ECAM", "COM1", "RTC_", "PEVT", "V000"};
	const uint8_t *dsdt;

	(void)state;
	assert_null(acpi_find(&blob, "MCFG"));
	assert_int_equal(acpi_number(fadt + 76, 4), 0);
	assert_int_equal(fadt[91], 0);
	assert_address(fadt + 208, 0, 0, 0);
	assert_address(fadt + 116, 0, 0, 0);
	/* Only VGA's and the clock's absence, and no reset register. */
	assert_int_equal(acpi_number(fadt + 109, 2) & ~0x10U, 0x24);
	assert_int_equal(acpi_number(fadt + 112, 4) & 1 << 10, 0);
	dsdt = acpi_dsdt(&blob);
	for (size_t i = 0; i < 6; i++)
		assert_null(memmem(dsdt, acpi_number(dsdt + 4, 4), names[i], 4));
}

/* ---- MADT ---- */

/* The entries of one type: how many, and the first. */
static const uint8_t *entries(const uint8_t *madt, uint8_t type, unsigned *count)
{
	const uint8_t *first = NULL, *end = madt + acpi_number(madt + 4, 4);

	*count = 0;
	for (const uint8_t *entry = madt + 44; entry < end; entry += entry[1]) {
		assert_in_range(entry[1], 2, end - entry);
		if (entry[0] != type)
			continue;
		first = first ? first : entry;
		++*count;
	}
	return first;
}

static void the_madt_has_every_processor(void **state)
{
	struct keg_acpi_config config = acpi_pc;
	const uint8_t *madt, *entry;
	unsigned count;

	(void)state;
	for (config.cpus = 1; config.cpus <= 64; config.cpus *= 2) {
		madt = build_and_find(&config, "APIC");
		entry = entries(madt, 0, &count);
		assert_int_equal(count, config.cpus);
		for (unsigned i = 0; i < count; i++, entry += 8) {
			assert_int_equal(entry[1], 8);
			assert_int_equal(entry[2], i);
			assert_int_equal(entry[3], i);
			assert_int_equal(acpi_number(entry + 4, 4), 1);
		}
		entries(madt, 9, &count);
		assert_int_equal(count, 0);
	}
}

static void ids_from_255_on_are_those_of_x2apics(void **state)
{
	static const uint32_t ids[] = {0, 254, 255, 256, 0x12345};
	struct keg_acpi_config config = acpi_pc;
	const uint8_t *madt, *entry;
	unsigned count;

	(void)state;
	config.cpus = 5;
	config.apic_ids = ids;
	madt = build_and_find(&config, "APIC");
	entry = entries(madt, 0, &count);
	assert_int_equal(count, 2);
	assert_int_equal(entry[8 + 3], 254);
	entry = entries(madt, 9, &count);
	assert_int_equal(count, 3);
	for (unsigned i = 2; i < 5; i++, entry += 16) {
		assert_int_equal(entry[1], 16);
		assert_int_equal(acpi_number(entry + 4, 4), ids[i]);
		assert_int_equal(acpi_number(entry + 8, 4), 1);
		assert_int_equal(acpi_number(entry + 12, 4), i);
	}
	entry = entries(madt, 10, &count);
	assert_int_equal(count, 1);
	assert_int_equal(acpi_number(entry + 4, 4), UINT32_MAX);
	assert_int_equal(entry[8], 1);
}

static void the_madt_has_the_interrupts_wiring(void **state)
{
	struct keg_acpi_config config = acpi_pc;
	const uint8_t *madt = build_and_find(&config, "APIC"), *entry;
	unsigned count;

	(void)state;
	assert_int_equal(acpi_number(madt + 36, 4), 0xfee00000);
	assert_int_equal(acpi_number(madt + 40, 4), 1);
	entry = entries(madt, 1, &count);
	assert_int_equal(count, 1);
	assert_int_equal(acpi_number(entry + 4, 4), 0xfec00000);
	assert_int_equal(acpi_number(entry + 8, 4), 0);
	entry = entries(madt, 2, &count);
	/* The SCI level-triggered, active high; the others as ISA has them. */
	assert_int_equal(count, 1);
	assert_memory_equal(entry, ((uint8_t[]){2, 10, 0, 9, 9, 0, 0, 0, 0xd, 0}), 10);
	entry = entries(madt, 4, &count);
	assert_int_equal(count, 1);
	assert_memory_equal(entry, ((uint8_t[]){4, 6, 0xff, 0, 0, 1}), 6);
	entries(madt, 10, &count);
	assert_int_equal(count, 0);
	config.pics = false;
	assert_int_equal(acpi_number(build_and_find(&config, "APIC") + 40, 4), 0);
}

static void the_mcfg_has_the_ecam(void **state)
{
	struct keg_acpi_config config = acpi_pc;
	const uint8_t *mcfg;

	(void)state;
	config.pci_buses = 256;
	config.ecam = 0xb0000000;
	mcfg = build_and_find(&config, "MCFG");
	assert_int_equal(acpi_number(mcfg + 4, 4), 60);
	assert_int_equal(acpi_number(mcfg + 44, 8), 0xb0000000);
	assert_int_equal(acpi_number(mcfg + 52, 2), 0);
	assert_int_equal(mcfg[54], 0);
	assert_int_equal(mcfg[55], 255);
}

/* ---- What cannot be ---- */

static void a_buffer_that_is_too_small_is_refused_whatever_its_size(void **state)
{
	int needed = keg_acpi_build(&acpi_pc, ACPI_GPA, blob.bytes, sizeof(blob.bytes));

	(void)state;
	for (int size = 0; size < needed; size++) {
		/* To its very size, so that a sanitizer sees what is written beyond it. */
		void *small = malloc((size_t)size + 1);

		assert_fails(keg_acpi_build(&acpi_pc, ACPI_GPA, small, (size_t)size), ENOSPC,
			"do not fit");
		free(small);
	}
	assert_int_equal(keg_acpi_build(&acpi_pc, ACPI_GPA, blob.bytes, (size_t)needed), needed);
}

#define FIELD(name) offsetof(struct keg_acpi_config, name), sizeof(acpi_pc.name)

static void what_the_tables_cannot_say_is_refused(void **state)
{
	static const struct {
		size_t offset, bytes;
		uint64_t value;
		const char *words;
	} cases[] = {
		{FIELD(cpus), 0, "no CPU"},
		{FIELD(pm_event), 0, "PM1a_EVT"},
		{FIELD(pm_control), 0, "PM1a_CNT"},
		{FIELD(sci), 16, "ISA interrupt"},
		{FIELD(serial_irq), 16, "ISA interrupt"},
		{FIELD(virtio_count), 4097, "4096 virtio"},
		{FIELD(pci_buses), 257, "256 PCI buses"},
		{FIELD(ecam), 0xfff00001, "ECAM"},
		{FIELD(pci_memory.bytes), 0x40000001, "PCI memory"},
		{FIELD(pci_memory64.bytes), UINT64_MAX, "wraps"},
		{FIELD(pci_ports.bytes), 0x4001, "PCI ports"},
		{FIELD(pci_gsi_count), 0, "no interrupts"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keg_acpi_config config = acpi_pc;

		memcpy((char *)&config + cases[i].offset, &cases[i].value, cases[i].bytes);
		assert_fails(keg_acpi_build(&config, ACPI_GPA, blob.bytes, sizeof(blob.bytes)),
			EINVAL, cases[i].words);
	}
}

static void a_virtio_device_without_a_place_is_refused(void **state)
{
	static const struct keg_acpi_virtio bad[] = {
		{.address = 0x1000},
		{.address = 0xfffff000, .bytes = 0x1001},
	};
	struct keg_acpi_config config = acpi_pc;

	(void)state;
	config.virtio_count = 1;
	for (config.virtio = bad; config.virtio < bad + 2; config.virtio++)
		assert_fails(keg_acpi_build(&config, ACPI_GPA, blob.bytes, sizeof(blob.bytes)),
			EINVAL, "virtio device's registers");
}

static void tables_are_below_4_gib_at_multiples_of_16(void **state)
{
	(void)state;
	assert_fails(keg_acpi_build(&acpi_pc, 0xe0008, blob.bytes, 0x10000), EINVAL, "16");
	assert_fails(keg_acpi_build(&acpi_pc, 0xfffffff0, blob.bytes, 0x11), EINVAL, "4 GiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rsdp_is_first_and_leads_to_the_xsdt),
		cmocka_unit_test(the_fadt_tells_of_the_fixed_hardware),
		cmocka_unit_test(the_fadt_tells_what_there_is_and_what_not),
		cmocka_unit_test(the_facs_is_aligned_to_64_bytes),
		cmocka_unit_test(what_is_not_there_is_not_told_of),
		cmocka_unit_test(the_madt_has_every_processor),
		cmocka_unit_test(ids_from_255_on_are_those_of_x2apics),
		cmocka_unit_test(the_madt_has_the_interrupts_wiring),
		cmocka_unit_test(the_mcfg_has_the_ecam),
		cmocka_unit_test(a_buffer_that_is_too_small_is_refused_whatever_its_size),
		cmocka_unit_test(what_the_tables_cannot_say_is_refused),
		cmocka_unit_test(a_virtio_device_without_a_place_is_refused),
		cmocka_unit_test(tables_are_below_4_gib_at_multiples_of_16),
	};

	return cmocka_run_group_tests_name("ACPI", tests, NULL, NULL);
}
