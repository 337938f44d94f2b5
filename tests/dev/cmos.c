/* SPDX-License-Identifier: MIT */
/* The MC146818: the time in each of its forms, never torn, and its memory. */
#include "testing.h"

#include <time.h>

#include "dev/cmos.h"

enum { SECONDS = 0, MINUTES = 2, HOURS = 4, WEEKDAY = 6, DAY = 7, MONTH = 8, YEAR = 9 };
enum { A = 0x0a, B = 0x0b, C = 0x0c, D = 0x0d, CENTURY = 0x32 };
enum { SET = 0x80, UIE = 0x10, BINARY = 0x04, HOURS_24 = 0x02 };

#define NS 1000000000ULL

struct rtc {
	struct keg_cmos cmos;
	uint64_t now;
	uint64_t per_call; /* how much later it is each time it is asked */
};

static uint64_t tell(void *context)
{
	struct rtc *rtc = context;
	uint64_t now = rtc->now;

	rtc->now += rtc->per_call;
	return now;
}

/* 1999-12-31 23:59:58, a Friday. */
static const uint64_t eve = 946684798 * NS;

static int make_rtc(void **state)
{
	struct rtc *rtc = test_calloc(1, sizeof(*rtc));
	struct keg_cmos_clock clock = {tell, rtc};

	rtc->now = eve;
	assert_ok(keg_cmos_init(&rtc->cmos, &clock));
	*state = rtc;
	return 0;
}

static int end_rtc(void **state)
{
	keg_cmos_fini(&((struct rtc *)*state)->cmos);
	test_free(*state);
	return 0;
}

static uint8_t get(struct rtc *rtc, uint8_t reg)
{
	keg_cmos_ops.write(&rtc->cmos, 0, reg, 1);
	return (uint8_t)keg_cmos_ops.read(&rtc->cmos, 1, 1);
}

static void set(struct rtc *rtc, uint8_t reg, uint8_t value)
{
	keg_cmos_ops.write(&rtc->cmos, 0, reg, 1);
	keg_cmos_ops.write(&rtc->cmos, 1, value, 1);
}

static void assert_time(struct rtc *rtc, const uint8_t expected[8])
{
	static const uint8_t registers[] = {
		CENTURY, YEAR, MONTH, DAY, HOURS, MINUTES, SECONDS, WEEKDAY};

	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(get(rtc, registers[i]), expected[i]);
}

static void firmware_leaves_it_running_in_bcd_and_24_hours(void **state)
{
	assert_int_equal(get(*state, A), 0x26);
	assert_int_equal(get(*state, B), HOURS_24);
	assert_int_equal(get(*state, C), 0x00);
	assert_int_equal(get(*state, D), 0x80);
	assert_int_equal(keg_cmos_ops.read(*state, 0, 1), 0xff);
}

static void it_tells_the_time_in_each_form(void **state)
{
	struct rtc *rtc = *state;

	assert_time(rtc, (uint8_t[]){0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58, 6});
	set(rtc, B, HOURS_24 | BINARY);
	assert_time(rtc, (uint8_t[]){19, 99, 12, 31, 23, 59, 58, 6});
	set(rtc, B, BINARY);
	assert_time(rtc, (uint8_t[]){19, 99, 12, 31, 0x80 | 11, 59, 58, 6});
	set(rtc, B, 0);
	assert_time(rtc, (uint8_t[]){0x19, 0x99, 0x12, 0x31, 0x80 | 0x11, 0x59, 0x58, 6});
	rtc->now += 2 * NS;
	assert_time(rtc, (uint8_t[]){0x20, 0x00, 0x01, 0x01, 0x12, 0x00, 0x00, 7});
	set(rtc, B, HOURS_24);
	assert_time(rtc, (uint8_t[]){0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 7});
	/* A leap day, and the week's first day. */
	rtc->now = 1709164800 * NS;
	assert_time(rtc, (uint8_t[]){0x20, 0x24, 0x02, 0x29, 0x00, 0x00, 0x00, 5});
	rtc->now = 1704585599 * NS;
	assert_time(rtc, (uint8_t[]){0x20, 0x24, 0x01, 0x06, 0x23, 0x59, 0x59, 7});
	rtc->now += NS;
	assert_time(rtc, (uint8_t[]){0x20, 0x24, 0x01, 0x07, 0x00, 0x00, 0x00, 1});
}

static void twelve_hours_begin_with_twelve(void **state)
{
	struct rtc *rtc = *state;

	set(rtc, B, BINARY);
	for (unsigned hour = 0; hour < 24; hour++) {
		unsigned expected = (hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0);

		rtc->now = (946684800 + 3600 * (uint64_t)hour) * NS;
		assert_int_equal(get(rtc, HOURS), expected);
	}
}

static void the_guest_cannot_set_the_time(void **state)
{
	static const uint8_t registers[] = {
		CENTURY, YEAR, MONTH, DAY, HOURS, MINUTES, SECONDS, WEEKDAY};

	set(*state, B, HOURS_24 | SET);
	for (unsigned i = 0; i < 8; i++)
		set(*state, registers[i], 0x01);
	set(*state, B, HOURS_24);
	assert_time(*state, (uint8_t[]){0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58, 6});
}

static void alarms_and_the_rest_are_memory(void **state)
{
	for (unsigned reg = 0; reg < 128; reg++)
		set(*state, (uint8_t)reg, (uint8_t)(reg < A || reg > D ? reg ^ 0x5a : 0));
	for (unsigned reg = 0x0e; reg < 128; reg++) {
		if (reg != CENTURY)
			assert_int_equal(get(*state, (uint8_t)reg), reg ^ 0x5a);
	}
	for (unsigned reg = 1; reg <= 5; reg += 2)
		assert_int_equal(get(*state, (uint8_t)reg), reg ^ 0x5a);
	/* Bit 7 of the index is not part of it. */
	assert_int_equal(get(*state, 0x80 | 0x40), 0x40 ^ 0x5a);
}

static void only_some_of_the_control_registers_can_be_written(void **state)
{
	set(*state, A, 0xff);
	assert_int_equal(get(*state, A), 0x7f);
	set(*state, C, 0xff);
	assert_int_equal(get(*state, C), 0x00);
	set(*state, D, 0x00);
	assert_int_equal(get(*state, D), 0x80);
	set(*state, B, 0xff);
	assert_int_equal(get(*state, B), 0xff & ~UIE);
}

static void an_update_is_announced_before_the_second_changes(void **state)
{
	struct rtc *rtc = *state;

	for (uint64_t us = 0; us < 1000000; us += 4) {
		rtc->now = eve + us * 1000;
		assert_int_equal(get(rtc, A), us < 1000000 - 2228 ? 0x26 : 0xa6);
	}
	rtc->now = eve + NS;
	assert_int_equal(get(rtc, A), 0x26);
	/* Not while the clock is stopped. */
	set(rtc, B, HOURS_24 | SET);
	rtc->now = eve + 2 * NS - 1;
	assert_int_equal(get(rtc, A), 0x26);
}

static void the_time_stands_from_when_it_may_be_read(void **state)
{
	struct rtc *rtc = *state;

	/* The update is not announced yet, but comes while the guest is reading. */
	rtc->now = eve + 2 * NS - 2300 * 1000;
	assert_int_equal(get(rtc, A), 0x26);
	rtc->per_call = 1000 * 1000;
	assert_time(rtc, (uint8_t[]){0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59, 6});
	/* Reading again is a new reading. */
	assert_time(rtc, (uint8_t[]){0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 7});
}

/* A reading as seconds since the eve began, however the fields are ordered. */
static int64_t read_all(struct rtc *rtc, unsigned first, unsigned step)
{
	static const uint8_t registers[] = {SECONDS, MINUTES, HOURS, DAY, MONTH, YEAR, CENTURY};
	unsigned fields[7];

	for (unsigned i = 0; i < 7; i++) {
		unsigned at = (first + i * step) % 7;

		fields[at] = get(rtc, registers[at]);
	}
	struct tm tm = {.tm_sec = (int)fields[0],
		.tm_min = (int)fields[1],
		.tm_hour = (int)fields[2],
		.tm_mday = (int)fields[3],
		.tm_mon = (int)fields[4] - 1,
		.tm_year = (int)(fields[5] + 100 * fields[6]) - 1900};

	return timegm(&tm) - (int64_t)(eve / NS);
}

static void the_time_is_never_torn_in_whatever_order_it_is_read(void **state)
{
	struct rtc *rtc = *state;

	set(rtc, B, HOURS_24 | BINARY);
	/* Around the end of the century, a torn time would be off by a minute or by years. */
	for (unsigned order = 0; order < 42; order++) {
		for (uint64_t delay = 1; delay < 700; delay += 9) {
			uint64_t before = eve + NS;
			int64_t seen;

			rtc->per_call = 0;
			rtc->now = before;
			read_all(rtc, order % 7, 1 + order / 7);
			rtc->now = before + NS - delay * 1000000;
			rtc->per_call = 100 * 1000000;
			before = rtc->now;
			seen = read_all(rtc, order % 7, 1 + order / 7);
			assert_in_range(seen, (before - eve) / NS, (rtc->now - eve) / NS);
		}
	}
}

static void a_reading_that_was_given_up_does_not_last(void **state)
{
	struct rtc *rtc = *state;

	get(rtc, SECONDS);
	rtc->now += 3600 * NS;
	assert_int_equal(get(rtc, HOURS), 0x00);
	/* Nor does one from before the host's clock was set back. */
	rtc->now -= 7200 * NS;
	assert_int_equal(get(rtc, MINUTES), 0x59);
	assert_int_equal(get(rtc, HOURS), 0x22);
}

static void the_set_bit_stops_what_is_shown(void **state)
{
	struct rtc *rtc = *state;

	set(rtc, B, HOURS_24 | SET);
	rtc->now += 100 * NS;
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(rtc, SECONDS), 0x58);
	set(rtc, B, HOURS_24);
	assert_int_equal(get(rtc, SECONDS), 0x38);
}

static void ends_of_updates_can_be_polled(void **state)
{
	struct rtc *rtc = *state;

	assert_int_equal(get(rtc, C), 0x00);
	rtc->now += NS;
	assert_int_equal(get(rtc, C), 0x10);
	assert_int_equal(get(rtc, C), 0x00);
	set(rtc, B, HOURS_24 | UIE);
	rtc->now += 10 * NS;
	assert_int_equal(get(rtc, C), 0x90);
	set(rtc, B, HOURS_24 | UIE | SET);
	rtc->now += NS;
	assert_int_equal(get(rtc, C), 0x00);
}

static void both_ports_can_be_accessed_at_once(void **state)
{
	struct rtc *rtc = *state;

	keg_cmos_ops.write(&rtc->cmos, 0, 0xa540, 2);
	assert_int_equal(keg_cmos_ops.read(&rtc->cmos, 1, 1), 0xa5);
	assert_int_equal(keg_cmos_ops.read(&rtc->cmos, 0, 2), 0xa5ff);
}

#define WITH_RTC(test) cmocka_unit_test_setup_teardown(test, make_rtc, end_rtc)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RTC(firmware_leaves_it_running_in_bcd_and_24_hours),
		WITH_RTC(it_tells_the_time_in_each_form),
		WITH_RTC(twelve_hours_begin_with_twelve),
		WITH_RTC(the_guest_cannot_set_the_time),
		WITH_RTC(alarms_and_the_rest_are_memory),
		WITH_RTC(only_some_of_the_control_registers_can_be_written),
		WITH_RTC(an_update_is_announced_before_the_second_changes),
		WITH_RTC(the_time_stands_from_when_it_may_be_read),
		WITH_RTC(the_time_is_never_torn_in_whatever_order_it_is_read),
		WITH_RTC(a_reading_that_was_given_up_does_not_last),
		WITH_RTC(the_set_bit_stops_what_is_shown),
		WITH_RTC(ends_of_updates_can_be_polled),
		WITH_RTC(both_ports_can_be_accessed_at_once),
	};

	return cmocka_run_group_tests_name("CMOS", tests, NULL, NULL);
}
