/* SPDX-License-Identifier: MIT */
/*
 * What programs see of their memory: no translation outlives what it came from. After each change
 * code at CPL 3 touches the memory again, and must get what is there now, or the fault.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "user/space_program.h"

static const int rw = PROT_READ | PROT_WRITE;

static void memory_reads_as_zero_and_keeps_what_is_written(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 64 * PAGE, rw);

	assert_int_equal(program_run(world->space, cpu, DO_READ, at + 5 * PAGE, 0), 0);
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, at + 5 * PAGE, 77), 77);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at + 5 * PAGE, 0), 77);
	assert_int_equal(get32(world->space, at + 5 * PAGE), 77);
	put32(world->space, at + 5 * PAGE, 78);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at + 5 * PAGE, 0), 78);
}

static void what_is_not_mapped_faults(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);

	assert_int_equal(program_run(world->space, cpu, DO_READ, 0, 0), -EFAULT);
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, 0x10000000, 0), -EFAULT);
	assert_int_equal(program_run(world->space, cpu, DO_JUMP, 0x10000000, 0), -EFAULT);
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, CODE, 0), -EACCES);
}

static void what_was_unmapped_faults(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 64 * PAGE, rw);

	for (uint64_t i = 0; i < 64; i++)
		program_run(world->space, cpu, DO_WRITE, at + i * PAGE, 1 + i);
	assert_ok(keg_space_unmap(world->space, at + 8 * PAGE, 8 * PAGE));
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(program_run(world->space, cpu, DO_READ, at + i * PAGE, 0),
			i / 8 == 1 ? -EFAULT : (int64_t)(1 + i));
}

static void what_was_mapped_over_is_zero(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 4 * PAGE, rw);

	program_run(world->space, cpu, DO_WRITE, at + PAGE, 5);
	map_memory(world->space, at + PAGE, PAGE, rw);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at + PAGE, 0), 0);
}

static void what_became_read_only_cannot_be_written(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 4 * PAGE, rw);

	program_run(world->space, cpu, DO_WRITE, at, 5);
	assert_ok(keg_space_protect(world->space, at, PAGE, PROT_READ));
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 5);
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, at, 6), -EACCES);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 5);
	assert_ok(keg_space_protect(world->space, at, PAGE, rw));
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, at, 6), 6);
}

static void what_is_forbidden_keeps_its_contents(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 4 * PAGE, rw);

	program_run(world->space, cpu, DO_WRITE, at, 5);
	assert_ok(keg_space_protect(world->space, at, PAGE, PROT_NONE));
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), -EACCES);
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, at, 6), -EACCES);
	assert_ok(keg_space_protect(world->space, at, PAGE, PROT_READ));
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 5);
}

static void only_what_is_executable_is_executed(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, PAGE, rw | PROT_EXEC);

	assert_ok(keg_space_write(world->space, at, program_code + (DO_RETURN - CODE), 2));
	assert_int_equal(program_run(world->space, cpu, DO_JUMP, at, 0), 0);
	assert_ok(keg_space_protect(world->space, at, PAGE, rw));
	assert_int_equal(program_run(world->space, cpu, DO_JUMP, at, 0), -EACCES);
	assert_ok(keg_space_protect(world->space, at, PAGE, PROT_READ | PROT_EXEC));
	assert_int_equal(program_run(world->space, cpu, DO_JUMP, at, 0), 0);
}

static void a_large_area_is_taken_apart(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 8 * MIB, rw);
	const uint64_t before = program_faults;

	assert_int_equal(at % (2 * MIB), 0);
	for (uint64_t i = 0; i < 2048; i++)
		program_run(world->space, cpu, DO_WRITE, at + i * PAGE, 1 + i);
	assert_true(program_faults - before <= 8);
	assert_ok(keg_space_unmap(world->space, at + 2 * MIB + PAGE, PAGE));
	assert_ok(keg_space_protect(world->space, at + 4 * MIB + PAGE, PAGE, PROT_READ));
	for (uint64_t i = 0; i < 2048; i++)
		assert_int_equal(program_run(world->space, cpu, DO_READ, at + i * PAGE, 0),
			i == 513 ? -EFAULT : (int64_t)(1 + i));
	assert_int_equal(program_run(world->space, cpu, DO_WRITE, at + 4 * MIB + PAGE, 0), -EACCES);
	assert_ok(keg_space_unmap(world->space, at, 8 * MIB));
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), -EFAULT);
	map_memory(world->space, at, 8 * MIB, rw);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at + 3 * MIB, 0), 0);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 0);
}

static void moved_memory_is_at_its_new_place_only(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0x10000000, 4 * PAGE, rw);
	int64_t moved;

	map_memory(world->space, 0x10004000, PAGE, rw);
	program_run(world->space, cpu, DO_WRITE, at + PAGE, 9);
	moved = keg_space_remap(world->space, at, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE, 0);
	assert_true(moved > 0 && (uint64_t)moved != at);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at + PAGE, 0), -EFAULT);
	assert_int_equal(program_run(world->space, cpu, DO_READ, (uint64_t)moved + PAGE, 0), 9);
	assert_int_equal(
		program_run(world->space, cpu, DO_WRITE, (uint64_t)moved + 7 * PAGE, 3), 3);
}

static void discarded_memory_is_zero(void **state)
{
	static const uint64_t lengths[] = {PAGE, 100 * PAGE};
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, 100 * PAGE, rw);

	for (size_t i = 0; i < 2; i++) {
		program_run(world->space, cpu, DO_WRITE, at, 5);
		assert_ok(keg_space_advise(world->space, at, lengths[i], MADV_DONTNEED));
		assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 0);
	}
}

/* ---- Two processes ---- */

static void neither_of_two_clones_sees_what_the_other_writes(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space), *other;
	const uint64_t at = map_memory(world->space, 0, 32 * PAGE, rw);
	struct keg_space *copy;

	for (uint64_t i = 0; i < 32; i++)
		program_run(world->space, cpu, DO_WRITE, at + i * PAGE, 100 + i);
	assert_ok(keg_space_clone(world->space, &copy));
	assert_ok(keg_cpu_create(keg_space_machine(copy), &other));
	for (uint64_t i = 0; i < 32; i++) {
		assert_int_equal(program_run(copy, other, DO_READ, at + i * PAGE, 0), 100 + i);
		if (i % 2)
			program_run(world->space, cpu, DO_WRITE, at + i * PAGE, 200 + i);
		else
			program_run(copy, other, DO_WRITE, at + i * PAGE, 300 + i);
	}
	for (uint64_t i = 0; i < 32; i++) {
		assert_int_equal(program_run(world->space, cpu, DO_READ, at + i * PAGE, 0),
			i % 2 ? 200 + i : 100 + i);
		assert_int_equal(program_run(copy, other, DO_READ, at + i * PAGE, 0),
			i % 2 ? 100 + i : 300 + i);
	}
	keg_space_destroy(copy);
}

static void what_keg_writes_after_a_clone_is_seen(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	const uint64_t at = map_memory(world->space, 0, PAGE, rw);
	struct keg_space *copy;

	program_run(world->space, cpu, DO_WRITE, at, 1);
	assert_ok(keg_space_clone(world->space, &copy));
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 1);
	put32(world->space, at, 2);
	assert_int_equal(program_run(world->space, cpu, DO_READ, at, 0), 2);
	assert_int_equal(get32(copy, at), 1);
	keg_space_destroy(copy);
}

static void pages_that_another_process_has_now_are_out_of_reach(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	struct keg_space *other = make_space(world);
	uint64_t at, there;

	at = map_memory(world->space, 0, 16 * PAGE, rw);
	for (uint64_t i = 0; i < 16; i++)
		program_run(world->space, cpu, DO_WRITE, at + i * PAGE, 1);
	assert_ok(keg_space_unmap(world->space, at, 16 * PAGE));
	there = map_memory(other, 0, 16 * PAGE, rw);
	for (uint64_t i = 0; i < 16; i++) {
		assert_int_equal(get32(other, there + i * PAGE), 0);
		put32(other, there + i * PAGE, 0x5ec3e7);
	}
	for (uint64_t i = 0; i < 16; i++)
		assert_int_equal(
			program_run(world->space, cpu, DO_WRITE, at + i * PAGE, 1), -EFAULT);
	/* The same addresses again, with pages of its own. */
	map_memory(world->space, at, 16 * PAGE, rw);
	for (uint64_t i = 0; i < 16; i++) {
		assert_int_equal(program_run(world->space, cpu, DO_READ, at + i * PAGE, 0), 0);
		assert_int_equal(get32(other, there + i * PAGE), 0x5ec3e7);
	}
	keg_space_destroy(other);
}

/* ---- Two vCPUs ---- */

struct waiter {
	struct keg_space *space;
	struct keg_cpu *cpu;
	uint64_t at;
	int64_t found;
	_Atomic bool runs;
};

/* Reads the word until it is no longer what it was. */
static void *wait_for_change(void *argument)
{
	struct waiter *waiter = argument;

	waiter->runs = true;
	waiter->found = program_run(waiter->space, waiter->cpu, DO_WAIT, waiter->at, 1);
	return NULL;
}

static void begin_waiting(struct waiter *waiter, pthread_t *thread)
{
	/* It has the translation before anything changes. */
	assert_int_equal(program_run(waiter->space, waiter->cpu, DO_READ, waiter->at, 0), 1);
	assert_int_equal(pthread_create(thread, NULL, wait_for_change, waiter), 0);
	while (!waiter->runs)
		sched_yield();
}

static void a_copy_before_writing_is_seen_by_the_other_thread(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	struct waiter waiter = {.space = world->space};
	struct keg_space *copy;
	pthread_t thread;

	waiter.at = map_memory(world->space, 0, PAGE, rw);
	assert_ok(keg_cpu_create(keg_space_machine(world->space), &waiter.cpu));
	program_run(world->space, cpu, DO_WRITE, waiter.at, 1);
	assert_ok(keg_space_clone(world->space, &copy));
	begin_waiting(&waiter, &thread);
	program_run(world->space, cpu, DO_WRITE, waiter.at, 2);
	pthread_join(thread, NULL);
	assert_int_equal(waiter.found, 2);
	assert_int_equal(get32(copy, waiter.at), 1);
	keg_space_destroy(copy);
}

static void what_one_thread_unmaps_faults_in_the_other(void **state)
{
	struct world *world = *state;
	struct keg_cpu *cpu = program_start(world->space);
	struct waiter waiter = {.space = world->space};
	pthread_t thread;

	waiter.at = map_memory(world->space, 0, PAGE, rw);
	assert_ok(keg_cpu_create(keg_space_machine(world->space), &waiter.cpu));
	program_run(world->space, cpu, DO_WRITE, waiter.at, 1);
	begin_waiting(&waiter, &thread);
	assert_ok(keg_space_unmap(world->space, waiter.at, PAGE));
	pthread_join(thread, NULL);
	assert_int_equal(waiter.found, -EFAULT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
	const struct CMUnitTest tests[] = {
		TEST(memory_reads_as_zero_and_keeps_what_is_written),
		TEST(what_is_not_mapped_faults),
		TEST(what_was_unmapped_faults),
		TEST(what_was_mapped_over_is_zero),
		TEST(what_became_read_only_cannot_be_written),
		TEST(what_is_forbidden_keeps_its_contents),
		TEST(only_what_is_executable_is_executed),
		TEST(a_large_area_is_taken_apart),
		TEST(moved_memory_is_at_its_new_place_only),
		TEST(discarded_memory_is_zero),
		TEST(neither_of_two_clones_sees_what_the_other_writes),
		TEST(what_keg_writes_after_a_clone_is_seen),
		TEST(pages_that_another_process_has_now_are_out_of_reach),
		TEST(a_copy_before_writing_is_seen_by_the_other_thread),
		TEST(what_one_thread_unmaps_faults_in_the_other),
	};

	require_kvm();
	return cmocka_run_group_tests_name("space-guest", tests, NULL, NULL);
}
