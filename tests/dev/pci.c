/* SPDX-License-Identifier: MIT */
/* The PCI bus as a guest sees it: two ways to configuration space, headers, BARs, capabilities. */
#include "pci_rig.h"

enum { BAR0 = 0x10, BAR1 = 0x14, BAR2 = 0x18, BAR3 = 0x1c };

struct machine {
	struct rig rig;
	struct rig_function a, b;
};

static int make_machine(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));

	rig_init(&m->rig);
	rig_describe(&m->a);
	rig_describe(&m->b);
	assert_ok(keg_pci_add(&m->rig.pci, &m->a.function, 0));
	assert_ok(keg_pci_add(&m->rig.pci, &m->b.function, 5));
	*state = m;
	return 0;
}

static int end_machine(void **state)
{
	struct machine *m = *state;

	rig_fini(&m->rig);
	test_free(m);
	return 0;
}

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

static void bars_that_cannot_be_are_refused(void **state)
{
	static const struct {
		struct keg_pci_bar bar;
		int index, error;
		const char *words;
	} cases[] = {
		{{KEG_PCI_BAR_MEMORY32, "odd", 0x1800, &rig_bar_ops, 0, 0, 0}, 0, EINVAL, "odd"},
		{{KEG_PCI_BAR_MEMORY32, "tiny", 16, &rig_bar_ops, 0, 0, 0}, 0, EINVAL, "tiny"},
		{{KEG_PCI_BAR_PORTS, "many", 512, &rig_bar_ops, 0, 0, 0}, 0, EINVAL, "many"},
		{{KEG_PCI_BAR_PORTS, "few", 2, &rig_bar_ops, 0, 0, 0}, 0, EINVAL, "few"},
		{{KEG_PCI_BAR_MEMORY64, "last", 4096, &rig_bar_ops, 0, 0, 0}, 5, EINVAL, "last"},
		{{KEG_PCI_BAR_MEMORY64, "wide", 4096, &rig_bar_ops, 0, 0, 0}, 1, EINVAL, "big"},
		{{KEG_PCI_BAR_MEMORY32, "idle", 4096, NULL, 0, 0, 0}, 0, EINVAL, "operations"},
		{{KEG_PCI_BAR_MEMORY32, "huge", 1 << 30, &rig_bar_ops, 0, 0, 0}, 4, ENOSPC, "huge"},
	};
	struct machine *m = *state;
	struct rig_function bad;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_describe(&bad);
		bad.function.bars[cases[i].index] = cases[i].bar;
		assert_fails(
			keg_pci_add(&m->rig.pci, &bad.function, 9), cases[i].error, cases[i].words);
		assert_int_equal(config_read(&m->rig, 9, 0, 4), UINT32_MAX);
	}
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

/* ---- BARs ---- */

static void first_addresses_are_in_the_window_and_aligned(void **state)
{
	struct machine *m = *state;

	assert_int_equal(config_read(&m->rig, 1, BAR0, 4), RIG_MEMORY | 4);
	assert_int_equal(config_read(&m->rig, 1, BAR1, 4), 0);
	assert_int_equal(config_read(&m->rig, 1, BAR2, 4), RIG_MEMORY + 0x10000);
	assert_int_equal(config_read(&m->rig, 1, BAR3, 4), RIG_PORTS | 1);
	/* The other one's are after those, each on a multiple of its size. */
	assert_int_equal(config_read(&m->rig, 5, BAR0, 4), (RIG_MEMORY + 0x20000) | 4);
	assert_int_equal(config_read(&m->rig, 5, BAR3, 4), (RIG_PORTS + 32) | 1);
}

static void all_ones_tell_a_bars_size(void **state)
{
	struct machine *m = *state;

	for (uint32_t bar = BAR0; bar <= 0x24; bar += 4)
		config_write(&m->rig, 1, bar, UINT32_MAX, 4);
	assert_int_equal(config_read(&m->rig, 1, BAR0, 4), 0xffff0004);
	assert_int_equal(config_read(&m->rig, 1, BAR1, 4), 0xffffffff);
	assert_int_equal(config_read(&m->rig, 1, BAR2, 4), 0xfffff000);
	assert_int_equal(config_read(&m->rig, 1, BAR3, 4), 0x0000ffe1);
	assert_int_equal(config_read(&m->rig, 1, 0x20, 4), 0);
	assert_int_equal(config_read(&m->rig, 1, 0x24, 4), 0);
}

static void the_command_register_says_what_is_decoded(void **state)
{
	struct machine *m = *state;

	assert_int_equal(bus_read(m->rig.memory, RIG_MEMORY, 4), UINT32_MAX);
	config_write(&m->rig, 1, 4, KEG_PCI_COMMAND_MEMORY, 2);
	assert_int_equal(bus_read(m->rig.memory, RIG_MEMORY + 8, 4), 0x5a000008);
	assert_int_equal(bus_read(m->rig.memory, RIG_MEMORY + 0x10ffc, 4), 0x5a000ffc);
	assert_int_equal(bus_read(m->rig.ports, RIG_PORTS, 4), UINT32_MAX);
	assert_true(m->a.mapped[0] && m->a.mapped[1] && !m->a.mapped[2]);
	config_write(&m->rig, 1, 4, KEG_PCI_COMMAND_PORTS, 2);
	assert_int_equal(bus_read(m->rig.memory, RIG_MEMORY, 4), UINT32_MAX);
	assert_int_equal(bus_read(m->rig.ports, RIG_PORTS + 28, 4), 0x5a00001c);
	assert_true(!m->a.mapped[0] && !m->a.mapped[1] && m->a.mapped[2]);
	/* Nothing moves that need not. */
	m->a.moves = 0;
	config_write(&m->rig, 1, 4, KEG_PCI_COMMAND_PORTS | KEG_PCI_COMMAND_MASTER, 2);
	assert_int_equal(m->a.moves, 0);
}

static void a_bar_moves(void **state)
{
	struct machine *m = *state;

	config_write(&m->rig, 1, 4, KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_PORTS, 2);
	config_write(&m->rig, 1, BAR0, 0x12345678, 4);
	config_write(&m->rig, 1, BAR1, 0x9a, 4);
	assert_int_equal(m->a.address[0], 0x9a12340000);
	assert_int_equal(bus_read(m->rig.memory, 0x9a12340004, 4), 0x5a000004);
	assert_int_equal(bus_read(m->rig.memory, RIG_MEMORY, 4), UINT32_MAX);
	config_write(&m->rig, 1, BAR3, 0xffff1234, 4);
	assert_int_equal(m->a.address[2], 0x1220);
	assert_int_equal(bus_read(m->rig.ports, 0x1220, 4), 0x5a000000);
}

static void a_bar_goes_to_the_end_of_everything(void **state)
{
	struct machine *m = *state;

	config_write(&m->rig, 1, 4, KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_PORTS, 2);
	for (uint32_t bar = BAR0; bar <= BAR3; bar += 4)
		config_write(&m->rig, 1, bar, UINT32_MAX, 4);
	assert_true(m->a.mapped[0] && m->a.mapped[1] && m->a.mapped[2]);
	assert_int_equal(bus_read(m->rig.memory, UINT64_MAX - 3, 4), 0x5a00fffc);
	assert_int_equal(bus_read(m->rig.memory, 0xfffffffc, 4), 0x5a000ffc);
	assert_int_equal(bus_read(m->rig.ports, 0xfffc, 4), 0x5a00001c);
	for (uint32_t bar = BAR0; bar <= BAR3; bar += 4)
		config_write(&m->rig, 1, bar, 0, 4);
	assert_true(m->a.mapped[0] && m->a.mapped[2]);
	/* The first one is at 0, so that this one cannot be. */
	assert_false(m->a.mapped[1]);
}

static void where_somebody_else_is_a_bar_waits(void **state)
{
	struct machine *m = *state;

	config_write(&m->rig, 1, 4, KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_PORTS, 2);
	/* Onto ECAM, and onto CONFIG_ADDRESS. */
	config_write(&m->rig, 1, BAR2, RIG_ECAM + 0x1000, 4);
	config_write(&m->rig, 1, BAR3, 0xcf8, 4);
	assert_true(!m->a.mapped[1] && !m->a.mapped[2]);
	assert_int_equal(config_read(&m->rig, 1, BAR2, 4), RIG_ECAM + 0x1000);
	config_select(&m->rig, 1, 0);
	assert_int_equal(bus_read(m->rig.ports, 0xcfc, 4), 0x56781234);
	/* Onto another function's, which then goes away. */
	config_write(&m->rig, 5, 4, KEG_PCI_COMMAND_MEMORY, 2);
	config_write(&m->rig, 1, BAR2, RIG_MEMORY + 0x20000, 4);
	assert_false(m->a.mapped[1]);
	config_write(&m->rig, 5, 4, 0, 2);
	assert_true(m->a.mapped[1]);
	config_write(&m->rig, 5, 4, KEG_PCI_COMMAND_MEMORY, 2);
	assert_false(m->b.mapped[0]);
	keg_pci_remove(&m->a.function);
	assert_true(m->b.mapped[0]);
	assert_false(m->a.mapped[0] || m->a.mapped[1]);
	assert_int_equal(config_read(&m->rig, 1, 0, 4), UINT32_MAX);
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
		ON_A_MACHINE(bars_that_cannot_be_are_refused),
		ON_A_MACHINE(config_address_is_written_and_read_as_four_bytes),
		ON_A_MACHINE(config_data_has_four_lanes),
		ON_A_MACHINE(config_data_answers_only_when_enabled_and_for_bus_0),
		ON_A_MACHINE(other_devices_may_lie_beneath_config_address),
		ON_A_MACHINE(an_access_that_crosses_a_word_is_two),
		ON_A_MACHINE(what_is_not_writable_stays),
		ON_A_MACHINE(first_addresses_are_in_the_window_and_aligned),
		ON_A_MACHINE(all_ones_tell_a_bars_size),
		ON_A_MACHINE(the_command_register_says_what_is_decoded),
		ON_A_MACHINE(a_bar_moves),
		ON_A_MACHINE(a_bar_goes_to_the_end_of_everything),
		ON_A_MACHINE(where_somebody_else_is_a_bar_waits),
		ON_A_MACHINE(capabilities_are_a_list),
		ON_A_MACHINE(room_for_capabilities_runs_out),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
