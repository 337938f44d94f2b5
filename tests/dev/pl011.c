/* SPDX-License-Identifier: MIT */
/* The PL011's registers and interrupts, one by one, as its reference manual has them. */
#include "rig.h"

#include "dev/pl011.h"

enum { DR = 0x00, RSR = 0x04, ECR = 0x04, FR = 0x18, ILPR = 0x20, IBRD = 0x24, FBRD = 0x28 };
enum { LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38, RIS = 0x3c, MIS = 0x40, ICR = 0x44 };
enum { DMACR = 0x48, ID = 0xfe0 };
enum { FIFOS = 0x10, LOOP = 0x80 };
enum { RX = 0x10, TX = 0x20, TIMEOUT = 0x40, BREAK = 0x200, OVERRUN = 0x400 };

struct serial {
	struct rig rig;
	struct keg_pl011 chip;
};

static int make_serial(void **state)
{
	struct serial *serial = test_calloc(1, sizeof(*serial));
	struct keg_console console = rig_console(&serial->rig);
	struct keg_irq irq = rig_line(&serial->rig);

	assert_ok(keg_pl011_init(&serial->chip, &console, &irq));
	serial->rig.uart = &serial->chip.uart;
	*state = serial;
	return 0;
}

static int end_serial(void **state)
{
	keg_uart_fini(((struct rig *)*state)->uart);
	test_free(*state);
	return 0;
}

static uint32_t in(struct rig *rig, uint64_t offset)
{
	return (uint32_t)rig_read(rig, offset, 4);
}

static void out(struct rig *rig, uint64_t offset, uint32_t value)
{
	rig_write(rig, offset, value, 4);
}

/* Table 3-1: each register's value after reset, and the bits that can be written. */
static const struct {
	uint32_t offset, reset, writable;
} storage[] = {
	{ILPR, 0, 0xff},
	{IBRD, 0, 0xffff},
	{FBRD, 0, 0x3f},
	{LCR_H, 0, 0xff},
	{CR, 0x300, 0xff87},
	{IFLS, 0x12, 0x3f},
	{IMSC, 0, 0x7ff},
	{DMACR, 0, 0x7},
};

static void reset_leaves_what_the_manual_says(void **state)
{
	struct rig *rig = *state;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++)
			assert_int_equal(in(rig, storage[i].offset), storage[i].reset);
		assert_int_equal(in(rig, RSR), 0);
		assert_int_equal(in(rig, FR), 0x97);
		assert_int_equal(in(rig, RIS), 0);
		assert_int_equal(in(rig, MIS), 0);
		assert_int_equal(in(rig, DR), 0);
		assert_false(rig->irq);
		/* Upset everything, and do it again. */
		for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++)
			out(rig, storage[i].offset, UINT32_MAX);
		out(rig, DR, 'x');
		assert_true(rig->irq);
		keg_uart_reset(rig->uart);
	}
}

static void registers_keep_only_the_bits_they_have(void **state)
{
	for (size_t i = 0; i < sizeof(storage) / sizeof(storage[0]); i++) {
		out(*state, storage[i].offset, UINT32_MAX);
		assert_int_equal(in(*state, storage[i].offset), storage[i].writable);
		out(*state, storage[i].offset, 0);
		assert_int_equal(in(*state, storage[i].offset), 0);
	}
}

static void it_says_what_it_is(void **state)
{
	static const uint8_t id[] = {0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

	for (uint32_t i = 0; i < 8; i++) {
		out(*state, ID + 4 * i, UINT32_MAX);
		assert_int_equal(in(*state, ID + 4 * i), id[i]);
		assert_int_equal(rig_read(*state, ID + 4 * i, 1), id[i]);
	}
}

static void reserved_places_read_as_zero(void **state)
{
	for (uint64_t offset = 0x4c; offset < ID; offset += 4) {
		out(*state, offset, UINT32_MAX);
		assert_int_equal(in(*state, offset), 0);
	}
	assert_int_equal(in(*state, 0x08), 0);
	assert_int_equal(in(*state, 0x1c), 0);
	assert_int_equal(in(*state, ICR), 0);
}

static void narrow_and_wide_accesses_reach_the_registers(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, IBRD, 0x1234, 2);
	assert_int_equal(rig_read(rig, IBRD, 1), 0x34);
	assert_int_equal(rig_read(rig, IBRD, 2), 0x1234);
	rig_write(rig, IBRD, 0x56, 1);
	assert_int_equal(in(rig, IBRD), 0x56);
	rig_write(rig, IBRD, 0x6a00ffff01, 8);
	assert_int_equal(rig_read(rig, IBRD, 8), 0x2a0000ff01);
	/* Within a register nothing begins. */
	rig_write(rig, IBRD + 1, UINT64_MAX, 2);
	assert_int_equal(rig_read(rig, IBRD + 1, 2), 0);
	assert_int_equal(in(rig, IBRD), 0xff01);
	rig_write(rig, DR, 'x', 1);
	assert_string_equal(rig_sent(rig), "x");
}

static void what_is_sent_reaches_the_console_in_order(void **state)
{
	/* Even when nobody has enabled anything. */
	out(*state, CR, 0);
	for (const char *c = "Hello, world\n"; *c; c++) {
		assert_int_equal(in(*state, FR) & 0x28, 0);
		out(*state, DR, (uint8_t)*c);
	}
	assert_string_equal(rig_sent(*state), "Hello, world\n");
}

static void the_receiver_holds_one_or_with_fifos_thirty_two(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_type(rig, "ab"), 1);
	assert_int_equal(in(rig, FR), 0xc7);
	assert_int_equal(in(rig, DR), 'a');
	assert_int_equal(in(rig, FR), 0x97);
	out(rig, LCR_H, FIFOS);
	assert_int_equal(rig_type(rig, "0123456789abcdefghijklmnopqrstuvwxyz"), 32);
	assert_int_equal(in(rig, FR), 0xc7);
	assert_int_equal(in(rig, DR), '0');
	assert_int_equal(in(rig, FR), 0x87);
	for (int i = 1; i < 32; i++)
		assert_int_equal(in(rig, DR), "0123456789abcdefghijklmnopqrstuv"[i]);
	assert_int_equal(in(rig, FR), 0x97);
}

static void disabling_the_fifos_empties_them(void **state)
{
	out(*state, LCR_H, FIFOS);
	rig_type(*state, "abc");
	out(*state, LCR_H, FIFOS | 0x60);
	assert_int_equal(in(*state, DR), 'a');
	out(*state, LCR_H, 0x60);
	assert_int_equal(in(*state, FR), 0x97);
	assert_int_equal(in(*state, RIS), 0);
}

static void loopback_connects_the_transmitter_to_the_receiver(void **state)
{
	struct rig *rig = *state;

	out(rig, CR, LOOP);
	out(rig, DR, 'x');
	assert_string_equal(rig_sent(rig), "");
	assert_int_equal(in(rig, DR), 'x');
	assert_int_equal(rig_type(rig, "y"), 0);
	out(rig, CR, 0x301);
	assert_int_equal(rig->ready, 1);
	assert_int_equal(rig_type(rig, "y"), 1);
}

static void loopback_connects_the_modem_lines(void **state)
{
	static const struct {
		uint32_t control, flag, interrupt;
	} lines[] = {
		{1U << 10, 0x02, 0x8},  /* DTR is DSR */
		{1U << 11, 0x01, 0x2},  /* RTS is CTS */
		{1U << 12, 0x04, 0x4},  /* OUT1 is DCD */
		{1U << 13, 0x100, 0x1}, /* OUT2 is RI */
	};
	struct rig *rig = *state;

	out(rig, CR, LOOP);
	assert_int_equal(in(rig, RIS), 0xe);
	out(rig, ICR, 0xf);
	out(rig, IMSC, 0xf);
	for (size_t i = 0; i < 4; i++) {
		for (int on = 1; on >= 0; on--) {
			out(rig, CR, on ? LOOP | lines[i].control : LOOP);
			assert_int_equal(in(rig, FR) & 0x107, on ? lines[i].flag : 0);
			assert_int_equal(in(rig, MIS), lines[i].interrupt);
			assert_true(rig->irq);
			out(rig, ICR, lines[i].interrupt);
			assert_false(rig->irq);
		}
	}
}

static void an_overrun_loses_the_new_character(void **state)
{
	struct rig *rig = *state;

	out(rig, CR, LOOP);
	out(rig, DR, 'a');
	assert_int_equal(in(rig, RIS) & OVERRUN, 0);
	out(rig, DR, 'b');
	assert_int_equal(in(rig, RIS) & OVERRUN, OVERRUN);
	assert_int_equal(in(rig, RSR), 0x8);
	assert_int_equal(in(rig, DR), 0x800 | 'a');
	assert_int_equal(in(rig, FR) & 0x10, 0x10);
	/* The status stays until it is cleared, with whatever value; the next character is well. */
	out(rig, DR, 'c');
	assert_int_equal(in(rig, DR), 'c');
	assert_int_equal(in(rig, RSR), 0x8);
	out(rig, ECR, 0);
	assert_int_equal(in(rig, RSR), 0);
	out(rig, ICR, OVERRUN);
	assert_int_equal(in(rig, RIS) & OVERRUN, 0);
}

static void a_break_comes_with_its_character(void **state)
{
	struct rig *rig = *state;

	out(rig, LCR_H, FIFOS);
	out(rig, IMSC, BREAK);
	rig_type(rig, "a");
	assert_true(keg_uart_receive_break(rig->uart));
	rig_type(rig, "b");
	assert_true(rig->irq);
	out(rig, ICR, BREAK);
	assert_false(rig->irq);
	assert_int_equal(in(rig, DR), 'a');
	assert_int_equal(in(rig, RSR), 0);
	assert_int_equal(in(rig, DR), 0x400);
	assert_int_equal(in(rig, RSR), 0x4);
	assert_int_equal(in(rig, DR), 'b');
	assert_int_equal(in(rig, RSR), 0);
	/* One that is sent comes back in loopback. */
	out(rig, CR, LOOP);
	out(rig, LCR_H, FIFOS | 1);
	out(rig, LCR_H, FIFOS | 1);
	assert_int_equal(in(rig, DR), 0x400);
	assert_int_equal(in(rig, FR) & 0x10, 0x10);
}

static void the_transmit_interrupt_comes_after_a_character(void **state)
{
	struct rig *rig = *state;

	/* Not before: an empty transmitter that was never full is no event. */
	out(rig, IMSC, TX);
	assert_false(rig->irq);
	out(rig, DR, 'x');
	assert_true(rig->irq);
	assert_int_equal(in(rig, MIS), TX);
	out(rig, ICR, TX);
	assert_false(rig->irq);
	/* Without FIFOs, writing takes it back until that character has gone too. */
	out(rig, DR, 'x');
	out(rig, DR, 'x');
	assert_int_equal(rig->rises, 3);
	/* With them, one character does not reach the level. */
	out(rig, LCR_H, FIFOS);
	out(rig, DR, 'x');
	assert_int_equal(rig->rises, 3);
	out(rig, IMSC, 0);
	assert_false(rig->irq);
	assert_int_equal(in(rig, RIS), TX);
	assert_int_equal(in(rig, MIS), 0);
}

static void the_receive_interrupt_comes_at_its_level(void **state)
{
	static const unsigned levels[] = {4, 8, 16, 24, 28, 28, 28, 28};
	struct rig *rig = *state;

	out(rig, LCR_H, FIFOS);
	for (uint32_t i = 0; i < 8; i++) {
		out(rig, IFLS, i << 3);
		for (unsigned count = 1; count <= 32; count++) {
			rig_type(rig, "x");
			assert_int_equal(in(rig, RIS) & RX, count < levels[i] ? 0 : RX);
		}
		for (unsigned count = 31; count < 32; count--) {
			in(rig, DR);
			assert_int_equal(in(rig, RIS) & RX, count < levels[i] ? 0 : RX);
		}
	}
	/* Without FIFOs it comes with each character. */
	out(rig, LCR_H, 0);
	rig_type(rig, "x");
	assert_int_equal(in(rig, RIS), RX | TIMEOUT);
	out(rig, ICR, RX);
	assert_int_equal(in(rig, RIS), TIMEOUT);
}

static void the_receive_timeout_stands_while_anything_waits(void **state)
{
	struct rig *rig = *state;

	out(rig, LCR_H, FIFOS);
	out(rig, IMSC, TIMEOUT);
	rig_type(rig, "ab");
	assert_true(rig->irq);
	assert_int_equal(in(rig, MIS), TIMEOUT);
	/* Cleared, it runs out again at once. */
	out(rig, ICR, TIMEOUT);
	assert_true(rig->irq);
	in(rig, DR);
	assert_true(rig->irq);
	in(rig, DR);
	assert_false(rig->irq);
	assert_int_equal(in(rig, RIS), 0);
}

#define WITH_SERIAL(test) cmocka_unit_test_setup_teardown(test, make_serial, end_serial)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERIAL(reset_leaves_what_the_manual_says),
		WITH_SERIAL(registers_keep_only_the_bits_they_have),
		WITH_SERIAL(it_says_what_it_is),
		WITH_SERIAL(reserved_places_read_as_zero),
		WITH_SERIAL(narrow_and_wide_accesses_reach_the_registers),
		WITH_SERIAL(what_is_sent_reaches_the_console_in_order),
		WITH_SERIAL(the_receiver_holds_one_or_with_fifos_thirty_two),
		WITH_SERIAL(disabling_the_fifos_empties_them),
		WITH_SERIAL(loopback_connects_the_transmitter_to_the_receiver),
		WITH_SERIAL(loopback_connects_the_modem_lines),
		WITH_SERIAL(an_overrun_loses_the_new_character),
		WITH_SERIAL(a_break_comes_with_its_character),
		WITH_SERIAL(the_transmit_interrupt_comes_after_a_character),
		WITH_SERIAL(the_receive_interrupt_comes_at_its_level),
		WITH_SERIAL(the_receive_timeout_stands_while_anything_waits),
	};

	return cmocka_run_group_tests_name("PL011", tests, NULL, NULL);
}
