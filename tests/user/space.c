/* SPDX-License-Identifier: MIT */
/* Address spaces: what mmap(2) and its kin answer, and copying in and out. */
#include "user/space_fixture.h"

static const int rw = PROT_READ | PROT_WRITE;

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static int64_t try_map(struct keg_space *space, uint64_t at, uint64_t length, int flags)
{
	const struct keg_mapping mapping = {
		.at = at, .length = length, .protection = rw, .flags = flags};

	return keg_space_map(space, &mapping);
}

/* ---- Mapping ---- */

static void what_cannot_be_mapped_is_refused(void **state)
{
	const int memory = MAP_PRIVATE | MAP_ANONYMOUS, fixed = memory | MAP_FIXED;
	const struct {
		uint64_t at, length;
		int flags, error;
	} rows[] = {
		{0, 0, memory, EINVAL},
		{0, PAGE, MAP_ANONYMOUS, EINVAL},
		{0, UINT64_MAX, memory, ENOMEM},
		{0, UINT64_MAX - PAGE, memory, ENOMEM},
		{0, 1ull << 48, memory, ENOMEM},
		{0, KEG_USER_TOP, memory, ENOMEM},
		{0x100001, PAGE, fixed, EINVAL},
		{0, PAGE, fixed, EPERM},
		{0xf000, PAGE, fixed, EPERM},
		{KEG_USER_TOP, PAGE, fixed, ENOMEM},
		{KEG_USER_TOP - PAGE, 2 * PAGE, fixed, ENOMEM},
		{UINT64_MAX - 0xfff, PAGE, fixed, ENOMEM},
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(try_map(world->space, rows[i].at, rows[i].length, rows[i].flags),
			-rows[i].error);
}

static void a_hint_is_taken_if_it_is_free(void **state)
{
	const int memory = MAP_PRIVATE | MAP_ANONYMOUS;
	struct world *world = *state;
	int64_t second;

	assert_int_equal(try_map(world->space, 0x10000123, PAGE, memory), 0x10000000);
	second = try_map(world->space, 0x10000000, PAGE, memory);
	assert_true(second > 0 && second != 0x10000000);
	assert_int_equal(
		try_map(world->space, 0x10000000, PAGE, memory | MAP_FIXED_NOREPLACE), -EEXIST);
	assert_int_equal(
		try_map(world->space, 0x10001000, PAGE, memory | MAP_FIXED_NOREPLACE), 0x10001000);
}

static void neighbours_are_one_area(void **state)
{
	struct world *world = *state;
	struct keg_area_view view;

	map_memory(world->space, 0x10000000, PAGE, rw);
	map_memory(world->space, 0x10002000, PAGE, rw);
	map_memory(world->space, 0x10001000, PAGE, rw);
	assert_ok(keg_space_area(world->space, 0, &view));
	assert_int_equal(view.start, 0x10000000);
	assert_int_equal(view.end, 0x10003000);
	assert_int_equal(view.protection, rw);
	assert_int_equal(keg_space_area(world->space, view.end, &view), -ENOENT);
}

static void limits_hold(void **state)
{
	const struct keg_space_limits limits = {8 * PAGE, 4 * PAGE, PAGE};
	struct world *world = *state;
	struct keg_mapping mapping = {.length = 4 * PAGE, .flags = MAP_PRIVATE | MAP_ANONYMOUS};

	keg_space_set_limits(world->space, &limits);
	map_memory(world->space, 0x10000000, 4 * PAGE, rw);
	mapping.protection = rw;
	assert_int_equal(keg_space_map(world->space, &mapping), -ENOMEM);
	mapping.protection = PROT_READ;
	assert_true(keg_space_map(world->space, &mapping) > 0);
	assert_int_equal(keg_space_map(world->space, &mapping), -ENOMEM);
	/* What takes the place of something else is no more than there was. */
	map_memory(world->space, 0x10000000, 4 * PAGE, rw);
}

static void there_are_not_more_areas_than_linux_allows(void **state)
{
	struct world *world = *state;
	const uint32_t pages = 2 * 65530 + 2;
	const uint64_t at = map_memory(world->space, 0, (uint64_t)pages * PAGE, PROT_NONE);
	uint32_t made = 0;
	int result = 0;

	for (uint32_t i = 1; result == 0 && i < pages; i += 2, made++)
		result = keg_space_protect(world->space, at + (uint64_t)i * PAGE, PAGE, PROT_READ);
	assert_int_equal(result, -ENOMEM);
	assert_in_range(made, 32000, 33000);
	assert_ok(keg_space_unmap(world->space, at, (uint64_t)pages * PAGE));
}

static void a_stack_grows_as_far_as_it_may(void **state)
{
	const struct keg_space_limits limits = {UINT64_MAX, UINT64_MAX, 1 * MIB};
	struct world *world = *state;
	const uint64_t top = 0x70000000;

	keg_space_set_limits(world->space, &limits);
	assert_int_equal(try_map(world->space, top - PAGE, PAGE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED),
		top - PAGE);
	put32(world->space, top - 100 * PAGE, 1);
	put32(world->space, top - 256 * PAGE, 2);
	assert_int_equal(keg_space_fault(world->space, top - 257 * PAGE, KEG_TOUCH_WRITE), -EFAULT);
	assert_int_equal(get32(world->space, top - 200 * PAGE), 0);
}

static void a_stack_does_not_grow_into_others(void **state)
{
	struct world *world = *state;
	const uint64_t top = 0x70000000;

	map_memory(world->space, top - 300 * PAGE, PAGE, rw);
	try_map(world->space, top - PAGE, PAGE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED);
	put32(world->space, top - 40 * PAGE, 1);
	assert_int_equal(keg_space_fault(world->space, top - 60 * PAGE, KEG_TOUCH_WRITE), -EFAULT);
}

static void memory_that_is_out_is_said_so(void **state)
{
	struct world *world = *state;
	/* More than there is, which is refused at once unless the program says that it knows. */
	const uint64_t at = (uint64_t)try_map(
		world->space, 0, 512 * MIB, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	uint32_t word = 1;
	uint64_t i = 0;
	int result;

	do
		result = keg_space_fault(world->space, at + i, KEG_TOUCH_WRITE);
	while (result == 0 && (i += PAGE) < 512 * MIB);
	assert_int_equal(result, -ENOMEM);
	assert_int_equal(keg_space_poke(world->space, at + i, &word, 4), -ENOMEM);
	assert_int_equal(keg_space_peek(world->space, &word, at + i, 4), -ENOMEM);
	assert_ok(keg_space_unmap(world->space, at, 512 * MIB));
	map_memory(world->space, at, PAGE, rw);
	put32(world->space, at, 1);
}

static void what_is_mapped_with_populate_does_not_fault(void **state)
{
	struct world *world = *state;
	uint8_t resident[64];
	const int64_t at =
		try_map(world->space, 0, 64 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE);

	assert_ok(keg_space_resident(world->space, (uint64_t)at, 64, resident));
	for (int i = 0; i < 64; i++)
		assert_int_equal(resident[i], 1);
	assert_int_equal(keg_space_resident(world->space, (uint64_t)at, 65, resident), -ENOMEM);
}

static void advice_that_is_unknown_is_refused(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 4 * PAGE, rw);

	assert_int_equal(keg_space_advise(world->space, at, PAGE, 12345), -EINVAL);
	assert_int_equal(keg_space_advise(world->space, at + 1, PAGE, MADV_DONTNEED), -EINVAL);
	assert_int_equal(keg_space_advise(world->space, at, 5 * PAGE, MADV_DONTNEED), -ENOMEM);
	assert_ok(keg_space_advise(world->space, at, 4 * PAGE, MADV_HUGEPAGE));
	assert_ok(keg_space_advise(world->space, at, 4 * PAGE, MADV_WILLNEED));
}

/* ---- Growing in place ---- */

static void a_mapping_grows_where_it_is_if_it_can(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0x10000000, 2 * PAGE, rw);

	put32(world->space, at + PAGE, 5);
	assert_int_equal(keg_space_remap(world->space, at, 2 * PAGE, 4 * PAGE, 0, 0), at);
	put32(world->space, at + 3 * PAGE, 6);
	map_memory(world->space, at + 4 * PAGE, PAGE, PROT_READ);
	assert_int_equal(keg_space_remap(world->space, at, 4 * PAGE, 5 * PAGE, 0, 0), -ENOMEM);
	assert_int_equal(keg_space_remap(world->space, at, 4 * PAGE, PAGE, 0, 0), at);
	assert_int_equal(keg_space_fault(world->space, at + PAGE, KEG_TOUCH_READ), -EFAULT);
	assert_int_equal(
		keg_space_remap(world->space, at, 8 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, 0), -EFAULT);
	assert_int_equal(keg_space_remap(world->space, at, PAGE, PAGE, 4, 0), -EINVAL);
	assert_int_equal(
		keg_space_remap(world->space, at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at),
		-EINVAL);
}

static void the_break_moves(void **state)
{
	const struct keg_space_limits limits = {UINT64_MAX, 64 * PAGE, MIB};
	const uint64_t start = 0x555500000010;
	struct world *world = *state;

	assert_int_equal(keg_space_brk(world->space, 12345), 0);
	keg_space_set_limits(world->space, &limits);
	assert_ok(keg_space_set_brk(world->space, start));
	assert_int_equal(keg_space_brk(world->space, 0), start);
	assert_int_equal(keg_space_brk(world->space, start + 10 * PAGE), start + 10 * PAGE);
	put32(world->space, start + 9 * PAGE, 1);
	assert_int_equal(keg_space_brk(world->space, start + 100 * PAGE), start + 10 * PAGE);
	assert_int_equal(keg_space_brk(world->space, start - 1), start + 10 * PAGE);
	assert_int_equal(keg_space_brk(world->space, start + PAGE), start + PAGE);
	assert_int_equal(keg_space_fault(world->space, start + 9 * PAGE, KEG_TOUCH_READ), -EFAULT);
	map_memory(world->space, (start & ~0xfffull) + 4 * PAGE, PAGE, rw);
	assert_int_equal(keg_space_brk(world->space, start + 20 * PAGE), start + PAGE);
}

/* ---- Copying ---- */

static void copies_cross_pages_and_stop_at_what_is_not_mapped(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0x10000000, 4 * PAGE, rw);
	static uint8_t out[6 * PAGE], in[6 * PAGE];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	assert_ok(keg_space_write(world->space, at + 100, out, 3 * PAGE));
	assert_ok(keg_space_read(world->space, in, at + 100, 3 * PAGE));
	assert_memory_equal(in, out, 3 * PAGE);
	assert_int_equal(keg_space_write(world->space, at + 100, out, 4 * PAGE), -EFAULT);
	assert_int_equal(keg_space_read(world->space, in, at + 100, 4 * PAGE), -EFAULT);
	assert_int_equal(keg_space_read_some(world->space, in, at + 100, 4 * PAGE), 4 * PAGE - 100);
	assert_int_equal(
		keg_space_write_some(world->space, at + 100, out, 4 * PAGE), 4 * PAGE - 100);
	assert_int_equal(keg_space_read_some(world->space, in, at - 1, 10), -EFAULT);
	assert_int_equal(keg_space_read_some(world->space, in, at - 1, 0), 0);
}

static void no_address_leads_out(void **state)
{
	static const uint64_t wild[] = {0, 1, 0xffff, KEG_USER_TOP - 4, KEG_USER_TOP, 1ull << 47,
		0xffff800000000000, UINT64_MAX - 8, UINT64_MAX};
	struct world *world = *state;
	uint8_t bytes[64] = {0};
	struct keg_futex_key key;
	uint32_t word = 0;

	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
		assert_int_equal(keg_space_read(world->space, bytes, wild[i], 64), -EFAULT);
		assert_int_equal(keg_space_write(world->space, wild[i], bytes, 64), -EFAULT);
		assert_int_equal(keg_space_write(world->space, wild[i], NULL, SIZE_MAX), -EFAULT);
		assert_int_equal(keg_space_peek(world->space, bytes, wild[i], 64), -EFAULT);
		assert_int_equal(keg_space_poke(world->space, wild[i], bytes, 64), -EFAULT);
		assert_int_equal(
			keg_space_read_string(world->space, (char *)bytes, wild[i], 64), -EFAULT);
		assert_true(keg_space_load32(world->space, wild[i], &word) < 0);
		assert_int_equal(keg_space_futex_key(world->space, wild[i], false, &key), -EFAULT);
		assert_int_equal(keg_space_fault(world->space, wild[i], KEG_TOUCH_READ), -EFAULT);
		assert_true(keg_space_unmap(world->space, wild[i], UINT64_MAX) < 0);
		assert_true(keg_space_protect(world->space, wild[i], UINT64_MAX, rw) < 0);
		assert_true(keg_space_advise(world->space, wild[i], 1ull << 63, MADV_DONTNEED) < 0);
		assert_true(keg_space_sync(world->space, wild[i], UINT64_MAX, MS_SYNC) < 0);
		assert_true(keg_space_remap(world->space, wild[i], UINT64_MAX, PAGE, 1, 0) < 0);
	}
}

static void strings_end_where_they_end(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0x10000000, 2 * PAGE, rw);
	char text[32];

	assert_ok(keg_space_write(world->space, at + PAGE - 3, "hello", 6));
	assert_int_equal(keg_space_read_string(world->space, text, at + PAGE - 3, 32), 5);
	assert_string_equal(text, "hello");
	assert_int_equal(
		keg_space_read_string(world->space, text, at + PAGE - 3, 5), -ENAMETOOLONG);
	assert_ok(keg_space_write(world->space, at + 2 * PAGE - 3, "abc", 3));
	assert_int_equal(keg_space_read_string(world->space, text, at + 2 * PAGE - 3, 32), -EFAULT);
}

static void protection_is_for_programs(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, 2 * PAGE, PROT_NONE);
	uint32_t word = 77;

	assert_int_equal(keg_space_write(world->space, at, &word, 4), -EFAULT);
	assert_ok(keg_space_poke(world->space, at, &word, 4));
	word = 0;
	assert_int_equal(keg_space_read(world->space, &word, at, 4), -EFAULT);
	assert_ok(keg_space_peek(world->space, &word, at, 4));
	assert_int_equal(word, 77);
	assert_int_equal(keg_space_poke(world->space, at + 2 * PAGE, &word, 4), -EFAULT);
	assert_ok(keg_space_protect(world->space, at, PAGE, PROT_READ));
	assert_int_equal(get32(world->space, at), 77);
}

/* ---- Words ---- */

static void words_are_exchanged_if_they_are_as_expected(void **state)
{
	struct world *world = *state;
	const uint64_t at = map_memory(world->space, 0, PAGE, rw);
	uint32_t value = 0;

	assert_ok(keg_space_exchange32(world->space, at, &value, 5));
	assert_int_equal(keg_space_exchange32(world->space, at, &value, 6), -EAGAIN);
	assert_int_equal(value, 5);
	assert_ok(keg_space_load32(world->space, at, &value));
	assert_int_equal(value, 5);
	assert_int_equal(keg_space_load32(world->space, at + 1, &value), -EINVAL);
	assert_int_equal(keg_space_exchange32(world->space, at + 2, &value, 6), -EINVAL);
}

static void shared_words_are_the_same_in_every_process(void **state)
{
	struct world *world = *state;
	const uint64_t own = map_memory(world->space, 0, PAGE, rw);
	const int64_t at = try_map(world->space, 0, PAGE, MAP_SHARED | MAP_ANONYMOUS);
	struct keg_futex_key here, there;
	struct keg_space *copy;

	put32(world->space, (uint64_t)at, 1);
	assert_ok(keg_space_clone(world->space, &copy));
	assert_ok(keg_space_futex_key(world->space, (uint64_t)at, false, &here));
	assert_ok(keg_space_futex_key(copy, (uint64_t)at, false, &there));
	assert_ptr_equal(here.of, there.of);
	assert_int_equal(here.at, there.at);
	put32(copy, (uint64_t)at, 9);
	assert_int_equal(get32(world->space, (uint64_t)at), 9);
	assert_ok(keg_space_futex_key(world->space, own, false, &here));
	assert_ok(keg_space_futex_key(copy, own, false, &there));
	assert_ptr_not_equal(here.of, there.of);
	keg_space_destroy(copy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_mapped_is_refused),
		TEST(a_hint_is_taken_if_it_is_free),
		TEST(neighbours_are_one_area),
		TEST(limits_hold),
		TEST(there_are_not_more_areas_than_linux_allows),
		TEST(a_stack_grows_as_far_as_it_may),
		TEST(a_stack_does_not_grow_into_others),
		TEST(memory_that_is_out_is_said_so),
		TEST(what_is_mapped_with_populate_does_not_fault),
		TEST(advice_that_is_unknown_is_refused),
		TEST(a_mapping_grows_where_it_is_if_it_can),
		TEST(the_break_moves),
		TEST(copies_cross_pages_and_stop_at_what_is_not_mapped),
		TEST(no_address_leads_out),
		TEST(strings_end_where_they_end),
		TEST(protection_is_for_programs),
		TEST(words_are_exchanged_if_they_are_as_expected),
		TEST(shared_words_are_the_same_in_every_process),
	};

	require_kvm();
	return cmocka_run_group_tests_name("space", tests, NULL, NULL);
}
