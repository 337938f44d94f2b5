/* SPDX-License-Identifier: MIT */
/* Which pages the guest has written: the ring of each vCPU. */
#include "mem/fixture.h"

#include <errno.h>

enum { PAGES = MACHINE_BYTES / PAGE, ENTRIES = 1024 };

static int open_with_ring(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));
	const struct keg_vm_config config = {.size = sizeof(config),
		.kick_signal = machine_kick_signal(),
		.dirty_ring_entries = ENTRIES};
	struct guest_code code = guest_touch();
	struct keg_region_config region = {.size = sizeof(region),
		.bytes = MACHINE_BYTES,
		.flags = KEG_REGION_LOG_DIRTY,
		.name = "ram"};

	assert_non_null(machine);
	machine_open(machine, &config);
	region.gpa = machine->memory;
	assert_ok(keg_mem_add(machine->mem, &region, NULL));
	assert_ok(
		keg_mem_write(machine->mem, machine->memory + MACHINE_CODE, code.bytes, code.size));
	machine_add_vcpu(machine);
	*state = machine;
	return 0;
}

static void touch_pages(struct machine *machine)
{
	struct keg_exit exit;

	assert_ok(keg_vcpu_run(machine->vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(exit.mmio.address, guest_mmio);
}

/* What a harvest has handed out. */
struct harvest {
	uint32_t slot;
	unsigned int seen[PAGES];
	unsigned int others;
};

static void note_page(void *context, const struct keg_dirty_page *page)
{
	struct harvest *harvest = context;

	if (page->slot == harvest->slot && page->offset < PAGES)
		harvest->seen[page->offset]++;
	else
		harvest->others++;
}

static int harvest_pages(struct machine *machine, struct harvest *harvest)
{
	const struct keg_region *region = keg_mem_next_region(machine->mem, machine->memory);

	*harvest = (struct harvest){.slot = keg_region_slot(region).number};
	return keg_vcpu_harvest_dirty(machine->vcpu, note_page, harvest);
}

/*
 * The pages of guest_touch() were handed out, and no others. A page may come more than once: a KVM
 * that emulates the guest's stores notes each of them. The page with the program may come too: KVM
 * maps it writable when it fetches from it, if it can, and calls it dirty for that.
 */
static void assert_touched(const struct harvest *harvest, int rc)
{
	unsigned int all = 0;

	for (int page = 0; page < PAGES; page++) {
		if (page != MACHINE_CODE / PAGE)
			assert_int_equal(harvest->seen[page] != 0,
				page >= guest_first_page && page < guest_first_page + guest_pages);
		all += harvest->seen[page];
	}
	assert_int_equal(harvest->others, 0);
	assert_int_equal(rc, all);
}

static void a_harvest_hands_out_the_pages_that_the_guest_wrote(void **state)
{
	struct harvest harvest;
	int rc;

	touch_pages(*state);
	rc = harvest_pages(*state, &harvest);
	assert_touched(&harvest, rc);
}

static void what_was_harvested_is_not_handed_out_again(void **state)
{
	struct harvest harvest;

	touch_pages(*state);
	assert_true(harvest_pages(*state, &harvest) > 0);
	assert_int_equal(harvest_pages(*state, &harvest), 0);
}

static void a_reset_protects_what_was_harvested_and_tells_how_much(void **state)
{
	struct machine *machine = *state;
	struct harvest harvest;
	int rc;

	for (int round = 0; round < 100; round++) { /* more than once round the ring */
		touch_pages(machine);
		rc = harvest_pages(machine, &harvest);
		assert_touched(&harvest, rc);
		assert_int_equal(keg_vm_reset_dirty_rings(machine->vm), rc);
		assert_int_equal(keg_vm_reset_dirty_rings(machine->vm), 0);
	}
}

static void a_machine_without_rings_says_so(void **state)
{
	struct harvest harvest;
	struct machine machine;

	(void)state;
	machine_start(&machine, guest_touch());
	assert_fails(harvest_pages(&machine, &harvest), ENOTSUP, "dirty_ring_entries");
	assert_fails(keg_vm_reset_dirty_rings(machine.vm), ENOTSUP, "no ring of dirty pages");
	machine_close(&machine);
}

/* Ends the program as skipped where this KVM has no rings. */
static void require_rings(void)
{
	const struct keg_vm_config config = {.size = sizeof(config), .dirty_ring_entries = ENTRIES};
	struct keg_host *host;
	struct keg_vm *vm;
	int rc;

	if (keg_host_create(NULL, &host))
		return; /* the tests will tell */
	rc = keg_vm_create(host, &config, &vm);
	keg_vm_destroy(vm);
	keg_host_destroy(host);
	if (rc != -ENOTSUP)
		return;
	fprintf(stderr, "SKIPPED: %s\n", keg_error_message());
	exit(TEST_SKIPPED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_with_ring, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_harvest_hands_out_the_pages_that_the_guest_wrote),
		TEST(what_was_harvested_is_not_handed_out_again),
		TEST(a_reset_protects_what_was_harvested_and_tells_how_much),
		cmocka_unit_test(a_machine_without_rings_says_so),
	};

	require_kvm();
	require_rings();
	return cmocka_run_group_tests_name("mem-dirty-ring", tests, NULL, NULL);
}
