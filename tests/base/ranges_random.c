/* SPDX-License-Identifier: MIT */
/* A set of ranges against a model so simple that it is right: who owns each of 256 bytes. */
#include "testing.h"

#include <errno.h>
#include <stdbool.h>

#include "base/ranges.h"
#include "dev/random.h"

/* The model: `owner[i]` is the number of the range at byte i, or 0. Ranges are numbered from 1. */
enum { BYTES = 256 };
struct model {
	unsigned int owner[BYTES];
};

/* The bytes lie at the end of the address space, where sums wrap: 0 is UINT64_MAX - 255. */
static const uint64_t base = UINT64_MAX - (BYTES - 1);

static uint64_t seed;

static unsigned int pick(unsigned int below)
{
	return random_below(&seed, below);
}

static bool model_overlaps(const struct model *model, unsigned int first, unsigned int last)
{
	for (unsigned int i = first; i <= last; i++) {
		if (model->owner[i])
			return true;
	}
	return false;
}

static void do_insert(struct keg_ranges *ranges, struct model *model, unsigned int number)
{
	unsigned int first = pick(BYTES), size = 1 + pick(12);
	unsigned int last = first + size - 1 < BYTES ? first + size - 1 : BYTES - 1;
	const struct keg_range range = {base + first, base + last, (void *)(uintptr_t)number};
	struct keg_range other;
	bool overlaps = model_overlaps(model, first, last);

	assert_int_equal(keg_ranges_insert(ranges, &range, &other), overlaps ? -EEXIST : 0);
	for (unsigned int i = first; !overlaps && i <= last; i++)
		model->owner[i] = number;
}

static void do_remove(struct keg_ranges *ranges, struct model *model)
{
	unsigned int at = pick(BYTES), number = model->owner[at];
	bool begins = number && (at == 0 || model->owner[at - 1] != number);

	assert_int_equal(keg_ranges_remove(ranges, base + at), begins);
	for (unsigned int i = at; begins && i < BYTES && model->owner[i] == number; i++)
		model->owner[i] = 0;
}

static void assert_owner(const struct keg_range *range, const struct model *model, unsigned int at)
{
	assert_int_equal((uintptr_t)range->value, model->owner[at]);
	assert_in_range(base + at, range->first, range->last);
}

static void do_find(struct keg_ranges *ranges, const struct model *model)
{
	unsigned int at = pick(BYTES);
	struct keg_range found;

	assert_int_equal(keg_ranges_find(ranges, base + at, &found), model->owner[at] != 0);
	if (model->owner[at])
		assert_owner(&found, model, at);
}

static void do_next(struct keg_ranges *ranges, const struct model *model)
{
	unsigned int from = pick(BYTES), at = from;
	struct keg_range found;

	while (at < BYTES && !model->owner[at])
		at++;
	assert_int_equal(keg_ranges_next(ranges, base + from, &found), at < BYTES);
	if (at < BYTES)
		assert_owner(&found, model, at);
}

static void do_overlap(struct keg_ranges *ranges, const struct model *model)
{
	unsigned int first = pick(BYTES), last = first + pick(BYTES - first);
	struct keg_range found;

	assert_int_equal(keg_ranges_overlap(ranges, base + first, base + last, &found),
		model_overlaps(model, first, last));
}

static void random_operations_agree_with_the_model(void **state)
{
	enum { OPERATIONS = 200000 };
	struct model model = {0};
	struct keg_ranges ranges;

	(void)state;
	seed = 0x9e3779b97f4a7c15ULL;
	assert_int_equal(keg_ranges_init(&ranges), 0);
	for (unsigned int i = 1; i <= OPERATIONS; i++) {
		switch (pick(5)) {
		case 0:
			do_insert(&ranges, &model, i);
			break;
		case 1:
			do_remove(&ranges, &model);
			break;
		case 2:
			do_find(&ranges, &model);
			break;
		case 3:
			do_next(&ranges, &model);
			break;
		default:
			do_overlap(&ranges, &model);
		}
	}
	keg_ranges_fini(&ranges);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_agree_with_the_model),
	};

	return cmocka_run_group_tests_name("base-ranges-random", tests, NULL, NULL);
}
