/* SPDX-License-Identifier: MIT */
/* Memory slots: taking them and giving them back. */
#include "mem/slots.h"
#include "mem/fixture.h"
#include "mem/ioctls.h"

#include <errno.h>

static struct keg_vm *vm_of(void **state)
{
	const struct machine *machine = *state;

	return machine->vm;
}

static struct keg_slot take(struct keg_vm *vm, uint64_t bytes)
{
	struct keg_slot slot;

	assert_ok(keg_slot_alloc(vm, bytes, &slot));
	return slot;
}

/* ---- Taking ---- */

static void slots_are_numbered_from_0(void **state)
{
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(take(vm_of(state), PAGE).number, i);
}

static void no_slot_has_the_serial_0(void **state)
{
	const struct keg_slot slot = take(vm_of(state), PAGE);

	assert_int_not_equal(slot.serial, 0);
}

static void serial_numbers_go_round_without_touching_0(void **state)
{
	struct keg_slots *slots;

	take(vm_of(state), PAGE);
	assert_ok(keg_slots_get(vm_of(state), &slots));
	slots->last_serial = UINT32_MAX;
	assert_int_equal(take(vm_of(state), PAGE).serial, 1);
}

static void taking_a_slot_does_not_reach_the_kernel(void **state)
{
	take(vm_of(state), PAGE);
	ioctls_forget();
	take(vm_of(state), 1ULL << 40);
	assert_int_equal(ioctls_made(0), 0);
}

static void sizes_that_are_no_pages_are_refused(void **state)
{
	static const uint64_t sizes[] = {0, 1, PAGE - 1, PAGE + 1, UINT64_MAX};
	struct keg_slot slot;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_fails(
			keg_slot_alloc(vm_of(state), sizes[i], &slot), EINVAL, "pages of 4096");
		assert_int_equal(slot.number, 0);
		assert_int_equal(slot.serial, 0);
	}
	assert_fails(keg_slot_alloc(vm_of(state), PAGE + 1, &slot), EINVAL, "0x1001 bytes");
}

/* ---- Giving back ---- */

static void a_slot_that_was_freed_is_taken_again_with_another_serial(void **state)
{
	const struct keg_slot first = take(vm_of(state), PAGE);
	struct keg_slot again;

	take(vm_of(state), PAGE);
	assert_ok(keg_slot_free(vm_of(state), first));
	again = take(vm_of(state), 2 * PAGE);
	assert_int_equal(again.number, first.number);
	assert_int_not_equal(again.serial, first.serial);
}

static void all_freed_slots_are_taken_again_before_new_ones(void **state)
{
	enum { COUNT = 10 };
	struct keg_slot slots[COUNT];
	bool seen[COUNT] = {false};

	for (int i = 0; i < COUNT; i++)
		slots[i] = take(vm_of(state), PAGE);
	for (int i = 0; i < COUNT; i += 2)
		assert_ok(keg_slot_free(vm_of(state), slots[i]));
	for (int i = 0; i < COUNT; i += 2) {
		uint32_t number = take(vm_of(state), PAGE).number;

		assert_in_range(number, 0, COUNT - 1);
		assert_int_equal(number % 2, 0);
		assert_false(seen[number]);
		seen[number] = true;
	}
	assert_int_equal(take(vm_of(state), PAGE).number, COUNT);
}

/* Everything that takes a slot refuses this one. */
static void assert_stale(struct keg_vm *vm, struct keg_slot slot, const char *words)
{
	uint64_t bitmap = 0;
	void *host = take_pages(1);

	assert_fails(keg_slot_map(vm, slot, host, 0, 0), ESTALE, words);
	assert_fails(keg_slot_unmap(vm, slot), ESTALE, words);
	assert_fails(keg_slot_free(vm, slot), ESTALE, words);
	assert_fails(keg_slot_get_dirty(vm, slot, &bitmap, 1), ESTALE, words);
	assert_fails(keg_slot_clear_dirty(vm, slot, &bitmap, 0, 1), ESTALE, words);
	drop_pages(host, 1);
}

static void a_slot_that_was_freed_is_stale(void **state)
{
	const struct keg_slot slot = take(vm_of(state), PAGE);

	assert_ok(keg_slot_free(vm_of(state), slot));
	assert_stale(vm_of(state), slot, "memory slot 0 was freed");
}

static void a_slot_that_another_took_the_place_of_is_stale(void **state)
{
	const struct keg_slot old = take(vm_of(state), PAGE);

	assert_ok(keg_slot_free(vm_of(state), old));
	take(vm_of(state), PAGE);
	assert_stale(vm_of(state), old, "memory slot 0 was freed");
}

static void what_never_was_a_slot_is_stale(void **state)
{
	take(vm_of(state), PAGE);
	assert_stale(vm_of(state), (struct keg_slot){0}, "is no slot");
	assert_stale(vm_of(state), (struct keg_slot){.number = 1, .serial = 1}, "slot 1");
	assert_stale(
		vm_of(state), (struct keg_slot){.number = UINT32_MAX, .serial = 1}, "4294967295");
}

static void freeing_a_mapped_slot_unmaps_it(void **state)
{
	const struct keg_slot slot = take(vm_of(state), PAGE);
	void *host = take_pages(1);

	assert_ok(keg_slot_map(vm_of(state), slot, host, 0x10000, 0));
	assert_ok(keg_slot_free(vm_of(state), slot));
	assert_ok(keg_slot_map(vm_of(state), take(vm_of(state), PAGE), host, 0x10000, 0));
	drop_pages(host, 1);
}

static void a_slot_that_the_kernel_does_not_unmap_is_not_freed(void **state)
{
	const struct keg_slot slot = take(vm_of(state), PAGE);
	void *host = take_pages(1);

	assert_ok(keg_slot_map(vm_of(state), slot, host, 0x10000, 0));
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(keg_slot_free(vm_of(state), slot), ENOMEM, "memory slot 0");
	assert_ok(keg_slot_free(vm_of(state), slot));
	drop_pages(host, 1);
}

/* ---- How many there are ---- */

static void a_kvm_that_does_not_tell_has_32_slots(void **state)
{
	struct keg_slot slot;

	ioctls_answer_extension(KVM_CAP_NR_MEMSLOTS, 0);
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(take(vm_of(state), PAGE).number, i);
	assert_fails(keg_slot_alloc(vm_of(state), PAGE, &slot), ENOSPC, "all 32 memory slots");
	assert_int_equal(slot.serial, 0);
}

static void a_slot_that_is_given_back_can_be_had_when_all_are_taken(void **state)
{
	struct keg_slot slots[4], slot;

	ioctls_answer_extension(KVM_CAP_NR_MEMSLOTS, 4);
	for (int i = 0; i < 4; i++)
		slots[i] = take(vm_of(state), PAGE);
	assert_fails(keg_slot_alloc(vm_of(state), PAGE, &slot), ENOSPC, "all 4 memory slots");
	assert_ok(keg_slot_free(vm_of(state), slots[2]));
	assert_int_equal(take(vm_of(state), PAGE).number, 2);
	assert_fails(keg_slot_alloc(vm_of(state), PAGE, &slot), ENOSPC, "all 4 memory slots");
}

static void a_question_that_fails_is_asked_again_later(void **state)
{
	struct keg_slot slot = {1, 1};

	ioctls_fail_next(KVM_CHECK_EXTENSION, EIO);
	assert_fails(keg_slot_alloc(vm_of(state), PAGE, &slot), EIO, "KVM_CHECK_EXTENSION");
	assert_int_equal(slot.serial, 0);
	ioctls_fail_next(KVM_CHECK_EXTENSION, EIO);
	assert_fails(keg_slot_map(vm_of(state), slot, NULL, 0, 0), EIO, "KVM_CHECK_EXTENSION");
	ioctls_fail_next(KVM_CHECK_EXTENSION, EIO);
	assert_fails(keg_slot_unmap(vm_of(state), slot), EIO, "KVM_CHECK_EXTENSION");
	ioctls_fail_next(KVM_CHECK_EXTENSION, EIO);
	assert_fails(keg_slot_free(vm_of(state), slot), EIO, "KVM_CHECK_EXTENSION");
	ioctls_fail_next(KVM_CHECK_EXTENSION, EIO);
	assert_fails(keg_slot_get_dirty(vm_of(state), slot, NULL, 0), EIO, "KVM_CHECK_EXTENSION");
	take(vm_of(state), PAGE);
}

/* Setup: a rule that a test leaves is not the next one's. */
static int open_obedient(void **state)
{
	ioctls_obey(NULL);
	return open_machine(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_obedient, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(slots_are_numbered_from_0),
		TEST(no_slot_has_the_serial_0),
		TEST(serial_numbers_go_round_without_touching_0),
		TEST(taking_a_slot_does_not_reach_the_kernel),
		TEST(sizes_that_are_no_pages_are_refused),
		TEST(a_slot_that_was_freed_is_taken_again_with_another_serial),
		TEST(all_freed_slots_are_taken_again_before_new_ones),
		TEST(a_slot_that_was_freed_is_stale),
		TEST(a_slot_that_another_took_the_place_of_is_stale),
		TEST(what_never_was_a_slot_is_stale),
		TEST(freeing_a_mapped_slot_unmaps_it),
		TEST(a_slot_that_the_kernel_does_not_unmap_is_not_freed),
		TEST(a_kvm_that_does_not_tell_has_32_slots),
		TEST(a_slot_that_is_given_back_can_be_had_when_all_are_taken),
		TEST(a_question_that_fails_is_asked_again_later),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-slots", tests, NULL, NULL);
}
