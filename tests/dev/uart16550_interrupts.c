/* SPDX-License-Identifier: MIT */
/* The NS16550A's interrupts: what raises each, what clears it, and which one is told first. */
#include "serial.h"

enum { RECEIVED = 1, THR_EMPTY = 2, LINE_STATUS = 4, MODEM_STATUS = 8 }; /* IER */

static void nothing_is_raised_that_is_not_enabled(void **state)
{
	struct rig *rig = *state;

	rig_type(rig, "x");
	out(rig, THR, 'y');
	out(rig, MCR, LOOP | 0x0f);
	out(rig, THR, 'z');
	assert_int_equal(rig->rises, 0);
	assert_int_equal(in(rig, IIR), 0x01);
}

static void received_data_is_raised_until_it_is_read(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, RECEIVED);
	assert_false(rig->irq);
	rig_type(rig, "x");
	assert_true(rig->irq);
	assert_int_equal(in(rig, IIR), 0x04);
	assert_int_equal(in(rig, IIR), 0x04);
	in(rig, RBR);
	assert_false(rig->irq);
	assert_int_equal(in(rig, IIR), 0x01);
}

static void data_that_came_before_is_raised_when_enabled(void **state)
{
	struct rig *rig = *state;

	rig_type(rig, "x");
	out(rig, IER, RECEIVED);
	assert_true(rig->irq);
	out(rig, IER, 0);
	assert_false(rig->irq);
}

static void trigger_levels_tell_data_from_a_timeout(void **state)
{
	static const struct {
		uint8_t fcr, level;
	} triggers[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};
	struct rig *rig = *state;

	out(rig, IER, RECEIVED);
	for (size_t t = 0; t < 4; t++) {
		out(rig, FCR, triggers[t].fcr);
		for (unsigned i = 1; i <= 16; i++) {
			rig_type(rig, "x");
			assert_true(rig->irq);
			assert_int_equal(in(rig, IIR), i < triggers[t].level ? 0xcc : 0xc4);
		}
		for (unsigned i = 15; i > 0; i--) {
			in(rig, RBR);
			assert_int_equal(in(rig, IIR), i < triggers[t].level ? 0xcc : 0xc4);
		}
		in(rig, RBR);
		assert_int_equal(in(rig, IIR), 0xc1);
		assert_false(rig->irq);
	}
}

static void each_read_below_the_trigger_is_followed_by_a_new_timeout(void **state)
{
	struct rig *rig = *state;

	/* A guest that reads one character an interrupt gets one for each, on an edge too. */
	out(rig, FCR, 0xc1);
	out(rig, IER, RECEIVED);
	rig_type(rig, "abc");
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(rig->irq);
		assert_int_equal(rig->rises, i);
		in(rig, RBR);
	}
	assert_false(rig->irq);
	assert_int_equal(rig->rises, 3);
}

static void enabling_with_the_transmitter_empty_is_an_interrupt(void **state)
{
	struct rig *rig = *state;

	/* Linux probes for just this, twice in a row. */
	for (int i = 0; i < 2; i++) {
		out(rig, IER, THR_EMPTY);
		assert_true(rig->irq);
		assert_int_equal(in(rig, IIR), 0x02);
		assert_false(rig->irq);
		assert_int_equal(in(rig, IIR), 0x01);
		/* Writing it again enables nothing new. */
		out(rig, IER, THR_EMPTY);
		assert_int_equal(in(rig, IIR), 0x01);
		out(rig, IER, 0);
	}
}

static void each_character_sent_is_an_interrupt_with_an_edge(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, THR_EMPTY);
	for (unsigned i = 1; i < 10; i++) {
		assert_int_equal(rig->rises, i);
		assert_true(rig->irq);
		/* With IIR read in between or without: writing THR clears it just as well. */
		if (i % 2)
			assert_int_equal(in(rig, IIR), 0x02);
		out(rig, THR, 'x');
	}
}

static void reading_iir_clears_only_what_it_tells(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, RECEIVED | THR_EMPTY);
	rig_type(rig, "x");
	assert_int_equal(in(rig, IIR), 0x04);
	in(rig, RBR);
	assert_int_equal(in(rig, IIR), 0x02);
	assert_int_equal(in(rig, IIR), 0x01);
}

static void priorities_are_line_data_transmitter_modem(void **state)
{
	struct rig *rig = *state;

	out(rig, FCR, 0x01);
	out(rig, MCR, LOOP);
	in(rig, MSR);
	out(rig, IER, 0x0f);
	in(rig, IIR);
	/* Modem status, then a transmitted character that is received, then an overrun. */
	out(rig, MCR, LOOP | 0x02);
	assert_int_equal(in(rig, IIR), 0xc0);
	out(rig, LCR, 0x40);
	assert_int_equal(in(rig, IIR), 0xc6);
	out(rig, THR, 'x');
	assert_int_equal(in(rig, IIR), 0xc6);
	assert_int_equal(in(rig, LSR), 0xf1);
	assert_int_equal(in(rig, IIR), 0xc4);
	in(rig, RBR);
	in(rig, RBR);
	assert_int_equal(in(rig, IIR), 0xc2);
	assert_int_equal(in(rig, IIR), 0xc0);
	assert_int_equal(in(rig, IIR), 0xc0);
	assert_true(rig->irq);
	assert_int_equal(in(rig, MSR), 0x11);
	assert_int_equal(in(rig, IIR), 0xc1);
	assert_false(rig->irq);
}

static void line_status_is_cleared_by_reading_it(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, LINE_STATUS);
	keg_uart_receive_break(rig->uart);
	assert_true(rig->irq);
	assert_int_equal(in(rig, IIR), 0x06);
	in(rig, LSR);
	assert_false(rig->irq);
	assert_int_equal(in(rig, IIR), 0x01);
}

static void modem_status_is_cleared_by_reading_it(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, MODEM_STATUS);
	out(rig, MCR, LOOP);
	assert_int_equal(in(rig, IIR), 0x00);
	in(rig, MSR);
	assert_int_equal(in(rig, IIR), 0x01);
	assert_false(rig->irq);
}

static void clearing_the_fifo_takes_the_interrupt_back(void **state)
{
	struct rig *rig = *state;

	out(rig, FCR, 0x01);
	out(rig, IER, RECEIVED);
	rig_type(rig, "abc");
	assert_true(rig->irq);
	out(rig, FCR, 0x03);
	assert_false(rig->irq);
}

static void reset_takes_the_interrupt_back(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, 0x0f);
	rig_type(rig, "x");
	assert_true(rig->irq);
	keg_uart_reset(rig->uart);
	assert_false(rig->irq);
}

/* How Linux tells a 16550A from its relatives (its driver's autoconfig): each step as it asks. */
static void a_driver_finds_a_16550a(void **state)
{
	struct rig *rig = *state;

	out(rig, IER, 0);
	assert_int_equal(in(rig, IER) & 0x0f, 0);
	out(rig, IER, 0x0f);
	assert_int_equal(in(rig, IER) & 0x0f, 0x0f);
	out(rig, IER, 0);
	/* The loopback test. */
	out(rig, MCR, LOOP | 0x0a);
	assert_int_equal(in(rig, MSR) & 0xf0, 0x90);
	out(rig, MCR, 0);
	/* FIFOs that work, no second register set behind the divisor latch. */
	out(rig, LCR, 0);
	out(rig, FCR, 0x01);
	assert_int_equal(in(rig, IIR) >> 6, 3);
	out(rig, LCR, 0x80);
	assert_int_not_equal(in(rig, 2), 0);
	out(rig, LCR, 0xbf);
	assert_int_not_equal(in(rig, 2), 0);
	out(rig, LCR, 0);
	/* No 64-byte FIFO, no automatic flow control, no extra interrupt enable bit. */
	out(rig, FCR, 0x21);
	assert_int_equal(in(rig, IIR) >> 5, 6);
	out(rig, MCR, 0x20);
	assert_int_equal(in(rig, MCR), 0);
	out(rig, IER, 0x40);
	assert_int_equal(in(rig, IER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERIAL(nothing_is_raised_that_is_not_enabled),
		WITH_SERIAL(received_data_is_raised_until_it_is_read),
		WITH_SERIAL(data_that_came_before_is_raised_when_enabled),
		WITH_SERIAL(trigger_levels_tell_data_from_a_timeout),
		WITH_SERIAL(each_read_below_the_trigger_is_followed_by_a_new_timeout),
		WITH_SERIAL(enabling_with_the_transmitter_empty_is_an_interrupt),
		WITH_SERIAL(each_character_sent_is_an_interrupt_with_an_edge),
		WITH_SERIAL(reading_iir_clears_only_what_it_tells),
		WITH_SERIAL(priorities_are_line_data_transmitter_modem),
		WITH_SERIAL(line_status_is_cleared_by_reading_it),
		WITH_SERIAL(modem_status_is_cleared_by_reading_it),
		WITH_SERIAL(clearing_the_fifo_takes_the_interrupt_back),
		WITH_SERIAL(reset_takes_the_interrupt_back),
		WITH_SERIAL(a_driver_finds_a_16550a),
	};

	return cmocka_run_group_tests_name("16550 interrupts", tests, NULL, NULL);
}
