/* SPDX-License-Identifier: MIT */
/* Base address registers: where they are at first, how they are sized, moved and turned off. */
#include "pci_machine.h"

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

int main(void)
{
#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, end_machine)
	const struct CMUnitTest tests[] = {
		ON_A_MACHINE(bars_that_cannot_be_are_refused),
		ON_A_MACHINE(first_addresses_are_in_the_window_and_aligned),
		ON_A_MACHINE(all_ones_tell_a_bars_size),
		ON_A_MACHINE(the_command_register_says_what_is_decoded),
		ON_A_MACHINE(a_bar_moves),
		ON_A_MACHINE(a_bar_goes_to_the_end_of_everything),
		ON_A_MACHINE(where_somebody_else_is_a_bar_waits),
	};

	return cmocka_run_group_tests_name("pci bars", tests, NULL, NULL);
}
