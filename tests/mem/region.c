/* SPDX-License-Identifier: MIT */
/* Regions of guest memory: which configurations are taken, and what is refused. */
#include "mem/fixture.h"

#include <errno.h>

static struct keg_mem *mem_of(void **state)
{
	const struct machine *machine = *state;

	return machine->mem;
}

static const uint64_t mib = 1 << 20;

/* A configuration that is right, to be spoilt. */
static struct keg_region_config config_of(keg_gpa gpa, uint64_t bytes, enum keg_backing backing)
{
	return (struct keg_region_config){.size = sizeof(struct keg_region_config),
		.gpa = gpa,
		.bytes = bytes,
		.backing = backing,
		.fd = -1,
		.name = "test"};
}

static struct keg_region *add(struct keg_mem *mem, const struct keg_region_config *config)
{
	struct keg_region *region;

	assert_ok(keg_mem_add(mem, config, &region));
	return region;
}

/* ---- What a region tells of itself ---- */

static void a_region_is_what_its_configuration_says(void **state)
{
	struct keg_region_config config = config_of(mib, 2 * mib, KEG_BACKING_ANONYMOUS);
	struct keg_region *region;

	config.flags = KEG_REGION_READONLY | KEG_REGION_LOG_DIRTY;
	region = add(mem_of(state), &config);
	assert_int_equal(keg_region_gpa(region), mib);
	assert_int_equal(keg_region_bytes(region), 2 * mib);
	assert_int_equal(keg_region_flags(region), config.flags);
	assert_string_equal(keg_region_name(region), "test");
	assert_non_null(keg_region_host(region));
	assert_int_equal(keg_region_fd(region), -1);
	assert_int_equal(keg_region_slot(region).serial, 0);
}

static void a_map_knows_its_machine(void **state)
{
	const struct machine *machine = *state;

	assert_ptr_equal(keg_mem_vm(machine->mem), machine->vm);
}

static void a_name_is_copied_and_cut_at_31_bytes(void **state)
{
	char name[] = "a name that is much longer than it should be";
	struct keg_region_config config = config_of(0, PAGE, KEG_BACKING_ANONYMOUS);
	struct keg_region *region;

	config.name = name;
	region = add(mem_of(state), &config);
	memset(name, 'x', sizeof(name) - 1);
	assert_string_equal(keg_region_name(region), "a name that is much longer than");
}

static void a_region_without_a_name_has_one_for_messages(void **state)
{
	struct keg_region_config config = config_of(0, PAGE, KEG_BACKING_ANONYMOUS);

	config.name = NULL;
	assert_string_equal(keg_region_name(add(mem_of(state), &config)), "unnamed");
}

static void the_everyday_region_is_called_ram(void **state)
{
	struct keg_region *region;

	assert_ok(keg_mem_add_ram(mem_of(state), mib, PAGE));
	region = keg_mem_next_region(mem_of(state), 0);
	assert_string_equal(keg_region_name(region), "ram");
	assert_int_equal(keg_region_gpa(region), mib);
	assert_int_equal(keg_region_flags(region), 0);
}

static void who_adds_a_region_need_not_take_it(void **state)
{
	const struct keg_region_config config = config_of(0, PAGE, KEG_BACKING_ANONYMOUS);

	assert_ok(keg_mem_add(mem_of(state), &config, NULL));
	assert_non_null(keg_mem_next_region(mem_of(state), 0));
}

/* ---- Ranges that are refused ---- */

static void ranges_that_are_no_pages_are_refused(void **state)
{
	static const struct {
		keg_gpa gpa;
		uint64_t bytes;
	} ranges[] = {{0, 0}, {0, 1}, {0, PAGE + 1}, {1, PAGE}, {PAGE - 1, PAGE}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		const struct keg_region_config config =
			config_of(ranges[i].gpa, ranges[i].bytes, KEG_BACKING_ANONYMOUS);
		struct keg_region *region = (void *)1;

		assert_fails(keg_mem_add(mem_of(state), &config, &region), EINVAL, "region 'test'");
		assert_non_null(strstr(keg_error_message(), "multiples of 0x1000"));
		assert_null(region);
	}
}

static void a_range_that_wraps_is_refused(void **state)
{
	const struct keg_region_config config =
		config_of(UINT64_MAX - (PAGE - 1), 2 * PAGE, KEG_BACKING_NONE);

	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL,
		"region 'test', 0x2000 bytes at 0xfffffffffffff000, wraps around");
}

static void overlapping_regions_are_refused_and_both_are_named(void **state)
{
	/* Every way to overlap [0x14000, 0x18000). */
	static const struct {
		keg_gpa gpa;
		uint64_t pages;
	} overlapping[] = {
		{0x14000, 4},
		{0x15000, 2},
		{0x10000, 16},
		{0x10000, 5},
		{0x17000, 4},
		{0x14000, 1},
		{0x17000, 1},
		{0x14000, 8},
		{0x10000, 8},
	};
	struct keg_region_config config = config_of(0x14000, 4 * PAGE, KEG_BACKING_ANONYMOUS);

	config.name = "first";
	add(mem_of(state), &config);
	for (size_t i = 0; i < sizeof(overlapping) / sizeof(overlapping[0]); i++) {
		config = config_of(
			overlapping[i].gpa, overlapping[i].pages * PAGE, KEG_BACKING_ANONYMOUS);
		assert_fails(
			keg_mem_add(mem_of(state), &config, NULL), EEXIST, "region 'test' at [0x1");
		assert_non_null(strstr(
			keg_error_message(), "overlaps region 'first' at [0x14000, 0x17fff]"));
	}
}

static void a_hole_keeps_regions_out(void **state)
{
	struct keg_region_config config = config_of(0xd0000, PAGE, KEG_BACKING_NONE);

	config.name = "hole";
	assert_null(keg_region_host(add(mem_of(state), &config)));
	assert_fails(keg_mem_add_ram(mem_of(state), 0, mib), EEXIST, "overlaps region 'hole'");
}

static void regions_that_touch_do_not_overlap(void **state)
{
	assert_ok(keg_mem_add_ram(mem_of(state), mib, mib));
	assert_ok(keg_mem_add_ram(mem_of(state), 0, mib));
	assert_ok(keg_mem_add_ram(mem_of(state), 2 * mib, mib));
}

/* ---- Flags and backings that are refused ---- */

static void flags_that_do_not_fit_the_backing_are_refused_with_its_name(void **state)
{
	static const struct {
		enum keg_backing backing;
		uint32_t flag;
		const char *words;
	} misfits[] = {
		{KEG_BACKING_ANONYMOUS, KEG_REGION_PRIVATE, "flags 0x40 do not go with anonymous"},
		{KEG_BACKING_MEMFD, KEG_REGION_PRIVATE, "flags 0x40 do not go with a memfd"},
		{KEG_BACKING_MEMFD, KEG_REGION_THP, "flags 0x10 do not go with a memfd"},
		{KEG_BACKING_FILE, KEG_REGION_HUGE_2M, "flags 0x4 do not go with a file"},
		{KEG_BACKING_FILE, KEG_REGION_THP, "flags 0x10 do not go with a file"},
		{KEG_BACKING_CALLER, KEG_REGION_HUGE_1G, "do not go with the caller's memory"},
		{KEG_BACKING_CALLER, KEG_REGION_PRIVATE, "do not go with the caller's memory"},
		{KEG_BACKING_NONE, KEG_REGION_READONLY, "flags 0x1 do not go with a hole"},
		{KEG_BACKING_ANONYMOUS, 1U << 31, "flags 0x80000000 do not go with anonymous"},
	};

	for (size_t i = 0; i < sizeof(misfits) / sizeof(misfits[0]); i++) {
		struct keg_region_config config = config_of(0, 1 << 30, misfits[i].backing);

		config.flags = misfits[i].flag;
		assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL, misfits[i].words);
	}
}

static void two_sizes_of_huge_pages_are_refused(void **state)
{
	struct keg_region_config config = config_of(0, 1 << 30, KEG_BACKING_ANONYMOUS);

	config.flags = KEG_REGION_HUGE_2M | KEG_REGION_HUGE_1G;
	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL, "two sizes of huge pages");
	config.flags = KEG_REGION_HUGE_2M | KEG_REGION_THP;
	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL, "two sizes of huge pages");
}

static void a_backing_that_does_not_exist_is_refused(void **state)
{
	struct keg_region_config config = config_of(0, PAGE, (enum keg_backing)5);

	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL, "no backing 5");
	config.backing = (enum keg_backing) - 1;
	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL, "no backing -1");
}

static void the_callers_memory_must_be_pages(void **state)
{
	static const uintptr_t addresses[] = {0, 0x1001, UINTPTR_MAX - (PAGE - 1)};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct keg_region_config config = config_of(0, 2 * PAGE, KEG_BACKING_CALLER);

		config.host = (void *)addresses[i];
		assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL,
			"region 'test': the host address");
	}
}

static void a_file_offset_between_pages_is_refused(void **state)
{
	struct keg_region_config config = config_of(0, PAGE, KEG_BACKING_FILE);

	config.offset = 0x123;
	assert_fails(keg_mem_add(mem_of(state), &config, NULL), EINVAL,
		"the file offset 0x123 is not page-aligned");
}

static void a_configuration_without_its_size_is_refused(void **state)
{
	struct keg_region_config config = config_of(0, PAGE, KEG_BACKING_ANONYMOUS);
	struct keg_region *region = (void *)1;

	config.size = 0;
	assert_fails(
		keg_mem_add(mem_of(state), &config, &region), EINVAL, "struct keg_region_config");
	assert_null(region);
}

/* ---- Walking ---- */

static void a_map_is_walked_from_low_to_high(void **state)
{
	struct keg_mem *mem = mem_of(state);
	const struct keg_region_config hole = config_of(2 * mib, mib, KEG_BACKING_NONE);
	static const keg_gpa expected[] = {0, 2 << 20, 5 << 20};
	const struct keg_region *region;
	size_t seen = 0;

	assert_ok(keg_mem_add_ram(mem, 5 * mib, mib));
	assert_ok(keg_mem_add_ram(mem, 0, mib));
	add(mem, &hole);
	for (region = keg_mem_next_region(mem, 0); region;
		region = keg_mem_next_region(
			mem, keg_region_gpa(region) + keg_region_bytes(region))) {
		assert_in_range(seen, 0, 2);
		assert_int_equal(keg_region_gpa(region), expected[seen++]);
	}
	assert_int_equal(seen, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(a_region_is_what_its_configuration_says),
		machine_test(a_map_knows_its_machine),
		machine_test(a_name_is_copied_and_cut_at_31_bytes),
		machine_test(a_region_without_a_name_has_one_for_messages),
		machine_test(the_everyday_region_is_called_ram),
		machine_test(who_adds_a_region_need_not_take_it),
		machine_test(ranges_that_are_no_pages_are_refused),
		machine_test(a_range_that_wraps_is_refused),
		machine_test(overlapping_regions_are_refused_and_both_are_named),
		machine_test(a_hole_keeps_regions_out),
		machine_test(regions_that_touch_do_not_overlap),
		machine_test(flags_that_do_not_fit_the_backing_are_refused_with_its_name),
		machine_test(two_sizes_of_huge_pages_are_refused),
		machine_test(a_backing_that_does_not_exist_is_refused),
		machine_test(the_callers_memory_must_be_pages),
		machine_test(a_file_offset_between_pages_is_refused),
		machine_test(a_configuration_without_its_size_is_refused),
		machine_test(a_map_is_walked_from_low_to_high),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-region", tests, NULL, NULL);
}
