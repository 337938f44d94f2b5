/* SPDX-License-Identifier: MIT */
/* The list of areas: against a model that has a byte for each page. */
#include "user/area.h"

#include <errno.h>

#include "testing.h"

enum { PAGE = 4096, PAGES = 256, ROUNDS = 20000 };

static struct keg_area area_of(uint64_t start, uint64_t end, int protection)
{
	return (struct keg_area){
		.start = start * PAGE,
		.end = end * PAGE,
		.protection = protection,
	};
}

static void add(struct keg_areas *areas, uint64_t start, uint64_t end, int protection)
{
	const struct keg_area area = area_of(start, end, protection);

	assert_ok(keg_areas_reserve(areas, 1));
	keg_areas_insert(areas, &area);
}

static void cut(struct keg_areas *areas, uint64_t start, uint64_t end)
{
	assert_ok(keg_areas_reserve(areas, 2));
	keg_areas_split(areas, start * PAGE);
	keg_areas_split(areas, end * PAGE);
	keg_areas_remove(areas, start * PAGE, end * PAGE);
}

static void an_area_is_found_by_any_address_in_it(void **state)
{
	struct keg_areas areas = {0};

	(void)state;
	add(&areas, 10, 20, 1);
	assert_null(keg_areas_at(&areas, 10 * PAGE - 1));
	assert_ptr_equal(keg_areas_at(&areas, 10 * PAGE), &areas.at[0]);
	assert_ptr_equal(keg_areas_at(&areas, 20 * PAGE - 1), &areas.at[0]);
	assert_null(keg_areas_at(&areas, 20 * PAGE));
	assert_true(keg_areas_free(&areas, 0, 10 * PAGE));
	assert_false(keg_areas_free(&areas, 0, 10 * PAGE + 1));
	keg_areas_fini(&areas);
}

static void the_upper_part_goes_on_where_the_lower_one_ends(void **state)
{
	struct keg_areas areas = {0};

	(void)state;
	add(&areas, 10, 20, 1);
	areas.at[0].offset = 5 * PAGE;
	assert_ok(keg_areas_reserve(&areas, 1));
	keg_areas_split(&areas, 13 * PAGE);
	assert_int_equal(areas.count, 2);
	assert_int_equal(areas.at[0].end, 13 * PAGE);
	assert_int_equal(areas.at[1].start, 13 * PAGE);
	assert_int_equal(areas.at[1].offset, 8 * PAGE);
	keg_areas_fini(&areas);
}

static void there_are_as_many_as_under_linux_at_most(void **state)
{
	struct keg_areas areas = {0};

	(void)state;
	assert_ok(keg_areas_reserve(&areas, KEG_AREAS));
	assert_int_equal(keg_areas_reserve(&areas, KEG_AREAS + 1), -ENOMEM);
	keg_areas_fini(&areas);
}

static void the_highest_gap_is_taken(void **state)
{
	struct keg_areas areas = {0};

	(void)state;
	assert_int_equal(keg_areas_gap(&areas, PAGE, 100 * PAGE, 3 * PAGE, PAGE), 97 * PAGE);
	add(&areas, 95, 98, 1);
	add(&areas, 90, 92, 1);
	assert_int_equal(keg_areas_gap(&areas, PAGE, 100 * PAGE, 2 * PAGE, PAGE), 98 * PAGE);
	assert_int_equal(keg_areas_gap(&areas, PAGE, 100 * PAGE, 3 * PAGE, PAGE), 92 * PAGE);
	assert_int_equal(keg_areas_gap(&areas, PAGE, 100 * PAGE, 4 * PAGE, PAGE), 86 * PAGE);
	assert_int_equal(keg_areas_gap(&areas, PAGE, 100 * PAGE, 4 * PAGE, 8 * PAGE), 80 * PAGE);
	assert_int_equal(keg_areas_gap(&areas, PAGE, 100 * PAGE, 90 * PAGE, PAGE), 0);
	assert_int_equal(keg_areas_gap(&areas, PAGE, 96 * PAGE, 2 * PAGE, PAGE), 93 * PAGE);
	keg_areas_fini(&areas);
}

static void below_a_stack_a_gap_is_left(void **state)
{
	const uint64_t top = 2000;
	struct keg_areas areas = {0};

	(void)state;
	add(&areas, 1990, top, 1);
	areas.at[0].flags = KEG_AREA_GROWS_DOWN;
	assert_int_equal(keg_areas_gap(&areas, PAGE, top * PAGE, PAGE, PAGE),
		(1990 - 1) * PAGE - KEG_STACK_GAP);
	keg_areas_fini(&areas);
}

/* ---- Against a model ---- */

static void compare(const struct keg_areas *areas, const uint8_t model[PAGES])
{
	uint64_t last = 0;

	for (size_t i = 0; i < areas->count; i++) {
		const struct keg_area *area = &areas->at[i], *before = i ? area - 1 : NULL;

		assert_true(area->start >= last && area->end > area->start);
		/* Neighbours that mean the same are one. */
		assert_false(before && before->end == area->start &&
			     before->protection == area->protection);
		last = area->end;
	}
	for (uint64_t page = 0; page < PAGES; page++) {
		const struct keg_area *area = keg_areas_at(areas, page * PAGE);

		assert_int_equal(area ? area->protection : 0, model[page]);
	}
}

static void any_sequence_of_changes_has_the_result_of_a_model(void **state)
{
	struct keg_areas areas = {0};
	uint8_t model[PAGES] = {0};
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		const uint64_t start = (uint64_t)rand_r(&seed) % PAGES;
		const uint64_t length = 1 + (uint64_t)rand_r(&seed) % 16;
		const uint64_t end = start + length > PAGES ? PAGES : start + length;
		const int protection = rand_r(&seed) % 4;

		cut(&areas, start, end);
		if (protection != 0)
			add(&areas, start, end, protection);
		keg_areas_merge(&areas, start * PAGE, end * PAGE);
		memset(model + start, protection, end - start);
		if (round % 16 == 0)
			compare(&areas, model);
	}
	keg_areas_fini(&areas);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_area_is_found_by_any_address_in_it),
		cmocka_unit_test(the_upper_part_goes_on_where_the_lower_one_ends),
		cmocka_unit_test(there_are_as_many_as_under_linux_at_most),
		cmocka_unit_test(the_highest_gap_is_taken),
		cmocka_unit_test(below_a_stack_a_gap_is_left),
		cmocka_unit_test(any_sequence_of_changes_has_the_result_of_a_model),
	};

	return cmocka_run_group_tests_name("area", tests, NULL, NULL);
}
