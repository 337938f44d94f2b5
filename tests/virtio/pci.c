/* SPDX-License-Identifier: MIT */
/* A virtio PCI function, as its driver finds and uses it (virtio 1.2, section 4.1). */
#include "pci_rig.h"

enum { BEYOND = 7 }; /* a queue that there is not */

static int make(void **state)
{
	*state = test_calloc(1, sizeof(struct pci_rig));
	pci_rig_init(*state, true, true);
	rig_enable(*state);
	return 0;
}

static int make_small(void **state)
{
	*state = test_calloc(1, sizeof(struct pci_rig));
	pci_rig_init(*state, false, false);
	return 0;
}

static int end(void **state)
{
	pci_rig_fini(*state);
	test_free(*state);
	return 0;
}

/* ---- What it is ---- */

static void the_header_tells_of_a_modern_block_device(void **state)
{
	struct pci_rig *rig = *state;

	assert_int_equal(rig_config_read(rig, 0, 4), 0x10421af4);
	assert_int_equal(rig_config_read(rig, 0x2c, 4), 0x10421af4);
	assert_int_equal(rig_config_read(rig, 8, 4), 0x01800001);
	assert_int_equal(rig_config_read(rig, 0x3d, 1), 1);
}

static void each_structure_has_a_place_of_its_own(void **state)
{
	struct pci_rig *rig = *state;

	assert_int_equal(rig->common.bytes, 56);
	assert_int_equal(rig->isr.bytes, 1);
	assert_int_equal(rig->device.bytes, RIG_CONFIG_BYTES);
	assert_int_equal(rig->notify_memory.bytes, 4 * RIG_QUEUES);
	assert_int_equal(rig->notify_memory.multiplier, 4);
	assert_int_equal(rig->notify_ports.bytes, 4 * RIG_QUEUES);
	assert_int_equal(rig->notify_ports.multiplier, 4);
	/* Ports are to be preferred: they come first. */
	assert_true(rig->notify_ports.capability < rig->notify_memory.capability);
	assert_true(rig->window.capability && rig->msix);
	assert_int_equal(rig_config_read(rig, rig->msix + 2, 2), RIG_VECTORS - 1);
	assert_int_equal(rig->common.offset % 4096 + rig->isr.offset % 4096 +
				 rig->device.offset % 4096 + rig->notify_memory.offset % 4096,
		0);
}

static void without_ports_or_a_line_there_are_none(void **state)
{
	struct pci_rig *rig = *state;

	assert_int_equal(rig->notify_ports.capability, 0);
	assert_int_equal(rig_config_read(rig, 0x18, 4), 0);
	assert_int_equal(rig_config_read(rig, 0x3d, 1), 0);
	/* All else is there. */
	rig_enable(rig);
	rig_start(rig);
	assert_true(rig_works(rig, 0));
}

/* ---- The common configuration ---- */

static void features_are_chosen_by_word(void **state)
{
	struct pci_rig *rig = *state;

	rig_write(rig, &rig->common, 0x00, 1, 4);
	assert_int_equal(rig_read(rig, &rig->common, 0x04, 4), 1); /* VERSION_1 */
	rig_write(rig, &rig->common, 0x00, 2, 4);
	assert_int_equal(rig_read(rig, &rig->common, 0x04, 4), 0);
	rig_write(rig, &rig->common, 0x08, 1, 4);
	rig_write(rig, &rig->common, 0x0c, 1, 4);
	assert_int_equal(rig_read(rig, &rig->common, 0x0c, 4), 1);
	rig_write(rig, &rig->common, 0x08, UINT32_MAX, 4);
	rig_write(rig, &rig->common, 0x0c, UINT32_MAX, 4);
	assert_int_equal(rig_read(rig, &rig->common, 0x0c, 4), 0);
}

static void queues_are_described_one_by_one(void **state)
{
	struct pci_rig *rig = *state;

	assert_int_equal(rig_read(rig, &rig->common, 0x12, 2), RIG_QUEUES);
	for (uint32_t i = 0; i < RIG_QUEUES; i++) {
		rig_write(rig, &rig->common, 0x16, i, 2);
		assert_int_equal(rig_read(rig, &rig->common, 0x18, 2), 64);
		assert_int_equal(rig_read(rig, &rig->common, 0x1a, 2), RIG_NO_VECTOR);
		assert_int_equal(rig_read(rig, &rig->common, 0x1c, 2), 0);
		assert_int_equal(rig_read(rig, &rig->common, 0x1e, 2), i);
	}
	rig_write(rig, &rig->common, 0x20, 0x1122334455667788, 8);
	assert_int_equal(rig_read(rig, &rig->common, 0x20, 8), 0x1122334455667788);
	rig_write(rig, &rig->common, 0x2c, 0xabcd, 4);
	assert_int_equal(rig_read(rig, &rig->common, 0x28, 8), 0xabcd00000000);
}

static void a_queue_that_is_none_has_nothing(void **state)
{
	struct pci_rig *rig = *state;

	rig_write(rig, &rig->common, 0x16, BEYOND, 2);
	rig_write(rig, &rig->common, 0x18, 16, 2);
	rig_write(rig, &rig->common, 0x1a, 0, 2);
	rig_write(rig, &rig->common, 0x1c, 1, 2);
	rig_write(rig, &rig->common, 0x20, UINT64_MAX, 8);
	assert_int_equal(rig_read(rig, &rig->common, 0x16, 2), BEYOND);
	assert_int_equal(rig_read(rig, &rig->common, 0x18, 2), 0);
	assert_int_equal(rig_read(rig, &rig->common, 0x1a, 2), RIG_NO_VECTOR);
	assert_int_equal(rig_read(rig, &rig->common, 0x1c, 2), 0);
	assert_int_equal(rig_read(rig, &rig->common, 0x1e, 2), 0);
	assert_int_equal(rig_read(rig, &rig->common, 0x20, 8), 0);
}

static void vectors_that_are_none_are_not_taken(void **state)
{
	struct pci_rig *rig = *state;

	for (uint32_t at = 0x10; at <= 0x1a; at += 0x0a) {
		assert_int_equal(rig_read(rig, &rig->common, at, 2), RIG_NO_VECTOR);
		rig_write(rig, &rig->common, at, RIG_VECTORS - 1, 2);
		assert_int_equal(rig_read(rig, &rig->common, at, 2), RIG_VECTORS - 1);
		rig_write(rig, &rig->common, at, RIG_VECTORS, 2);
		assert_int_equal(rig_read(rig, &rig->common, at, 2), RIG_NO_VECTOR);
		rig_write(rig, &rig->common, at, 0, 2);
		rig_write(rig, &rig->common, at, RIG_NO_VECTOR, 2);
		assert_int_equal(rig_read(rig, &rig->common, at, 2), RIG_NO_VECTOR);
	}
}

static void a_reset_forgets_it_all(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	assert_int_equal(rig->starts, 1);
	rig_write(rig, &rig->common, 0x16, 1, 2);
	assert_int_equal(rig_read(rig, &rig->common, 0x1a, 2), 2);
	rig_reset(rig);
	assert_int_equal(rig->stops, 1);
	assert_int_equal(rig_read(rig, &rig->common, 0x16, 2), 0);
	rig_write(rig, &rig->common, 0x16, 1, 2);
	assert_int_equal(rig_read(rig, &rig->common, 0x1a, 2), RIG_NO_VECTOR);
	assert_int_equal(rig_read(rig, &rig->common, 0x10, 2), RIG_NO_VECTOR);
	assert_int_equal(rig_read(rig, &rig->common, 0x1c, 2), 0);
	rig_start(rig);
	assert_true(rig_works(rig, 1));
}

static void the_devices_configuration_is_read(void **state)
{
	struct pci_rig *rig = *state;
	const uint32_t generation = (uint32_t)rig_read(rig, &rig->common, 0x15, 1);

	assert_int_equal(rig_read(rig, &rig->device, 0, 8), 0xc7c6c5c4c3c2c1c0);
	assert_int_equal(rig_read(rig, &rig->device, RIG_CONFIG_BYTES - 1, 2), 0xd7);
	keg_virtio_update_config(&rig->virtio, 4, "\1\2", 2);
	assert_int_equal(rig_read(rig, &rig->device, 4, 2), 0x0201);
	assert_int_equal(rig_read(rig, &rig->common, 0x15, 1), (generation + 1) & 0xff);
}

/* ---- Notifications ---- */

static void a_write_to_its_address_notifies_a_queue(void **state)
{
	struct pci_rig *rig = *state;

	rig->no_bells = true;
	rig_start(rig);
	for (uint32_t i = 0; i < RIG_QUEUES; i++) {
		const struct rig_structure *const ways[] = {
			&rig->notify_ports, &rig->notify_memory};

		for (int way = 0; way < 2; way++) {
			rig_write(rig, ways[way], 4 * i, i, 2);
			for (uint32_t other = 0; other < RIG_QUEUES; other++)
				assert_int_equal(keg_eventfd_drain(rig->virtio.queues[other].kick),
					other == i);
		}
		assert_int_equal(rig->virtio.queues[i].kicks, 2);
	}
	/* Between the addresses, and beyond them, there is nobody. */
	rig_write(rig, &rig->notify_memory, 2, 0, 2);
	rig_write(rig, &rig->notify_memory, 4 * RIG_QUEUES, 0, 2);
	assert_int_equal(keg_eventfd_drain(rig->virtio.queues[0].kick), 0);
}

/* ---- Interrupts ---- */

static void without_msix_the_line_is_high_until_the_status_is_read(void **state)
{
	struct pci_rig *rig = *state;

	rig_start(rig);
	assert_true(rig_works(rig, 0));
	assert_true(rig->line);
	assert_int_equal(
		rig_config_read(rig, 0x06, 2) & KEG_PCI_STATUS_INTERRUPT, KEG_PCI_STATUS_INTERRUPT);
	/* Looking there changed nothing; the status tells of it once. */
	assert_true(rig->line);
	assert_int_equal(rig_read(rig, &rig->isr, 0, 1), 1);
	assert_false(rig->line);
	assert_int_equal(rig_config_read(rig, 0x06, 2) & KEG_PCI_STATUS_INTERRUPT, 0);
	assert_int_equal(rig_read(rig, &rig->isr, 0, 1), 0);
	keg_virtio_update_config(&rig->virtio, 0, "", 1);
	assert_true(rig->line);
	assert_int_equal(rig_read(rig, &rig->isr, 0, 4), 2);
	assert_false(rig->line);
}

static void the_command_register_holds_the_line_down(void **state)
{
	struct pci_rig *rig = *state;
	const uint32_t command = rig_config_read(rig, 0x04, 2);

	rig_start(rig);
	rig_config_write(rig, 0x04, command | KEG_PCI_COMMAND_INTX_DISABLE, 2);
	assert_true(rig_works(rig, 0));
	assert_false(rig->line);
	rig_config_write(rig, 0x04, command, 2);
	assert_true(rig->line);
	rig_config_write(rig, 0x04, command | KEG_PCI_COMMAND_INTX_DISABLE, 2);
	assert_false(rig->line);
	/* A reset takes back what was to be told. */
	rig_reset(rig);
	rig_config_write(rig, 0x04, command, 2);
	assert_false(rig->line);
}

static void with_msix_each_queue_has_its_message(void **state)
{
	struct pci_rig *rig = *state;

	rig_enable_msix(rig);
	rig_start(rig);
	for (uint16_t i = 0; i < RIG_QUEUES; i++) {
		assert_true(rig_works(rig, i));
		assert_int_equal(rig->sent[i + 1], 1);
	}
	assert_int_equal(rig->sent[0], 0);
	keg_virtio_update_config(&rig->virtio, 0, "", 1);
	assert_int_equal(rig->sent[0], 1);
	assert_false(rig->line);
	/* Only of the configuration does the status tell. */
	assert_int_equal(rig_read(rig, &rig->isr, 0, 1), 2);
}

static void a_queue_without_a_vector_is_silent(void **state)
{
	struct pci_rig *rig = *state;

	rig_enable_msix(rig);
	rig_start(rig);
	rig_write(rig, &rig->common, 0x16, 0, 2);
	rig_write(rig, &rig->common, 0x1a, RIG_NO_VECTOR, 2);
	assert_true(rig_works(rig, 0));
	for (int i = 0; i < RIG_VECTORS; i++)
		assert_int_equal(rig->sent[i], 0);
	assert_false(rig->line);
}

static void a_device_that_breaks_says_so(void **state)
{
	struct pci_rig *rig = *state;

	rig_enable_msix(rig);
	rig_start(rig);
	keg_virtio_break(&rig->virtio, "on purpose");
	assert_int_equal(rig_read(rig, &rig->common, 0x14, 1), 15 | KEG_VIRTIO_NEEDS_RESET);
	assert_int_equal(rig->sent[0], 1);
}

/* A kernel that hands the machine over to another one clears the bit, and resets nothing. */
static void who_is_no_bus_master_any_more_touches_no_memory(void **state)
{
	struct pci_rig *rig = *state;
	const uint32_t command = rig_config_read(rig, 0x04, 2);

	rig_start(rig);
	rig_config_write(rig, 0x04, command & ~(uint32_t)KEG_PCI_COMMAND_MASTER, 2);
	assert_int_equal(rig->stops, 1);
	assert_int_equal(rig->bell_count, 0);
	assert_int_equal(rig_read(rig, &rig->common, 0x14, 1), 11);
	/* The next driver begins as ever. */
	rig_config_write(rig, 0x04, command, 2);
	rig_start(rig);
	assert_true(rig_works(rig, 0));
}

static void a_driver_that_never_makes_it_a_master_is_served(void **state)
{
	struct pci_rig *rig = *state;
	const uint32_t command = KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_PORTS;

	rig_config_write(rig, 0x04, command, 2);
	rig_start(rig);
	rig_config_write(rig, 0x04, command | KEG_PCI_COMMAND_INTX_DISABLE, 2);
	assert_true(rig_works(rig, 0));
	assert_int_equal(rig->stops, 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		TEST(the_header_tells_of_a_modern_block_device),
		TEST(each_structure_has_a_place_of_its_own),
		cmocka_unit_test_setup_teardown(
			without_ports_or_a_line_there_are_none, make_small, end),
		TEST(features_are_chosen_by_word),
		TEST(queues_are_described_one_by_one),
		TEST(a_queue_that_is_none_has_nothing),
		TEST(vectors_that_are_none_are_not_taken),
		TEST(a_reset_forgets_it_all),
		TEST(the_devices_configuration_is_read),
		TEST(a_write_to_its_address_notifies_a_queue),
		TEST(without_msix_the_line_is_high_until_the_status_is_read),
		TEST(the_command_register_holds_the_line_down),
		TEST(with_msix_each_queue_has_its_message),
		TEST(a_queue_without_a_vector_is_silent),
		TEST(a_device_that_breaks_says_so),
		TEST(who_is_no_bus_master_any_more_touches_no_memory),
		TEST(a_driver_that_never_makes_it_a_master_is_served),
	};

	return cmocka_run_group_tests_name("virtio pci", tests, NULL, NULL);
}
