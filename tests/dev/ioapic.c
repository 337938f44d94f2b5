/* SPDX-License-Identifier: MIT */
/* The I/O APIC: registers, edges, levels and their ends, and the order of telling and sending. */
#include "testing.h"

#include "dev/ioapic.h"

enum { SELECT = 0x00, WINDOW = 0x10 };
enum { ID = 0, VERSION = 1, ARBITRATION = 2, TABLE = 0x10 };
enum { LOGICAL = 1 << 11, ACTIVE_LOW = 1 << 13, IRR = 1 << 14, LEVEL = 1 << 15, MASKED = 1 << 16 };

struct rig {
	struct keg_ioapic ioapic;
	unsigned sent, changes;
	uint64_t address;
	uint32_t data;
	/* What happens while `changed` is being told. */
	int raise, raise_and_lower;
	unsigned sent_meanwhile;
};

static void note_message(void *context, uint64_t address, uint32_t data)
{
	struct rig *rig = context;

	rig->sent++;
	rig->address = address;
	rig->data = data;
}

static void note_change(void *context)
{
	struct rig *rig = context;
	unsigned before = rig->sent;

	rig->changes++;
	if (rig->raise >= 0)
		keg_ioapic_set(&rig->ioapic, (uint32_t)rig->raise, true);
	if (rig->raise_and_lower >= 0) {
		keg_ioapic_set(&rig->ioapic, (uint32_t)rig->raise_and_lower, true);
		keg_ioapic_set(&rig->ioapic, (uint32_t)rig->raise_and_lower, false);
	}
	rig->sent_meanwhile += rig->sent - before;
}

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	const struct keg_ioapic_output output = {note_message, note_change, rig};

	rig->raise = rig->raise_and_lower = -1;
	assert_ok(keg_ioapic_init(&rig->ioapic, &output));
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	keg_ioapic_fini(&((struct rig *)*state)->ioapic);
	test_free(*state);
	return 0;
}

static uint32_t get(struct rig *rig, uint32_t index)
{
	keg_ioapic_ops.write(&rig->ioapic, SELECT, index, 4);
	return (uint32_t)keg_ioapic_ops.read(&rig->ioapic, WINDOW, 4);
}

static void set(struct rig *rig, uint32_t index, uint32_t value)
{
	keg_ioapic_ops.write(&rig->ioapic, SELECT, index, 4);
	keg_ioapic_ops.write(&rig->ioapic, WINDOW, value, 4);
}

/* A pin's entry, as Linux writes it: the half with the mask last. */
static void route(struct rig *rig, uint32_t pin, uint8_t destination, uint32_t low)
{
	set(rig, TABLE + 2 * pin + 1, (uint32_t)destination << 24);
	set(rig, TABLE + 2 * pin, low);
}

static void raise_line(struct rig *rig, uint32_t pin)
{
	keg_ioapic_set(&rig->ioapic, pin, true);
}

static void lower_line(struct rig *rig, uint32_t pin)
{
	keg_ioapic_set(&rig->ioapic, pin, false);
}

/* ---- Registers ---- */

static void it_begins_with_every_pin_masked(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(get(rig, ID), 0);
	/* 24 pins, version 0x11. */
	assert_int_equal(get(rig, VERSION), 0x00170011);
	for (uint32_t pin = 0; pin < KEG_IOAPIC_PINS; pin++) {
		assert_int_equal(get(rig, TABLE + 2 * pin), MASKED);
		assert_int_equal(get(rig, TABLE + 2 * pin + 1), 0);
		raise_line(rig, pin);
	}
	assert_int_equal(rig->sent, 0);
}

static void only_bits_that_there_are_can_be_written(void **state)
{
	struct rig *rig = *state;

	for (uint32_t index = 0; index <= 0xff; index++)
		set(rig, index, UINT32_MAX);
	assert_int_equal(get(rig, ID), 0x0f000000);
	assert_int_equal(get(rig, ARBITRATION), 0x0f000000);
	assert_int_equal(get(rig, VERSION), 0x00170011);
	for (uint32_t pin = 0; pin < KEG_IOAPIC_PINS; pin++) {
		/* Neither delivery status nor remote IRR. */
		assert_int_equal(get(rig, TABLE + 2 * pin), 0x1afff);
		assert_int_equal(get(rig, TABLE + 2 * pin + 1), 0xff000000);
	}
	/* Behind the table there is nothing. */
	for (uint32_t index = 0x40; index <= 0xff; index++)
		assert_int_equal(get(rig, index), 0);
	assert_int_equal(get(rig, 0x0f), 0);
	assert_int_equal(rig->sent, 0);
}

static void the_index_has_eight_bits(void **state)
{
	struct rig *rig = *state;

	keg_ioapic_ops.write(&rig->ioapic, SELECT, 0xffffff01, 4);
	assert_int_equal(keg_ioapic_ops.read(&rig->ioapic, SELECT, 4), 1);
	assert_int_equal(keg_ioapic_ops.read(&rig->ioapic, WINDOW, 4), 0x00170011);
}

/* ---- Messages ---- */

static void messages_are_what_the_entry_says(void **state)
{
	static const struct {
		uint8_t destination;
		uint32_t low;
		uint64_t address;
		uint32_t data;
	} cases[] = {
		{0, 0x31, 0xfee00000, 0x31},
		{0xff, 0xff, 0xfeeff000, 0xff},
		{3, 0x31 | LOGICAL, 0xfee03004, 0x31},
		{1, 0x41 | LEVEL, 0xfee01000, 0xc041},
		/* Lowest priority. */
		{1, 0x141 | LEVEL | LOGICAL, 0xfee01004, 0xc141},
		/* NMI and ExtINT are edges even if they are programmed as levels. */
		{2, 0x400 | LEVEL, 0xfee02000, 0x400},
		{2, 0x700 | LEVEL, 0xfee02000, 0x700},
		/* The polarity is the board's business. */
		{1, 0x41 | ACTIVE_LOW, 0xfee01000, 0x41},
	};
	struct rig *rig = *state;

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t address;
		uint32_t data;
		bool idle;

		keg_ioapic_get_message(&rig->ioapic, i, &address, &data, &idle);
		assert_true(idle);
		route(rig, i, cases[i].destination, cases[i].low);
		raise_line(rig, i);
		assert_int_equal(rig->sent, i + 1);
		assert_int_equal(rig->address, cases[i].address);
		assert_int_equal(rig->data, cases[i].data);
		keg_ioapic_get_message(&rig->ioapic, i, &address, &data, &idle);
		assert_true(address == rig->address && data == rig->data && !idle);
	}
}

static void every_rising_edge_is_sent_once(void **state)
{
	struct rig *rig = *state;

	route(rig, 4, 0, 0x34);
	for (unsigned i = 1; i <= 3; i++) {
		raise_line(rig, 4);
		raise_line(rig, 4);
		assert_int_equal(rig->sent, i);
		assert_int_equal(get(rig, TABLE + 8), 0x34);
		keg_ioapic_eoi(&rig->ioapic, 0x34);
		lower_line(rig, 4);
		assert_int_equal(rig->sent, i);
	}
}

static void an_edge_at_a_masked_pin_is_lost(void **state)
{
	struct rig *rig = *state;

	route(rig, 4, 0, 0x34 | MASKED);
	raise_line(rig, 4);
	route(rig, 4, 0, 0x34);
	assert_int_equal(rig->sent, 0);
	lower_line(rig, 4);
	raise_line(rig, 4);
	assert_int_equal(rig->sent, 1);
}

static void a_level_is_sent_again_at_each_eoi_until_it_is_low(void **state)
{
	struct rig *rig = *state;

	route(rig, 10, 0, 0x5a | LEVEL);
	raise_line(rig, 10);
	assert_int_equal(rig->sent, 1);
	assert_int_equal(get(rig, TABLE + 20), 0x5a | LEVEL | IRR);
	/* Not before its end, whatever the line does. */
	lower_line(rig, 10);
	raise_line(rig, 10);
	assert_int_equal(rig->sent, 1);
	/* Another vector's end is not its own. */
	keg_ioapic_eoi(&rig->ioapic, 0x5b);
	assert_int_equal(rig->sent, 1);
	keg_ioapic_eoi(&rig->ioapic, 0x5a);
	assert_int_equal(rig->sent, 2);
	lower_line(rig, 10);
	assert_int_equal(get(rig, TABLE + 20), 0x5a | LEVEL | IRR);
	keg_ioapic_eoi(&rig->ioapic, 0x5a);
	assert_int_equal(rig->sent, 2);
	assert_int_equal(get(rig, TABLE + 20), 0x5a | LEVEL);
	raise_line(rig, 10);
	assert_int_equal(rig->sent, 3);
}

static void a_masked_level_comes_once_it_is_unmasked(void **state)
{
	struct rig *rig = *state;

	route(rig, 10, 0, 0x5a | LEVEL | MASKED);
	raise_line(rig, 10);
	assert_int_equal(rig->sent, 0);
	set(rig, TABLE + 20, 0x5a | LEVEL);
	assert_int_equal(rig->sent, 1);
	/* Masked while it is handled, as threaded handlers have it: the end counts all the same. */
	set(rig, TABLE + 20, 0x5a | LEVEL | MASKED);
	assert_int_equal(get(rig, TABLE + 20), 0x5a | LEVEL | MASKED | IRR);
	keg_ioapic_eoi(&rig->ioapic, 0x5a);
	assert_int_equal(rig->sent, 1);
	set(rig, TABLE + 20, 0x5a | LEVEL);
	assert_int_equal(rig->sent, 2);
}

static void making_a_pin_edge_triggered_ends_its_level(void **state)
{
	struct rig *rig = *state;

	route(rig, 10, 0, 0x5a | LEVEL);
	raise_line(rig, 10);
	set(rig, TABLE + 20, 0x5a | MASKED);
	assert_int_equal(get(rig, TABLE + 20), 0x5a | MASKED);
	set(rig, TABLE + 20, 0x5a | LEVEL);
	assert_int_equal(rig->sent, 2);
}

static void pins_that_share_a_vector_end_together(void **state)
{
	struct rig *rig = *state;

	route(rig, 16, 0, 0x66 | LEVEL);
	route(rig, 17, 0, 0x66 | LEVEL);
	raise_line(rig, 16);
	raise_line(rig, 17);
	assert_int_equal(rig->sent, 2);
	lower_line(rig, 16);
	keg_ioapic_eoi(&rig->ioapic, 0x66);
	assert_int_equal(rig->sent, 3);
	assert_int_equal(get(rig, TABLE + 32), 0x66 | LEVEL);
}

/* ---- Telling of changes ---- */

static void only_new_messages_are_told(void **state)
{
	struct rig *rig = *state;

	/* While it is masked, nothing is new. */
	route(rig, 7, 2, 0x37 | MASKED);
	assert_int_equal(rig->changes, 0);
	set(rig, TABLE + 14, 0x37);
	assert_int_equal(rig->changes, 1);
	set(rig, TABLE + 14, 0x37);
	set(rig, TABLE + 15, 2U << 24);
	set(rig, ID, 0x0f000000);
	get(rig, VERSION);
	/* Drivers mask and unmask at every interrupt. */
	set(rig, TABLE + 14, 0x37 | MASKED);
	set(rig, TABLE + 14, 0x37);
	assert_int_equal(rig->changes, 1);
	set(rig, TABLE + 15, 3U << 24);
	assert_int_equal(rig->changes, 2);
	set(rig, TABLE + 14, 0x38);
	assert_int_equal(rig->changes, 3);
}

static void a_masked_pin_keeps_the_message_whose_end_is_to_come(void **state)
{
	struct rig *rig = *state;
	uint64_t address;
	uint32_t data;
	bool idle;

	route(rig, 7, 2, 0x37 | LEVEL);
	raise_line(rig, 7);
	route(rig, 7, 3, 0x99 | LEVEL | MASKED);
	keg_ioapic_get_message(&rig->ioapic, 7, &address, &data, &idle);
	/* The destination was new while it was not masked yet. */
	assert_true(address == 0xfee03000 && data == 0xc037 && !idle);
	set(rig, TABLE + 14, 0x99 | LEVEL);
	keg_ioapic_get_message(&rig->ioapic, 7, &address, &data, &idle);
	assert_true(address == 0xfee03000 && data == 0xc099 && !idle);
}

static void nothing_is_sent_before_the_change_has_been_told(void **state)
{
	struct rig *rig = *state;

	/* A level that rises meanwhile is sent after, and one that was there before. */
	rig->raise = 20;
	route(rig, 20, 0, 0x70 | LEVEL);
	assert_int_equal(rig->sent_meanwhile, 0);
	assert_int_equal(rig->sent, 1);
	rig->raise = -1;
	/* An edge is not lost, even if the line is low again. */
	rig->raise_and_lower = 21;
	route(rig, 21, 0, 0x71);
	assert_int_equal(rig->sent_meanwhile, 0);
	assert_int_equal(rig->sent, 2);
	assert_int_equal(rig->data, 0x71);
	/* Other pins do not wait. */
	rig->raise_and_lower = 21;
	route(rig, 22, 0, 0x72);
	assert_int_equal(rig->sent_meanwhile, 1);
}

static void every_register_at_every_width_takes_the_ends_of_its_range(void **state)
{
	struct rig *rig = *state;

	for (uint32_t index = 0; index <= 0x41; index++) {
		for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
			uint64_t most = UINT64_MAX >> (64 - 8 * bytes);
			const uint64_t values[] = {0, most - 1, most};

			for (uint64_t offset = 0; offset + bytes <= KEG_IOAPIC_SIZE; offset++) {
				keg_ioapic_ops.write(&rig->ioapic, SELECT, index, 4);
				for (int i = 0; i < 3; i++) {
					keg_ioapic_ops.write(
						&rig->ioapic, offset, values[i], bytes);
					assert_in_range(
						keg_ioapic_ops.read(&rig->ioapic, offset, bytes), 0,
						most);
				}
			}
		}
	}
	/* And it works on. */
	route(rig, 23, 0, 0x50);
	raise_line(rig, 23);
	assert_int_equal(rig->sent, 1);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(it_begins_with_every_pin_masked),
		WITH_RIG(only_bits_that_there_are_can_be_written),
		WITH_RIG(the_index_has_eight_bits),
		WITH_RIG(messages_are_what_the_entry_says),
		WITH_RIG(every_rising_edge_is_sent_once),
		WITH_RIG(an_edge_at_a_masked_pin_is_lost),
		WITH_RIG(a_level_is_sent_again_at_each_eoi_until_it_is_low),
		WITH_RIG(a_masked_level_comes_once_it_is_unmasked),
		WITH_RIG(making_a_pin_edge_triggered_ends_its_level),
		WITH_RIG(pins_that_share_a_vector_end_together),
		WITH_RIG(only_new_messages_are_told),
		WITH_RIG(a_masked_pin_keeps_the_message_whose_end_is_to_come),
		WITH_RIG(nothing_is_sent_before_the_change_has_been_told),
		WITH_RIG(every_register_at_every_width_takes_the_ends_of_its_range),
	};

	return cmocka_run_group_tests_name("I/O APIC", tests, NULL, NULL);
}
