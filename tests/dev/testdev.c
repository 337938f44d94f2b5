/* SPDX-License-Identifier: MIT */
/* What test suites of hypervisors use, and the port for panics: small devices of a few bytes. */
#include "testing.h"

#include "dev/pvpanic.h"
#include "dev/testdev.h"

enum { LATCH = 0, FORGET_PAGE = 4, LATCH_BYTES = 8 };

struct rig {
	struct keg_testdev testdev;
	uint32_t lines; /* how they stand */
	unsigned forgotten;
	uint64_t gpa;
};

struct line {
	struct rig *rig;
	uint32_t number;
};

static struct line lines[KEG_TESTDEV_LINES];

static void note_line(void *context, bool high)
{
	struct line *line = context;

	line->rig->lines &= ~(1U << line->number);
	line->rig->lines |= (uint32_t)high << line->number;
}

static void note_page(void *context, uint64_t gpa)
{
	struct rig *rig = context;

	rig->forgotten++;
	rig->gpa = gpa;
}

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	struct keg_testdev_config config = {.forget_page = note_page, .context = rig};

	for (uint32_t i = 0; i < KEG_TESTDEV_LINES; i++) {
		lines[i] = (struct line){rig, i};
		config.lines[i] = (struct keg_irq){note_line, &lines[i]};
	}
	assert_ok(keg_testdev_init(&rig->testdev, &config));
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	keg_testdev_fini(&((struct rig *)*state)->testdev);
	test_free(*state);
	return 0;
}

static uint64_t get(struct rig *rig, uint64_t offset, uint32_t bytes)
{
	return keg_testdev_ports_ops.read(&rig->testdev, offset, bytes);
}

static void set(struct rig *rig, uint64_t offset, uint64_t value, uint32_t bytes)
{
	keg_testdev_ports_ops.write(&rig->testdev, offset, value, bytes);
}

static void the_latch_keeps_what_was_written_in_every_width(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(get(rig, LATCH, 4), 0);
	set(rig, LATCH, 0x12345678, 4);
	assert_int_equal(get(rig, LATCH, 4), 0x12345678);
	assert_int_equal(get(rig, LATCH, 2), 0x5678);
	assert_int_equal(get(rig, LATCH, 1), 0x78);
	assert_int_equal(get(rig, LATCH + 3, 1), 0x12);
	set(rig, LATCH + 1, 0xab, 1);
	assert_int_equal(get(rig, LATCH, 4), 0x1234ab78);
	set(rig, LATCH + 2, 0xcdef, 2);
	assert_int_equal(get(rig, LATCH, 4), 0xcdefab78);
}

static void the_latch_is_there_a_second_time(void **state)
{
	struct rig *rig = *state;

	set(rig, LATCH_BYTES, 0x12345678, 4);
	assert_int_equal(get(rig, LATCH, 4), 0x12345678);
	set(rig, LATCH + 3, 0xff, 1);
	assert_int_equal(get(rig, LATCH_BYTES + 3, 1), 0xff);
	/* Between the two there is nothing to read. */
	assert_int_equal(get(rig, FORGET_PAGE, 4), 0);
	assert_int_equal(get(rig, LATCH + 2, 4), 0xff34);
	assert_int_equal(get(rig, LATCH, 8), 0xff345678);
}

static void a_page_is_forgotten_when_its_address_is_written(void **state)
{
	const struct keg_testdev_config nobody = {.context = NULL};
	struct rig *rig = *state;
	struct keg_testdev *testdev;

	set(rig, FORGET_PAGE, 0x1234000, 4);
	assert_int_equal(rig->forgotten, 1);
	assert_int_equal(rig->gpa, 0x1234000);
	set(rig, FORGET_PAGE, UINT64_MAX, 4);
	assert_int_equal(rig->gpa, UINT32_MAX);
	set(rig, FORGET_PAGE + 1, 1, 1);
	assert_int_equal(rig->forgotten, 2);
	assert_int_equal(get(rig, LATCH, 4), 0);
	/* Nobody has to care, for pages or lines. */
	testdev = test_malloc(sizeof(*testdev));
	assert_ok(keg_testdev_init(testdev, &nobody));
	keg_testdev_ports_ops.write(testdev, FORGET_PAGE, 0, 4);
	keg_testdev_lines_ops.write(testdev, 0, 1, 1);
	keg_testdev_fini(testdev);
	test_free(testdev);
}

static void each_port_of_the_lines_sets_its_own(void **state)
{
	struct rig *rig = *state;
	const struct keg_bus_ops *ops = &keg_testdev_lines_ops;

	for (uint32_t i = 0; i < KEG_TESTDEV_LINES; i++) {
		ops->write(&rig->testdev, i, 1, 1);
		assert_int_equal(rig->lines, (2U << i) - 1);
	}
	ops->write(&rig->testdev, 4, 0, 1);
	assert_int_equal(rig->lines, 0xffffef);
	/* One line, in whatever width; any value but 0 is high. */
	ops->write(&rig->testdev, 0, 0, 4);
	assert_int_equal(rig->lines, 0xffffee);
	ops->write(&rig->testdev, 4, 0x80000000, 4);
	assert_int_equal(rig->lines, 0xfffffe);
}

static void the_memory_reads_back_in_every_width(void **state)
{
	const struct keg_bus_ops *ops = &keg_testdev_memory_ops;
	struct rig *rig = *state;

	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
		uint64_t most = UINT64_MAX >> (64 - 8 * bytes);
		const uint64_t values[] = {0, most - 1, most, 0x8877665544332211 & most};

		for (uint64_t offset = 0; offset + bytes <= KEG_TESTDEV_MEMORY_SIZE; offset++) {
			uint64_t value = values[offset % 4];

			ops->write(&rig->testdev, offset, value, bytes);
			assert_true(ops->read(&rig->testdev, offset, bytes) == value);
		}
	}
	ops->write(&rig->testdev, 0xfff8, 0x8877665544332211, 8);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(ops->read(&rig->testdev, 0xfff8 + i, 1), 0x11 * (uint64_t)(i + 1));
}

static void every_port_at_every_width_takes_the_ends_of_its_range(void **state)
{
	struct rig *rig = *state;

	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
		uint64_t most = UINT64_MAX >> (64 - 8 * bytes);
		const uint64_t values[] = {0, most - 1, most};

		for (int i = 0; i < 3; i++) {
			for (uint64_t at = 0; at + bytes <= KEG_TESTDEV_PORTS_SIZE; at++) {
				set(rig, at, values[i], bytes);
				assert_in_range(get(rig, at, bytes), 0, most);
			}
			for (uint64_t at = 0; at + bytes <= KEG_TESTDEV_LINES_SIZE; at++) {
				keg_testdev_lines_ops.write(&rig->testdev, at, values[i], bytes);
				assert_int_equal(rig->lines >> at & 1, values[i] != 0);
			}
		}
	}
	/* And it works on. */
	set(rig, LATCH, 7, 4);
	assert_int_equal(get(rig, LATCH, 4), 7);
}

/* ---- pvpanic ---- */

static void note_event(void *context, uint32_t events)
{
	*(uint32_t *)context = *(uint32_t *)context << 8 | events;
}

static void the_panic_port_tells_what_it_knows(void **state)
{
	uint32_t events = 0;
	struct keg_pvpanic pvpanic = {note_event, &events};

	(void)state;
	assert_int_equal(keg_pvpanic_ops.read(&pvpanic, 0, 1), 3);
	assert_int_equal(events, 0);
}

static void a_panic_is_told_and_unknown_events_are_not(void **state)
{
	uint32_t events = 0;
	struct keg_pvpanic pvpanic = {note_event, &events};

	(void)state;
	for (uint32_t value = 0; value <= 0xff; value++) {
		events = 0;
		keg_pvpanic_ops.write(&pvpanic, 0, value, 1);
		assert_int_equal(events, value & 3);
	}
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(the_latch_keeps_what_was_written_in_every_width),
		WITH_RIG(the_latch_is_there_a_second_time),
		WITH_RIG(a_page_is_forgotten_when_its_address_is_written),
		WITH_RIG(each_port_of_the_lines_sets_its_own),
		WITH_RIG(the_memory_reads_back_in_every_width),
		WITH_RIG(every_port_at_every_width_takes_the_ends_of_its_range),
		cmocka_unit_test(the_panic_port_tells_what_it_knows),
		cmocka_unit_test(a_panic_is_told_and_unknown_events_are_not),
	};

	return cmocka_run_group_tests_name("small devices", tests, NULL, NULL);
}
