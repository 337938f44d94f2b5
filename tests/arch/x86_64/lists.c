/* SPDX-License-Identifier: MIT */
/* The host's lists of CPUID leaves and MSRs. */
#include "arch/x86_64/fixture.h"

#include <pthread.h>

static int open_host(void **state)
{
	struct keg_host *host;

	ioctls_obey(NULL);
	assert_ok(keg_host_create(NULL, &host));
	*state = host;
	ioctls_forget();
	return 0;
}

static int close_host(void **state)
{
	keg_host_destroy(*state);
	return 0;
}

/* The four lists alike: where each begins, and how many entries it has. */
struct any_view {
	const void *entries;
	size_t count;
};

#define ANY_VIEW(name, view_type, member)                                                          \
	static int view_##name(struct keg_host *host, struct any_view *any)                        \
	{                                                                                          \
		struct view_type view = {(void *)1, 1};                                            \
		int rc = keg_host_##name(host, &view);                                             \
                                                                                                   \
		*any = (struct any_view){view.member, view.count};                                 \
		return rc;                                                                         \
	}

ANY_VIEW(supported_cpuid, keg_cpuid_view, entries)
ANY_VIEW(emulated_cpuid, keg_cpuid_view, entries)
ANY_VIEW(supported_msrs, keg_msr_view, indices)
ANY_VIEW(feature_msrs, keg_msr_view, indices)

static const struct {
	int (*view)(struct keg_host *host, struct any_view *any);
	unsigned long request;
	const char *name;
} lists[] = {
	{view_supported_cpuid, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID"},
	{view_emulated_cpuid, KVM_GET_EMULATED_CPUID, "KVM_GET_EMULATED_CPUID"},
	{view_supported_msrs, KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST"},
	{view_feature_msrs, KVM_GET_MSR_FEATURE_INDEX_LIST, "KVM_GET_MSR_FEATURE_INDEX_LIST"},
};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

/* ---- Views ---- */

static void the_lists_hold_what_every_kvm_has(void **state)
{
	struct keg_cpuid_view leaves;
	struct keg_msr_view msrs;
	bool tsc = false;

	assert_ok(keg_host_supported_cpuid(*state, &leaves));
	assert_true(leaves.count > 0);
	assert_int_equal(leaves.entries[0].function, 0);
	assert_ok(keg_host_supported_msrs(*state, &msrs));
	for (size_t i = 0; i < msrs.count; i++)
		tsc = tsc || msrs.indices[i] == MSR_TSC;
	assert_true(tsc);
}

static void a_list_costs_two_ioctls_at_most_and_none_the_second_time(void **state)
{
	for (int i = 0; i < LISTS; i++) {
		struct any_view first, second;

		ioctls_forget();
		assert_ok(lists[i].view(*state, &first));
		assert_in_range(ioctls_made(0), 1, 2);
		ioctls_forget();
		assert_ok(lists[i].view(*state, &second));
		assert_int_equal(ioctls_made(0), 0);
		assert_ptr_equal(second.entries, first.entries);
		assert_int_equal(second.count, first.count);
	}
}

static void a_list_that_is_longer_than_expected_is_asked_for_once_more(void **state)
{
	for (int i = 0; i < LISTS; i++) {
		const struct ioctl_rule too_long = {
			.request = lists[i].request, .times = 1, .answer = -E2BIG};
		struct any_view view;

		ioctls_forget();
		ioctls_obey(&too_long);
		assert_ok(lists[i].view(*state, &view));
		assert_int_equal(ioctls_made(0), 2);
		assert_non_null(view.entries);
	}
}

static void a_list_that_kvm_lacks_is_told_by_its_name(void **state)
{
	for (int i = 0; i < LISTS; i++) {
		struct any_view view;

		ioctls_fail_next(lists[i].request, ENOTTY);
		assert_fails(lists[i].view(*state, &view), ENOTSUP, lists[i].name);
		assert_null(view.entries);
		assert_int_equal(view.count, 0);
	}
}

static void a_list_that_failed_is_asked_for_again(void **state)
{
	struct keg_cpuid_view view;

	ioctls_fail_next(KVM_GET_SUPPORTED_CPUID, ENOMEM);
	assert_fails(keg_host_supported_cpuid(*state, &view), ENOMEM, "KVM_GET_SUPPORTED_CPUID");
	assert_ok(keg_host_supported_cpuid(*state, &view));
	assert_true(view.count > 0);
}

/* ---- Copies ---- */

enum { ROOM = 1024 };

static void a_copy_is_what_the_view_shows(void **state)
{
	struct kvm_cpuid_entry2 *leaves = calloc(ROOM, sizeof(*leaves));
	uint32_t msrs[ROOM];
	size_t leaf_count = ROOM, msr_count = ROOM;
	struct keg_cpuid_view cpuid_view;
	struct keg_msr_view msr_view;

	assert_ok(keg_host_copy_supported_cpuid(*state, leaves, &leaf_count));
	assert_ok(keg_host_copy_supported_msrs(*state, msrs, &msr_count));
	assert_in_range(ioctls_made(0), 2, 4);
	ioctls_forget();
	assert_ok(keg_host_supported_cpuid(*state, &cpuid_view));
	assert_ok(keg_host_supported_msrs(*state, &msr_view));
	assert_int_equal(ioctls_made(0), 0);
	assert_int_equal(leaf_count, cpuid_view.count);
	assert_memory_equal(leaves, cpuid_view.entries, leaf_count * sizeof(*leaves));
	assert_int_equal(msr_count, msr_view.count);
	assert_memory_equal(msrs, msr_view.indices, msr_count * sizeof(*msrs));
	free(leaves);
}

static void a_copy_fits_an_array_of_just_its_size(void **state)
{
	struct keg_msr_view view;
	uint32_t *msrs;
	size_t count;

	assert_ok(keg_host_supported_msrs(*state, &view));
	count = view.count;
	msrs = calloc(count, sizeof(*msrs)); /* the sanitizer guards its end */
	assert_ok(keg_host_copy_supported_msrs(*state, msrs, &count));
	assert_int_equal(count, view.count);
	free(msrs);
}

static void an_array_that_is_too_small_is_told_the_size_and_not_touched(void **state)
{
	struct keg_cpuid_view cpuid_view;
	struct keg_msr_view msr_view;
	struct kvm_cpuid_entry2 leaf;
	uint32_t msr = 0xdeadbeef;
	size_t count = 1;

	memset(&leaf, 0xaa, sizeof(leaf));
	assert_ok(keg_host_supported_cpuid(*state, &cpuid_view));
	assert_ok(keg_host_supported_msrs(*state, &msr_view));
	assert_fails(keg_host_copy_supported_cpuid(*state, &leaf, &count), E2BIG, "room for 1");
	assert_int_equal(count, cpuid_view.count);
	assert_int_equal(leaf.function, 0xaaaaaaaa);
	count = 1;
	assert_fails(keg_host_copy_supported_msrs(*state, &msr, &count), E2BIG, "room for 1");
	assert_int_equal(count, msr_view.count);
	assert_int_equal(msr, 0xdeadbeef);
}

static void asking_for_the_size_alone_needs_no_array(void **state)
{
	size_t leaves = 0, msrs = 0;

	assert_fails(keg_host_copy_supported_cpuid(*state, NULL, &leaves), E2BIG, "room for 0");
	assert_fails(keg_host_copy_supported_msrs(*state, NULL, &msrs), E2BIG, "room for 0");
	assert_true(leaves > 0 && msrs > 0);
}

static void a_copy_of_what_kvm_lacks_fails_as_the_view_does(void **state)
{
	size_t count = 0;

	ioctls_fail_next(KVM_GET_SUPPORTED_CPUID, ENOTTY);
	assert_fails(keg_host_copy_supported_cpuid(*state, NULL, &count), ENOTSUP,
		"KVM_GET_SUPPORTED_CPUID");
	ioctls_fail_next(KVM_GET_MSR_INDEX_LIST, ENOTTY);
	assert_fails(keg_host_copy_supported_msrs(*state, NULL, &count), ENOTSUP,
		"KVM_GET_MSR_INDEX_LIST");
}

/* ---- Features ---- */

static void every_feature_msr_can_be_read(void **state)
{
	struct keg_msr_view view;

	assert_ok(keg_host_feature_msrs(*state, &view));
	for (size_t i = 0; i < view.count; i++) {
		uint64_t value;

		assert_ok(keg_host_read_feature_msr(*state, view.indices[i], &value));
	}
}

static void an_msr_that_describes_no_feature_is_refused_by_its_number(void **state)
{
	uint64_t value = 42;

	assert_fails(keg_host_read_feature_msr(*state, 0x12345678, &value), EINVAL,
		"MSR 0x12345678 describes no feature");
	assert_int_equal(value, 42);
	ioctls_fail_next(KVM_GET_MSRS, EIO);
	assert_fails(keg_host_read_feature_msr(*state, 0x10a, &value), EIO, "KVM_GET_MSRS");
}

/* ---- Threads ---- */

static void *view_in_thread(void *host)
{
	struct keg_cpuid_view view = {NULL, 0};

	keg_host_supported_cpuid(host, &view);
	return (void *)(uintptr_t)view.entries;
}

static void threads_that_ask_at_once_get_one_list(void **state)
{
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	void *entries[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, view_in_thread, *state), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], &entries[i]), 0);
	assert_non_null(entries[0]);
	for (int i = 1; i < THREADS; i++)
		assert_ptr_equal(entries[i], entries[0]);
	assert_in_range(ioctls_made(KVM_GET_SUPPORTED_CPUID), 1, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_host, close_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_lists_hold_what_every_kvm_has),
		TEST(a_list_costs_two_ioctls_at_most_and_none_the_second_time),
		TEST(a_list_that_is_longer_than_expected_is_asked_for_once_more),
		TEST(a_list_that_kvm_lacks_is_told_by_its_name),
		TEST(a_list_that_failed_is_asked_for_again),
		TEST(a_copy_is_what_the_view_shows),
		TEST(a_copy_fits_an_array_of_just_its_size),
		TEST(an_array_that_is_too_small_is_told_the_size_and_not_touched),
		TEST(asking_for_the_size_alone_needs_no_array),
		TEST(a_copy_of_what_kvm_lacks_fails_as_the_view_does),
		TEST(every_feature_msr_can_be_read),
		TEST(an_msr_that_describes_no_feature_is_refused_by_its_number),
		TEST(threads_that_ask_at_once_get_one_list),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-lists", tests, NULL, NULL);
}
