/* SPDX-License-Identifier: MIT */
/* A set of address ranges: what goes in, what is in the way, what is found. */
#include "testing.h"

#include <errno.h>

#include "base/ranges.h"

static const uint64_t end_of_space = UINT64_MAX;

static struct keg_ranges *set_of(void **state)
{
	return *state;
}

static int make_set(void **state)
{
	struct keg_ranges *ranges = malloc(sizeof(*ranges));

	assert_non_null(ranges);
	assert_int_equal(keg_ranges_init(ranges), 0);
	*state = ranges;
	return 0;
}

static int end_set(void **state)
{
	keg_ranges_fini(*state);
	free(*state);
	return 0;
}

/* The value of a range in these tests is a number. */
static int insert(struct keg_ranges *ranges, uint64_t first, uint64_t last, uintptr_t value)
{
	const struct keg_range range = {first, last, (void *)value};
	struct keg_range other;

	return keg_ranges_insert(ranges, &range, &other);
}

static void assert_range(
	const struct keg_range *range, uint64_t first, uint64_t last, uintptr_t value)
{
	assert_int_equal(range->first, first);
	assert_int_equal(range->last, last);
	assert_int_equal((uintptr_t)range->value, value);
}

/* ---- Which sizes are ranges at all ---- */

static void a_range_is_valid_unless_it_is_empty_or_wraps(void **state)
{
	(void)state;
	assert_true(keg_range_valid(0, 1));
	assert_true(keg_range_valid(0, end_of_space));
	assert_true(keg_range_valid(end_of_space, 1));
	assert_true(keg_range_valid(end_of_space - 0xfff, 0x1000));
	assert_false(keg_range_valid(0, 0));
	assert_false(keg_range_valid(end_of_space, 0));
	assert_false(keg_range_valid(end_of_space, 2));
	assert_false(keg_range_valid(end_of_space - 0xfff, 0x1001));
	assert_true(keg_range_valid(1, end_of_space));
	assert_false(keg_range_valid(2, end_of_space));
}

/* ---- Inserting ---- */

static void an_empty_set_has_nothing(void **state)
{
	struct keg_range found;

	assert_false(keg_ranges_find(set_of(state), 0, &found));
	assert_false(keg_ranges_next(set_of(state), 0, &found));
	assert_false(keg_ranges_overlap(set_of(state), 0, end_of_space, &found));
	assert_false(keg_ranges_remove(set_of(state), 0));
}

static void ranges_that_touch_do_not_overlap(void **state)
{
	assert_int_equal(insert(set_of(state), 0x2000, 0x2fff, 2), 0);
	assert_int_equal(insert(set_of(state), 0x1000, 0x1fff, 1), 0);
	assert_int_equal(insert(set_of(state), 0x3000, 0x3fff, 3), 0);
}

/* Each way in which a range can overlap [0x2000, 0x2fff]. */
static const struct {
	uint64_t first, last;
} overlapping[] = {
	{0x2000, 0x2fff}, /* the same */
	{0x2100, 0x21ff}, /* inside */
	{0x1000, 0x3fff}, /* around */
	{0x1000, 0x2000}, /* its first byte */
	{0x2fff, 0x3fff}, /* its last byte */
	{0x1000, 0x21ff}, /* its beginning */
	{0x2e00, 0x3fff}, /* its end */
	{0x2000, 0x2000}, /* one byte, the first */
	{0x2fff, 0x2fff}, /* one byte, the last */
	{0x2000, 0x3fff}, /* the same beginning, longer */
	{0x1000, 0x2fff}, /* the same end, longer */
	{0, UINT64_MAX},  /* everything */
};
enum { OVERLAPPING = sizeof(overlapping) / sizeof(overlapping[0]) };

static void every_overlap_is_refused_and_what_is_in_the_way_is_told(void **state)
{
	assert_int_equal(insert(set_of(state), 0x2000, 0x2fff, 42), 0);
	for (int i = 0; i < OVERLAPPING; i++) {
		const struct keg_range range = {overlapping[i].first, overlapping[i].last, NULL};
		struct keg_range other;

		assert_int_equal(keg_ranges_insert(set_of(state), &range, &other), -EEXIST);
		assert_range(&other, 0x2000, 0x2fff, 42);
	}
	assert_int_equal(set_of(state)->count, 1);
}

static void every_overlap_is_found(void **state)
{
	struct keg_range found;

	assert_int_equal(insert(set_of(state), 0x2000, 0x2fff, 42), 0);
	for (int i = 0; i < OVERLAPPING; i++) {
		assert_true(keg_ranges_overlap(
			set_of(state), overlapping[i].first, overlapping[i].last, &found));
		assert_range(&found, 0x2000, 0x2fff, 42);
	}
	assert_false(keg_ranges_overlap(set_of(state), 0, 0x1fff, &found));
	assert_false(keg_ranges_overlap(set_of(state), 0x3000, end_of_space, &found));
}

static void a_range_over_several_meets_the_lowest(void **state)
{
	const struct keg_range wide = {0, 0xffff, NULL};
	struct keg_range other;

	assert_int_equal(insert(set_of(state), 0x5000, 0x5fff, 5), 0);
	assert_int_equal(insert(set_of(state), 0x3000, 0x3fff, 3), 0);
	assert_int_equal(keg_ranges_insert(set_of(state), &wide, &other), -EEXIST);
	assert_range(&other, 0x3000, 0x3fff, 3);
}

static void the_whole_space_can_be_one_range(void **state)
{
	struct keg_range found;

	assert_int_equal(insert(set_of(state), 0, end_of_space, 1), 0);
	assert_int_equal(insert(set_of(state), 0, 0, 2), -EEXIST);
	assert_int_equal(insert(set_of(state), end_of_space, end_of_space, 2), -EEXIST);
	assert_true(keg_ranges_find(set_of(state), end_of_space, &found));
	assert_range(&found, 0, end_of_space, 1);
}

static void both_ends_of_the_space_can_be_used(void **state)
{
	struct keg_range found;

	assert_int_equal(insert(set_of(state), end_of_space, end_of_space, 2), 0);
	assert_int_equal(insert(set_of(state), 0, 0, 1), 0);
	assert_int_equal(insert(set_of(state), 1, end_of_space - 1, 3), 0);
	assert_true(keg_ranges_find(set_of(state), 0, &found));
	assert_range(&found, 0, 0, 1);
	assert_true(keg_ranges_find(set_of(state), end_of_space, &found));
	assert_range(&found, end_of_space, end_of_space, 2);
	assert_true(keg_ranges_find(set_of(state), end_of_space - 1, &found));
	assert_range(&found, 1, end_of_space - 1, 3);
}

static void the_set_grows_in_any_order_of_insertion(void **state)
{
	enum { COUNT = 1000 };
	struct keg_range found;

	/* 7 and 1000 have no common divisor: every number comes once. */
	for (unsigned int i = 0; i < COUNT; i++) {
		uint64_t n = i * 7 % COUNT;

		assert_int_equal(insert(set_of(state), n * 16, n * 16 + 15, n), 0);
	}
	for (uint64_t n = 0; n < COUNT; n++) {
		assert_true(keg_ranges_find(set_of(state), n * 16 + n % 16, &found));
		assert_range(&found, n * 16, n * 16 + 15, n);
	}
}

/* ---- Finding ---- */

static void every_byte_of_a_range_is_found_and_none_beside_it(void **state)
{
	struct keg_range found;

	assert_int_equal(insert(set_of(state), 0x10, 0x1f, 1), 0);
	for (uint64_t address = 0; address < 0x30; address++)
		assert_int_equal(keg_ranges_find(set_of(state), address, &found),
			address >= 0x10 && address <= 0x1f);
}

static void next_is_the_range_that_holds_the_address_or_the_one_above(void **state)
{
	struct keg_range found;

	assert_int_equal(insert(set_of(state), 0x1000, 0x1fff, 1), 0);
	assert_int_equal(insert(set_of(state), 0x3000, 0x3fff, 3), 0);
	assert_true(keg_ranges_next(set_of(state), 0, &found));
	assert_range(&found, 0x1000, 0x1fff, 1);
	assert_true(keg_ranges_next(set_of(state), 0x1fff, &found));
	assert_range(&found, 0x1000, 0x1fff, 1);
	assert_true(keg_ranges_next(set_of(state), 0x2000, &found));
	assert_range(&found, 0x3000, 0x3fff, 3);
	assert_false(keg_ranges_next(set_of(state), 0x4000, &found));
}

/* ---- Removing ---- */

static void a_range_is_removed_by_its_beginning_only(void **state)
{
	assert_int_equal(insert(set_of(state), 0x1000, 0x1fff, 1), 0);
	assert_false(keg_ranges_remove(set_of(state), 0x1001));
	assert_false(keg_ranges_remove(set_of(state), 0x0fff));
	assert_false(keg_ranges_remove(set_of(state), 0x2000));
	assert_true(keg_ranges_remove(set_of(state), 0x1000));
	assert_false(keg_ranges_remove(set_of(state), 0x1000));
}

static void removing_leaves_the_neighbours_and_frees_the_place(void **state)
{
	struct keg_range found;

	for (uint64_t n = 1; n <= 3; n++)
		assert_int_equal(insert(set_of(state), n << 12, (n << 12) + 0xfff, n), 0);
	assert_true(keg_ranges_remove(set_of(state), 0x2000));
	assert_false(keg_ranges_find(set_of(state), 0x2800, &found));
	assert_true(keg_ranges_find(set_of(state), 0x1fff, &found));
	assert_true(keg_ranges_find(set_of(state), 0x3000, &found));
	assert_int_equal(insert(set_of(state), 0x2000, 0x2fff, 9), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_set, end_set)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_is_valid_unless_it_is_empty_or_wraps),
		TEST(an_empty_set_has_nothing),
		TEST(ranges_that_touch_do_not_overlap),
		TEST(every_overlap_is_refused_and_what_is_in_the_way_is_told),
		TEST(every_overlap_is_found),
		TEST(a_range_over_several_meets_the_lowest),
		TEST(the_whole_space_can_be_one_range),
		TEST(both_ends_of_the_space_can_be_used),
		TEST(the_set_grows_in_any_order_of_insertion),
		TEST(every_byte_of_a_range_is_found_and_none_beside_it),
		TEST(next_is_the_range_that_holds_the_address_or_the_one_above),
		TEST(a_range_is_removed_by_its_beginning_only),
		TEST(removing_leaves_the_neighbours_and_frees_the_place),
	};

	return cmocka_run_group_tests_name("base-ranges", tests, NULL, NULL);
}
