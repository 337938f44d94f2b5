/* SPDX-License-Identifier: MIT */
/* Huge pages behind regions: from the system's pool, and transparent ones. */
#include "mem/fixture.h"

#include <errno.h>

#include "dev/random.h"

static const uint64_t huge = 2 << 20;
static const char pool[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
static const char pool_free[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";

static struct keg_mem *mem_of(void **state)
{
	const struct machine *machine = *state;

	return machine->mem;
}

static int add(void **state, keg_gpa gpa, uint64_t bytes, enum keg_backing backing, uint32_t flags,
	struct keg_region **region)
{
	const struct keg_region_config config = {.size = sizeof(config),
		.gpa = gpa,
		.bytes = bytes,
		.backing = backing,
		.flags = flags,
		.name = "huge"};

	return keg_mem_add(mem_of(state), &config, region);
}

/* ---- The system's pool ---- */

/* A number in a file; -1 if it cannot be read. */
static long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

static void write_number(const char *path, long number)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return; /* not root: what is there is used */
	fprintf(file, "%ld", number);
	fclose(file);
}

/* What the pool had before this program. */
static long reserved_before;

static int reserve_huge_pages(void **state)
{
	(void)state;
	reserved_before = read_number(pool);
	if (reserved_before >= 0 && read_number(pool_free) < 2)
		write_number(pool, reserved_before + 2);
	return 0;
}

static int restore_huge_pages(void **state)
{
	(void)state;
	if (reserved_before >= 0 && read_number(pool) != reserved_before)
		write_number(pool, reserved_before);
	return 0;
}

static void need_huge_pages(void)
{
	if (read_number(pool_free) >= 2)
		return;
	print_message("SKIPPED: no huge pages are reserved, and none can be: %s\n", pool);
	skip();
}

/* The bytes of huge pages that the pool has free. */
static uint64_t free_bytes(void)
{
	return (uint64_t)read_number(pool_free) * huge;
}

static void assert_takes_from_the_pool(void **state, enum keg_backing backing)
{
	struct keg_region *region;
	uint64_t before;

	need_huge_pages();
	before = free_bytes();
	assert_ok(add(state, huge, huge, backing, KEG_REGION_HUGE_2M, &region));
	assert_int_equal((uintptr_t)keg_region_host(region) % huge, 0);
	assert_ok(keg_mem_fill(mem_of(state), huge, 0xaa, huge));
	assert_int_equal(free_bytes(), before - huge);
	assert_ok(keg_mem_remove(mem_of(state), region));
	assert_int_equal(free_bytes(), before);
}

static void anonymous_huge_pages_come_from_the_pool_and_return_to_it(void **state)
{
	assert_takes_from_the_pool(state, KEG_BACKING_ANONYMOUS);
}

static void a_memfds_huge_pages_come_from_the_pool_and_return_to_it(void **state)
{
	assert_takes_from_the_pool(state, KEG_BACKING_MEMFD);
}

/* A pool that is too small must show when the region is made, not as SIGBUS when it is touched. */
static void more_huge_pages_than_the_pool_has_are_refused_at_once(void **state)
{
	static const enum keg_backing backings[] = {KEG_BACKING_ANONYMOUS, KEG_BACKING_MEMFD};

	if (read_number(pool) < 0)
		skip();
	for (size_t i = 0; i < sizeof(backings) / sizeof(backings[0]); i++)
		assert_fails(add(state, 0, 1ULL << 40, backings[i], KEG_REGION_HUGE_2M, NULL),
			ENOMEM, "/proc/sys/vm/nr_hugepages");
}

static void a_size_of_huge_pages_that_is_not_there_is_refused_with_advice(void **state)
{
	/* 1 GiB pages: where there are some, as many of them as nobody has. */
	const uint64_t bytes = 1ULL << 45;

	assert_true(add(state, 0, bytes, KEG_BACKING_ANONYMOUS, KEG_REGION_HUGE_1G, NULL) < 0);
	assert_non_null(strstr(keg_error_message(), "huge pages"));
	assert_true(add(state, 0, bytes, KEG_BACKING_MEMFD, KEG_REGION_HUGE_1G, NULL) < 0);
	assert_non_null(strstr(keg_error_message(), "huge pages"));
}

static void regions_of_huge_pages_are_whole_huge_pages(void **state)
{
	static const struct {
		uint32_t flag;
		keg_gpa gpa;
		uint64_t bytes;
		const char *words;
	} odd[] = {
		{KEG_REGION_HUGE_2M, 0x1000, 2 << 20, "multiples of 0x200000"},
		{KEG_REGION_HUGE_2M, 0, (2 << 20) + 0x1000, "multiples of 0x200000"},
		{KEG_REGION_HUGE_1G, 2 << 20, 1 << 30, "multiples of 0x40000000"},
		{KEG_REGION_HUGE_1G, 0, 2 << 20, "multiples of 0x40000000"},
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_fails(add(state, odd[i].gpa, odd[i].bytes, KEG_BACKING_ANONYMOUS,
				     odd[i].flag, NULL),
			EINVAL, odd[i].words);
}

/* ---- Transparent huge pages ---- */

static void assert_congruent(void **state, keg_gpa gpa, uint64_t bytes)
{
	struct keg_region *region;

	assert_ok(add(state, gpa, bytes, KEG_BACKING_ANONYMOUS, KEG_REGION_THP, &region));
	assert_int_equal(((uintptr_t)keg_region_host(region) - gpa) % huge, 0);
	assert_ok(keg_mem_fill(mem_of(state), gpa + bytes - PAGE, 1, PAGE));
	assert_ok(keg_mem_fill(mem_of(state), gpa, 1, PAGE));
	assert_ok(keg_mem_remove(mem_of(state), region));
}

static void transparent_huge_pages_have_guest_and_host_addresses_that_agree(void **state)
{
	uint64_t seed = 7;

	for (int i = 0; i < 50; i++)
		assert_congruent(state, (keg_gpa)random_below(&seed, 1 << 20) * PAGE,
			(1 + random_below(&seed, 2048)) * (uint64_t)PAGE);
	/* Every remainder: for one of them the first address that is tried is right. */
	for (keg_gpa page = 0; page < huge / PAGE; page++)
		assert_congruent(state, page * PAGE, PAGE);
}

/* Bytes of address space that this process uses. */
static long address_space(void)
{
	return read_number("/proc/self/statm") * PAGE;
}

static void what_was_reserved_for_alignment_is_given_back(void **state)
{
	const uint64_t bytes = 4 << 20;
	struct keg_region *region;
	long before, during;

	/* Once before it counts: the heap and the sanitizer take what they need. */
	assert_ok(add(state, PAGE, bytes, KEG_BACKING_ANONYMOUS, KEG_REGION_THP, &region));
	assert_ok(keg_mem_remove(mem_of(state), region));
	before = address_space();
	assert_ok(add(state, PAGE, bytes, KEG_BACKING_ANONYMOUS, KEG_REGION_THP, &region));
	during = address_space();
	assert_int_equal(during - before, bytes);
	assert_ok(keg_mem_remove(mem_of(state), region));
	assert_int_equal(address_space(), before);
}

static void a_size_that_leaves_no_room_for_alignment_is_refused(void **state)
{
	/* With 2 MiB more, the sum would wrap to a size that can be had. */
	const uint64_t bytes = UINT64_MAX - huge + 1 + PAGE;
	uint8_t *neighbour = take_pages(512);

	assert_fails(add(state, 0, bytes, KEG_BACKING_ANONYMOUS, KEG_REGION_THP, NULL), ENOMEM,
		"region 'huge'");
	memset(neighbour, 1, 512 * PAGE); /* it would fault */
	drop_pages(neighbour, 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(anonymous_huge_pages_come_from_the_pool_and_return_to_it),
		machine_test(a_memfds_huge_pages_come_from_the_pool_and_return_to_it),
		machine_test(more_huge_pages_than_the_pool_has_are_refused_at_once),
		machine_test(a_size_of_huge_pages_that_is_not_there_is_refused_with_advice),
		machine_test(regions_of_huge_pages_are_whole_huge_pages),
		machine_test(transparent_huge_pages_have_guest_and_host_addresses_that_agree),
		machine_test(what_was_reserved_for_alignment_is_given_back),
		machine_test(a_size_that_leaves_no_room_for_alignment_is_refused),
	};

	require_kvm();
	return cmocka_run_group_tests_name(
		"mem-huge", tests, reserve_huge_pages, restore_huge_pages);
}
