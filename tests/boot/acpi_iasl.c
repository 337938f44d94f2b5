/* SPDX-License-Identifier: MIT */
/*
 * The ACPI tables, read by the field's own compiler: what iasl takes them for, compiled again,
 * gives the same bytes.
 */
#include "acpi_pc.h"

#include <sys/stat.h>
#include <sys/wait.h>

static struct acpi_blob blob;
static char folder[] = "/tmp/keg-acpi-XXXXXX";

/* Runs a command in the folder, its words going to the file `log`. */
static bool run(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", folder, command);
	return system(line) == 0;
}

/* The file's bytes, and a zero after them. */
static char *read_file(const char *name, size_t *size)
{
	char path[64], *text = test_calloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	*size = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void must_run(const char *command)
{
	size_t size;
	char *log;

	if (run(command))
		return;
	log = read_file("log", &size);
	fail_msg("%s: %s", command, log);
}

static void assert_clean(const char *name)
{
	static const char *const complaints[] = {
		"Warning", "Error", "rror:", "nvalid", "ncorrect", "unknown", "Unknown"};
	size_t size;
	char *text = read_file(name, &size);

	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
		if (strstr(text, complaints[i]) && !strstr(text, "0 Errors, 0 Warnings"))
			fail_msg("%s", text);
	}
	test_free(text);
}

/* Disassembled and compiled again it is what it was, but for the compiler's name and the sum. */
static void assert_survives(const uint8_t *table)
{
	enum { CHECKSUM = 9, CREATOR = 28, CREATOR_BYTES = 8 };
	size_t size = acpi_number(table + 4, 4), compiled_size;
	char *compiled;

	write_file("table.aml", table, size);
	must_run("rm -f table.dsl again.aml; iasl -d table.aml");
	assert_clean("table.dsl");
	must_run("iasl -ve -p again table.dsl");
	assert_clean("log");
	compiled = read_file("again.aml", &compiled_size);
	assert_int_equal(compiled_size, size);
	compiled[CHECKSUM] = (char)table[CHECKSUM];
	memcpy(compiled + CREATOR, table + CREATOR, CREATOR_BYTES);
	assert_memory_equal(compiled, table, size);
	test_free(compiled);
}

static void every_table_survives_the_compiler(void **state)
{
	static const char *const signatures[] = {"FACP", "APIC", "MCFG"};

	(void)state;
	acpi_build(&blob, &acpi_pc);
	for (size_t i = 0; i < 3; i++)
		assert_survives(acpi_find(&blob, signatures[i]));
	assert_survives(acpi_xsdt(&blob));
	assert_survives(acpi_dsdt(&blob));
}

static void so_do_those_of_the_least_machine(void **state)
{
	static const struct keg_acpi_config least = {
		.cpus = 1, .pm_event = 0x600, .pm_control = 0x604, .sci = 9};

	(void)state;
	acpi_build(&blob, &least);
	assert_survives(acpi_find(&blob, "FACP"));
	assert_survives(acpi_dsdt(&blob));
}

static void so_do_those_of_a_large_one(void **state)
{
	static struct keg_acpi_virtio virtio[300];
	static uint32_t ids[300];
	struct keg_acpi_config config = acpi_pc;

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		virtio[i] =
			(struct keg_acpi_virtio){0xd0000000 + i * 0x1000, 0x1000, 24 + i, false};
		ids[i] = 2 * i;
	}
	config.cpus = 300;
	config.apic_ids = ids;
	config.pci_buses = 256;
	config.virtio = virtio;
	config.virtio_count = 300;
	acpi_build(&blob, &config);
	assert_survives(acpi_find(&blob, "APIC"));
	assert_survives(acpi_dsdt(&blob));
}

/* What a kernel's driver looks for is there, in the compiler's words. */
static void the_devices_have_the_names_that_drivers_look_for(void **state)
{
	static const char *const words[] = {
		"EisaId (\"PNP0A08\")",
		"EisaId (\"PNP0A03\")",
		"EisaId (\"PNP0501\")",
		"EisaId (\"PNP0B00\")",
		"EisaId (\"PNP0C02\")",
		"\"QEMU0001\"",
		"\"LNRO0005\"",
		"Name (_S5, Package (0x04)",
		"Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )",
		"Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive, ,, )",
		"0x001FFFFF, ",
	};
	size_t size;
	char *text;

	(void)state;
	acpi_build(&blob, &acpi_pc);
	assert_survives(acpi_dsdt(&blob));
	text = read_file("table.dsl", &size);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strstr(text, words[i]))
			fail_msg("no %s in %s", words[i], text);
	}
	test_free(text);
}

static int remove_folder(void **state)
{
	(void)state;
	return !run("rm -rf \"$PWD\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_survives_the_compiler),
		cmocka_unit_test(so_do_those_of_the_least_machine),
		cmocka_unit_test(so_do_those_of_a_large_one),
		cmocka_unit_test(the_devices_have_the_names_that_drivers_look_for),
	};

	if (!mkdtemp(folder)) {
		perror(folder);
		return 1;
	}
	if (!run("iasl -v")) {
		remove_folder(NULL);
		fprintf(stderr, "SKIPPED: there is no iasl: tools/deps check installs it\n");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests_name("ACPI by iasl", tests, NULL, remove_folder);
}
