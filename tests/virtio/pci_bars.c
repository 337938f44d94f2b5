/* SPDX-License-Identifier: MIT */
/* A virtio PCI function's BARs: doorbells that follow them, and the window to them. */
#include "pci_rig.h"

static int make(void **state)
{
	*state = test_calloc(1, sizeof(struct pci_rig));
	pci_rig_init(*state, true, true);
	rig_enable(*state);
	return 0;
}

static int make_without_ports(void **state)
{
	*state = test_calloc(1, sizeof(struct pci_rig));
	pci_rig_init(*state, false, true);
	rig_enable(*state);
	return 0;
}

static int end(void **state)
{
	pci_rig_fini(*state);
	test_free(*state);
	return 0;
}

/* ---- Doorbells ---- */

/* That of a queue, or NULL. */
static const struct keg_doorbell *bell_of(const struct pci_rig *rig, uint32_t queue)
{
	for (unsigned i = 0; i < rig->bell_count; i++) {
		if (rig->bells[i].fd == rig->virtio.queues[queue].kick)
			return &rig->bells[i];
	}
	return NULL;
}

static void assert_bells(const struct pci_rig *rig, bool pio, uint64_t first, uint32_t bytes)
{
	/* The third queue is not worth one. */
	assert_int_equal(rig->bell_count, 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct keg_doorbell *bell = bell_of(rig, i);

		assert_non_null(bell);
		assert_int_equal(bell->pio, pio);
		assert_int_equal(bell->address, first + 4 * i);
		assert_int_equal(bell->bytes, bytes);
		assert_false(bell->match);
	}
}

static void doorbells_are_there_while_the_device_serves(void **state)
{
	struct pci_rig *rig = *state;

	assert_int_equal(rig->bell_count, 0);
	rig_start(rig);
	assert_bells(rig, true, RIG_PORTS, 0);
	rig_reset(rig);
	assert_int_equal(rig->bell_count, 0);
}

static void without_ports_they_are_in_memory(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	assert_bells(rig, false, RIG_MEMORY + rig->notify_memory.offset, 0);
}

static void where_any_length_cannot_be_they_are_of_two_bytes(void **state)
{
	struct pci_rig *rig = *state;

	rig->no_any_length = true;
	rig_start(rig);
	assert_bells(rig, true, RIG_PORTS, 2);
}

static void only_queues_that_are_enabled_have_one(void **state)
{
	struct pci_rig *rig = *state;

	rig_reset(rig);
	rig_write(rig, &rig->common, 0x14, 3, 1);
	rig_write(rig, &rig->common, 0x08, 1, 4);
	rig_write(rig, &rig->common, 0x0c, 1, 4);
	rig_write(rig, &rig->common, 0x14, 11, 1);
	rig_set_up_queue(rig, 1);
	rig_write(rig, &rig->common, 0x14, 15, 1);
	assert_int_equal(rig->bell_count, 1);
	assert_non_null(bell_of(rig, 1));
}

static void doorbells_follow_the_bar_of_ports(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	rig_config_write(rig, 0x18, 0xd000, 4);
	assert_bells(rig, true, 0xd000, 0);
	/* Ports are off: memory is next, and ports again. */
	rig_config_write(rig, 0x04, KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_MASTER, 2);
	assert_bells(rig, false, RIG_MEMORY + rig->notify_memory.offset, 0);
	rig_config_write(rig, 0x04, KEG_PCI_COMMAND_MASTER, 2);
	assert_int_equal(rig->bell_count, 0);
	rig_enable(rig);
	assert_bells(rig, true, 0xd000, 0);
}

static void doorbells_follow_the_bar_of_memory(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	rig_config_write(rig, 0x14, 0x80, 4);
	assert_bells(rig, false, 0x8000000000 + RIG_MEMORY + rig->notify_memory.offset, 0);
	/* Onto ECAM: it is nowhere, and comes back. */
	rig_config_write(rig, 0x14, 0, 4);
	rig_config_write(rig, 0x10, RIG_ECAM, 4);
	assert_int_equal(rig->bell_count, 0);
	rig_config_write(rig, 0x10, RIG_MEMORY, 4);
	assert_bells(rig, false, RIG_MEMORY + rig->notify_memory.offset, 0);
	assert_true(rig_works(rig, 0));
}

static void nothing_is_bound_twice_for_nothing(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	assert_int_equal(rig->binds, 2);
	rig_enable(rig);
	rig_config_write(rig, 0x18, RIG_PORTS, 4);
	assert_int_equal(rig->binds, 2);
}

/* ---- The window (virtio 1.2, section 4.1.4.9) ---- */

static void point(struct pci_rig *rig, uint32_t bar, uint32_t offset, uint32_t bytes)
{
	rig_config_write(rig, rig->window.capability + 4, bar, 1);
	rig_config_write(rig, rig->window.capability + 8, offset, 4);
	rig_config_write(rig, rig->window.capability + 12, bytes, 4);
}

static uint32_t window_read(struct pci_rig *rig)
{
	return rig_config_read(rig, rig->window.capability + 16, 4);
}

static void window_write(struct pci_rig *rig, uint32_t value)
{
	rig_config_write(rig, rig->window.capability + 16, value, 4);
}

static void the_window_reaches_a_bar_that_is_not_mapped(void **state)
{
	struct pci_rig *rig = *state;

	rig_config_write(rig, 0x04, 0, 2);
	point(rig, 0, rig->common.offset + 0x12, 2);
	assert_int_equal(window_read(rig) & 0xffff, RIG_QUEUES);
	point(rig, 0, rig->device.offset, 4);
	assert_int_equal(window_read(rig), 0xc3c2c1c0);
	point(rig, 0, rig->common.offset + 0x14, 1);
	window_write(rig, 3);
	assert_int_equal(keg_virtio_get_status(&rig->virtio), 3);
	window_write(rig, 0);
	assert_int_equal(keg_virtio_get_status(&rig->virtio), 0);
}

static void the_window_notifies_through_both_bars(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	point(rig, rig->notify_ports.bar, 8, 2);
	window_write(rig, 2);
	assert_int_equal(keg_eventfd_drain(rig->virtio.queues[2].kick), 1);
	point(rig, 0, rig->notify_memory.offset + 8, 2);
	window_write(rig, 2);
	assert_int_equal(keg_eventfd_drain(rig->virtio.queues[2].kick), 1);
}

static void the_window_may_start_and_stop_the_device(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	point(rig, 0, rig->common.offset + 0x14, 1);
	window_write(rig, 0);
	assert_int_equal(rig->stops, 1);
	assert_int_equal(rig->bell_count, 0);
}

static void the_window_shows_nothing_where_nothing_is(void **state)
{
	static const struct {
		uint32_t bar, offset, bytes;
	} cases[] = {
		{1, 0, 4},               /* the upper half of a BAR's address */
		{3, 0, 4},               /* none */
		{6, 0, 4},               /* no such BAR */
		{255, 0, 4},             /* ... */
		{0, 0x10000, 4},         /* beyond its end */
		{0, UINT32_MAX - 3, 4},  /* ... */
		{0, 0x2002, 4},          /* not a multiple */
		{0, 0x2000, 0},          /* no width */
		{0, 0x2000, 3},          /* ... */
		{0, 0x2000, 8},          /* ... */
		{0, 0x2000, UINT32_MAX}, /* ... */
		{2, 16, 1},              /* beyond the ports */
	};
	struct pci_rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		point(rig, 3, 0, 0);
		window_write(rig, 0x600df00d);
		point(rig, cases[i].bar, cases[i].offset, cases[i].bytes);
		assert_int_equal(window_read(rig), 0x600df00d);
		window_write(rig, 0x12345678);
		assert_int_equal(window_read(rig), 0x12345678);
	}
	assert_int_equal(rig_read(rig, &rig->device, 0, 4), 0xc3c2c1c0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		TEST(doorbells_are_there_while_the_device_serves),
		cmocka_unit_test_setup_teardown(
			without_ports_they_are_in_memory, make_without_ports, end),
		TEST(where_any_length_cannot_be_they_are_of_two_bytes),
		TEST(only_queues_that_are_enabled_have_one),
		TEST(doorbells_follow_the_bar_of_ports),
		cmocka_unit_test_setup_teardown(
			doorbells_follow_the_bar_of_memory, make_without_ports, end),
		TEST(nothing_is_bound_twice_for_nothing),
		TEST(the_window_reaches_a_bar_that_is_not_mapped),
		TEST(the_window_notifies_through_both_bars),
		TEST(the_window_may_start_and_stop_the_device),
		TEST(the_window_shows_nothing_where_nothing_is),
	};

	return cmocka_run_group_tests_name("virtio pci bars", tests, NULL, NULL);
}
