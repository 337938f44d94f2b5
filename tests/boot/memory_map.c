/* SPDX-License-Identifier: MIT */
/* The memory map that a kernel is told of, and what is reserved in it. */
#include <errno.h>

#include "loading.h"

static const unsigned char *params; /* boot_params, once it is loaded */

static int load(void)
{
	return load_kernel(&params, 4096);
}

static int setup(void **state)
{
	(void)state;
	return set_up_kernel(NOTE_LINUX);
}

/* The memory map has exactly these ranges. */
static void assert_map(const struct keg_boot_range *ranges, size_t count)
{
	assert_int_equal(get(params, 0x1e8, 1), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(get(params, 0x2d0 + 20 * i, 8), ranges[i].start);
		assert_int_equal(get(params, 0x2d8 + 20 * i, 8), ranges[i].bytes);
		assert_int_equal(get(params, 0x2e0 + 20 * i, 4), ranges[i].type);
	}
}

static void the_memory_map_is_the_machines(void **state)
{
	static const struct keg_boot_range ranges[] = {
		{0, 0xa0000, 1},
		{0xa0000, 0x60000, 2},
		{0x100000, 0x400000, 1},
	};

	(void)state;
	assert_ok(load());
	assert_map(ranges, 3);
	/* Though there be memory below the adapters, regions join, and I/O is none. */
	fake_free(&mem);
	fake_add(&mem, 0, 0x200000, FAKE_RAM);
	fake_add(&mem, 0x200000, 0x300000, FAKE_RAM);
	fake_add(&mem, 0x600000, 0x1000, FAKE_NOTHING);
	assert_ok(load());
	assert_map(ranges, 3);
}

static void what_is_reserved_takes_the_place_of_memory(void **state)
{
	static const struct keg_boot_range reserved[] = {
		{0x9f000, 0x1000, 2},              /* the end of a region */
		{0xe0000, 0x2000, 3},              /* within what a PC reserves */
		{0x300000, 0x1000, 4},             /* the middle of a region */
		{0x2ff000, 0x3000, 2},             /* both sides of the one before, which counts */
		{0x4ff000, 0x2000, 2},             /* across the end of memory */
		{UINT64_C(0xb0000000), 0x1000, 2}, /* where there is none */
		{0, 0x1000, 2},                    /* the beginning of a region */
	};
	static const struct keg_boot_range ranges[] = {
		{0, 0x1000, 2},
		{0x1000, 0x9e000, 1},
		{0x9f000, 0x41000, 2},
		{0xe0000, 0x2000, 3},
		{0xe2000, 0x1e000, 2},
		{0x100000, 0x1ff000, 1},
		{0x2ff000, 0x1000, 2},
		{0x300000, 0x1000, 4},
		{0x301000, 0x1000, 2},
		{0x302000, 0x1fd000, 1},
		{0x4ff000, 0x2000, 2},
		{UINT64_C(0xb0000000), 0x1000, 2},
	};

	(void)state;
	config.reserved = reserved;
	config.reserved_count = sizeof(reserved) / sizeof(reserved[0]);
	assert_ok(load());
	assert_map(ranges, sizeof(ranges) / sizeof(ranges[0]));
	/* And nothing is put there. */
	assert_true(entry.args[1] + 4096 <= 0x9f000);
}

static void a_kernel_must_not_lie_in_what_is_reserved(void **state)
{
	struct keg_boot_range reserved = {KERNEL_TEXT + KERNEL_TEXT_BYTES - 1, 1, 3};

	(void)state;
	config.reserved = &reserved;
	config.reserved_count = 1;
	assert_fails(load(), ENOEXEC,
		"ELF: program header 0: 0x18000 bytes at 0x200000 overlap "
		"what is reserved at 0x217fff");
	reserved.start++;
	assert_ok(load());
	/* Nor where a PC has adapters. */
	fake_free(&mem);
	fake_add(&mem, 0, 0x500000, FAKE_RAM);
	put(elf, 64 + 24, 0x9f000, 8); /* p_paddr */
	assert_fails(load(), ENOEXEC, "overlap what is reserved at 0xa0000");
}

static void ranges_that_cannot_be_are_refused(void **state)
{
	static struct keg_boot_range reserved[65];

	(void)state;
	config.reserved_count = 1;
	assert_fails(load(), EINVAL, "reserved is NULL, reserved_count is 1");
	config.reserved = reserved;
	assert_fails(load(), EINVAL, "reserved[0]: 0x0 bytes at 0x0 are no range");
	reserved[0] = (struct keg_boot_range){UINT64_MAX, 1, 2};
	assert_fails(load(), EINVAL, "reserved[0]: 0x1 bytes at 0xffffffffffffffff are no range");
	for (size_t i = 0; i < 65; i++)
		reserved[i] = (struct keg_boot_range){0x300000 + 0x2000 * i, 0x1000, 2};
	config.reserved_count = 65;
	assert_fails(load(), EINVAL, "reserved_count is 65: at most 64");
	/* As many as there may be split memory into more pieces than boot_params can tell of. */
	config.reserved_count = 64;
	assert_fails(load(), EINVAL, "is in more than 128 pieces");
	config.reserved_count = 60;
	assert_ok(load());
	assert_int_equal(get(params, 0x1e8, 1), 3 + 2 * 60);
	assert_int_equal(mem.written > 0, 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_memory_map_is_the_machines),
		TEST(what_is_reserved_takes_the_place_of_memory),
		TEST(a_kernel_must_not_lie_in_what_is_reserved),
		TEST(ranges_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
