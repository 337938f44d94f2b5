/* SPDX-License-Identifier: MIT */
/* Finding in a set of ranges while other threads change it. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/ranges.h"

enum { WRITERS = 2, READERS = 2, ROUNDS = 20000, EACH = 16, SPAN = 16 };

/*
 * Ranges that stay are at even multiples of 16, and those that come and go at odd ones: each has
 * its address for a value, so that a reader knows a torn one.
 */
struct stage {
	struct keg_ranges ranges;
	atomic_int writing;
	atomic_uint faults;
};

struct actor {
	struct stage *stage;
	uint64_t base; /* of the writer's own ranges */
};

static struct keg_range range_at(uint64_t first)
{
	return (struct keg_range){first, first + (SPAN - 1), (void *)(uintptr_t)first};
}

static void *write_ranges(void *argument)
{
	const struct actor *actor = argument;
	struct stage *stage = actor->stage;
	struct keg_range other;

	for (int round = 0; round < ROUNDS; round++) {
		struct keg_range range =
			range_at(actor->base + (uint64_t)(round % EACH * 2 + 1) * SPAN);

		if (keg_ranges_insert(&stage->ranges, &range, &other) ||
			!keg_ranges_remove(&stage->ranges, range.first))
			atomic_fetch_add(&stage->faults, 1);
	}
	atomic_fetch_sub(&stage->writing, 1);
	return NULL;
}

static bool whole(const struct keg_range *range)
{
	return (uintptr_t)range->value == range->first && range->last == range->first + (SPAN - 1);
}

static void *read_ranges(void *argument)
{
	struct stage *stage = argument;
	uint64_t address = 0;
	struct keg_range found;

	while (atomic_load(&stage->writing)) {
		uint64_t stays = address / (2 * SPAN) * (2 * SPAN);

		if (!keg_ranges_find(&stage->ranges, stays, &found) || !whole(&found))
			atomic_fetch_add(&stage->faults, 1);
		if (keg_ranges_next(&stage->ranges, address, &found) && !whole(&found))
			atomic_fetch_add(&stage->faults, 1);
		address = (address + 7) % (WRITERS * EACH * 2 * SPAN);
	}
	return NULL;
}

static void add_those_that_stay(struct stage *stage)
{
	struct keg_range other;

	for (uint64_t n = 0; n < WRITERS * EACH; n++) {
		struct keg_range range = range_at(n * 2 * SPAN);

		assert_int_equal(keg_ranges_insert(&stage->ranges, &range, &other), 0);
	}
}

static void finding_is_right_while_others_insert_and_remove(void **state)
{
	struct actor actors[WRITERS];
	pthread_t threads[WRITERS + READERS];
	struct stage stage = {.writing = WRITERS};

	(void)state;
	assert_int_equal(keg_ranges_init(&stage.ranges), 0);
	add_those_that_stay(&stage);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(
			pthread_create(&threads[WRITERS + i], NULL, read_ranges, &stage), 0);
	for (int i = 0; i < WRITERS; i++) {
		actors[i] = (struct actor){&stage, (uint64_t)i * EACH * 2 * SPAN};
		assert_int_equal(pthread_create(&threads[i], NULL, write_ranges, &actors[i]), 0);
	}
	for (int i = 0; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(stage.faults, 0);
	assert_int_equal(stage.ranges.count, WRITERS * EACH);
	keg_ranges_fini(&stage.ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finding_is_right_while_others_insert_and_remove),
	};

	return cmocka_run_group_tests_name("base-ranges-threads", tests, NULL, NULL);
}
