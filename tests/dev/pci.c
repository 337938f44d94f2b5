/* SPDX-License-Identifier: MIT */
/* The PCI bus as a guest sees it: two ways to configuration space, headers, capabilities. */
#include "pci_machine.h"

/* ---- Where functions are ---- */

static void a_host_bridge_is_in_slot_0_and_a_function_in_the_first_that_is_free(void **state)
{
	struct machine *m = *state;

	assert_int_equal(config_read(&m->rig, 0, 0x0a, 2), 0x0600);
	assert_int_equal(config_read(&m->rig, 0, 0x0e, 1), 0);
	assert_int_equal(config_read(&m->rig, 1, 0, 4), 0x56781234);
	assert_int_equal(config_read(&m->rig, 5, 0, 4), 0x56781234);
}

static void the_header_says_what_the_function_is(void **state)
{
	struct machine *m = *state;

	assert_int_equal(config_read(&m->rig, 1, 0x08, 4), 0x01800203);
	assert_int_equal(config_read(&m->rig, 1, 0x2c, 4), 0xdef09abc);
	assert_int_equal(config_read(&m->rig, 1, 0x3d, 1), 1);
	/* Nothing is decoded, there are no capabilities, and the header is of type 0. */
	assert_int_equal(config_read(&m->rig, 1, 0x04, 4), 0);
	assert_int_equal(config_read(&m->rig, 1, 0x0e, 1), 0);
	assert_int_equal(config_read(&m->rig, 1, 0x34, 1), 0);
}

static void where_there_is_no_function_all_bits_are_ones(void **state)
{
	struct machine *m = *state;

	config_select(&m->rig, 2, 0);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), UINT32_MAX);
	assert_int_equal(config_read(&m->rig, 2, 0, 4), UINT32_MAX);
	assert_int_equal(config_read(&m->rig, 2, 0xffc, 4), UINT32_MAX);
	/* Functions 1 to 7 of a device that has one. */
	for (uint32_t function = 1; function < 8; function++)
		assert_int_equal(config_read(&m->rig, 1, function << 12, 4), UINT32_MAX);
}

static void extended_configuration_space_is_empty(void **state)
{
	struct machine *m = *state;

	config_write(&m->rig, 1, 0x100, UINT32_MAX, 4);
	for (uint32_t offset = 0x100; offset < 0x1000; offset += 4)
		assert_int_equal(config_read(&m->rig, 1, offset, 4), 0);
}

static void slots_run_out(void **state)
{
	static struct rig_function others[KEG_PCI_DEVICES];
	struct machine *m = *state;

	rig_describe(&others[0]);
	assert_fails(keg_pci_add(&m->rig.pci, &others[0].function, 5), EEXIST, "slot 5 is taken");
	assert_fails(keg_pci_add(&m->rig.pci, &others[0].function, 32), EINVAL, "no slot 32");
	for (int i = 0; i < KEG_PCI_DEVICES - 3; i++) {
		rig_describe(&others[i]);
		assert_ok(keg_pci_add(&m->rig.pci, &others[i].function, 0));
	}
	rig_describe(&others[31]);
	assert_fails(keg_pci_add(&m->rig.pci, &others[31].function, 0), ENOSPC, "slots are taken");
}

/* ---- Mechanism #1 ---- */

static void config_address_is_written_and_read_as_four_bytes(void **state)
{
	struct machine *m = *state;

	bus_write(m->rig.ports, 0xcf8, UINT32_MAX, 4);
	/* Reserved bits, and those below a word, are zero. */
	assert_int_equal(bus_read(m->rig.ports, 0xcf8, 4), 0x80fffffc);
	bus_write(m->rig.ports, 0xcf8, 0, 2);
	bus_write(m->rig.ports, 0xcfb, 0, 1);
	assert_int_equal(bus_read(m->rig.ports, 0xcf8, 4), 0x80fffffc);
	assert_int_equal(bus_read(m->rig.ports, 0xcf8, 2), 0xffff);
	assert_int_equal(bus_read(m->rig.ports, 0xcf9, 1), 0xff);
}

static void config_data_has_four_lanes(void **state)
{
	struct machine *m = *state;

	config_select(&m->rig, 1, 0);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), 0x56781234);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 2), 0x1234);
	assert_int_equal(bus_read(m->rig.ports, 0xcfe, 2), 0x5678);
	for (uint32_t lane = 0; lane < 4; lane++)
		assert_int_equal(
			bus_read(m->rig.ports, 0xcfc + lane, 1), 0x56781234U >> 8 * lane & 0xff);
	/* The interrupt line, of which nothing else is written. */
	config_select(&m->rig, 1, 0x3c);
	bus_write(m->rig.ports, 0xcfc, 0x0b, 1);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), 0x010b);
}

static void config_data_answers_only_when_enabled_and_for_bus_0(void **state)
{
	struct machine *m = *state;

	bus_write(m->rig.ports, 0xcf8, 1 << 11, 4);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), UINT32_MAX);
	bus_write(m->rig.ports, 0xcf8, 0x80010000 | 1 << 11, 4);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), UINT32_MAX);
	bus_write(m->rig.ports, 0xcf8, 0x80000000 | 1 << 11, 4);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), 0x56781234);
}

static void note(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	*(uint64_t *)device = offset << 32 | bytes << 16 | value;
}

static void other_devices_may_lie_beneath_config_address(void **state)
{
	static const struct keg_bus_ops ops = {.write = note};
	uint64_t noted = 0;
	const struct keg_bus_region reset = {"reset", 0xcf9, 1, &ops, &noted};
	struct keg_bus_region wrong = {"wrong", 0xcf9, 4, &ops, &noted};
	struct machine *m = *state;

	assert_fails(keg_pci_put_beneath(&m->rig.pci, &wrong), EINVAL, "beneath");
	wrong.start = 0xcfc;
	assert_fails(keg_pci_put_beneath(&m->rig.pci, &wrong), EINVAL, "beneath");
	assert_ok(keg_pci_put_beneath(&m->rig.pci, &reset));
	bus_write(m->rig.ports, 0xcf8, 0x06060606, 4);
	bus_write(m->rig.ports, 0xcf8, 0x06, 1);
	bus_write(m->rig.ports, 0xcf8, 0x0606, 2);
	assert_int_equal(noted, 0);
	bus_write(m->rig.ports, 0xcf9, 0x06, 1);
	assert_int_equal(noted, 1 << 16 | 0x06);
	assert_int_equal(bus_read(m->rig.ports, 0xcf9, 1), 0xff);
}

/* ---- Accesses of every kind ---- */

static void an_access_that_crosses_a_word_is_two(void **state)
{
	struct machine *m = *state;
	uint64_t value = 0;

	keg_bus_read(m->rig.memory, ecam(1, 0), &value, 8);
	assert_int_equal(value, 0x56781234);
	assert_int_equal(config_read(&m->rig, 1, 0x2e, 2), 0xdef0);
	assert_int_equal(config_read(&m->rig, 1, 0x2a, 4), 0x9abc0000);
	m->a.reads = 0;
	config_read(&m->rig, 1, 0x3a, 4);
	assert_int_equal(m->a.reads, 2);
}

static void what_is_not_writable_stays(void **state)
{
	struct machine *m = *state;
	uint8_t before[256];

	for (uint32_t i = 0; i < 256; i++)
		before[i] = (uint8_t)config_read(&m->rig, 1, i, 1);
	for (uint32_t i = 0; i < 256; i++)
		config_write(&m->rig, 1, i, 0xff, 1);
	for (uint32_t i = 0; i < 256; i++) {
		bool bar = i >= BAR0 && i < BAR3 + 4;
		uint8_t now = (uint8_t)config_read(&m->rig, 1, i, 1);

		if (i == 0x04)
			assert_int_equal(now, 7); /* ports, memory, bus master */
		else if (i == 0x05)
			assert_int_equal(now, 4); /* no INTx */
		else if (i == 0x0c || i == 0x3c)
			assert_int_equal(now, 0xff); /* cache line, interrupt line */
		else if (!bar)
			assert_int_equal(now, before[i]);
	}
}

/* ---- Capabilities ---- */

static void capabilities_are_a_list(void **state)
{
	static const uint8_t first[7] = {0xee, 0xee, 1, 2, 3, 4, 5}, second[4] = {0, 0, 9, 9};
	static const uint8_t writable[7] = {0xff, 0xff, 0, 0x0f};
	struct machine *m = *state;

	assert_int_equal(keg_pci_add_capability(&m->a.function, 0x09, first, writable, 7), 0x40);
	assert_int_equal(keg_pci_add_capability(&m->a.function, 0x11, second, NULL, 4), 0x48);
	assert_int_equal(config_read(&m->rig, 1, 0x06, 2), KEG_PCI_STATUS_CAPABILITIES);
	assert_int_equal(config_read(&m->rig, 1, 0x34, 1), 0x40);
	assert_int_equal(config_read(&m->rig, 1, 0x40, 4), 0x02014809);
	assert_int_equal(config_read(&m->rig, 1, 0x48, 4), 0x09090011);
	/* The low half of a byte is writable; the id and the link never are. */
	config_write(&m->rig, 1, 0x40, UINT32_MAX, 4);
	assert_int_equal(config_read(&m->rig, 1, 0x40, 4), 0x0f014809);
}

static void room_for_capabilities_runs_out(void **state)
{
	static const uint8_t bytes[255];
	struct machine *m = *state;
	int added = 0, rc;

	assert_fails(keg_pci_add_capability(&m->a.function, 9, bytes, NULL, 1), EINVAL, "two");
	assert_fails(keg_pci_add_capability(&m->a.function, 9, bytes, NULL, 255), ENOSPC, "room");
	while ((rc = keg_pci_add_capability(&m->a.function, 9, bytes, NULL, 20)) > 0)
		added++;
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(added, 9);
}

int main(void)
{
#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, end_machine)
	const struct CMUnitTest tests[] = {
		ON_A_MACHINE(a_host_bridge_is_in_slot_0_and_a_function_in_the_first_that_is_free),
		ON_A_MACHINE(the_header_says_what_the_function_is),
		ON_A_MACHINE(where_there_is_no_function_all_bits_are_ones),
		ON_A_MACHINE(extended_configuration_space_is_empty),
		ON_A_MACHINE(slots_run_out),
		ON_A_MACHINE(config_address_is_written_and_read_as_four_bytes),
		ON_A_MACHINE(config_data_has_four_lanes),
		ON_A_MACHINE(config_data_answers_only_when_enabled_and_for_bus_0),
		ON_A_MACHINE(other_devices_may_lie_beneath_config_address),
		ON_A_MACHINE(an_access_that_crosses_a_word_is_two),
		ON_A_MACHINE(what_is_not_writable_stays),
		ON_A_MACHINE(capabilities_are_a_list),
		ON_A_MACHINE(room_for_capabilities_runs_out),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
