/* SPDX-License-Identifier: MIT */
/* The ports by which a guest ends its machine: debug exit and the two resets; power.c has power
 * off. */
#include "testing.h"

#include "dev/debug_exit.h"
#include "dev/reset.h"

/* How often the machine was ended, and with what. */
static unsigned endings;
static uint32_t last_status;

static void note_status(void *context, uint32_t status)
{
	assert_ptr_equal(context, &endings);
	last_status = status;
	endings++;
}

static void note(void *context)
{
	assert_ptr_equal(context, &endings);
	endings++;
}

static int forget(void **state)
{
	(void)state;
	endings = 0;
	return 0;
}

/* ---- The debug-exit port ---- */

static void any_write_to_the_debug_exit_port_ends_with_its_status(void **state)
{
	static const struct {
		uint64_t value;
		uint32_t bytes, status;
	} writes[] = {
		{0x00, 1, 0x01},
		{0x10, 1, 0x21},
		{0xff, 1, 0x1ff},
		{0xffff, 2, 0x1ffff},
		{0x7fffffff, 4, 0xffffffff},
		{0xffffffff, 4, 0xffffffff},
	};
	struct keg_debug_exit debug_exit = {note_status, &endings};

	(void)state;
	for (unsigned i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		keg_debug_exit_ops.write(&debug_exit, 0, writes[i].value, writes[i].bytes);
		assert_int_equal(endings, i + 1);
		assert_int_equal(last_status, writes[i].status);
	}
	keg_debug_exit_ops.write(&debug_exit, 3, 1, 1);
	assert_int_equal(last_status, 3);
	/* The bus answers reads with ones. */
	assert_null(keg_debug_exit_ops.read);
}

/* ---- The reset control register ---- */

static void the_rising_reset_bit_resets(void **state)
{
	struct keg_reset reset = {.line = {note, &endings}};

	(void)state;
	/* As Linux does it: first the kind, then the kind with the reset bit. */
	keg_reset_ops.write(&reset, 0, 0x02, 1);
	assert_int_equal(endings, 0);
	keg_reset_ops.write(&reset, 0, 0x06, 1);
	assert_int_equal(endings, 1);
	keg_reset_ops.write(&reset, 0, 0x0e, 1);
	assert_int_equal(endings, 1);
	keg_reset_ops.write(&reset, 0, 0x00, 1);
	keg_reset_ops.write(&reset, 0, 0x04, 1);
	assert_int_equal(endings, 2);
}

static void the_reset_control_register_reads_back(void **state)
{
	struct keg_reset reset = {.line = {note, &endings}};

	(void)state;
	assert_int_equal(keg_reset_ops.read(&reset, 0, 1), 0);
	for (uint32_t value = 0; value < 256; value++) {
		keg_reset_ops.write(&reset, 0, value, 1);
		assert_int_equal(keg_reset_ops.read(&reset, 0, 1), value & 0x0e);
	}
}

/* ---- The 8042 ---- */

static uint64_t status_of(struct keg_i8042 *i8042)
{
	return keg_i8042_command_ops.read(i8042, 0, 1);
}

static void pulsing_the_reset_line_resets(void **state)
{
	struct keg_i8042 i8042 = {.line = {note, &endings}};

	(void)state;
	keg_i8042_command_ops.write(&i8042, 0, 0xfe, 1);
	assert_int_equal(endings, 1);
	/* Of the commands that pulse, those that leave bit 0 alone do not reset; no other does. */
	for (uint32_t command = 0; command < 256; command++) {
		unsigned before = endings;

		keg_i8042_command_ops.write(&i8042, 0, command, 1);
		assert_int_equal(endings - before, command >= 0xf0 && !(command & 1));
	}
}

static void there_is_no_keyboard(void **state)
{
	struct keg_i8042 i8042 = {.line = {note, &endings}};

	(void)state;
	/* Not busy, nothing to read. */
	assert_int_equal(status_of(&i8042), 0);
	assert_int_equal(keg_i8042_data_ops.read(&i8042, 0, 1), 0);
	keg_i8042_command_ops.write(&i8042, 0, 0xaa, 1);
	keg_i8042_data_ops.write(&i8042, 0, 0x00, 1);
	assert_int_equal(status_of(&i8042), 0);
	assert_int_equal(endings, 0);
}

static void the_output_port_opens_a20_and_can_reset(void **state)
{
	struct keg_i8042 i8042 = {.line = {note, &endings}};

	(void)state;
	/* As a boot loader opens the A20 gate: read the output port, write it with bit 1 set. */
	keg_i8042_command_ops.write(&i8042, 0, 0xd0, 1);
	assert_int_equal(status_of(&i8042), 1);
	assert_int_equal(keg_i8042_data_ops.read(&i8042, 0, 1), 0x03);
	assert_int_equal(status_of(&i8042), 0);
	keg_i8042_command_ops.write(&i8042, 0, 0xd1, 1);
	keg_i8042_data_ops.write(&i8042, 0, 0x03, 1);
	assert_int_equal(endings, 0);
	/* Bit 0 low resets; without the command the data port does nothing. */
	keg_i8042_data_ops.write(&i8042, 0, 0x02, 1);
	assert_int_equal(endings, 0);
	keg_i8042_command_ops.write(&i8042, 0, 0xd1, 1);
	keg_i8042_data_ops.write(&i8042, 0, 0x02, 1);
	assert_int_equal(endings, 1);
}

#define FRESH(test) cmocka_unit_test_setup(test, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(any_write_to_the_debug_exit_port_ends_with_its_status),
		FRESH(the_rising_reset_bit_resets),
		FRESH(the_reset_control_register_reads_back),
		FRESH(pulsing_the_reset_line_resets),
		FRESH(there_is_no_keyboard),
		FRESH(the_output_port_opens_a20_and_can_reset),
	};

	return cmocka_run_group_tests_name("endings", tests, NULL, NULL);
}
