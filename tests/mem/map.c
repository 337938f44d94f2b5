/* SPDX-License-Identifier: MIT */
/* A machine's memory map: made, changed, and ended; before the machine starts and after. */
#include "mem/fixture.h"
#include "mem/ioctls.h"

#include <errno.h>

static const uint64_t mib = 1 << 20;

static struct keg_region *add_named(
	struct machine *machine, keg_gpa gpa, enum keg_backing backing, const char *name)
{
	const struct keg_region_config config = {
		.size = sizeof(config), .gpa = gpa, .bytes = mib, .backing = backing, .name = name};
	struct keg_region *region;

	assert_ok(keg_mem_add(machine->mem, &config, &region));
	return region;
}

/* ---- One map a machine ---- */

static void a_machine_has_one_map(void **state)
{
	struct machine *machine = *state;
	struct keg_mem *second = machine->mem;

	assert_fails(keg_mem_create(machine->vm, &second), EEXIST, "has a memory map");
	assert_null(second);
}

static void a_map_that_ends_makes_place_for_another(void **state)
{
	struct machine *machine = *state;

	keg_mem_destroy(machine->mem);
	assert_ok(keg_mem_create(machine->vm, &machine->mem));
}

static void a_machine_that_has_started_without_a_map_gets_none(void **state)
{
	struct machine *machine = *state;

	keg_mem_destroy(machine->mem);
	machine->mem = NULL;
	assert_ok(keg_vm_start(machine->vm));
	assert_fails(keg_mem_create(machine->vm, &machine->mem), EBUSY, "started");
	assert_null(machine->mem);
}

static void ending_no_map_is_harmless(void **state)
{
	(void)state;
	keg_mem_destroy(NULL);
}

static void ending_a_map_releases_all_that_it_made(void **state)
{
	struct machine machine;
	int before = open_descriptors();
	unsigned char resident;
	void *host[2];

	(void)state;
	machine_open(&machine, NULL);
	host[0] = keg_region_host(add_named(&machine, 0, KEG_BACKING_ANONYMOUS, "ram"));
	host[1] = keg_region_host(add_named(&machine, mib, KEG_BACKING_MEMFD, "memfd"));
	add_named(&machine, 2 * mib, KEG_BACKING_NONE, "hole");
	assert_ok(keg_vm_start(machine.vm));
	machine_close(&machine);
	assert_int_equal(open_descriptors(), before);
	for (int i = 0; i < 2; i++)
		assert_int_equal(mincore(host[i], PAGE, &resident), -1); /* not mapped */
}

/* ---- Removing ---- */

static void a_region_that_is_removed_leaves_its_place_free(void **state)
{
	struct machine *machine = *state;
	struct keg_region *region = add_named(machine, mib, KEG_BACKING_ANONYMOUS, "first");
	char byte;

	assert_ok(keg_mem_remove(machine->mem, region));
	assert_null(keg_mem_next_region(machine->mem, 0));
	assert_fails(keg_mem_read(machine->mem, mib, &byte, 1), EFAULT, "there is nothing");
	add_named(machine, mib, KEG_BACKING_ANONYMOUS, "second");
}

static void a_region_that_is_removed_after_the_start_gives_its_slot_back(void **state)
{
	struct machine *machine = *state;
	struct keg_region *region = add_named(machine, mib, KEG_BACKING_ANONYMOUS, "ram");
	struct keg_slot slot, next;

	assert_ok(keg_vm_start(machine->vm));
	slot = keg_region_slot(region);
	assert_int_not_equal(slot.serial, 0);
	ioctls_forget();
	assert_ok(keg_mem_remove(machine->mem, region));
	assert_int_equal(ioctls_made(KVM_SET_USER_MEMORY_REGION), 1);
	assert_ok(keg_slot_alloc(machine->vm, PAGE, &next));
	assert_int_equal(next.number, slot.number);
}

static void a_region_that_kvm_does_not_let_go_stays(void **state)
{
	struct machine *machine = *state;
	struct keg_region *region = add_named(machine, mib, KEG_BACKING_ANONYMOUS, "ram");

	assert_ok(keg_vm_start(machine->vm));
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(keg_mem_remove(machine->mem, region), ENOMEM, "memory slot 0");
	assert_ptr_equal(keg_mem_next_region(machine->mem, 0), region);
	assert_ok(keg_mem_write(machine->mem, mib, "x", 1));
	assert_ok(keg_mem_remove(machine->mem, region));
}

/* ---- Replacing ---- */

static void a_regions_memory_is_replaced_before_the_start(void **state)
{
	struct machine *machine = *state;
	uint8_t *host = take_pages(mib / PAGE), byte;
	struct keg_region *region = add_named(machine, mib, KEG_BACKING_MEMFD, "ram");
	int before = open_descriptors();

	host[5] = 42;
	assert_ok(keg_region_replace(region, host));
	assert_ptr_equal(keg_region_host(region), host);
	assert_int_equal(keg_region_fd(region), -1);
	assert_int_equal(open_descriptors(), before - 1); /* what the map had made is gone */
	assert_ok(keg_mem_read(machine->mem, mib + 5, &byte, 1));
	assert_int_equal(byte, 42);
	assert_ok(keg_mem_remove(machine->mem, region));
	host[0] = 1; /* it is the caller's still */
	drop_pages(host, mib / PAGE);
}

static void a_regions_memory_is_replaced_again_and_again(void **state)
{
	struct machine *machine = *state;
	uint8_t *host = take_pages(2 * mib / PAGE);
	struct keg_region *region = add_named(machine, mib, KEG_BACKING_ANONYMOUS, "ram");

	assert_ok(keg_region_replace(region, host));
	assert_ok(keg_region_replace(region, host + mib));
	assert_ptr_equal(keg_region_host(region), host + mib);
	assert_ok(keg_mem_remove(machine->mem, region));
	drop_pages(host, 2 * mib / PAGE);
}

static void the_guest_gets_the_memory_that_replaced_the_first(void **state)
{
	struct machine *machine = *state;
	uint8_t *host = take_pages(MACHINE_BYTES / PAGE);
	struct guest_code code = guest_store();
	struct keg_exit exit;

	assert_ok(keg_mem_add_ram(machine->mem, machine->memory, MACHINE_BYTES));
	memcpy(host + MACHINE_CODE, code.bytes, code.size);
	assert_ok(keg_region_replace(keg_mem_next_region(machine->mem, 0), host));
	assert_ok(keg_vcpu_run(machine_add_vcpu(machine), &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(exit.mmio.address, guest_mmio);
	keg_vcpu_destroy(machine->vcpu);
	machine->vcpu = NULL;
	assert_ok(keg_mem_remove(machine->mem, keg_mem_next_region(machine->mem, 0)));
	drop_pages(host, MACHINE_BYTES / PAGE);
}

static void nothing_is_replaced_after_the_start(void **state)
{
	struct machine *machine = *state;
	struct keg_region_config config = {.size = sizeof(config),
		.gpa = mib,
		.bytes = PAGE,
		.flags = KEG_REGION_NOT_KVM,
		.name = "private"};
	struct keg_region *ram = add_named(machine, 0, KEG_BACKING_ANONYMOUS, "ram"), *private;
	void *host = keg_region_host(ram);

	assert_ok(keg_mem_add(machine->mem, &config, &private));
	assert_ok(keg_vm_start(machine->vm));
	assert_fails(keg_region_replace(ram, host), EBUSY, "region 'ram' has reached KVM");
	assert_fails(keg_region_replace(private, host), EBUSY, "region 'private'");
}

static void a_hole_has_nothing_to_replace(void **state)
{
	struct machine *machine = *state;
	struct keg_region *hole = add_named(machine, mib, KEG_BACKING_NONE, "hole");
	void *host = take_pages(1);

	assert_fails(keg_region_replace(hole, host), EINVAL, "region 'hole' is a hole");
	drop_pages(host, 1);
}

static void memory_that_is_no_pages_replaces_nothing(void **state)
{
	struct machine *machine = *state;
	struct keg_region *region = add_named(machine, mib, KEG_BACKING_ANONYMOUS, "ram");
	void *before = keg_region_host(region);
	static const uintptr_t addresses[] = {0, 0x1001, UINTPTR_MAX - (PAGE - 1)};

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		assert_fails(keg_region_replace(region, (void *)addresses[i]), EINVAL,
			"region 'ram': the host address");
	assert_ptr_equal(keg_region_host(region), before);
}

/* ---- Adding after the start ---- */

static void a_region_that_kvm_refuses_after_the_start_is_not_in_the_map(void **state)
{
	struct machine *machine = *state;
	struct keg_region_config config = {
		.size = sizeof(config), .gpa = mib, .bytes = PAGE, .name = "late"};
	struct keg_region *region = (void *)1;
	int before;

	config.backing = KEG_BACKING_MEMFD;
	assert_ok(keg_vm_start(machine->vm));
	before = open_descriptors();
	ioctls_fail_next(KVM_SET_USER_MEMORY_REGION, ENOMEM);
	assert_fails(keg_mem_add(machine->mem, &config, &region), ENOMEM,
		"region 'late': memory slot 0, 0x1000 bytes at 0x100000");
	assert_null(region);
	assert_null(keg_mem_next_region(machine->mem, 0));
	assert_int_equal(open_descriptors(), before);
	assert_ok(keg_mem_add(machine->mem, &config, &region));
	assert_int_equal(keg_region_slot(region).number, 0); /* the slot was given back */
}

static void a_region_that_finds_no_slot_after_the_start_is_refused(void **state)
{
	struct machine *machine = *state;

	ioctls_answer_extension(KVM_CAP_NR_MEMSLOTS, 1);
	assert_ok(keg_mem_add_ram(machine->mem, 0, mib));
	assert_ok(keg_vm_start(machine->vm));
	assert_fails(keg_mem_add_ram(machine->mem, mib, mib), ENOSPC, "all 1 memory slots");
	assert_int_equal(keg_region_gpa(keg_mem_next_region(machine->mem, 0)), 0);
	assert_null(keg_mem_next_region(machine->mem, mib));
}

static void a_region_that_is_not_for_kvm_needs_no_slot(void **state)
{
	struct machine *machine = *state;
	struct keg_region_config config = {
		.size = sizeof(config), .gpa = mib, .bytes = PAGE, .flags = KEG_REGION_NOT_KVM};
	struct keg_region *region;

	assert_ok(keg_vm_start(machine->vm));
	ioctls_forget();
	assert_ok(keg_mem_add(machine->mem, &config, &region));
	assert_int_equal(ioctls_made(0), 0);
	assert_int_equal(keg_region_slot(region).serial, 0);
	assert_ok(keg_mem_write(machine->mem, mib, "x", 1));
	assert_ok(keg_mem_remove(machine->mem, region));
	assert_int_equal(ioctls_made(0), 0);
}

static int open_obedient(void **state)
{
	ioctls_obey(NULL);
	return open_machine(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_obedient, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_machine_has_one_map),
		TEST(a_map_that_ends_makes_place_for_another),
		TEST(a_machine_that_has_started_without_a_map_gets_none),
		TEST(ending_no_map_is_harmless),
		TEST(ending_a_map_releases_all_that_it_made),
		TEST(a_region_that_is_removed_leaves_its_place_free),
		TEST(a_region_that_is_removed_after_the_start_gives_its_slot_back),
		TEST(a_region_that_kvm_does_not_let_go_stays),
		TEST(a_regions_memory_is_replaced_before_the_start),
		TEST(a_regions_memory_is_replaced_again_and_again),
		TEST(the_guest_gets_the_memory_that_replaced_the_first),
		TEST(nothing_is_replaced_after_the_start),
		TEST(a_hole_has_nothing_to_replace),
		TEST(memory_that_is_no_pages_replaces_nothing),
		TEST(a_region_that_kvm_refuses_after_the_start_is_not_in_the_map),
		TEST(a_region_that_finds_no_slot_after_the_start_is_refused),
		TEST(a_region_that_is_not_for_kvm_needs_no_slot),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-map", tests, NULL, NULL);
}
