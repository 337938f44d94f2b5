/* SPDX-License-Identifier: MIT */
/* A space that comes back to its mark: its contents, its mappings, and what that costs. */
#include "user/space_fixture.h"

static const int rw = PROT_READ | PROT_WRITE;

static uint64_t faults_of(struct keg_space *space)
{
	struct keg_space_usage usage;

	keg_space_usage(space, &usage);
	return usage.faults;
}

static void what_was_written_since_is_as_it_was(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 16 * PAGE, rw);

	put32(world->space, at, 1);
	assert_ok(keg_space_mark(world->space));
	for (int round = 0; round < 3; round++) {
		put32(world->space, at, 2);
		put32(world->space, at + 4 * PAGE, 3);
		assert_ok(keg_space_reset(world->space));
		assert_int_equal(get32(world->space, at), 1);
		assert_int_equal(get32(world->space, at + 4 * PAGE), 0);
	}
}

static void pages_that_are_first_touched_since_are_zero_again(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 8 * MIB, rw);

	assert_ok(keg_space_mark(world->space));
	for (int round = 0; round < 3; round++) {
		assert_int_equal(get32(world->space, at + 5 * MIB), 0);
		put32(world->space, at + 5 * MIB, 2);
		assert_ok(keg_space_reset(world->space));
	}
	assert_int_equal(get32(world->space, at + 5 * MIB), 0);
}

static void a_page_that_is_written_each_time_faults_once(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 16 * PAGE, rw);
	uint64_t before;

	put32(world->space, at, 1);
	assert_ok(keg_space_mark(world->space));
	put32(world->space, at, 2);
	assert_ok(keg_space_reset(world->space));
	before = faults_of(world->space);
	for (uint32_t round = 0; round < 100; round++) {
		put32(world->space, at, 2 + round);
		assert_ok(keg_space_reset(world->space));
	}
	assert_int_equal(faults_of(world->space), before);
	assert_int_equal(get32(world->space, at), 1);
}

static void mappings_are_as_they_were(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0x10000000, 16 * PAGE, rw);
	uint64_t more;

	for (uint32_t i = 0; i < 16; i++)
		put32(world->space, at + i * PAGE, 100 + i);
	assert_ok(keg_space_mark(world->space));
	for (uint32_t round = 0; round < 3; round++) {
		uint32_t word;

		more = map_memory(world->space, 0, 16 * PAGE, rw);
		put32(world->space, more, 1);
		put32(world->space, at + PAGE, 1);
		assert_ok(keg_space_unmap(world->space, at, 3 * PAGE));
		assert_ok(keg_space_protect(world->space, at + 4 * PAGE, PAGE, PROT_NONE));
		assert_ok(keg_space_advise(world->space, at + 5 * PAGE, PAGE, MADV_DONTNEED));
		assert_true(keg_space_remap(world->space, at + 8 * PAGE, PAGE, PAGE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, 0x20000000) > 0);
		put32(world->space, 0x20000000, 7);
		assert_ok(keg_space_reset(world->space));
		for (uint32_t i = 0; i < 16; i++)
			assert_int_equal(get32(world->space, at + i * PAGE), 100 + i);
		assert_int_equal(keg_space_read(world->space, &word, more, 4), -EFAULT);
		assert_int_equal(keg_space_read(world->space, &word, 0x20000000, 4), -EFAULT);
		put32(world->space, at + 4 * PAGE, 5);
	}
}

static void the_heap_is_as_long_as_it_was(void **state)
{
	struct world *world = *state;
	const uint64_t start = 0x555500000000;

	assert_ok(keg_space_set_brk(world->space, start));
	assert_int_equal(keg_space_brk(world->space, start + 3 * PAGE), start + 3 * PAGE);
	put32(world->space, start + 2 * PAGE, 1);
	assert_ok(keg_space_mark(world->space));
	assert_int_equal(keg_space_brk(world->space, start + 9 * PAGE), start + 9 * PAGE);
	put32(world->space, start + 8 * PAGE, 1);
	assert_ok(keg_space_reset(world->space));
	assert_int_equal(keg_space_brk(world->space, 0), start + 3 * PAGE);
	assert_int_equal(keg_space_brk(world->space, start + PAGE), start + PAGE);
	assert_ok(keg_space_reset(world->space));
	assert_int_equal(get32(world->space, start + 2 * PAGE), 1);
}

static void many_pages_come_back_too(void **state)
{
	struct world *world = *state;
	const uint32_t count = 3000;
	const uint64_t at = map_memory(world->space, 0, count * PAGE, rw);

	for (uint32_t i = 0; i < count; i++)
		put32(world->space, at + i * PAGE, i);
	assert_ok(keg_space_mark(world->space));
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < count; i++)
			put32(world->space, at + i * PAGE, ~i);
		assert_ok(keg_space_reset(world->space));
		for (uint32_t i = 0; i < count; i++)
			assert_int_equal(get32(world->space, at + i * PAGE), i);
	}
}

static void pages_that_are_left_alone_for_long_cost_nothing_any_more(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 64 * PAGE, rw);
	uint64_t used;

	for (uint32_t i = 0; i < 64; i++)
		put32(world->space, at + i * PAGE, i);
	assert_ok(keg_space_mark(world->space));
	used = pages_used(world);
	for (uint32_t i = 0; i < 64; i++)
		put32(world->space, at + i * PAGE, 1000);
	assert_int_equal(pages_used(world), used + 64);
	for (int round = 0; round < 50; round++)
		assert_ok(keg_space_reset(world->space));
	assert_int_equal(pages_used(world), used);
	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(get32(world->space, at + i * PAGE), i);
}

static void a_clone_is_left_alone(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 4 * PAGE, rw);
	struct keg_space *copy;

	put32(world->space, at, 1);
	assert_ok(keg_space_mark(world->space));
	put32(world->space, at, 2);
	assert_ok(keg_space_clone(world->space, &copy));
	assert_ok(keg_space_reset(world->space));
	assert_int_equal(get32(world->space, at), 1);
	assert_int_equal(get32(copy, at), 2);
	put32(world->space, at, 3);
	put32(copy, at, 4);
	assert_ok(keg_space_reset(world->space));
	assert_int_equal(get32(world->space, at), 1);
	assert_int_equal(get32(copy, at), 4);
	keg_space_destroy(copy);
}

static void without_a_mark_there_is_no_reset(void **state)
{
	struct world *world = *state;

	assert_fails(keg_space_reset(world->space), EINVAL, "no mark");
}

/* ---- Any sequence ---- */

enum { PAGES = 64, ROUNDS = 300 };

static void change(struct keg_space *space, uint64_t at, unsigned int *seed)
{
	const uint64_t first = (uint64_t)rand_r(seed) % PAGES;
	const uint64_t start = at + first * PAGE;
	const uint64_t length = (1 + (uint64_t)rand_r(seed) % (PAGES - first)) * PAGE;
	uint32_t word = (uint32_t)rand_r(seed);

	switch (rand_r(seed) % 6) {
	case 0:
		assert_ok(keg_space_unmap(space, start, length));
		break;
	case 1:
		map_memory(space, start, length, rw);
		break;
	case 2:
		keg_space_protect(space, start, length, rand_r(seed) % 2 ? rw : PROT_READ);
		break;
	case 3:
		keg_space_advise(space, start, length, MADV_DONTNEED);
		break;
	default:
		/* May be refused: what is there now decides. */
		for (uint64_t i = 0; i < length; i += PAGE)
			(void)!keg_space_write(space, start + i, &word, sizeof(word));
	}
}

static void any_sequence_of_changes_is_undone(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0x10000000, PAGES * PAGE, rw);
	unsigned int seed = 5;

	for (uint32_t i = 0; i < PAGES; i += 2)
		put32(world->space, at + i * PAGE, i);
	assert_ok(keg_space_protect(world->space, at + 8 * PAGE, 8 * PAGE, PROT_READ));
	assert_ok(keg_space_mark(world->space));
	for (int round = 0; round < ROUNDS; round++) {
		const int changes = rand_r(&seed) % 8;

		for (int i = 0; i < changes; i++)
			change(world->space, at, &seed);
		assert_ok(keg_space_reset(world->space));
		for (uint32_t i = 0; i < PAGES; i++) {
			const uint32_t word = 1;

			assert_int_equal(get32(world->space, at + i * PAGE), i % 2 ? 0 : i);
			assert_int_equal(keg_space_write(world->space, at + i * PAGE + 8, &word, 4),
				i / 8 == 1 ? -EFAULT : 0);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_since_is_as_it_was),
		TEST(pages_that_are_first_touched_since_are_zero_again),
		TEST(a_page_that_is_written_each_time_faults_once),
		TEST(mappings_are_as_they_were),
		TEST(the_heap_is_as_long_as_it_was),
		TEST(many_pages_come_back_too),
		TEST(pages_that_are_left_alone_for_long_cost_nothing_any_more),
		TEST(a_clone_is_left_alone),
		TEST(without_a_mark_there_is_no_reset),
		TEST(any_sequence_of_changes_is_undone),
	};

	require_kvm();
	return cmocka_run_group_tests_name("space-mark", tests, NULL, NULL);
}
