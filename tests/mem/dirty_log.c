/* SPDX-License-Identifier: MIT */
/* Which pages the guest has written: the bitmap of a slot. */
#include "mem/fixture.h"
#include "mem/ioctls.h"

#include <errno.h>

/* The machine's memory has 256 pages, of which guest_touch() writes guest_pages. */
enum { PAGES = MACHINE_BYTES / PAGE, WORDS = PAGES / 64 };

/* A machine whose memory is logged, and that has started; it touches its pages when it runs. */
static int open_logging(void **state, uint32_t flags)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	struct guest_code code = guest_touch();
	struct keg_region_config config = {
		.size = sizeof(config), .bytes = MACHINE_BYTES, .flags = flags, .name = "ram"};

	assert_non_null(machine);
	ioctls_obey(NULL);
	machine_open(machine, NULL);
	config.gpa = machine->memory;
	assert_ok(keg_mem_add(machine->mem, &config, NULL));
	assert_ok(
		keg_mem_write(machine->mem, machine->memory + MACHINE_CODE, code.bytes, code.size));
	*state = machine;
	return 0;
}

static int open_automatic(void **state)
{
	return open_logging(state, KEG_REGION_LOG_DIRTY);
}

static int open_without_log(void **state)
{
	return open_logging(state, 0);
}

static struct keg_slot slot_of(const struct machine *machine)
{
	return keg_region_slot(keg_mem_next_region(machine->mem, machine->memory));
}

/* Runs the guest until it has touched its pages once more. */
static void touch_pages(struct machine *machine)
{
	struct keg_vcpu *vcpu = machine->vcpu ? machine->vcpu : machine_add_vcpu(machine);
	struct keg_exit exit;

	assert_ok(keg_vcpu_run(vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(exit.mmio.address, guest_mmio);
}

/*
 * Exactly these pages are dirty, except that the one with the program may be: KVM maps a page whose
 * code it fetches writable, if it can, and calls it dirty for that.
 */
static void assert_dirty(const uint64_t *bitmap, int first, int count)
{
	for (int page = 0; page < PAGES; page++) {
		uint64_t dirty = bitmap[page / 64] >> page % 64 & 1;

		if (page != MACHINE_CODE / PAGE)
			assert_int_equal(dirty, page >= first && page < first + count);
	}
}

static int get_dirty(struct machine *machine, uint64_t *bitmap)
{
	memset(bitmap, 0xff, WORDS * sizeof(*bitmap));
	return keg_slot_get_dirty(machine->vm, slot_of(machine), bitmap, WORDS);
}

/* ---- The log ---- */

static void a_machine_that_has_not_run_has_no_dirty_page(void **state)
{
	uint64_t bitmap[WORDS];

	machine_add_vcpu(*state);
	assert_ok(get_dirty(*state, bitmap));
	assert_dirty(bitmap, 0, 0);
}

static void exactly_the_pages_that_the_guest_wrote_are_dirty(void **state)
{
	uint64_t bitmap[WORDS];

	touch_pages(*state);
	assert_ok(get_dirty(*state, bitmap));
	assert_dirty(bitmap, guest_first_page, guest_pages);
}

static void reading_the_log_clears_it(void **state)
{
	uint64_t bitmap[WORDS];

	touch_pages(*state);
	assert_ok(get_dirty(*state, bitmap));
	assert_ok(get_dirty(*state, bitmap));
	assert_dirty(bitmap, 0, 0);
}

static void pages_that_are_written_again_are_dirty_again(void **state)
{
	uint64_t bitmap[WORDS];

	touch_pages(*state);
	assert_ok(get_dirty(*state, bitmap));
	touch_pages(*state);
	assert_ok(get_dirty(*state, bitmap));
	assert_dirty(bitmap, guest_first_page, guest_pages);
}

static void logging_can_be_turned_on_and_off_while_the_guest_lives(void **state)
{
	struct machine *machine = *state;
	struct keg_region *region;
	uint64_t bitmap[WORDS];
	void *host;

	touch_pages(machine);
	region = keg_mem_next_region(machine->mem, machine->memory);
	host = keg_region_host(region);
	assert_fails(get_dirty(machine, bitmap), ENOENT, "not mapped with dirty logging");
	assert_ok(keg_slot_map(
		machine->vm, slot_of(machine), host, machine->memory, KVM_MEM_LOG_DIRTY_PAGES));
	touch_pages(machine);
	assert_ok(get_dirty(machine, bitmap));
	assert_dirty(bitmap, guest_first_page, guest_pages);
	assert_ok(keg_slot_map(machine->vm, slot_of(machine), host, machine->memory, 0));
	touch_pages(machine);
	assert_fails(get_dirty(machine, bitmap), ENOENT, "not mapped with dirty logging");
}

static void a_bitmap_that_is_too_small_is_refused_and_not_touched(void **state)
{
	struct machine *machine = *state;
	uint64_t bitmap[WORDS];

	touch_pages(machine);
	memset(bitmap, 0x55, sizeof(bitmap));
	assert_fails(keg_slot_get_dirty(machine->vm, slot_of(machine), bitmap, WORDS - 1), E2BIG,
		"memory slot 0 has 256 pages, and the bitmap room for 192");
	for (int i = 0; i < WORDS; i++)
		assert_int_equal(bitmap[i], 0x5555555555555555);
	assert_ok(get_dirty(machine, bitmap)); /* and nothing was cleared */
	assert_dirty(bitmap, guest_first_page, guest_pages);
}

static void a_bitmap_needs_a_word_for_a_part_of_64_pages(void **state)
{
	struct machine *machine = *state;
	uint8_t *host = take_pages(65);
	struct keg_slot slot;
	uint64_t bitmap[2];

	assert_ok(keg_slot_alloc(machine->vm, 65 * PAGE, &slot));
	assert_ok(keg_slot_map(machine->vm, slot, host, machine->memory + 2 * MACHINE_BYTES,
		KVM_MEM_LOG_DIRTY_PAGES));
	assert_fails(keg_slot_get_dirty(machine->vm, slot, bitmap, 1), E2BIG, "65 pages");
	assert_ok(keg_slot_get_dirty(machine->vm, slot, bitmap, 2));
	drop_pages(host, 65);
}

static void a_slot_that_is_not_mapped_has_no_log(void **state)
{
	struct machine *machine = *state;
	struct keg_slot slot;
	uint64_t bitmap;

	assert_ok(keg_slot_alloc(machine->vm, PAGE, &slot));
	assert_fails(keg_slot_get_dirty(machine->vm, slot, &bitmap, 1), ENOENT,
		"memory slot 0 is not mapped with dirty logging");
	assert_fails(keg_slot_clear_dirty(machine->vm, slot, &bitmap, 0, 1), ENOENT,
		"memory slot 0 is not mapped with dirty logging");
}

/* ---- Manual protection ---- */

static int open_manual(void **state)
{
	struct machine *machine;
	int rc = open_automatic(state);

	machine = *state;
	if (keg_vm_manual_dirty_protect(machine->vm) == -ENOTSUP) {
		print_message("SKIPPED: this KVM has no manual protection of dirty pages\n");
		skip();
	}
	return rc;
}

static void with_manual_protection_reading_changes_nothing(void **state)
{
	uint64_t bitmap[WORDS];

	touch_pages(*state);
	for (int i = 0; i < 3; i++) {
		assert_ok(get_dirty(*state, bitmap));
		assert_dirty(bitmap, guest_first_page, guest_pages);
	}
}

static void with_manual_protection_the_pages_whose_bits_are_set_are_cleared(void **state)
{
	struct machine *machine = *state;
	const uint64_t first_four = 0xfULL << guest_first_page;
	uint64_t bitmap[WORDS];

	touch_pages(machine);
	assert_ok(get_dirty(machine, bitmap));
	assert_ok(keg_slot_clear_dirty(machine->vm, slot_of(machine), &first_four, 0, 64));
	assert_ok(get_dirty(machine, bitmap));
	assert_dirty(bitmap, guest_first_page + 4, guest_pages - 4);
	touch_pages(machine);
	assert_ok(get_dirty(machine, bitmap));
	assert_dirty(bitmap, guest_first_page, guest_pages);
}

static void with_manual_protection_bit_0_is_the_first_page_of_the_range(void **state)
{
	struct machine *machine = *state;
	const uint64_t all[WORDS] = {~0ULL, ~0ULL, ~0ULL, ~0ULL};
	uint64_t bitmap[WORDS];

	touch_pages(machine);
	assert_ok(get_dirty(machine, bitmap));
	assert_ok(keg_slot_clear_dirty(machine->vm, slot_of(machine), all, 64, PAGES - 64));
	assert_ok(get_dirty(machine, bitmap)); /* those that are dirty are before it */
	assert_dirty(bitmap, guest_first_page, guest_pages);
	assert_ok(keg_slot_clear_dirty(machine->vm, slot_of(machine), all, 0, PAGES));
	assert_ok(get_dirty(machine, bitmap));
	assert_dirty(bitmap, 0, 0);
}

static void what_is_cleared_must_be_whole_words_up_to_the_slots_end(void **state)
{
	static const struct {
		uint64_t first;
		uint32_t count;
	} odd[] = {{1, 64}, {63, 64}, {0, 63}, {0, 1}, {64, 65}, {0, PAGES + 64}, {PAGES, 64},
		{PAGES + 64, 64}, {UINT64_MAX - 63, 64}, {64, UINT32_MAX}};
	struct machine *machine = *state;
	uint64_t bitmap[2 * WORDS];

	touch_pages(machine);
	assert_ok(get_dirty(machine, bitmap));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_fails(keg_slot_clear_dirty(machine->vm, slot_of(machine), bitmap,
				     odd[i].first, odd[i].count),
			EINVAL, "memory slot 0 with 256: must be whole words of the bitmap");
}

static void the_last_word_of_a_slot_may_be_a_part(void **state)
{
	struct machine *machine = *state;
	const uint64_t all[2] = {~0ULL, ~0ULL};
	uint8_t *host = take_pages(70);
	struct keg_slot slot;

	assert_ok(keg_slot_alloc(machine->vm, 70 * PAGE, &slot));
	assert_ok(keg_slot_map(machine->vm, slot, host, machine->memory + 2 * MACHINE_BYTES,
		KVM_MEM_LOG_DIRTY_PAGES));
	assert_ok(keg_slot_clear_dirty(machine->vm, slot, all, 64, 6));
	assert_ok(keg_slot_clear_dirty(machine->vm, slot, all, 0, 70));
	assert_fails(keg_slot_clear_dirty(machine->vm, slot, all, 64, 5), EINVAL, "whole words");
	drop_pages(host, 70);
}

static void a_kvm_without_manual_protection_says_so(void **state)
{
	struct machine *machine = *state;

	ioctls_answer_extension(KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 0);
	assert_fails(keg_vm_manual_dirty_protect(machine->vm), ENOTSUP,
		"no manual protection of dirty pages");
	ioctls_fail_next(KVM_CHECK_EXTENSION, EIO);
	assert_fails(keg_vm_manual_dirty_protect(machine->vm), EIO, "KVM_CHECK_EXTENSION");
}

#define TEST(name, open) cmocka_unit_test_setup_teardown(name, open, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_machine_that_has_not_run_has_no_dirty_page, open_automatic),
		TEST(exactly_the_pages_that_the_guest_wrote_are_dirty, open_automatic),
		TEST(reading_the_log_clears_it, open_automatic),
		TEST(pages_that_are_written_again_are_dirty_again, open_automatic),
		TEST(logging_can_be_turned_on_and_off_while_the_guest_lives, open_without_log),
		TEST(a_bitmap_that_is_too_small_is_refused_and_not_touched, open_automatic),
		TEST(a_bitmap_needs_a_word_for_a_part_of_64_pages, open_automatic),
		TEST(a_slot_that_is_not_mapped_has_no_log, open_automatic),
		TEST(with_manual_protection_reading_changes_nothing, open_manual),
		TEST(with_manual_protection_the_pages_whose_bits_are_set_are_cleared, open_manual),
		TEST(with_manual_protection_bit_0_is_the_first_page_of_the_range, open_manual),
		TEST(what_is_cleared_must_be_whole_words_up_to_the_slots_end, open_manual),
		TEST(the_last_word_of_a_slot_may_be_a_part, open_manual),
		TEST(a_kvm_without_manual_protection_says_so, open_automatic),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-dirty-log", tests, NULL, NULL);
}
