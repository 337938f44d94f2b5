/* SPDX-License-Identifier: MIT */
/* Memory slots as a guest sees them: the last one too. */
#include "mem/fixture.h"

#include <errno.h>

/* Puts a program and its memory behind `slot`, at the machine's memory. */
static uint8_t *map_program(struct machine *machine, struct keg_slot slot, struct guest_code code)
{
	uint8_t *host = take_pages(MACHINE_BYTES / PAGE);

	memcpy(host + MACHINE_CODE, code.bytes, code.size);
	assert_ok(keg_slot_map(machine->vm, slot, host, machine->memory, 0));
	return host;
}

static void assert_store(struct keg_vcpu *vcpu, uint32_t value)
{
	struct keg_exit exit;
	uint32_t stored;

	assert_ok(keg_vcpu_run(vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(exit.mmio.address, guest_mmio);
	memcpy(&stored, exit.mmio.data, sizeof(stored));
	assert_int_equal(stored, value);
}

/* Takes every slot there is: `*last` is the last one. */
static void take_all(struct machine *machine, struct keg_slot *last)
{
	int count = keg_host_memory_slot_count(machine->host);

	assert_true(count > 0);
	for (int i = 0; i < count; i++)
		assert_ok(keg_slot_alloc(machine->vm, MACHINE_BYTES, last));
	assert_int_equal(last->number, count - 1);
}

static void the_last_slot_is_usable_and_the_next_is_refused(void **state)
{
	struct machine *machine = *state;
	struct keg_slot last, none;
	char words[64];
	uint8_t *host;

	take_all(machine, &last);
	snprintf(words, sizeof(words), "all %u memory slots", last.number + 1);
	assert_fails(keg_slot_alloc(machine->vm, PAGE, &none), ENOSPC, words);
	host = map_program(machine, last, guest_store());
	assert_store(machine_add_vcpu(machine), 1);
	drop_pages(host, MACHINE_BYTES / PAGE);
}

static void a_map_that_finds_no_slot_does_not_start(void **state)
{
	struct machine *machine = *state;
	struct keg_slot last;

	take_all(machine, &last);
	machine_load(machine, guest_store());
	assert_fails(keg_vm_start(machine->vm), ENOSPC, "memory slots");
	assert_false(keg_vm_started(machine->vm));
	assert_ok(keg_slot_free(machine->vm, last));
	assert_store(machine_add_vcpu(machine), 1);
}

static void slots_and_regions_live_in_one_machine(void **state)
{
	struct machine *machine = *state;
	struct keg_slot slot;
	void *host = take_pages(4);

	machine_load(machine, guest_store());
	assert_ok(keg_slot_alloc(machine->vm, 4 * PAGE, &slot));
	assert_ok(keg_slot_map(machine->vm, slot, host, machine->memory + MACHINE_BYTES, 0));
	assert_store(machine_add_vcpu(machine), 1);
	assert_fails(keg_slot_map(machine->vm, slot, host, machine->memory, 0), EEXIST,
		"memory slot 0 at");
	assert_fails(keg_mem_add_ram(machine->mem, machine->memory + MACHINE_BYTES, PAGE), EEXIST,
		"overlaps slot 0");
	drop_pages(host, 4);
}

static void the_guest_writes_to_the_slots_memory(void **state)
{
	struct machine *machine = *state;
	struct keg_slot slot;
	struct keg_exit exit;
	uint8_t *host;

	assert_ok(keg_slot_alloc(machine->vm, MACHINE_BYTES, &slot));
	host = map_program(machine, slot, guest_touch());
	assert_ok(keg_vcpu_run(machine_add_vcpu(machine), &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	for (int i = 0; i < guest_pages; i++)
		assert_int_equal(host[(guest_first_page + i) * PAGE], guest_pages - i);
	drop_pages(host, MACHINE_BYTES / PAGE);
}

static void a_slot_moves_under_a_guest_that_has_started(void **state)
{
	struct machine *machine = *state;
	const keg_gpa touched = machine->memory + guest_first_page * PAGE;
	uint8_t *first = take_pages(1), *second = take_pages(1);
	struct keg_slot code, data;
	struct keg_exit exit;
	uint8_t *host;

	assert_ok(keg_slot_alloc(machine->vm, (uint64_t)guest_first_page * PAGE, &code));
	host = map_program(machine, code, guest_touch());
	assert_ok(keg_slot_alloc(machine->vm, PAGE, &data));
	assert_ok(keg_slot_map(machine->vm, data, first, touched, 0));
	assert_ok(keg_vcpu_run(machine_add_vcpu(machine), &exit));
	assert_int_equal(exit.mmio.address, touched + PAGE); /* there is no memory after it */
	assert_int_equal(first[0], guest_pages);
	assert_ok(keg_slot_map(machine->vm, data, second, touched + PAGE, 0));
	assert_ok(keg_vcpu_run(machine->vcpu, &exit));
	assert_int_equal(exit.mmio.address, touched + 2 * PAGE);
	drop_pages(host, MACHINE_BYTES / PAGE);
	drop_pages(first, 1);
	drop_pages(second, 1);
}

static void a_write_to_a_read_only_slot_exits(void **state)
{
	struct machine *machine = *state;
	const keg_gpa touched = machine->memory + guest_first_page * PAGE;
	struct keg_slot code, data;
	uint8_t *host, *rom = take_pages(1);
	struct keg_exit exit;

	assert_ok(keg_slot_alloc(machine->vm, (uint64_t)guest_first_page * PAGE, &code));
	host = map_program(machine, code, guest_touch());
	assert_ok(keg_slot_alloc(machine->vm, PAGE, &data));
	assert_ok(keg_slot_map(machine->vm, data, rom, touched, KVM_MEM_READONLY));
	assert_ok(keg_vcpu_run(machine_add_vcpu(machine), &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(exit.mmio.address, touched);
	assert_true(exit.mmio.write);
	assert_int_equal(rom[0], 0);
	drop_pages(host, MACHINE_BYTES / PAGE);
	drop_pages(rom, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(the_last_slot_is_usable_and_the_next_is_refused),
		machine_test(a_map_that_finds_no_slot_does_not_start),
		machine_test(slots_and_regions_live_in_one_machine),
		machine_test(the_guest_writes_to_the_slots_memory),
		machine_test(a_slot_moves_under_a_guest_that_has_started),
		machine_test(a_write_to_a_read_only_slot_exits),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-slot-guest", tests, NULL, NULL);
}
