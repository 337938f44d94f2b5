/* SPDX-License-Identifier: MIT */
/* ACPI's fixed registers: power off, the power button, the PM timer. */
#include "testing.h"

#include "dev/power.h"

enum { STATUS = 0, ENABLE = 2, CONTROL = 4, TIMER = 8 };
enum { BUTTON = 0x100, ALL_EVENTS = 0x721 };

#define NS 1000000000ULL

struct rig {
	struct keg_power power;
	uint64_t now;
	unsigned offs, rises;
	bool sci;
};

static void note_off(void *context)
{
	((struct rig *)context)->offs++;
}

static uint64_t tell(void *context)
{
	return ((struct rig *)context)->now;
}

static void note_sci(void *context, bool high)
{
	struct rig *rig = context;

	/* Only changes come. */
	assert_int_not_equal(rig->sci, high);
	rig->sci = high;
	rig->rises += high;
}

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	const struct keg_power_config config = {note_off, tell, rig, {note_sci, rig}};

	assert_ok(keg_power_init(&rig->power, &config));
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	keg_power_fini(&((struct rig *)*state)->power);
	test_free(*state);
	return 0;
}

static uint64_t get(struct rig *rig, uint64_t offset, uint32_t bytes)
{
	return keg_power_ops.read(&rig->power, offset, bytes);
}

static void set(struct rig *rig, uint64_t offset, uint64_t value, uint32_t bytes)
{
	keg_power_ops.write(&rig->power, offset, value, bytes);
}

/* ---- Control ---- */

static void sleep_enable_with_the_type_of_s5_powers_off(void **state)
{
	struct rig *rig = *state;

	set(rig, CONTROL, 0x2000, 2);
	assert_int_equal(rig->offs, 1);
	set(rig, CONTROL, 0x2001, 2);
	assert_int_equal(rig->offs, 2);
}

static void any_other_write_does_not_power_off(void **state)
{
	struct rig *rig = *state;

	for (uint32_t value = 0; value <= 0xffff; value++) {
		if ((value & 0x3c00) != 0x2000)
			set(rig, CONTROL, value, 2);
		set(rig, STATUS, value, 2);
		set(rig, ENABLE, value & ~0x100U, 2);
		set(rig, TIMER, value, 4);
	}
	/* Half of the register is not the register. */
	set(rig, CONTROL, 0xff, 1);
	set(rig, CONTROL + 1, 0x20, 1);
	assert_int_equal(rig->offs, 0);
}

static void acpi_is_always_enabled(void **state)
{
	struct rig *rig = *state;

	set(rig, CONTROL, 0x1c00, 2);
	assert_int_equal(get(rig, CONTROL, 2), 1);
	assert_int_equal(get(rig, CONTROL, 1), 1);
	assert_int_equal(get(rig, CONTROL + 1, 1), 0);
}

/* ---- Events ---- */

static void a_press_raises_the_interrupt_until_its_status_is_cleared(void **state)
{
	struct rig *rig = *state;

	set(rig, ENABLE, BUTTON, 2);
	assert_int_equal(get(rig, STATUS, 2), 0);
	keg_power_press(&rig->power);
	assert_true(rig->sci);
	assert_int_equal(get(rig, STATUS, 2), BUTTON);
	/* What was not written as one stays. */
	set(rig, STATUS, 0xffff & ~BUTTON, 2);
	assert_true(rig->sci);
	set(rig, STATUS, BUTTON, 2);
	assert_false(rig->sci);
	assert_int_equal(get(rig, STATUS, 2), 0);
	keg_power_press(&rig->power);
	assert_int_equal(rig->rises, 2);
}

static void a_press_waits_until_it_is_enabled(void **state)
{
	struct rig *rig = *state;

	keg_power_press(&rig->power);
	keg_power_press(&rig->power);
	assert_false(rig->sci);
	assert_int_equal(get(rig, STATUS, 2), BUTTON);
	set(rig, ENABLE, ALL_EVENTS & ~BUTTON, 2);
	assert_false(rig->sci);
	set(rig, ENABLE, BUTTON, 2);
	assert_true(rig->sci);
	set(rig, ENABLE, 0, 2);
	assert_false(rig->sci);
	assert_int_equal(rig->rises, 1);
}

static void both_halves_of_the_event_block_can_be_accessed_at_once(void **state)
{
	struct rig *rig = *state;

	keg_power_press(&rig->power);
	set(rig, STATUS, (uint64_t)BUTTON << 16, 4);
	assert_true(rig->sci);
	assert_int_equal(get(rig, STATUS, 4), BUTTON << 16 | BUTTON);
	set(rig, STATUS, 0xffffffff, 4);
	assert_false(rig->sci);
	assert_int_equal(get(rig, STATUS, 4), (uint32_t)ALL_EVENTS << 16);
}

static void a_guest_reads_back_which_events_it_has_enabled(void **state)
{
	struct rig *rig = *state;

	for (uint32_t value = 0; value <= 0xffff; value++) {
		set(rig, ENABLE, value, 2);
		assert_int_equal(get(rig, ENABLE, 2), value & ALL_EVENTS);
	}
	assert_int_equal(rig->rises, 0);
}

/* ---- The timer ---- */

static void the_timer_counts_at_its_rate_and_wraps_at_32_bits(void **state)
{
	static const struct {
		uint64_t now;
		uint32_t count;
	} times[] = {
		{0, 0},
		{279, 0},
		{280, 1},
		{NS - 1, 3579544},
		{NS, 3579545},
		{1199 * NS, (uint32_t)(1199ULL * 3579545)},
		{1200 * NS, (uint32_t)(1200ULL * 3579545 - (1ULL << 32))},
		/* 100 years. */
		{3155760000ULL * NS, (uint32_t)(3155760000ULL * 3579545)},
		/* The last there is: 18446744073 s and 709551615 ns. */
		{UINT64_MAX, (uint32_t)(18446744073ULL * 3579545 + 2539871)},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		rig->now = times[i].now;
		assert_int_equal(get(rig, TIMER, 4), times[i].count);
	}
	set(rig, TIMER, 0, 4);
	assert_int_equal(get(rig, TIMER, 4), times[8].count);
}

static void every_register_at_every_width_takes_the_ends_of_its_range(void **state)
{
	struct rig *rig = *state;

	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
		uint64_t most = UINT64_MAX >> (64 - 8 * bytes);
		const uint64_t values[] = {0, most - 1, most};

		for (uint64_t offset = 0; offset + bytes <= KEG_POWER_SIZE; offset++) {
			for (int i = 0; i < 3; i++) {
				set(rig, offset, values[i], bytes);
				assert_in_range(get(rig, offset, bytes), 0, most);
			}
		}
	}
	assert_true(rig->offs == 0 && !rig->sci);
	/* And it works on. */
	set(rig, ENABLE, BUTTON, 2);
	keg_power_press(&rig->power);
	assert_true(rig->sci);
	set(rig, CONTROL, 0x2000, 2);
	assert_int_equal(rig->offs, 1);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(sleep_enable_with_the_type_of_s5_powers_off),
		WITH_RIG(any_other_write_does_not_power_off),
		WITH_RIG(acpi_is_always_enabled),
		WITH_RIG(a_press_raises_the_interrupt_until_its_status_is_cleared),
		WITH_RIG(a_press_waits_until_it_is_enabled),
		WITH_RIG(both_halves_of_the_event_block_can_be_accessed_at_once),
		WITH_RIG(a_guest_reads_back_which_events_it_has_enabled),
		WITH_RIG(the_timer_counts_at_its_rate_and_wraps_at_32_bits),
		WITH_RIG(every_register_at_every_width_takes_the_ends_of_its_range),
	};

	return cmocka_run_group_tests_name("power management", tests, NULL, NULL);
}
