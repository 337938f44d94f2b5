/* SPDX-License-Identifier: MIT */
/* A vCPU's MSRs and CPUID leaves, which KVM may take in part only. */
#include "arch/x86_64/fixture.h"

/* An index that no KVM knows. */
enum { NO_MSR = 0x12345678 };

/* ---- MSRs ---- */

static void msrs_are_read_as_they_were_set(void **state)
{
	const struct kvm_msr_entry set[] = {
		{.index = MSR_SYSENTER_CS, .data = 0x8},
		{.index = MSR_SYSENTER_ESP, .data = 0x1234000},
		{.index = MSR_SYSENTER_EIP, .data = 0x5678000},
		{.index = MSR_LSTAR, .data = 0x7fff12345678},
	};
	struct kvm_msr_entry got[4];

	for (int life = 0; life < 2; life++) {
		assert_ok(keg_vcpu_set_msrs(vcpu_of(state), set, 4));
		for (int i = 0; i < 4; i++)
			got[i] = (struct kvm_msr_entry){.index = set[i].index};
		assert_ok(keg_vcpu_get_msrs(vcpu_of(state), got, 4));
		for (int i = 0; i < 4; i++)
			assert_int_equal(got[i].data, set[i].data);
		run_to_store(vcpu_of(state));
	}
}

static void no_msrs_are_transferred_without_a_word(void **state)
{
	assert_ok(keg_vcpu_get_msrs(vcpu_of(state), NULL, 0));
	assert_ok(keg_vcpu_set_msrs(vcpu_of(state), NULL, 0));
}

static void every_msr_that_the_host_lists_can_be_read(void **state)
{
	const struct machine *machine = *state;
	struct kvm_msr_entry *entries;
	struct keg_msr_view view;

	assert_ok(keg_host_supported_msrs(machine->host, &view));
	entries = calloc(view.count, sizeof(*entries));
	assert_non_null(entries);
	for (size_t i = 0; i < view.count; i++)
		entries[i].index = view.indices[i];
	assert_ok(keg_vcpu_get_msrs(machine->vcpu, entries, view.count));
	free(entries);
}

static void a_refused_msr_is_named_and_those_before_it_are_set(void **state)
{
	const struct kvm_msr_entry set[] = {
		{.index = MSR_SYSENTER_ESP, .data = 0x1000},
		{.index = NO_MSR, .data = 0x42},
		{.index = MSR_SYSENTER_EIP, .data = 0x2000},
	};
	struct kvm_msr_entry got[] = {{.index = MSR_SYSENTER_ESP}, {.index = MSR_SYSENTER_EIP}};

	assert_fails(keg_vcpu_set_msrs(vcpu_of(state), set, 3), EPERM,
		"refuses to write MSR 0x12345678 of vCPU 0 (value 0x42)");
	assert_ok(keg_vcpu_get_msrs(vcpu_of(state), got, 2));
	assert_int_equal(got[0].data, 0x1000);
	assert_int_equal(got[1].data, 0);
}

static void a_refused_msr_is_named_and_those_before_it_are_read(void **state)
{
	const struct kvm_msr_entry set = {.index = MSR_SYSENTER_ESP, .data = 0x1000};
	struct kvm_msr_entry got[] = {
		{.index = MSR_SYSENTER_ESP},
		{.index = NO_MSR},
		{.index = MSR_SYSENTER_ESP, .data = 7},
	};

	assert_ok(keg_vcpu_set_msrs(vcpu_of(state), &set, 1));
	assert_fails(keg_vcpu_get_msrs(vcpu_of(state), got, 3), EPERM,
		"refuses to read MSR 0x12345678 of vCPU 0");
	assert_int_equal(got[0].data, 0x1000);
	assert_int_equal(got[2].data, 7);
}

/* More than KVM takes at a time, which is 256. */
enum { MANY = 600 };

static void fill_many(struct kvm_msr_entry *entries)
{
	for (unsigned int i = 0; i < MANY; i++)
		entries[i] = (struct kvm_msr_entry){.index = MSR_SYSENTER_ESP, .data = i};
}

static void more_msrs_than_kvm_takes_at_a_time_are_transferred_in_order(void **state)
{
	struct kvm_msr_entry entries[MANY];

	fill_many(entries);
	ioctls_forget();
	assert_ok(keg_vcpu_set_msrs(vcpu_of(state), entries, MANY));
	assert_int_equal(ioctls_made(KVM_SET_MSRS), 3);
	assert_ok(keg_vcpu_get_msrs(vcpu_of(state), entries, MANY));
	for (int i = 0; i < MANY; i++)
		assert_int_equal(entries[i].data, MANY - 1); /* the last was set last */
}

static void a_refusal_among_many_msrs_is_where_it_is(void **state)
{
	struct kvm_msr_entry entries[MANY], got = {.index = MSR_SYSENTER_ESP};

	fill_many(entries);
	entries[300].index = NO_MSR;
	assert_fails(keg_vcpu_set_msrs(vcpu_of(state), entries, MANY), EPERM, "(value 0x12c)");
	assert_ok(keg_vcpu_get_msrs(vcpu_of(state), &got, 1));
	assert_int_equal(got.data, 299);
	assert_fails(
		keg_vcpu_get_msrs(vcpu_of(state), entries, MANY), EPERM, "read MSR 0x12345678");
	assert_int_equal(entries[299].data, 299);
	assert_int_equal(entries[301].data, 301);
}

static void a_transfer_of_msrs_that_fails_whole_says_so(void **state)
{
	struct kvm_msr_entry entry = {.index = MSR_SYSENTER_ESP};

	ioctls_fail_next(KVM_GET_MSRS, EIO);
	assert_fails(keg_vcpu_get_msrs(vcpu_of(state), &entry, 1), EIO, "KVM_GET_MSRS");
	ioctls_fail_next(KVM_SET_MSRS, EIO);
	assert_fails(keg_vcpu_set_msrs(vcpu_of(state), &entry, 1), EIO, "KVM_SET_MSRS");
}

/* ---- CPUID ---- */

enum { ROOM = 300 };

/* A vCPU that has no leaves yet. */
static int open_fresh(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	ioctls_obey(NULL);
	machine_open(machine, NULL);
	assert_ok(keg_vcpu_create(machine->vm, NULL, &machine->vcpu));
	*state = machine;
	return 0;
}

static const struct kvm_cpuid_entry2 two_leaves[] = {
	{.function = 0, .eax = 0x16, .ebx = 0x2d67656b, .ecx = 0x74736574, .edx = 0x2d67656b},
	{.function = 0x80000000, .eax = 0x80000008},
};

static void leaves_are_read_as_they_were_set(void **state)
{
	struct kvm_cpuid_entry2 got[ROOM];
	size_t count = ROOM;

	assert_ok(keg_vcpu_set_cpuid(vcpu_of(state), two_leaves, 2));
	assert_ok(keg_vcpu_get_cpuid(vcpu_of(state), got, &count));
	assert_int_equal(count, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(got[i].function, two_leaves[i].function);
		assert_int_equal(got[i].eax, two_leaves[i].eax);
		assert_int_equal(got[i].ebx, two_leaves[i].ebx);
	}
}

static void later_leaves_replace_earlier_ones(void **state)
{
	struct kvm_cpuid_entry2 got[ROOM];
	size_t count = ROOM;

	assert_ok(keg_vcpu_set_cpuid(vcpu_of(state), two_leaves, 2));
	assert_ok(keg_vcpu_set_cpuid(vcpu_of(state), two_leaves, 1));
	assert_ok(keg_vcpu_get_cpuid(vcpu_of(state), got, &count));
	assert_int_equal(count, 1);
}

static void a_vcpu_without_leaves_has_none(void **state)
{
	size_t count = 0;

	assert_ok(keg_vcpu_set_cpuid(vcpu_of(state), NULL, 0));
	assert_ok(keg_vcpu_get_cpuid(vcpu_of(state), NULL, &count));
	assert_int_equal(count, 0);
}

static void what_the_host_supports_a_vcpu_takes(void **state)
{
	const struct machine *machine = *state;
	struct kvm_cpuid_entry2 got[ROOM];
	struct keg_cpuid_view view;
	size_t count = ROOM;

	assert_ok(keg_host_supported_cpuid(machine->host, &view));
	assert_ok(keg_vcpu_set_cpuid(machine->vcpu, view.entries, view.count));
	assert_ok(keg_vcpu_get_cpuid(machine->vcpu, got, &count));
	assert_int_equal(count, view.count);
	for (size_t i = 0; i < count; i++) /* some bits KVM keeps up to date by itself */
		assert_int_equal(got[i].function, view.entries[i].function);
}

static void an_array_that_is_too_small_is_told_the_size_and_not_touched(void **state)
{
	struct kvm_cpuid_entry2 got;
	size_t count = 1;

	assert_ok(keg_vcpu_set_cpuid(vcpu_of(state), two_leaves, 2));
	memset(&got, 0xaa, sizeof(got));
	assert_fails(keg_vcpu_get_cpuid(vcpu_of(state), &got, &count), E2BIG,
		"vCPU 0 has 2 CPUID leaves, and there is room for 1");
	assert_int_equal(count, 2);
	assert_int_equal(got.function, 0xaaaaaaaa);
}

static void more_leaves_than_kvm_takes_are_refused(void **state)
{
	struct kvm_cpuid_entry2 *many = calloc(257, sizeof(*many));

	assert_fails(keg_vcpu_set_cpuid(vcpu_of(state), many, 257), E2BIG,
		"257 CPUID leaves: KVM takes 256");
	free(many);
}

static void a_transfer_of_leaves_that_kvm_refuses_says_so(void **state)
{
	size_t count = 0;

	ioctls_fail_next(KVM_SET_CPUID2, EINVAL);
	assert_fails(keg_vcpu_set_cpuid(vcpu_of(state), two_leaves, 2), EINVAL, "KVM_SET_CPUID2");
	ioctls_fail_next(KVM_GET_CPUID2, EIO);
	assert_fails(keg_vcpu_get_cpuid(vcpu_of(state), NULL, &count), EIO, "KVM_GET_CPUID2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vcpu_test(msrs_are_read_as_they_were_set),
		vcpu_test(no_msrs_are_transferred_without_a_word),
		vcpu_test(every_msr_that_the_host_lists_can_be_read),
		vcpu_test(a_refused_msr_is_named_and_those_before_it_are_set),
		vcpu_test(a_refused_msr_is_named_and_those_before_it_are_read),
		vcpu_test(more_msrs_than_kvm_takes_at_a_time_are_transferred_in_order),
		vcpu_test(a_refusal_among_many_msrs_is_where_it_is),
		vcpu_test(a_transfer_of_msrs_that_fails_whole_says_so),
		cmocka_unit_test_setup_teardown(
			leaves_are_read_as_they_were_set, open_fresh, close_machine),
		cmocka_unit_test_setup_teardown(
			later_leaves_replace_earlier_ones, open_fresh, close_machine),
		cmocka_unit_test_setup_teardown(
			a_vcpu_without_leaves_has_none, open_fresh, close_machine),
		cmocka_unit_test_setup_teardown(
			what_the_host_supports_a_vcpu_takes, open_fresh, close_machine),
		cmocka_unit_test_setup_teardown(
			an_array_that_is_too_small_is_told_the_size_and_not_touched, open_fresh,
			close_machine),
		cmocka_unit_test_setup_teardown(
			more_leaves_than_kvm_takes_are_refused, open_fresh, close_machine),
		cmocka_unit_test_setup_teardown(
			a_transfer_of_leaves_that_kvm_refuses_says_so, open_fresh, close_machine),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-cpuid-msr", tests, NULL, NULL);
}
