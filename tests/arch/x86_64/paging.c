/* SPDX-License-Identifier: MIT */
/* Page tables that map memory to itself, and where linear addresses lead. */
#include "arch/x86_64/fixture.h"

static const uint64_t mib = 1 << 20, gib = 1 << 30;

/* Bits of an entry (SDM volume 3, 4.5). */
enum { PRESENT = 1 << 0, WRITABLE = 1 << 1, USER = 1 << 2, LARGE = 1 << 7, ENTRIES = 512 };

enum { TABLE = 0x10000 };

static int open_memory(void **state)
{
	struct machine *machine;

	open_vcpu(state);
	machine = *state;
	assert_ok(keg_mem_add_ram(machine->mem, 4 * mib, 4 * mib)); /* for the largest tables */
	return 0;
}

static struct keg_mem *mem_of(void **state)
{
	const struct machine *machine = *state;

	return machine->mem;
}

static uint64_t entry_of(void **state, keg_gpa table, uint64_t index)
{
	uint64_t entry;

	assert_ok(
		keg_mem_read(mem_of(state), table + index * sizeof(entry), &entry, sizeof(entry)));
	return entry;
}

/* ---- Tables ---- */

static void tables_take_two_pages_and_one_for_each_gib(void **state)
{
	(void)state;
	assert_int_equal(keg_x86_identity_map_size(1), 3 * PAGE);
	assert_int_equal(keg_x86_identity_map_size(gib), 3 * PAGE);
	assert_int_equal(keg_x86_identity_map_size(gib + 1), 4 * PAGE);
	assert_int_equal(keg_x86_identity_map_size(4 * gib), 6 * PAGE);
	assert_int_equal(keg_x86_identity_map_size(512 * gib), 514 * PAGE);
}

static void writing_tables_tells_how_many_bytes_they_have(void **state)
{
	static const uint64_t sizes[] = {1, 2 << 20, 1 << 30, 5ULL << 30, 512ULL << 30};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(keg_x86_identity_map(mem_of(state), 4 * mib, sizes[i]),
			keg_x86_identity_map_size(sizes[i]));
}

static void tables_map_pages_of_2_mib_for_all_privilege_levels(void **state)
{
	const uint64_t open = PRESENT | WRITABLE | USER;

	assert_ok(keg_mem_fill(mem_of(state), TABLE, 0xff, 8 * PAGE));
	assert_ok(keg_x86_identity_map(mem_of(state), TABLE, 2 * gib));
	assert_int_equal(entry_of(state, TABLE, 0), (TABLE + PAGE) | open);
	assert_int_equal(entry_of(state, TABLE + PAGE, 0), (TABLE + 2 * PAGE) | open);
	assert_int_equal(entry_of(state, TABLE + PAGE, 1), (TABLE + 3 * PAGE) | open);
	for (uint64_t i = 0; i < 2 * ENTRIES; i++)
		assert_int_equal(entry_of(state, TABLE + 2 * PAGE, i), i * 2 * mib | open | LARGE);
	for (uint64_t i = 2; i < ENTRIES; i++)
		assert_int_equal(entry_of(state, TABLE + PAGE, i), 0);
	for (uint64_t i = 1; i < ENTRIES; i++)
		assert_int_equal(entry_of(state, TABLE, i), 0);
	assert_int_equal(entry_of(state, TABLE + 4 * PAGE, 0), UINT64_MAX); /* beyond them */
}

static void a_part_of_2_mib_is_mapped_as_a_whole(void **state)
{
	assert_ok(keg_x86_identity_map(mem_of(state), TABLE, gib + 2 * mib + 1));
	assert_true(entry_of(state, TABLE + 2 * PAGE, ENTRIES - 1) & PRESENT);
	assert_true(entry_of(state, TABLE + 3 * PAGE, 0) & PRESENT);
	assert_true(entry_of(state, TABLE + 3 * PAGE, 1) & PRESENT);
	assert_int_equal(entry_of(state, TABLE + 3 * PAGE, 2), 0);
}

static void tables_that_cannot_be_are_refused(void **state)
{
	struct keg_mem *mem = mem_of(state);

	assert_fails(keg_x86_identity_map(mem, TABLE + 8, gib), EINVAL, "page tables at 0x10008");
	assert_fails(keg_x86_identity_map(mem, TABLE, 0), EINVAL, "mapping 0x0 bytes");
	assert_fails(keg_x86_identity_map(mem, TABLE, 512 * gib + 1), EINVAL, "512 GiB");
	assert_fails(keg_x86_identity_map(mem, TABLE, UINT64_MAX), EINVAL, "512 GiB");
}

static void tables_where_there_is_no_memory_are_refused(void **state)
{
	struct keg_mem *mem = mem_of(state);
	const keg_gpa last_pages = UINT64_MAX - (2 * PAGE - 1);

	assert_fails(keg_x86_identity_map(mem, 2 * mib, gib), EFAULT, "there is nothing");
	assert_fails(keg_x86_identity_map(mem, mib - PAGE, gib), EFAULT, "there is nothing");
	assert_fails(keg_x86_identity_map(mem, mib - 2 * PAGE, gib), EFAULT, "there is nothing");
	assert_fails(keg_x86_identity_map(mem, last_pages, gib), EFAULT, "wrap around");
}

/* ---- Translation ---- */

static int translate(struct keg_vcpu *vcpu, uint64_t linear, uint64_t *physical)
{
	struct kvm_translation translation = {.linear_address = linear};
	int rc = keg_vcpu_translate(vcpu, &translation);

	*physical = translation.physical_address;
	return rc;
}

static void without_paging_every_address_leads_to_itself(void **state)
{
	uint64_t physical;

	assert_int_equal(translate(vcpu_of(state), 0x12345, &physical), 1);
	assert_int_equal(physical, 0x12345);
}

static void mapped_addresses_lead_where_the_tables_say(void **state)
{
	uint64_t physical;

	assert_ok(keg_x86_identity_map(mem_of(state), TABLE, 4 * mib));
	assert_ok(keg_vcpu_enter_long_mode(vcpu_of(state), TABLE));
	assert_int_equal(translate(vcpu_of(state), 0x12345, &physical), 1);
	assert_int_equal(physical, 0x12345);
	assert_int_equal(translate(vcpu_of(state), 4 * mib - 1, &physical), 1);
	assert_int_equal(physical, 4 * mib - 1);
}

static void addresses_that_are_not_mapped_lead_nowhere(void **state)
{
	uint64_t physical;

	assert_ok(keg_x86_identity_map(mem_of(state), TABLE, 4 * mib));
	assert_ok(keg_vcpu_enter_long_mode(vcpu_of(state), TABLE));
	assert_int_equal(translate(vcpu_of(state), 4 * mib, &physical), 0);
	assert_int_equal(translate(vcpu_of(state), 1ULL << 40, &physical), 0);
}

static void a_change_of_the_tables_is_seen(void **state)
{
	const uint64_t elsewhere = 6 * mib | PRESENT | WRITABLE | USER | LARGE;
	uint64_t physical;

	assert_ok(keg_x86_identity_map(mem_of(state), TABLE, 4 * mib));
	assert_ok(keg_mem_write(mem_of(state), TABLE + 2 * PAGE + 8, &elsewhere, 8));
	assert_ok(keg_vcpu_enter_long_mode(vcpu_of(state), TABLE));
	assert_int_equal(translate(vcpu_of(state), 2 * mib + 5, &physical), 1);
	assert_int_equal(physical, 6 * mib + 5);
}

static void a_translation_that_fails_says_so(void **state)
{
	uint64_t physical;

	ioctls_fail_next(KVM_TRANSLATE, EIO);
	assert_fails(translate(vcpu_of(state), 0, &physical), EIO, "KVM_TRANSLATE");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_memory, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tables_take_two_pages_and_one_for_each_gib),
		TEST(writing_tables_tells_how_many_bytes_they_have),
		TEST(tables_map_pages_of_2_mib_for_all_privilege_levels),
		TEST(a_part_of_2_mib_is_mapped_as_a_whole),
		TEST(tables_that_cannot_be_are_refused),
		TEST(tables_where_there_is_no_memory_are_refused),
		TEST(without_paging_every_address_leads_to_itself),
		TEST(mapped_addresses_lead_where_the_tables_say),
		TEST(addresses_that_are_not_mapped_lead_nowhere),
		TEST(a_change_of_the_tables_is_seen),
		TEST(a_translation_that_fails_says_so),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-paging", tests, NULL, NULL);
}
