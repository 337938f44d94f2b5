/* SPDX-License-Identifier: MIT */
/* The delayed start: KVM hears of memory when the machine starts, of each region once. */
#include "mem/fixture.h"
#include "mem/ioctls.h"

#include <errno.h>

enum { REGIONS = 32 };

static const uint64_t mib = 1 << 20;

static int open_obedient(void **state)
{
	ioctls_obey(NULL);
	return open_machine(state);
}

/* How many regions KVM was told of. */
static unsigned int told(void)
{
	return ioctls_made(KVM_SET_USER_MEMORY_REGION);
}

static void add_regions(struct machine *machine)
{
	for (keg_gpa i = 0; i < REGIONS; i++)
		assert_ok(keg_mem_add_ram(machine->mem, machine->memory + i * mib, mib));
}

/* ---- Nothing before, each once ---- */

static void declaring_memory_does_not_reach_the_kernel(void **state)
{
	struct machine *machine = *state;
	uint8_t *host = take_pages(mib / PAGE);

	ioctls_forget();
	add_regions(machine);
	assert_ok(keg_mem_remove(machine->mem, keg_mem_next_region(machine->mem, 0)));
	assert_ok(keg_region_replace(keg_mem_next_region(machine->mem, 0), host));
	assert_ok(keg_mem_write(machine->mem, machine->memory + 2 * mib, "x", 1));
	assert_int_equal(ioctls_made(0), 0);
	assert_ok(keg_mem_remove(machine->mem, keg_mem_next_region(machine->mem, 0)));
	drop_pages(host, mib / PAGE);
}

static void the_start_tells_kvm_of_each_region_once(void **state)
{
	struct machine *machine = *state;

	add_regions(machine);
	ioctls_forget();
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(told(), REGIONS);
	assert_true(keg_vm_started(machine->vm));
}

static void every_region_has_a_slot_of_its_own_after_the_start(void **state)
{
	struct machine *machine = *state;
	bool seen[REGIONS] = {false};
	const struct keg_region *region = NULL;

	add_regions(machine);
	assert_ok(keg_vm_start(machine->vm));
	for (keg_gpa i = 0; i < REGIONS; i++) {
		struct keg_slot slot;

		region = keg_mem_next_region(machine->mem, machine->memory + i * mib);
		slot = keg_region_slot(region);
		assert_int_not_equal(slot.serial, 0);
		assert_in_range(slot.number, 0, REGIONS - 1);
		assert_false(seen[slot.number]);
		seen[slot.number] = true;
	}
}

static void starting_twice_is_harmless(void **state)
{
	struct machine *machine = *state;

	add_regions(machine);
	assert_ok(keg_vm_start(machine->vm));
	ioctls_forget();
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(ioctls_made(0), 0);
}

static void the_first_vcpu_starts_the_machine(void **state)
{
	struct machine *machine = *state;

	add_regions(machine);
	assert_false(keg_vm_started(machine->vm));
	ioctls_forget();
	assert_ok(keg_vcpu_create(machine->vm, NULL, &machine->vcpu));
	assert_true(keg_vm_started(machine->vm));
	assert_int_equal(told(), REGIONS);
}

static void later_vcpus_do_not_start_it_again(void **state)
{
	struct machine *machine = *state;
	struct keg_vcpu *second;

	add_regions(machine);
	assert_ok(keg_vcpu_create(machine->vm, NULL, &machine->vcpu));
	ioctls_forget();
	assert_ok(keg_vcpu_create(machine->vm, NULL, &second));
	assert_int_equal(told(), 0);
	keg_vcpu_destroy(second);
}

static void a_machine_without_memory_starts(void **state)
{
	struct machine *machine = *state;

	ioctls_forget();
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(told(), 0);
}

static void holes_and_private_regions_do_not_reach_kvm(void **state)
{
	struct machine *machine = *state;
	struct keg_region_config config = {
		.size = sizeof(config), .bytes = mib, .backing = KEG_BACKING_NONE};

	assert_ok(keg_mem_add(machine->mem, &config, NULL));
	config.backing = KEG_BACKING_ANONYMOUS;
	config.flags = KEG_REGION_NOT_KVM;
	config.gpa = mib;
	assert_ok(keg_mem_add(machine->mem, &config, NULL));
	ioctls_forget();
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(told(), 0);
	assert_int_equal(keg_region_slot(keg_mem_next_region(machine->mem, mib)).serial, 0);
}

static void a_region_at_the_end_of_the_address_space_ends_the_walk(void **state)
{
	struct machine *machine = *state;
	const struct keg_region_config last = {.size = sizeof(last),
		.gpa = UINT64_MAX - (PAGE - 1),
		.bytes = PAGE,
		.flags = KEG_REGION_NOT_KVM};

	assert_ok(keg_mem_add_ram(machine->mem, machine->memory, mib));
	assert_ok(keg_mem_add(machine->mem, &last, NULL));
	ioctls_forget();
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(told(), 1);
}

/* ---- After the start ---- */

static void a_region_that_is_added_after_the_start_is_mapped_at_once(void **state)
{
	struct machine *machine = *state;

	assert_ok(keg_vm_start(machine->vm));
	ioctls_forget();
	assert_ok(keg_mem_add_ram(machine->mem, machine->memory, mib));
	assert_int_equal(told(), 1);
	assert_int_not_equal(keg_region_slot(keg_mem_next_region(machine->mem, 0)).serial, 0);
}

/* ---- Starts that fail ---- */

static void a_start_that_fails_says_which_region_and_can_be_repeated(void **state)
{
	struct machine *machine = *state;
	const struct ioctl_rule tenth_fails = {
		.request = KVM_SET_USER_MEMORY_REGION, .skip = 10, .times = 1, .answer = -ENOMEM};
	struct keg_region *region;

	add_regions(machine);
	ioctls_forget();
	ioctls_obey(&tenth_fails);
	assert_fails(keg_vm_start(machine->vm), ENOMEM, "region 'ram': memory slot 10");
	assert_false(keg_vm_started(machine->vm));
	assert_int_equal(told(), 11);
	region = keg_mem_next_region(machine->mem, machine->memory + 10 * mib);
	assert_int_equal(keg_region_slot(region).serial, 0);
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(told(), REGIONS + 1); /* it goes on where the first one failed */
	assert_true(keg_vm_started(machine->vm));
}

static void a_vcpu_whose_machine_cannot_start_is_not_made(void **state)
{
	struct machine *machine = *state;

	add_regions(machine);
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(keg_vcpu_create(machine->vm, NULL, &machine->vcpu), ENOMEM, "region 'ram'");
	assert_null(machine->vcpu);
	assert_ok(keg_vcpu_create(machine->vm, NULL, &machine->vcpu));
	assert_int_equal(keg_vcpu_id(machine->vcpu), 0);
}

static void regions_can_be_added_and_removed_between_two_starts(void **state)
{
	struct machine *machine = *state;
	const struct ioctl_rule third_fails = {
		.request = KVM_SET_USER_MEMORY_REGION, .skip = 2, .times = 1, .answer = -ENOMEM};

	add_regions(machine);
	ioctls_obey(&third_fails);
	assert_fails(keg_vm_start(machine->vm), ENOMEM, "region 'ram'");
	assert_ok(keg_mem_remove(machine->mem, keg_mem_next_region(machine->mem, 0)));
	assert_ok(keg_mem_add_ram(machine->mem, machine->memory + REGIONS * mib, mib));
	ioctls_forget();
	assert_ok(keg_vm_start(machine->vm));
	assert_int_equal(told(), REGIONS - 1); /* one was mapped, one is gone, one is new */
}

static void what_a_failed_start_has_mapped_is_not_replaced(void **state)
{
	struct machine *machine = *state;
	const struct ioctl_rule second_fails = {
		.request = KVM_SET_USER_MEMORY_REGION, .skip = 1, .times = 1, .answer = -ENOMEM};
	uint8_t *host = take_pages(mib / PAGE);
	struct keg_region *first, *second;

	add_regions(machine);
	first = keg_mem_next_region(machine->mem, machine->memory);
	second = keg_mem_next_region(machine->mem, machine->memory + mib);
	ioctls_obey(&second_fails);
	assert_fails(keg_vm_start(machine->vm), ENOMEM, "region 'ram'");
	assert_fails(keg_region_replace(first, host), EBUSY, "region 'ram'");
	assert_ok(keg_region_replace(second, host));
	assert_ok(keg_mem_remove(machine->mem, second));
	drop_pages(host, mib / PAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_obedient, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(declaring_memory_does_not_reach_the_kernel),
		TEST(the_start_tells_kvm_of_each_region_once),
		TEST(every_region_has_a_slot_of_its_own_after_the_start),
		TEST(starting_twice_is_harmless),
		TEST(the_first_vcpu_starts_the_machine),
		TEST(later_vcpus_do_not_start_it_again),
		TEST(a_machine_without_memory_starts),
		TEST(holes_and_private_regions_do_not_reach_kvm),
		TEST(a_region_at_the_end_of_the_address_space_ends_the_walk),
		TEST(a_region_that_is_added_after_the_start_is_mapped_at_once),
		TEST(a_start_that_fails_says_which_region_and_can_be_repeated),
		TEST(a_vcpu_whose_machine_cannot_start_is_not_made),
		TEST(regions_can_be_added_and_removed_between_two_starts),
		TEST(what_a_failed_start_has_mapped_is_not_replaced),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-start", tests, NULL, NULL);
}
