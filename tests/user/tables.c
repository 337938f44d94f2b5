/* SPDX-License-Identifier: MIT */
/* A machine's page tables: what is set is read back, found, changed and split. */
#include "bare.h"

#include <errno.h>

enum {
	BITS = KEG_PTE_PRESENT | KEG_PTE_USER | KEG_PTE_WRITE,
	SEEN = BITS | KEG_PTE_ACCESSED,
};
#define AT    0x10000000ull
#define LARGE ((uint64_t)KEG_LARGE * KEG_PAGE)

static int drops;
static bool drop_fails;

int __real_keg_machine_drop_translations(struct keg_machine *machine);
int __wrap_keg_machine_drop_translations(struct keg_machine *machine);
int __wrap_keg_machine_drop_translations(struct keg_machine *machine)
{
	drops++;
	return drop_fails ? -ENOMEM : __real_keg_machine_drop_translations(machine);
}

static int split(struct bare *bare, uint64_t at, uint32_t pages)
{
	return keg_machine_split(bare->machine, at, at + (uint64_t)pages * KEG_PAGE);
}

static keg_page take(struct bare *bare, uint32_t count, bool large)
{
	keg_page first;

	assert_int_equal(keg_pages_take(bare->pages, count, large, &first), 0);
	return first;
}

static uint64_t entry(keg_page page, uint64_t bits)
{
	return (uint64_t)page << KEG_PAGE_SHIFT | bits;
}

static void keeps_entries(void **state)
{
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = take(&bare, 1500, false);
	assert_ok(keg_machine_map(bare.machine, AT - KEG_PAGE, first, 1500, BITS));
	for (uint32_t i = 0; i < 1500; i++)
		assert_int_equal(keg_machine_entry(bare.machine, AT - KEG_PAGE + i * KEG_PAGE),
			entry(first + i, SEEN));
	assert_int_equal(keg_machine_entry(bare.machine, AT - 2 * KEG_PAGE), 0);
	assert_int_equal(keg_machine_entry(bare.machine, AT + 1499ull * KEG_PAGE), 0);
	/* An address within a page is that page's. */
	assert_int_equal(keg_machine_entry(bare.machine, AT + 5), entry(first + 1, SEEN));

	assert_ok(keg_machine_set_entry(bare.machine, AT, 0));
	assert_int_equal(keg_machine_entry(bare.machine, AT), 0);
	assert_ok(keg_machine_set_entry(
		bare.machine, AT, entry(first, KEG_PTE_COPY | KEG_PTE_NO_EXECUTE)));
	assert_int_equal(keg_machine_entry(bare.machine, AT),
		entry(first, KEG_PTE_COPY | KEG_PTE_NO_EXECUTE));
	assert_int_equal(keg_pte_page(keg_machine_entry(bare.machine, AT)), first);
	bare_close(&bare);
}

static void finds_the_next(void **state)
{
	const uint64_t end = KEG_USER_TOP;
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = take(&bare, KEG_LARGE, true);
	assert_int_equal(keg_machine_next(bare.machine, 0, end), BARE_CODE_AT);
	assert_int_equal(
		keg_machine_next(bare.machine, BARE_CODE_AT + KEG_PAGE, end), BARE_DATA_AT);
	assert_int_equal(keg_machine_next(bare.machine, BARE_STACK_TOP, end), end);
	assert_int_equal(keg_machine_next(bare.machine, BARE_STACK_TOP, BARE_STACK_TOP + 5),
		BARE_STACK_TOP + 5);
	assert_ok(keg_machine_map(bare.machine, 1ull << 40, first, 1, BITS));
	assert_ok(keg_machine_map(bare.machine, KEG_USER_TOP - KEG_PAGE, first, 1, BITS));
	assert_int_equal(keg_machine_next(bare.machine, BARE_STACK_TOP, end), 1ull << 40);
	assert_int_equal(keg_machine_next(bare.machine, (1ull << 40) + 1, end), 1ull << 40);
	assert_int_equal(keg_machine_next(bare.machine, (1ull << 40) + KEG_PAGE, end),
		KEG_USER_TOP - KEG_PAGE);
	assert_ok(keg_machine_map(
		bare.machine, LARGE * 1000, first, KEG_LARGE, BITS | KEG_PTE_LARGE));
	assert_int_equal(keg_machine_next(bare.machine, BARE_STACK_TOP, end), LARGE * 1000);
	assert_int_equal(keg_machine_next(bare.machine, LARGE * 1000 + 5 * KEG_PAGE, end),
		LARGE * 1000 + 5 * KEG_PAGE);
	assert_int_equal(keg_machine_next(bare.machine, LARGE * 1001, end), 1ull << 40);
	bare_close(&bare);
}

BARE_CODE(load_far, "mov (%rbx), %rax; syscall; jmp bare_code_load_far");

static void expect_load(struct bare *bare, uint64_t at, uint64_t value)
{
	bare_load(bare, code_load_far);
	bare->cpu->regs.rbx = at;
	bare_expect_syscall(bare, value);
}

/* A large page with a number in each page of it, at LARGE * 300. */
static keg_page map_large(struct bare *bare)
{
	keg_page first = take(bare, KEG_LARGE, true);

	for (uint32_t i = 0; i < KEG_LARGE; i++) {
		uint64_t *memory = keg_pages_at(bare->pages, first + i);

		*memory = 1000 + i;
	}
	assert_ok(keg_machine_map(
		bare->machine, LARGE * 300, first, KEG_LARGE, BITS | KEG_PTE_LARGE));
	return first;
}

static void keeps_a_large_page_whole(void **state)
{
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = map_large(&bare);
	assert_int_equal(keg_machine_entry(bare.machine, LARGE * 300 + 9 * KEG_PAGE),
		entry(first + 9, SEEN | KEG_PTE_LARGE));
	expect_load(&bare, LARGE * 300 + 9 * KEG_PAGE, 1009);
	expect_load(&bare, LARGE * 300 + 511 * KEG_PAGE, 1511);
	assert_fails(
		keg_machine_set_entry(bare.machine, LARGE * 300 + KEG_PAGE, 0), EINVAL, "large");
	assert_fails(keg_machine_map(bare.machine, LARGE * 300, first, 1, BITS), EINVAL, "large");
	assert_fails(
		keg_machine_map(bare.machine, LARGE * 300, first, KEG_LARGE, BITS | KEG_PTE_LARGE),
		EINVAL, "large");
	bare_close(&bare);
}

static void splits_a_large_page(void **state)
{
	const uint64_t at = LARGE * 300 + 9 * KEG_PAGE;
	struct bare bare;
	keg_page first, other;

	(void)state;
	bare_open(&bare);
	first = map_large(&bare);
	other = take(&bare, 1, false);
	*(uint64_t *)keg_pages_at(bare.pages, other) = 7;
	expect_load(&bare, at, 1009);
	assert_ok(split(&bare, LARGE * 300 + 5 * KEG_PAGE, 1));
	assert_ok(split(&bare, LARGE * 300, KEG_LARGE)); /* harmless */
	for (uint32_t i = 0; i < KEG_LARGE; i++)
		assert_int_equal(keg_machine_entry(bare.machine, LARGE * 300 + i * KEG_PAGE),
			entry(first + i, SEEN));
	expect_load(&bare, at, 1009);

	/* One page of it goes, another comes in its place. */
	assert_ok(keg_machine_set_entry(bare.machine, at, entry(other, BITS)));
	keg_pages_forget(bare.pages, first + 9, 1);
	expect_load(&bare, at, 7);
	expect_load(&bare, at + KEG_PAGE, 1010);
	assert_ok(keg_machine_set_entry(bare.machine, at, 0));
	keg_pages_forget(bare.pages, other, 1);
	bare_load(&bare, code_load_far);
	bare.cpu->regs.rbx = at;
	bare_expect_exception(&bare, 14, 4);
	bare_close(&bare);
}

static void splits_many_at_once(void **state)
{
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = take(&bare, KEG_LARGE, true);
	/* Three that follow one another, one more, and a fifth behind the range. */
	for (uint64_t i = 0; i < 7; i++)
		if (i < 3 || i == 5 || i == 6)
			assert_ok(keg_machine_map(bare.machine, LARGE * (300 + i), first, KEG_LARGE,
				BITS | KEG_PTE_LARGE));
	drops = 0;
	assert_ok(split(&bare, LARGE * 300 + 511 * KEG_PAGE, 5 * KEG_LARGE));
	assert_int_equal(drops, 1);
	for (uint64_t i = 0; i < 7; i++)
		assert_int_equal(
			!!(keg_machine_entry(bare.machine, LARGE * (300 + i)) & KEG_PTE_LARGE),
			i == 6);
	assert_int_equal(keg_machine_entry(bare.machine, LARGE * 302 + 9 * KEG_PAGE),
		entry(first + 9, SEEN));
	assert_ok(split(&bare, LARGE * 300, 5 * KEG_LARGE));
	assert_int_equal(drops, 1);
	bare_close(&bare);
}

/* KVM goes on with what it knew until it is told. */
static void a_split_that_failed_is_made_up_for(void **state)
{
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = take(&bare, KEG_LARGE, true);
	assert_ok(
		keg_machine_map(bare.machine, LARGE * 300, first, KEG_LARGE, BITS | KEG_PTE_LARGE));
	drop_fails = true;
	assert_int_equal(split(&bare, LARGE * 300, 1), -ENOMEM);
	drop_fails = false;
	drops = 0;
	assert_ok(split(&bare, LARGE * 300, 1));
	assert_int_equal(drops, 1);
	bare_close(&bare);
}

/* A table, once there, stays: a large page in its place is made of small ones. */
static void keeps_tables(void **state)
{
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = take(&bare, KEG_LARGE, true);
	assert_ok(keg_machine_map(bare.machine, LARGE * 300, first, 1, BITS));
	assert_ok(keg_machine_set_entry(bare.machine, LARGE * 300, 0));
	assert_ok(
		keg_machine_map(bare.machine, LARGE * 300, first, KEG_LARGE, BITS | KEG_PTE_LARGE));
	for (uint32_t i = 0; i < KEG_LARGE; i++)
		assert_int_equal(keg_machine_entry(bare.machine, LARGE * 300 + i * KEG_PAGE),
			entry(first + i, SEEN));
	assert_ok(keg_machine_set_entry(bare.machine, LARGE * 300, 0));
	bare_close(&bare);
}

static void refuses_what_is_not_a_programs(void **state)
{
	struct bare bare;
	keg_page first;

	(void)state;
	bare_open(&bare);
	first = take(&bare, 2, false);
	assert_fails(keg_machine_map(bare.machine, AT + 1, first, 1, BITS), EINVAL, "aligned");
	assert_fails(
		keg_machine_map(bare.machine, KEG_USER_TOP, first, 1, BITS), EINVAL, "program");
	assert_fails(keg_machine_map(bare.machine, KEG_USER_TOP - KEG_PAGE, first, 2, BITS), EINVAL,
		"program");
	assert_fails(keg_machine_map(bare.machine, 0xffff800000000000, first, 1, BITS), EINVAL,
		"program");
	assert_fails(keg_machine_map(bare.machine, AT, first, KEG_LARGE, BITS | KEG_PTE_LARGE),
		EINVAL, "aligned");
	bare_close(&bare);
}

static void gives_its_tables_back(void **state)
{
	struct keg_pages_usage before, after;
	struct keg_machine *second;
	struct bare bare;

	(void)state;
	bare_open(&bare);
	keg_pages_usage(bare.pages, &before);
	assert_ok(keg_machine_create(bare.host, bare.pages, &bare.lore, &second));
	for (uint64_t i = 1; i < 20; i++)
		assert_ok(keg_machine_map(second, i << 39, bare.code, 1, BITS));
	keg_pages_usage(bare.pages, &after);
	assert_in_range((after.used - before.used) / KEG_PAGE, 60, 80);
	keg_machine_destroy(second);
	keg_machine_lore_fini(&bare.lore);
	keg_pages_usage(bare.pages, &after);
	assert_int_equal(after.used, before.used);
	bare_close(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_entries),
		cmocka_unit_test(finds_the_next),
		cmocka_unit_test(keeps_a_large_page_whole),
		cmocka_unit_test(splits_a_large_page),
		cmocka_unit_test(splits_many_at_once),
		cmocka_unit_test(a_split_that_failed_is_made_up_for),
		cmocka_unit_test(keeps_tables),
		cmocka_unit_test(refuses_what_is_not_a_programs),
		cmocka_unit_test(gives_its_tables_back),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
