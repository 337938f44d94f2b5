/* SPDX-License-Identifier: MIT */
/* Memory slots: mapping them into the guest, and what is refused. */
#include "mem/fixture.h"
#include "mem/ioctls.h"

#include <errno.h>

/* A machine, and host memory for its slots. */
enum { HOST_PAGES = 64 };
struct scene {
	struct machine machine;
	uint8_t *host;
};

static int set_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	ioctls_obey(NULL);
	machine_open(&scene->machine, NULL);
	scene->host = take_pages(HOST_PAGES);
	*state = scene;
	return 0;
}

static int end_scene(void **state)
{
	struct scene *scene = *state;

	ioctls_obey(NULL);
	machine_close(&scene->machine);
	drop_pages(scene->host, HOST_PAGES);
	free(scene);
	return 0;
}

static struct keg_slot take(const struct scene *scene, uint64_t pages)
{
	struct keg_slot slot;

	assert_ok(keg_slot_alloc(scene->machine.vm, pages * PAGE, &slot));
	return slot;
}

static int map(const struct scene *scene, struct keg_slot slot, keg_gpa gpa, uint32_t flags)
{
	return keg_slot_map(scene->machine.vm, slot, scene->host, gpa, flags);
}

/* ---- What cannot be mapped ---- */

static void a_host_address_between_pages_is_refused(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 1);

	assert_fails(keg_slot_map(scene->machine.vm, slot, scene->host + 1, 0, 0), EINVAL,
		"memory slot 0: the host address");
	assert_fails(keg_slot_map(scene->machine.vm, slot, NULL, 0, 0), EINVAL, "not page-aligned");
}

static void a_guest_address_between_pages_is_refused(void **state)
{
	const struct scene *scene = *state;

	assert_fails(map(scene, take(scene, 1), 0x1234, 0), EINVAL,
		"memory slot 0: the guest address 0x1234 is not page-aligned");
}

static void a_guest_range_that_wraps_is_refused(void **state)
{
	const struct scene *scene = *state;

	assert_fails(map(scene, take(scene, 2), UINT64_MAX - (PAGE - 1), 0), EINVAL,
		"memory slot 0: 0x2000 bytes at 0xfffffffffffff000 wrap around");
}

static void a_host_range_that_wraps_is_refused(void **state)
{
	const struct scene *scene = *state;
	void *last_page = (void *)(uintptr_t)-PAGE;

	assert_fails(keg_slot_map(scene->machine.vm, take(scene, 2), last_page, 0, 0), EINVAL,
		"wrap around");
}

static void more_pages_than_kvm_counts_are_refused(void **state)
{
	const struct scene *scene = *state;

	assert_fails(map(scene, take(scene, 1ULL << 31), 0, 0), EINVAL,
		"KVM allows a slot 2147483647 pages");
}

static void a_guest_range_beyond_the_machines_addresses_is_refused(void **state)
{
	const struct scene *scene = *state;

	assert_fails(map(scene, take(scene, 1), 1ULL << 60, 0), EINVAL, "memory slot 0");
	assert_ok(map(scene, take(scene, 1), 0x10000, 0));
}

static void a_kvm_that_calls_such_a_range_a_fault_is_translated(void **state)
{
	const struct scene *scene = *state;

	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, EFAULT); /* as arm64's does */
	assert_fails(map(scene, take(scene, 1), 0x10000, 0), EINVAL,
		"memory slot 0, 0x1000 bytes at 0x10000: beyond the guest's physical addresses");
}

static void flags_that_kvm_does_not_know_are_refused(void **state)
{
	const struct scene *scene = *state;

	assert_fails(map(scene, take(scene, 1), 0, 1U << 31 | KVM_MEM_READONLY), EINVAL,
		"memory slot 0: unknown flags 0x80000000");
}

static void nothing_that_is_refused_reaches_the_kernel(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 2);

	assert_ok(map(scene, take(scene, 2), 0x10000, 0));
	ioctls_forget();
	assert_fails(map(scene, slot, 0x1234, 0), EINVAL, "");
	assert_fails(map(scene, slot, 0, 1U << 31), EINVAL, "");
	assert_fails(map(scene, slot, UINT64_MAX - (PAGE - 1), 0), EINVAL, "");
	assert_fails(map(scene, slot, 0x11000, 0), EEXIST, "");
	assert_int_equal(ioctls_made(0), 0);
}

/* ---- Overlaps ---- */

static void overlapping_slots_are_refused_and_both_are_named(void **state)
{
	/* Every way to overlap [0x14000, 0x18000): where, and how many pages. */
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
	const struct scene *scene = *state;
	const struct keg_slot first = take(scene, 4);

	assert_ok(map(scene, first, 0x14000, 0));
	for (size_t i = 0; i < sizeof(overlapping) / sizeof(overlapping[0]); i++) {
		const struct keg_slot slot = take(scene, overlapping[i].pages);

		assert_fails(
			map(scene, slot, overlapping[i].gpa, 0), EEXIST, "memory slot 1 at [0x1");
		assert_non_null(
			strstr(keg_error_message(), "overlaps slot 0 at [0x14000, 0x17fff]"));
		assert_ok(keg_slot_free(scene->machine.vm, slot));
	}
}

static void slots_that_touch_do_not_overlap(void **state)
{
	const struct scene *scene = *state;

	assert_ok(map(scene, take(scene, 4), 0x14000, 0));
	assert_ok(map(scene, take(scene, 4), 0x10000, 0));
	assert_ok(map(scene, take(scene, 4), 0x18000, 0));
}

static void the_same_host_memory_can_be_in_two_places(void **state)
{
	const struct scene *scene = *state;

	assert_ok(map(scene, take(scene, 4), 0x10000, 0));
	assert_ok(map(scene, take(scene, 4), 0x20000, 0));
}

static void what_was_unmapped_is_not_in_the_way(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);

	assert_ok(map(scene, slot, 0x10000, 0));
	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	assert_ok(map(scene, take(scene, 4), 0x12000, 0));
	assert_fails(map(scene, slot, 0x10000, 0), EEXIST, "slot 1");
}

/* ---- Mapping again ---- */

static void other_flags_change_a_mapping_in_place(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);
	uint64_t bitmap;

	assert_ok(map(scene, slot, 0x10000, 0));
	assert_fails(keg_slot_get_dirty(scene->machine.vm, slot, &bitmap, 1), ENOENT, "slot 0");
	ioctls_forget();
	assert_ok(map(scene, slot, 0x10000, KVM_MEM_LOG_DIRTY_PAGES));
	assert_int_equal(ioctls_made(KVM_SET_USER_MEMORY_REGION), 1);
	assert_ok(keg_slot_get_dirty(scene->machine.vm, slot, &bitmap, 1));
	assert_ok(map(scene, slot, 0x10000, 0));
	assert_fails(keg_slot_get_dirty(scene->machine.vm, slot, &bitmap, 1), ENOENT,
		"memory slot 0 is not mapped with dirty logging");
}

static void a_change_in_place_that_kvm_refuses_leaves_all_as_it_was(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);
	uint64_t bitmap;

	assert_ok(map(scene, slot, 0x10000, KVM_MEM_LOG_DIRTY_PAGES));
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(map(scene, slot, 0x10000, 0), ENOMEM, "memory slot 0");
	assert_ok(keg_slot_get_dirty(scene->machine.vm, slot, &bitmap, 1));
	assert_fails(map(scene, take(scene, 1), 0x10000, 0), EEXIST, "slot 0");
}

static void a_mapping_becomes_read_only_and_writable_again(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);

	assert_ok(map(scene, slot, 0x10000, 0));
	assert_ok(map(scene, slot, 0x10000, KVM_MEM_READONLY));
	assert_ok(map(scene, slot, 0x10000, 0));
}

static void a_mapping_moves_to_another_guest_address(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);

	assert_ok(map(scene, slot, 0x10000, 0));
	assert_ok(map(scene, slot, 0x20000, 0));
	assert_ok(map(scene, take(scene, 4), 0x10000, 0));
	assert_fails(map(scene, take(scene, 4), 0x20000, 0), EEXIST, "slot 0");
}

static void a_mapping_moves_onto_a_part_of_itself(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);

	assert_ok(map(scene, slot, 0x12000, 0));
	assert_ok(map(scene, slot, 0x10000, 0)); /* its end is where its beginning was */
	assert_ok(map(scene, slot, 0x13000, 0)); /* and the other way round */
}

static void a_mapping_that_moves_over_itself_into_another_is_refused(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);

	assert_ok(map(scene, slot, 0x10000, 0));
	assert_ok(map(scene, take(scene, 4), 0x14000, 0));
	assert_fails(map(scene, slot, 0x12000, 0), EEXIST, "overlaps slot 1");
	assert_fails(map(scene, take(scene, 4), 0x10000, 0), EEXIST, "overlaps slot 0");
}

static void a_mapping_gets_other_host_memory(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 4);

	assert_ok(map(scene, slot, 0x10000, 0));
	assert_ok(keg_slot_map(scene->machine.vm, slot, scene->host + 8 * PAGE, 0x10000, 0));
}

/* ---- The kernel's own refusals ---- */

static void what_kvm_refuses_names_the_slot_and_leaves_no_trace(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 1);

	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(map(scene, slot, 0x10000, 0), ENOMEM,
		"memory slot 0, 0x1000 bytes at 0x10000: KVM_SET_USER_MEMORY_REGION: "
		"Cannot allocate memory");
	ioctls_forget();
	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	assert_int_equal(ioctls_made(0), 0); /* it is not mapped */
	assert_ok(map(scene, take(scene, 1), 0x10000, 0));
}

static void a_move_that_begins_with_a_refused_unmapping_changes_nothing(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 1);

	assert_ok(map(scene, slot, 0x10000, 0));
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(map(scene, slot, 0x20000, 0), ENOMEM, "memory slot 0");
	assert_fails(map(scene, take(scene, 1), 0x10000, 0), EEXIST, "overlaps slot 0");
	assert_ok(map(scene, take(scene, 1), 0x20000, 0));
}

static void a_move_that_kvm_refuses_leaves_the_slot_where_it_was(void **state)
{
	const struct ioctl_rule second = {
		.request = KVM_SET_USER_MEMORY_REGION, .skip = 1, .times = 1, .answer = -ENOMEM};
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 1);

	assert_ok(map(scene, slot, 0x10000, 0));
	ioctls_obey(&second);
	assert_fails(map(scene, slot, 0x20000, 0), ENOMEM, "memory slot 0");
	ioctls_obey(NULL);
	assert_fails(map(scene, take(scene, 1), 0x10000, 0), EEXIST, "overlaps slot 0");
	assert_ok(map(scene, take(scene, 1), 0x20000, 0));
	ioctls_forget();
	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	assert_int_equal(ioctls_made(KVM_SET_USER_MEMORY_REGION), 1);
}

/* ---- Unmapping ---- */

static void unmapping_what_is_not_mapped_is_harmless(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 1);

	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	assert_ok(map(scene, slot, 0x10000, 0));
	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	ioctls_forget();
	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	assert_int_equal(ioctls_made(0), 0);
}

static void an_unmapping_that_kvm_refuses_can_be_repeated(void **state)
{
	const struct scene *scene = *state;
	const struct keg_slot slot = take(scene, 1);

	assert_ok(map(scene, slot, 0x10000, 0));
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(keg_slot_unmap(scene->machine.vm, slot), ENOMEM, "memory slot 0");
	ioctls_forget();
	assert_ok(keg_slot_unmap(scene->machine.vm, slot));
	assert_int_equal(ioctls_made(KVM_SET_USER_MEMORY_REGION), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_address_between_pages_is_refused),
		TEST(a_guest_address_between_pages_is_refused),
		TEST(a_guest_range_that_wraps_is_refused),
		TEST(a_host_range_that_wraps_is_refused),
		TEST(more_pages_than_kvm_counts_are_refused),
		TEST(a_guest_range_beyond_the_machines_addresses_is_refused),
		TEST(a_kvm_that_calls_such_a_range_a_fault_is_translated),
		TEST(flags_that_kvm_does_not_know_are_refused),
		TEST(nothing_that_is_refused_reaches_the_kernel),
		TEST(overlapping_slots_are_refused_and_both_are_named),
		TEST(slots_that_touch_do_not_overlap),
		TEST(the_same_host_memory_can_be_in_two_places),
		TEST(what_was_unmapped_is_not_in_the_way),
		TEST(other_flags_change_a_mapping_in_place),
		TEST(a_change_in_place_that_kvm_refuses_leaves_all_as_it_was),
		TEST(a_mapping_becomes_read_only_and_writable_again),
		TEST(a_mapping_moves_to_another_guest_address),
		TEST(a_mapping_moves_onto_a_part_of_itself),
		TEST(a_mapping_that_moves_over_itself_into_another_is_refused),
		TEST(a_mapping_gets_other_host_memory),
		TEST(what_kvm_refuses_names_the_slot_and_leaves_no_trace),
		TEST(a_move_that_begins_with_a_refused_unmapping_changes_nothing),
		TEST(a_move_that_kvm_refuses_leaves_the_slot_where_it_was),
		TEST(unmapping_what_is_not_mapped_is_harmless),
		TEST(an_unmapping_that_kvm_refuses_can_be_repeated),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-slot-map", tests, NULL, NULL);
}
