/* SPDX-License-Identifier: MIT */
/* The NS16550A's registers, one by one, as its data sheet has them. */
#include "serial.h"

static void reset_leaves_what_the_data_sheet_says(void **state)
{
	struct rig *rig = *state;

	for (int round = 0; round < 2; round++) {
		assert_int_equal(in(rig, IER), 0);
		assert_int_equal(in(rig, IIR), 0x01);
		assert_int_equal(in(rig, LCR), 0);
		assert_int_equal(in(rig, MCR), 0);
		assert_int_equal(in(rig, LSR), 0x60);
		assert_int_equal(in(rig, MSR), 0xb0);
		assert_false(rig->irq);
		/* Upset everything, and do it again. */
		out(rig, FCR, 0xc1);
		rig_type(rig, "x");
		out(rig, IER, 0x0f);
		out(rig, LCR, 0x1f);
		out(rig, MCR, 0x1f);
		out(rig, THR, 'y');
		assert_true(rig->irq);
		keg_uart_reset(rig->uart);
	}
}

static void the_scratch_register_keeps_everything(void **state)
{
	for (unsigned value = 0; value < 256; value++) {
		out(*state, SCR, (uint8_t)value);
		assert_int_equal(in(*state, SCR), value);
	}
}

static void registers_keep_only_the_bits_they_have(void **state)
{
	out(*state, IER, 0xff);
	assert_int_equal(in(*state, IER), 0x0f);
	out(*state, MCR, 0xff);
	assert_int_equal(in(*state, MCR), 0x1f);
	out(*state, LCR, 0x7f);
	assert_int_equal(in(*state, LCR), 0x7f);
	out(*state, LCR, 0xff);
	assert_int_equal(in(*state, LCR), 0xff);
}

static void the_divisor_latch_hides_data_and_interrupt_enable(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, 0x05);
	out(rig, LCR, DLAB | 3);
	/* 115,200 baud, until it is set. */
	assert_int_equal(in(rig, DLL), 1);
	assert_int_equal(in(rig, DLM), 0);
	out(rig, DLL, 0x34);
	out(rig, DLM, 0x12);
	assert_int_equal(in(rig, DLL), 0x34);
	assert_int_equal(in(rig, DLM), 0x12);
	assert_string_equal(rig_sent(rig), "");
	out(rig, LCR, 3);
	assert_int_equal(in(rig, IER), 0x05);
	assert_int_equal(in(rig, RBR), 0);
	out(rig, LCR, DLAB);
	assert_int_equal(in(rig, DLL), 0x34);
}

static void what_is_sent_reaches_the_console_in_order(void **state)
{
	for (const char *c = "Hello, world\n"; *c; c++) {
		assert_int_equal(in(*state, LSR), 0x60);
		out(*state, THR, (uint8_t)*c);
	}
	assert_string_equal(rig_sent(*state), "Hello, world\n");
}

static void without_fifos_there_is_room_for_one_character(void **state)
{
	assert_int_equal(rig_type(*state, "ab"), 1);
	assert_int_equal(in(*state, LSR), 0x61);
	assert_int_equal(in(*state, RBR), 'a');
	assert_int_equal(in(*state, LSR), 0x60);
	/* An empty buffer reads as nothing, and does not run into anything. */
	assert_int_equal(in(*state, RBR), 0);
}

static void the_receive_fifo_takes_sixteen(void **state)
{
	out(*state, FCR, 0x01);
	assert_int_equal(rig_type(*state, "0123456789abcdefg"), 16);
	assert_int_equal(rig_type(*state, "h"), 0);
	for (const char *c = "0123456789abcdef"; *c; c++) {
		assert_int_equal(in(*state, LSR), 0x61);
		assert_int_equal(in(*state, RBR), *c);
	}
	assert_int_equal(in(*state, LSR), 0x60);
	/* Around its end. */
	for (int round = 0; round < 5; round++) {
		assert_int_equal(rig_type(*state, "0123456789"), 10);
		for (const char *c = "0123456789"; *c; c++)
			assert_int_equal(in(*state, RBR), *c);
	}
}

static void fifo_control_enables_and_clears(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(in(rig, IIR), 0x01);
	out(rig, FCR, 0x01);
	assert_int_equal(in(rig, IIR), 0xc1);
	rig_type(rig, "abc");
	/* Writing it again clears nothing. */
	out(rig, FCR, 0x41);
	assert_int_equal(in(rig, RBR), 'a');
	/* Clearing the transmitter leaves the receiver alone. */
	out(rig, FCR, 0x05);
	assert_int_equal(in(rig, RBR), 'b');
	out(rig, FCR, 0x03);
	assert_int_equal(in(rig, LSR), 0x60);
	/* Disabling clears; without bit 0 no other bit counts. */
	rig_type(rig, "def");
	out(rig, FCR, 0xce);
	assert_int_equal(in(rig, LSR), 0x60);
	assert_int_equal(in(rig, IIR), 0x01);
	rig_type(rig, "g");
	out(rig, FCR, 0x02);
	assert_int_equal(in(rig, RBR), 'g');
	rig_type(rig, "h");
	out(rig, FCR, 0x01);
	assert_int_equal(in(rig, LSR), 0x60);
}

static void loopback_connects_the_transmitter_to_the_receiver(void **state)
{
	struct rig *rig = *state;

	out(rig, MCR, LOOP);
	out(rig, THR, 'x');
	assert_string_equal(rig_sent(rig), "");
	assert_int_equal(in(rig, LSR), 0x61);
	assert_int_equal(in(rig, RBR), 'x');
	/* And the console from it. */
	assert_int_equal(rig_type(rig, "y"), 0);
	assert_false(keg_uart_receive_break(rig->uart));
	assert_int_equal(in(rig, LSR), 0x60);
	assert_int_equal(rig->ready, 0);
	out(rig, MCR, 0);
	assert_int_equal(rig->ready, 1);
	assert_int_equal(rig_type(rig, "y"), 1);
}

static void an_overrun_loses_the_old_character_or_with_fifos_the_new(void **state)
{
	struct rig *rig = *state;

	out(rig, MCR, LOOP);
	out(rig, THR, 'a');
	out(rig, THR, 'b');
	assert_int_equal(in(rig, LSR), 0x63);
	/* Reading the status clears it. */
	assert_int_equal(in(rig, LSR), 0x61);
	assert_int_equal(in(rig, RBR), 'b');

	out(rig, FCR, 0x01);
	for (uint8_t c = 'a'; c <= 'q'; c++)
		out(rig, THR, c);
	assert_int_equal(in(rig, LSR), 0x63);
	for (uint8_t c = 'a'; c <= 'p'; c++)
		assert_int_equal(in(rig, RBR), c);
	assert_int_equal(in(rig, LSR), 0x60);
}

static void a_break_is_a_zero_and_an_error_that_comes_with_it(void **state)
{
	struct rig *rig = *state;

	assert_true(keg_uart_receive_break(rig->uart));
	assert_false(keg_uart_receive_break(rig->uart));
	assert_int_equal(in(rig, LSR), 0x71);
	assert_int_equal(in(rig, LSR), 0x61);
	assert_int_equal(in(rig, RBR), 0);

	/* With FIFOs it shows when it is next, and bit 7 that there is one at all. */
	out(rig, FCR, 0x01);
	rig_type(rig, "a");
	assert_true(keg_uart_receive_break(rig->uart));
	rig_type(rig, "b");
	assert_int_equal(in(rig, LSR), 0xe1);
	assert_int_equal(in(rig, RBR), 'a');
	assert_int_equal(in(rig, LSR), 0xf1);
	assert_int_equal(in(rig, LSR), 0x61);
	assert_int_equal(in(rig, RBR), 0);
	assert_int_equal(in(rig, RBR), 'b');
}

static void a_break_that_is_sent_comes_back_in_loopback(void **state)
{
	out(*state, LCR, 0x43);
	assert_int_equal(in(*state, LSR), 0x60);
	out(*state, LCR, 0x03);
	out(*state, MCR, LOOP);
	out(*state, LCR, 0x43);
	out(*state, LCR, 0x43);
	assert_int_equal(in(*state, LSR), 0x71);
	assert_int_equal(in(*state, RBR), 0);
}

static void loopback_connects_the_modem_lines(void **state)
{
	static const struct {
		uint8_t control, status;
	} lines[] = {
		{0x01, 0x20}, /* DTR is DSR */
		{0x02, 0x10}, /* RTS is CTS */
		{0x04, 0x40}, /* OUT1 is RI */
		{0x08, 0x80}, /* OUT2 is DCD */
	};

	out(*state, MCR, LOOP);
	assert_int_equal(in(*state, MSR), 0x0b);
	for (size_t i = 0; i < 4; i++) {
		/* A ring's beginning is no delta; its end is one. */
		uint8_t rising = lines[i].status == 0x40 ? 0 : lines[i].status >> 4;

		out(*state, MCR, LOOP | lines[i].control);
		assert_int_equal(in(*state, MSR), lines[i].status | rising);
		assert_int_equal(in(*state, MSR), lines[i].status);
		out(*state, MCR, LOOP);
		assert_int_equal(in(*state, MSR), lines[i].status >> 4);
		assert_int_equal(in(*state, MSR), 0);
	}
	out(*state, MCR, 0);
	assert_int_equal(in(*state, MSR), 0xbb);
	assert_int_equal(in(*state, MSR), 0xb0);
	/* Without loopback the modem does not change. */
	out(*state, MCR, 0x0f);
	assert_int_equal(in(*state, MSR), 0xb0);
}

static void status_registers_cannot_be_written(void **state)
{
	for (unsigned value = 0; value < 256; value++) {
		out(*state, LSR, (uint8_t)value);
		out(*state, MSR, (uint8_t)value);
	}
	assert_int_equal(in(*state, LSR), 0x60);
	assert_int_equal(in(*state, MSR), 0xb0);
}

static void wide_accesses_are_of_one_register_after_the_other(void **state)
{
	struct rig *rig = *state;

	/* THR, IER, FCR, LCR, MCR, -, -, SCR. */
	rig_write(rig, 0, 0x5affff0b03010541, 8);
	assert_string_equal(rig_sent(rig), "A");
	assert_int_equal(rig_read(rig, IER, 1), 0x05);
	assert_int_equal(rig_read(rig, LCR, 2), 0x0b03);
	assert_int_equal(rig_read(rig, MCR, 4), 0x5ab0600b);
	rig_type(rig, "z");
	assert_int_equal(rig_read(rig, 0, 8), 0x5ab0600b03c1057a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERIAL(reset_leaves_what_the_data_sheet_says),
		WITH_SERIAL(the_scratch_register_keeps_everything),
		WITH_SERIAL(registers_keep_only_the_bits_they_have),
		WITH_SERIAL(the_divisor_latch_hides_data_and_interrupt_enable),
		WITH_SERIAL(what_is_sent_reaches_the_console_in_order),
		WITH_SERIAL(without_fifos_there_is_room_for_one_character),
		WITH_SERIAL(the_receive_fifo_takes_sixteen),
		WITH_SERIAL(fifo_control_enables_and_clears),
		WITH_SERIAL(loopback_connects_the_transmitter_to_the_receiver),
		WITH_SERIAL(an_overrun_loses_the_old_character_or_with_fifos_the_new),
		WITH_SERIAL(a_break_is_a_zero_and_an_error_that_comes_with_it),
		WITH_SERIAL(a_break_that_is_sent_comes_back_in_loopback),
		WITH_SERIAL(loopback_connects_the_modem_lines),
		WITH_SERIAL(status_registers_cannot_be_written),
		WITH_SERIAL(wide_accesses_are_of_one_register_after_the_other),
	};

	return cmocka_run_group_tests_name("16550 registers", tests, NULL, NULL);
}
