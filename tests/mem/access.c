/* SPDX-License-Identifier: MIT */
/* Reading, writing, filling and slicing guest memory: within it, across it, and beside it. */
#include "mem/fixture.h"

#include <errno.h>

/*
 * The map of these tests, in pages from 0x10000 on:
 *   0 1 | 2 3 | 4 | 5  | 6 7 | 8       and the last page of the address space
 *   low | high|   | io | rom | private      top
 */
enum {
	LOW = 0x10000,
	HIGH = 0x12000,
	HOLE = 0x14000,
	IO = 0x15000,
	ROM = 0x16000,
	PRIVATE = 0x18000,
	END = 0x19000,
};
static const keg_gpa top = UINT64_MAX - (PAGE - 1);

static void add(struct keg_mem *mem, const char *name, keg_gpa gpa, uint64_t pages,
	enum keg_backing backing, uint32_t flags)
{
	const struct keg_region_config config = {.size = sizeof(config),
		.gpa = gpa,
		.bytes = pages * PAGE,
		.backing = backing,
		.flags = flags,
		.name = name};

	assert_ok(keg_mem_add(mem, &config, NULL));
}

static int make_map(void **state)
{
	struct keg_mem *mem;

	open_machine(state);
	mem = ((struct machine *)*state)->mem;
	add(mem, "high", HIGH, 2, KEG_BACKING_MEMFD, 0);
	add(mem, "low", LOW, 2, KEG_BACKING_ANONYMOUS, 0);
	add(mem, "io", IO, 1, KEG_BACKING_NONE, 0);
	add(mem, "rom", ROM, 2, KEG_BACKING_ANONYMOUS, KEG_REGION_READONLY);
	add(mem, "private", PRIVATE, 1, KEG_BACKING_ANONYMOUS, KEG_REGION_NOT_KVM);
	add(mem, "top", top, 1, KEG_BACKING_ANONYMOUS, KEG_REGION_NOT_KVM);
	return 0;
}

static struct keg_mem *mem_of(void **state)
{
	const struct machine *machine = *state;

	return machine->mem;
}

static uint8_t *host_of(void **state, keg_gpa gpa)
{
	const struct keg_region *region = keg_mem_next_region(mem_of(state), gpa);

	return (uint8_t *)keg_region_host(region) + (gpa - keg_region_gpa(region));
}

static void assert_bytes(const uint8_t *bytes, uint8_t value, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(bytes[i], value);
}

/* ---- What is copied ---- */

static void what_is_written_is_read_again(void **state)
{
	static const struct {
		keg_gpa gpa;
		size_t bytes;
	} spots[] = {{LOW, 1}, {LOW, 2 * PAGE}, {LOW + 1, PAGE}, {HIGH - 1, 1}, {HIGH, PAGE},
		{HOLE - 1, 1}, {PRIVATE, PAGE}, {UINT64_MAX - (PAGE - 1), PAGE}, {UINT64_MAX, 1}};
	uint8_t out[2 * PAGE], in[2 * PAGE];

	for (size_t i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
		memset(out, (int)i + 1, sizeof(out));
		assert_ok(keg_mem_write(mem_of(state), spots[i].gpa, out, spots[i].bytes));
		memset(in, 0, sizeof(in));
		assert_ok(keg_mem_read(mem_of(state), spots[i].gpa, in, spots[i].bytes));
		assert_memory_equal(in, out, spots[i].bytes);
		assert_memory_equal(host_of(state, spots[i].gpa), out, spots[i].bytes);
	}
}

static void a_write_touches_its_bytes_and_no_others(void **state)
{
	const uint8_t bytes[3] = {1, 2, 3};

	assert_ok(keg_mem_write(mem_of(state), LOW + 100, bytes, sizeof(bytes)));
	assert_bytes(host_of(state, LOW), 0, 100);
	assert_memory_equal(host_of(state, LOW + 100), bytes, 3);
	assert_bytes(host_of(state, LOW + 103), 0, 2 * PAGE - 103);
}

static void an_access_crosses_from_region_to_region_where_they_touch(void **state)
{
	uint8_t out[4 * PAGE], in[4 * PAGE];

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7);
	assert_ok(keg_mem_write(mem_of(state), LOW, out, sizeof(out)));
	assert_memory_equal(host_of(state, LOW), out, 2 * PAGE);
	assert_memory_equal(host_of(state, HIGH), out + 2 * PAGE, 2 * PAGE);
	assert_ok(keg_mem_read(mem_of(state), LOW, in, sizeof(in)));
	assert_memory_equal(in, out, sizeof(in));
	assert_ok(keg_mem_read(mem_of(state), HIGH - 1, in, 2));
	assert_int_equal(in[0], out[2 * PAGE - 1]);
	assert_int_equal(in[1], out[2 * PAGE]);
}

static void filling_sets_every_byte(void **state)
{
	assert_ok(keg_mem_fill(mem_of(state), LOW + 1, 0xa5, 4 * PAGE - 2));
	assert_bytes(host_of(state, LOW), 0, 1);
	assert_bytes(host_of(state, LOW + 1), 0xa5, 2 * PAGE - 1);
	assert_bytes(host_of(state, HIGH), 0xa5, 2 * PAGE - 1);
	assert_bytes(host_of(state, HOLE - 1), 0, 1);
}

static void reading_reaches_read_only_memory(void **state)
{
	uint8_t bytes[PAGE + 2];

	memset(host_of(state, ROM), 9, 2 * PAGE);
	assert_ok(keg_mem_read(mem_of(state), ROM, bytes, PAGE));
	assert_bytes(bytes, 9, PAGE);
	assert_ok(keg_mem_read(mem_of(state), PRIVATE - PAGE, bytes, PAGE + 2));
	assert_bytes(bytes, 9, PAGE);
	assert_bytes(bytes + PAGE, 0, 2); /* and goes on behind it */
}

static void no_bytes_succeed_anywhere(void **state)
{
	static const keg_gpa anywhere[] = {0, LOW, HIGH, HOLE, IO, ROM, END, UINT64_MAX};

	for (size_t i = 0; i < sizeof(anywhere) / sizeof(anywhere[0]); i++) {
		assert_ok(keg_mem_read(mem_of(state), anywhere[i], NULL, 0));
		assert_ok(keg_mem_write(mem_of(state), anywhere[i], NULL, 0));
		assert_ok(keg_mem_fill(mem_of(state), anywhere[i], 1, 0));
	}
}

/* ---- What is refused, and why ---- */

/* Ranges that no access can have, and what is said of them. */
static const struct {
	keg_gpa gpa;
	size_t bytes;
	const char *words;
} impossible[] = {
	{0, 1, "at 0x0 there is nothing"},
	{LOW - 1, 1, "at 0xffff there is nothing"},
	{LOW - 1, 2, "guest memory [0xffff, +0x2): at 0xffff there is nothing"},
	{HOLE, 1, "at 0x14000 there is nothing"},
	{HOLE - 1, 2, "guest memory [0x13fff, +0x2): at 0x14000 there is nothing"},
	{LOW, 4 * PAGE + 1, "at 0x14000 there is nothing"},
	{IO - 1, 2, "at 0x14fff there is nothing"},
	{IO, 1, "at 0x15000 there is I/O, not memory"},
	{IO + PAGE - 1, 2, "at 0x15fff there is I/O, not memory"},
	{LOW, END - LOW, "at 0x14000 there is nothing"},
	{END, 1, "at 0x19000 there is nothing"},
	{END - 1, 2, "at 0x19000 there is nothing"},
	{UINT64_MAX, 2, "wraps around"},
	{UINT64_MAX - (PAGE - 1), PAGE + 1, "wraps around"},
	{LOW, SIZE_MAX, "wraps around"},
	{2, SIZE_MAX, "wraps around"},
	{1, SIZE_MAX, "at 0x1 there is nothing"},
	{LOW, SIZE_MAX - LOW, "at 0x14000 there is nothing"},
};
enum { IMPOSSIBLE = sizeof(impossible) / sizeof(impossible[0]) };

/* A buffer that no access may touch: they are all refused before. */
static uint8_t *untouchable(void)
{
	void *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	return page;
}

static void what_is_not_all_memory_is_refused_and_the_reason_told(void **state)
{
	uint8_t *buffer = untouchable();

	for (int i = 0; i < IMPOSSIBLE; i++) {
		const keg_gpa gpa = impossible[i].gpa;
		const size_t bytes = impossible[i].bytes;

		assert_fails(keg_mem_read(mem_of(state), gpa, buffer, bytes), EFAULT,
			impossible[i].words);
		assert_fails(keg_mem_write(mem_of(state), gpa, buffer, bytes), EFAULT,
			impossible[i].words);
		assert_fails(
			keg_mem_fill(mem_of(state), gpa, 1, bytes), EFAULT, impossible[i].words);
	}
	drop_pages(buffer, 1);
}

static void read_only_memory_is_not_written(void **state)
{
	const uint8_t bytes[2 * PAGE] = {1};

	assert_fails(keg_mem_write(mem_of(state), ROM, bytes, 1), EROFS,
		"guest memory at 0x16000 is read-only (region 'rom')");
	assert_fails(keg_mem_fill(mem_of(state), ROM + 5, 1, 1), EROFS,
		"guest memory at 0x16005 is read-only (region 'rom')");
	assert_fails(keg_mem_write(mem_of(state), PRIVATE - 1, bytes, 2), EROFS, "region 'rom'");
	assert_bytes(host_of(state, ROM), 0, 2 * PAGE);
	assert_bytes(host_of(state, PRIVATE), 0, 1);
}

static void nothing_is_written_unless_everything_can_be(void **state)
{
	uint8_t bytes[5 * PAGE];

	memset(bytes, 1, sizeof(bytes));
	assert_fails(keg_mem_write(mem_of(state), LOW, bytes, 4 * PAGE + 1), EFAULT, "");
	assert_fails(keg_mem_fill(mem_of(state), HOLE - 1, 1, 2), EFAULT, "");
	assert_bytes(host_of(state, LOW), 0, 2 * PAGE);
	assert_bytes(host_of(state, HIGH), 0, 2 * PAGE);
}

static void nothing_is_read_unless_everything_can_be(void **state)
{
	uint8_t bytes[2] = {0x77, 0x77};

	assert_fails(keg_mem_read(mem_of(state), HOLE - 1, bytes, 2), EFAULT, "");
	assert_bytes(bytes, 0x77, 2);
}

/* ---- Slices ---- */

static void a_slice_is_the_memory_itself(void **state)
{
	void *slice;

	assert_ok(keg_mem_slice(mem_of(state), LOW + 8, 2 * PAGE - 8, KEG_ACCESS_WRITE, &slice));
	assert_ptr_equal(slice, host_of(state, LOW + 8));
	assert_ok(keg_mem_slice(mem_of(state), UINT64_MAX, 1, KEG_ACCESS_READ, &slice));
	assert_ptr_equal(slice, host_of(state, top) + PAGE - 1);
}

static void a_slice_of_read_only_memory_is_for_reading(void **state)
{
	void *slice;

	assert_ok(keg_mem_slice(mem_of(state), ROM, 2 * PAGE, KEG_ACCESS_READ, &slice));
	assert_ptr_equal(slice, host_of(state, ROM));
	assert_fails(keg_mem_slice(mem_of(state), ROM, 1, KEG_ACCESS_WRITE, &slice), EROFS,
		"region 'rom'");
	assert_null(slice);
}

static void a_slice_does_not_cross_a_regions_end(void **state)
{
	void *slice = state;

	assert_fails(keg_mem_slice(mem_of(state), HIGH - 1, 2, KEG_ACCESS_READ, &slice), EFAULT,
		"guest memory [0x11fff, +0x2): at 0x12000 its region ends");
	assert_null(slice);
	assert_fails(keg_mem_slice(mem_of(state), HIGH, 2 * PAGE + 1, KEG_ACCESS_READ, &slice),
		EFAULT, "at 0x14000 its region ends");
}

static void a_slice_of_no_bytes_is_refused(void **state)
{
	void *slice = state;

	assert_fails(keg_mem_slice(mem_of(state), LOW, 0, KEG_ACCESS_READ, &slice), EINVAL,
		"a slice of no bytes, at 0x10000");
	assert_null(slice);
}

static void a_slice_of_what_is_not_memory_is_refused(void **state)
{
	for (int i = 0; i < IMPOSSIBLE; i++) {
		void *slice = state;

		assert_fails(keg_mem_slice(mem_of(state), impossible[i].gpa, impossible[i].bytes,
				     KEG_ACCESS_READ, &slice),
			EFAULT, "guest memory [0x");
		assert_null(slice);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_map, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_read_again),
		TEST(a_write_touches_its_bytes_and_no_others),
		TEST(an_access_crosses_from_region_to_region_where_they_touch),
		TEST(filling_sets_every_byte),
		TEST(reading_reaches_read_only_memory),
		TEST(no_bytes_succeed_anywhere),
		TEST(what_is_not_all_memory_is_refused_and_the_reason_told),
		TEST(read_only_memory_is_not_written),
		TEST(nothing_is_written_unless_everything_can_be),
		TEST(nothing_is_read_unless_everything_can_be),
		TEST(a_slice_is_the_memory_itself),
		TEST(a_slice_of_read_only_memory_is_for_reading),
		TEST(a_slice_does_not_cross_a_regions_end),
		TEST(a_slice_of_no_bytes_is_refused),
		TEST(a_slice_of_what_is_not_memory_is_refused),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-access", tests, NULL, NULL);
}
