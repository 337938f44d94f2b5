/* SPDX-License-Identifier: MIT */
/* The memory-mapped transport, register by register: virtio 1.2, section 4.2. */
#include "testing.h"

#include <errno.h>
#include <poll.h>

#include "mmio_rig.h"

enum {
	USED_BUFFER = 1,
	CONFIG_CHANGE = 2,
	READY = KEG_VIRTIO_ACKNOWLEDGE | KEG_VIRTIO_DRIVER | KEG_VIRTIO_FEATURES_OK |
		KEG_VIRTIO_DRIVER_OK,
};

static int make_rig(void **state)
{
	struct mmio_rig *rig = test_calloc(1, sizeof(*rig));

	mmio_rig_init(rig);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	mmio_rig_fini(*state);
	test_free(*state);
	return 0;
}

static void it_says_what_it_is(void **state)
{
	struct mmio_rig *rig = *state;

	assert_int_equal(mmio_in(rig, MAGIC_VALUE), 0x74726976);
	assert_int_equal(mmio_in(rig, VERSION), 2);
	assert_int_equal(mmio_in(rig, DEVICE_ID), TOY_ID);
	assert_int_not_equal(mmio_in(rig, VENDOR_ID), 0);
}

static void features_are_read_by_the_word(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_out(rig, DEVICE_FEATURES_SEL, 1);
	assert_int_equal(mmio_in(rig, DEVICE_FEATURES), 1);
	mmio_out(rig, DEVICE_FEATURES_SEL, 0);
	assert_int_equal(mmio_in(rig, DEVICE_FEATURES), 1 << 28 | 1 << 29 | 1 << 3);
	mmio_out(rig, DEVICE_FEATURES_SEL, 2);
	assert_int_equal(mmio_in(rig, DEVICE_FEATURES), 0);
	/* The driver's own selector is another one. */
	mmio_out(rig, DRIVER_FEATURES_SEL, 1);
	mmio_out(rig, DRIVER_FEATURES, 1);
	assert_int_equal(rig->toy.virtio.agreed, UINT64_C(1) << 32);
}

static void a_driver_is_served(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_start(rig, TOY_FEATURE);
	assert_int_equal(rig->toy.starts, 1);
	for (int i = 0; i < 100; i++)
		mmio_check_echo(rig, (uint16_t)(i % TOY_QUEUES));
	assert_int_equal(mmio_in(rig, STATUS), READY);
}

static void the_line_is_high_until_all_is_acknowledged(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_start(rig, 0);
	assert_false(rig->high);
	mmio_check_echo(rig, 0);
	driver_wait_interrupts(&rig->driver, 0, 1);
	assert_int_equal(mmio_in(rig, INTERRUPT_STATUS), USED_BUFFER);
	keg_virtio_update_config(&rig->toy.virtio, 0, "x", 1);
	assert_int_equal(mmio_in(rig, INTERRUPT_STATUS), USED_BUFFER | CONFIG_CHANGE);
	mmio_out(rig, INTERRUPT_ACK, USED_BUFFER);
	assert_true(rig->high);
	mmio_out(rig, INTERRUPT_ACK, CONFIG_CHANGE);
	assert_false(rig->high);
	assert_int_equal(mmio_in(rig, INTERRUPT_STATUS), 0);
	/* It went up once and down once. */
	assert_int_equal(rig->changes, 2);
}

static void a_reset_takes_interrupts_back(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_start(rig, 0);
	keg_virtio_update_config(&rig->toy.virtio, 0, "x", 1);
	assert_true(rig->high);
	mmio_out(rig, STATUS, 0);
	assert_false(rig->high);
	assert_int_equal(mmio_in(rig, INTERRUPT_STATUS), 0);
}

static void a_broken_device_interrupts(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_start(rig, 0);
	keg_virtio_break(&rig->toy.virtio, "the test says so");
	assert_int_equal(mmio_in(rig, STATUS), READY | KEG_VIRTIO_NEEDS_RESET);
	assert_int_equal(mmio_in(rig, INTERRUPT_STATUS), CONFIG_CHANGE);
	mmio_start(rig, 0);
	mmio_check_echo(rig, 0);
}

static void queues_that_there_are_not_have_no_size(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_out(rig, QUEUE_SEL, TOY_QUEUES);
	assert_int_equal(mmio_in(rig, QUEUE_NUM_MAX), 0);
	mmio_out(rig, QUEUE_READY, 1);
	assert_int_equal(mmio_in(rig, QUEUE_READY), 0);
	mmio_out(rig, QUEUE_SEL, UINT32_MAX);
	assert_int_equal(mmio_in(rig, QUEUE_NUM_MAX), 0);
}

static void a_notified_queue_that_is_worth_it_has_a_doorbell(void **state)
{
	struct mmio_rig *rig = *state;
	const struct keg_doorbell *doorbell = &rig->bound[0];

	mmio_start(rig, 0);
	assert_int_equal(rig->bound_count, 1);
	assert_false(doorbell->pio);
	assert_int_equal(doorbell->address, MMIO_ADDRESS + QUEUE_NOTIFY);
	assert_int_equal(doorbell->bytes, 4);
	assert_true(doorbell->match);
	assert_int_equal(doorbell->value, 0);
	assert_int_equal(doorbell->fd, rig->toy.virtio.queues[0].kick);
	mmio_out(rig, STATUS, 0);
	assert_int_equal(rig->bound_count, 0);
}

static void without_doorbells_notifications_are_exits(void **state)
{
	struct mmio_rig *rig = *state;

	rig->bind_error = ENOSPC;
	mmio_start(rig, 0);
	assert_int_equal(rig->bound_count, 0);
	mmio_check_echo(rig, 0);
	assert_int_not_equal(rig->toy.virtio.queues[0].kicks, 0);
}

static void what_notifies_before_it_is_ready_is_ignored(void **state)
{
	struct mmio_rig *rig = *state;
	struct pollfd kick = {.fd = rig->toy.virtio.queues[0].kick, .events = POLLIN};

	mmio_out(rig, QUEUE_NOTIFY, 0);
	assert_int_equal(poll(&kick, 1, 0), 0);
}

static void the_configuration_is_read_at_any_width(void **state)
{
	struct mmio_rig *rig = *state;
	uint64_t value = 0;
	uint8_t byte;

	keg_bus_read(rig->bus, MMIO_ADDRESS + CONFIG + 1, &byte, 1);
	assert_int_equal(byte, 0xc1);
	keg_bus_read(rig->bus, MMIO_ADDRESS + CONFIG + 2, &value, 2);
	assert_int_equal(value, 0xc3c2);
	keg_bus_read(rig->bus, MMIO_ADDRESS + CONFIG + 8, &value, 8);
	assert_int_equal(value, 0xcfcecdcccbcac9c8);
	keg_bus_read(rig->bus, MMIO_ADDRESS + CONFIG + TOY_CONFIG_BYTES, &value, 8);
	assert_int_equal(value, 0);
	/* The last register and the first bytes. */
	keg_virtio_update_config(&rig->toy.virtio, 0, "\xee", 1);
	keg_bus_read(rig->bus, MMIO_ADDRESS + CONFIG_GENERATION, &value, 8);
	assert_int_equal(value, 0xc3c2c1ee00000001);
}

static void the_configuration_is_written_at_any_width(void **state)
{
	struct mmio_rig *rig = *state;
	const uint64_t value = 0x8877665544332211;

	keg_bus_write(rig->bus, MMIO_ADDRESS + CONFIG + 3, &value, 1);
	assert_int_equal(rig->toy.config[3], 0x11);
	assert_int_equal(rig->toy.last_count, 1);
	keg_bus_write(rig->bus, MMIO_ADDRESS + CONFIG + 8, &value, 8);
	assert_memory_equal(rig->toy.config + 8, &value, 8);
	keg_bus_write(rig->bus, MMIO_ADDRESS + CONFIG - 4, &value, 8);
	assert_memory_equal(rig->toy.config, "\x55\x66\x77\x88", 4);
}

static void wide_and_narrow_accesses_are_registers_side_by_side(void **state)
{
	struct mmio_rig *rig = *state;
	struct keg_virtio_queue_state queue;
	const uint64_t address = 0x123456789000;
	uint64_t value = 0;

	keg_bus_read(rig->bus, MMIO_ADDRESS + MAGIC_VALUE, &value, 8);
	assert_int_equal(value, 0x0000000274726976);
	keg_bus_write(rig->bus, MMIO_ADDRESS + QUEUE_DESC_LOW, &address, 8);
	keg_virtio_get_queue(&rig->toy.virtio, 0, &queue);
	assert_int_equal(queue.descriptors, address);
	value = 0;
	keg_bus_read(rig->bus, MMIO_ADDRESS + MAGIC_VALUE, &value, 2);
	assert_int_equal(value, 0x6976);
	keg_bus_read(rig->bus, MMIO_ADDRESS + MAGIC_VALUE + 1, &value, 1);
	assert_int_equal(value & 0xff, 0);
}

static void there_is_no_shared_memory(void **state)
{
	uint64_t length;

	keg_bus_read(((struct mmio_rig *)*state)->bus, MMIO_ADDRESS + SHM_LEN_LOW, &length, 8);
	assert_true(length == UINT64_MAX);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(it_says_what_it_is),
		WITH_RIG(features_are_read_by_the_word),
		WITH_RIG(a_driver_is_served),
		WITH_RIG(the_line_is_high_until_all_is_acknowledged),
		WITH_RIG(a_reset_takes_interrupts_back),
		WITH_RIG(a_broken_device_interrupts),
		WITH_RIG(queues_that_there_are_not_have_no_size),
		WITH_RIG(a_notified_queue_that_is_worth_it_has_a_doorbell),
		WITH_RIG(without_doorbells_notifications_are_exits),
		WITH_RIG(what_notifies_before_it_is_ready_is_ignored),
		WITH_RIG(the_configuration_is_read_at_any_width),
		WITH_RIG(the_configuration_is_written_at_any_width),
		WITH_RIG(wide_and_narrow_accesses_are_registers_side_by_side),
		WITH_RIG(there_is_no_shared_memory),
	};

	return cmocka_run_group_tests_name("virtio over MMIO", tests, NULL, NULL);
}
