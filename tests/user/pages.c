/* SPDX-License-Identifier: MIT */
/* The arena of pages: taken, counted, given back; and numbers that a hostile program makes up. */
#include "user/pages.h"

#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "testing.h"

enum { PAGE = 4096 };
#define MIB (1ull << 20)

static int open_pages(void **state)
{
	struct keg_pages *pages;

	assert_ok(keg_pages_create(16 * MIB, &pages));
	*state = pages;
	return 0;
}

static int close_pages(void **state)
{
	struct keg_pages_usage usage;

	keg_pages_usage(*state, &usage);
	assert_int_equal(usage.used, 0);
	keg_pages_destroy(*state);
	return 0;
}

static keg_page take(struct keg_pages *pages, uint32_t count)
{
	keg_page first = 0;

	assert_ok(keg_pages_take(pages, count, false, &first));
	assert_int_not_equal(first, 0);
	return first;
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0;
}

static void a_size_that_makes_no_sense_is_refused(void **state)
{
	struct keg_pages *pages;

	(void)state;
	assert_fails(keg_pages_create(0, &pages), EINVAL, "64 KiB");
	assert_fails(keg_pages_create(UINT64_MAX, &pages), EINVAL, "1 TiB");
}

static void pages_are_zero_and_follow_one_another(void **state)
{
	const keg_page first = take(*state, 100);

	assert_true(is_zero(keg_pages_at(*state, first), 100 * PAGE));
	for (uint32_t i = 1; i < 100; i++)
		assert_ptr_equal((uint8_t *)keg_pages_at(*state, first) + i * PAGE,
			keg_pages_at(*state, first + i));
	keg_pages_release(*state, first, 100);
}

static void pages_are_zero_when_they_are_used_again(void **state)
{
	for (int round = 0; round < 4; round++) {
		const keg_page first = take(*state, 10);

		assert_true(is_zero(keg_pages_at(*state, first), 10 * PAGE));
		memset(keg_pages_at(*state, first), 0xff, 10 * PAGE);
		if (round % 2)
			keg_pages_release(*state, first, 10);
		else
			keg_pages_give_back(*state, first, 10);
	}
}

static void a_page_is_free_when_nobody_has_it(void **state)
{
	const keg_page page = take(*state, 1);

	assert_false(keg_pages_shared(*state, page));
	keg_pages_hold(*state, page, 1);
	assert_true(keg_pages_shared(*state, page));
	keg_pages_give_back(*state, page, 1);
	assert_non_null(keg_pages_at(*state, page));
	assert_false(keg_pages_shared(*state, page));
	keg_pages_give_back(*state, page, 1);
	assert_null(keg_pages_at(*state, page));
}

static void forgetting_leaves_contents_alone(void **state)
{
	const keg_page first = take(*state, 4);

	memset(keg_pages_at(*state, first), 0x5a, 4 * PAGE);
	keg_pages_forget(*state, first + 1, 2);
	for (size_t i = 0; i < 4 * PAGE; i++)
		assert_int_equal(((uint8_t *)keg_pages_at(*state, first))[i], 0x5a);
	memset(keg_pages_at(*state, first), 0, 4 * PAGE);
	keg_pages_release(*state, first, 4);
}

/* ---- A host that does not let itself be told ---- */

static size_t refuses_from = SIZE_MAX; /* bytes: so many and more at once; and the other way */
static size_t refuses_below;
static int refuses = -1; /* only this protection; -1 any */

int __real_mprotect(void *at, size_t bytes, int protection);
int __wrap_mprotect(void *at, size_t bytes, int protection);
int __wrap_mprotect(void *at, size_t bytes, int protection)
{
	if ((bytes >= refuses_from || bytes < refuses_below) &&
		(refuses == -1 || refuses == protection)) {
		errno = ENOMEM;
		return -1;
	}
	return __real_mprotect(at, bytes, protection);
}

static void a_host_that_may_not_split_its_mapping_changes_all_of_it(void **state)
{
	const keg_page first = take(*state, 4);

	refuses_below = 16 * MIB;
	keg_pages_forget(*state, first, 1);
	keg_pages_give_back(*state, first, 4);
	refuses_below = 0;
	assert_int_equal(keg_pages_unsound(*state), 0);
	assert_null(keg_pages_at(*state, first));
}

static void what_is_not_forgotten_is_given_to_nobody(void **state)
{
	struct keg_pages *pages;
	keg_page kept, freed;

	(void)state;
	assert_ok(keg_pages_create(16 * MIB, &pages));
	kept = take(pages, 1);
	freed = take(pages, 1);
	assert_int_equal(keg_pages_unsound(pages), 0);
	refuses_from = 0;
	keg_pages_give_back(pages, freed, 1);
	refuses_from = SIZE_MAX;
	assert_int_equal(keg_pages_unsound(pages), ENOMEM);
	assert_null(keg_pages_at(pages, freed));
	assert_int_not_equal(take(pages, 1), freed);
	/* It is too late for all others. */
	keg_pages_give_back(pages, kept, 1);
	assert_int_not_equal(take(pages, 1), kept);
	keg_pages_destroy(pages);
}

static void a_permission_that_stays_is_a_failure_too(void **state)
{
	struct keg_pages *pages;

	(void)state;
	assert_ok(keg_pages_create(16 * MIB, &pages));
	refuses_from = 0;
	refuses = PROT_READ | PROT_WRITE;
	keg_pages_forget(pages, take(pages, 1), 1);
	refuses_from = SIZE_MAX;
	refuses = -1;
	assert_int_equal(keg_pages_unsound(pages), ENOMEM);
	keg_pages_destroy(pages);
}

static void a_host_that_never_lets_is_found_out_at_once(void **state)
{
	struct keg_pages *pages;

	(void)state;
	refuses_from = 0;
	assert_fails(keg_pages_create(16 * MIB, &pages), ENOMEM, "translations");
	refuses_from = SIZE_MAX;
}

static void the_limit_holds(void **state)
{
	const uint32_t all = 16 * MIB / PAGE;
	const keg_page first = take(*state, all);
	struct keg_pages_usage usage;
	keg_page more;

	assert_int_equal(keg_pages_take(*state, 1, false, &more), -ENOMEM);
	keg_pages_release(*state, first + 7, 1);
	assert_int_equal(take(*state, 1), first + 7);
	keg_pages_usage(*state, &usage);
	assert_int_equal(usage.highest, usage.limit);
	keg_pages_release(*state, first, all);
}

static void a_large_page_is_aligned_and_zero(void **state)
{
	keg_page before = take(*state, 1), large = 0, small;

	for (int round = 0; round < 2; round++) {
		assert_ok(keg_pages_take(*state, KEG_LARGE, true, &large));
		assert_int_equal(large % KEG_LARGE, 0);
		assert_true(is_zero(keg_pages_at(*state, large), KEG_LARGE * PAGE));
		memset(keg_pages_at(*state, large), 1, KEG_LARGE * PAGE);
		keg_pages_release(*state, large, KEG_LARGE);
		/* Once more where small pages have been. */
		small = take(*state, 600);
		memset(keg_pages_at(*state, small), 1, 600 * PAGE);
		keg_pages_release(*state, small, 600);
	}
	assert_int_equal(keg_pages_take(*state, 5, true, &large), -EINVAL);
	keg_pages_release(*state, before, 1);
}

/* ---- Hostile numbers ---- */

static void numbers_of_no_page_do_nothing(void **state)
{
	static const keg_page numbers[] = {0, 4000, 5000, 0x7fffffff, UINT32_MAX};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_null(keg_pages_at(*state, numbers[i]));
		assert_false(keg_pages_shared(*state, numbers[i]));
		keg_pages_hold(*state, numbers[i], UINT32_MAX);
		keg_pages_forget(*state, numbers[i], UINT32_MAX);
		keg_pages_release(*state, numbers[i], UINT32_MAX);
		keg_pages_give_back(*state, numbers[i], UINT32_MAX);
		assert_null(keg_pages_at(*state, numbers[i]));
	}
}

static void a_page_that_is_released_too_often_is_free_once(void **state)
{
	const keg_page page = take(*state, 1);
	struct keg_pages_usage usage;

	for (int i = 0; i < 5; i++)
		keg_pages_release(*state, page, 1);
	keg_pages_usage(*state, &usage);
	assert_int_equal(usage.used, 0);
	keg_pages_hold(*state, page, 1);
	assert_null(keg_pages_at(*state, page));
}

/* ---- Shortage ---- */

struct hoard {
	struct keg_pages *pages;
	keg_page first;
	uint32_t count;
};

static bool give_some(void *context, uint32_t wanted)
{
	struct hoard *hoard = context;

	(void)wanted;
	if (hoard->count == 0)
		return false;
	hoard->count--;
	keg_pages_release(hoard->pages, hoard->first + hoard->count, 1);
	return true;
}

static void what_is_kept_in_case_is_given_up_when_pages_run_short(void **state)
{
	const uint32_t all = 16 * MIB / PAGE;
	struct hoard hoard = {*state, take(*state, all), all};
	keg_page page;

	assert_int_equal(keg_pages_take(*state, 1, false, &page), -ENOMEM);
	keg_pages_set_reclaimer(*state, give_some, &hoard);
	assert_ok(keg_pages_take(*state, 1, false, &page));
	assert_int_equal(hoard.count, all - 1);
	assert_int_equal(keg_pages_take(*state, 2, false, &hoard.first), -ENOMEM);
	assert_int_equal(hoard.count, all - 1);
	keg_pages_set_reclaimer(*state, NULL, NULL);
	keg_pages_release(*state, page, 1);
	keg_pages_release(*state, hoard.first, hoard.count);
}

static void any_sequence_of_takes_and_releases_has_pages_of_its_own(void **state)
{
	struct hoard have[64] = {0};
	unsigned int seed = 7;

	for (int round = 0; round < 20000; round++) {
		const uint32_t which = (uint32_t)rand_r(&seed) % 64;
		struct hoard *hoard = &have[which];
		uint8_t *bytes = hoard->count ? keg_pages_at(*state, hoard->first) : NULL;

		if (hoard->count) {
			for (uint32_t i = 0; i < hoard->count; i++)
				assert_int_equal(bytes[i * PAGE], which + 1);
			(which % 2 ? keg_pages_release : keg_pages_give_back)(
				*state, hoard->first, hoard->count);
			hoard->count = 0;
			continue;
		}
		hoard->count = 1 + (uint32_t)rand_r(&seed) % 32;
		hoard->first = take(*state, hoard->count);
		bytes = keg_pages_at(*state, hoard->first);
		for (uint32_t i = 0; i < hoard->count; i++) {
			assert_int_equal(bytes[i * PAGE], 0);
			bytes[i * PAGE] = (uint8_t)(which + 1);
		}
	}
	for (size_t i = 0; i < 64; i++)
		keg_pages_release(*state, have[i].first, have[i].count);
}

/* ---- Huge pages, by what they cost ---- */

/* How much time passes from one look at the clock to the next; 0: what really does. */
static uint64_t step_ns;

uint64_t __real_keg_clock_ns(clockid_t clock);
uint64_t __wrap_keg_clock_ns(clockid_t clock);

uint64_t __wrap_keg_clock_ns(clockid_t clock)
{
	static uint64_t now;

	return step_ns ? (now += step_ns) : __real_keg_clock_ns(clock);
}

/* Whether the host may back the memory by huge pages: proc_pid_smaps(5), VmFlags. */
static bool is_advised(const void *memory, const char *flag)
{
	const uintptr_t at = (uintptr_t)memory;
	FILE *maps = fopen("/proc/self/smaps", "re");
	unsigned long start, end;
	bool here = false, found = false;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= at && at < end;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			found = strstr(line, flag) != NULL;
	}
	fclose(maps);
	return found;
}

static void huge_pages_are_given_up_where_they_are_slow(void **state)
{
	struct keg_pages *pages = *state;
	keg_page first, second;

	if (access("/sys/kernel/mm/transparent_hugepage", F_OK) < 0) {
		print_message("SKIP: this host has no huge pages\n");
		skip();
	}
	step_ns = 1000000;
	first = take(pages, 1);
	assert_true(is_advised(keg_pages_at(pages, first), " hg"));
	step_ns = 3000000;
	second = take(pages, KEG_LARGE);
	step_ns = 0;
	assert_true(is_advised(keg_pages_at(pages, first), " nh"));
	assert_false(is_advised(keg_pages_at(pages, first), " hg"));
	assert_true(is_zero(keg_pages_at(pages, second), KEG_LARGE * PAGE));
	keg_pages_release(pages, first, 1);
	keg_pages_release(pages, second, KEG_LARGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pages, close_pages)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_that_makes_no_sense_is_refused),
		TEST(pages_are_zero_and_follow_one_another),
		TEST(pages_are_zero_when_they_are_used_again),
		TEST(a_page_is_free_when_nobody_has_it),
		TEST(forgetting_leaves_contents_alone),
		TEST(a_host_that_may_not_split_its_mapping_changes_all_of_it),
		TEST(what_is_not_forgotten_is_given_to_nobody),
		TEST(a_permission_that_stays_is_a_failure_too),
		TEST(a_host_that_never_lets_is_found_out_at_once),
		TEST(the_limit_holds),
		TEST(a_large_page_is_aligned_and_zero),
		TEST(huge_pages_are_given_up_where_they_are_slow),
		TEST(numbers_of_no_page_do_nothing),
		TEST(a_page_that_is_released_too_often_is_free_once),
		TEST(what_is_kept_in_case_is_given_up_when_pages_run_short),
		TEST(any_sequence_of_takes_and_releases_has_pages_of_its_own),
	};

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
