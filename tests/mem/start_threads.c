/* SPDX-License-Identifier: MIT */
/* The delayed start from many threads, and a map that changes under a running guest. */
#include "mem/fixture.h"
#include "mem/ioctls.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS = 8, REGIONS = 24, ROUNDS = 50, CHANGES = 200 };

static const uint64_t mib = 1 << 20;

/* ---- Many vCPUs at once ---- */

struct creator {
	struct keg_vm *vm;
	pthread_barrier_t *barrier;
	struct keg_vcpu *vcpu;
	int rc;
	unsigned int told; /* regions that KVM knew when the vCPU was there */
};

static void *create_vcpu(void *argument)
{
	struct creator *creator = argument;

	pthread_barrier_wait(creator->barrier);
	creator->rc = keg_vcpu_create(creator->vm, NULL, &creator->vcpu);
	creator->told = ioctls_made(KVM_SET_USER_MEMORY_REGION);
	return NULL;
}

static void create_vcpus_at_once(struct machine *machine, struct creator *creators)
{
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++) {
		creators[i] = (struct creator){.vm = machine->vm, .barrier = &barrier};
		assert_int_equal(pthread_create(&threads[i], NULL, create_vcpu, &creators[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&barrier);
}

static void assert_all_created(const struct creator *creators)
{
	uint32_t ids = 0;

	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(creators[i].rc, 0);
		assert_int_equal(creators[i].told, REGIONS);
		assert_in_range(keg_vcpu_id(creators[i].vcpu), 0, THREADS - 1);
		ids |= 1U << keg_vcpu_id(creators[i].vcpu);
	}
	assert_int_equal(ids, (1U << THREADS) - 1);
}

static void vcpus_from_many_threads_find_each_region_mapped_exactly_once(void **state)
{
	struct creator creators[THREADS];
	struct machine machine;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		machine_open(&machine, NULL);
		for (keg_gpa i = 0; i < REGIONS; i++)
			assert_ok(keg_mem_add_ram(machine.mem, machine.memory + i * mib, mib));
		ioctls_forget();
		create_vcpus_at_once(&machine, creators);
		assert_int_equal(ioctls_made(KVM_SET_USER_MEMORY_REGION), REGIONS);
		assert_all_created(creators);
		for (int i = 0; i < THREADS; i++)
			keg_vcpu_destroy(creators[i].vcpu);
		machine_close(&machine);
	}
}

/* ---- A map that changes ---- */

struct runner {
	struct keg_vcpu *vcpu;
	atomic_bool end;
	atomic_uint exits;
	atomic_uint faults;
};

/* Runs a guest that stores to memory-mapped I/O for ever, until it is kicked at the end. */
static void *run_guest(void *argument)
{
	struct runner *runner = argument;
	struct keg_exit exit;

	while (!atomic_load(&runner->end)) {
		if (keg_vcpu_run(runner->vcpu, &exit) || exit.reason != KEG_EXIT_MMIO)
			atomic_fetch_add(&runner->faults, !atomic_load(&runner->end));
		atomic_fetch_add(&runner->exits, 1);
	}
	return NULL;
}

/* Waits until the guest has gone on. */
static void let_it_run(struct runner *runner)
{
	unsigned int exits = atomic_load(&runner->exits);

	while (atomic_load(&runner->exits) < exits + 2)
		sched_yield();
}

static void change_map(struct machine *machine, keg_gpa gpa)
{
	const struct keg_region_config config = {
		.size = sizeof(config), .gpa = gpa, .bytes = mib, .name = "late"};
	struct keg_region *region;
	uint8_t byte = 7;

	assert_ok(keg_mem_add(machine->mem, &config, &region));
	assert_ok(keg_mem_write(machine->mem, gpa, &byte, 1));
	assert_ok(keg_mem_remove(machine->mem, region));
	assert_fails(keg_mem_read(machine->mem, gpa, &byte, 1), EFAULT, "there is nothing");
}

static void regions_come_and_go_while_a_vcpu_runs(void **state)
{
	struct runner runner = {.faults = 0};
	struct machine machine;
	pthread_t thread;

	(void)state;
	machine_start(&machine, guest_store());
	runner.vcpu = machine.vcpu;
	assert_int_equal(pthread_create(&thread, NULL, run_guest, &runner), 0);
	for (int i = 0; i < CHANGES; i++) {
		change_map(&machine, machine.memory + MACHINE_BYTES + (keg_gpa)(i % 4) * mib);
		if (i % 20 == 0)
			let_it_run(&runner);
	}
	atomic_store(&runner.end, true);
	assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(runner.faults, 0);
	machine_close(&machine);
}

/* ---- Reading while regions are added ---- */

struct reader {
	struct keg_mem *mem;
	keg_gpa gpa;
	atomic_bool end;
	atomic_uint faults;
};

static void *read_memory(void *argument)
{
	struct reader *reader = argument;
	uint8_t bytes[64];

	while (!atomic_load(&reader->end)) {
		if (keg_mem_read(reader->mem, reader->gpa + MACHINE_BYTES - sizeof(bytes), bytes,
			    sizeof(bytes)))
			atomic_fetch_add(&reader->faults, 1);
	}
	return NULL;
}

static void memory_is_read_while_regions_are_added(void **state)
{
	struct reader reader = {.faults = 0};
	struct machine machine;
	pthread_t thread;

	(void)state;
	machine_open(&machine, NULL);
	assert_ok(keg_mem_add_ram(machine.mem, machine.memory, MACHINE_BYTES));
	reader.mem = machine.mem;
	reader.gpa = machine.memory;
	assert_int_equal(pthread_create(&thread, NULL, read_memory, &reader), 0);
	for (keg_gpa i = 1; i <= CHANGES; i++)
		assert_ok(keg_mem_add_ram(machine.mem, machine.memory + i * mib, mib));
	atomic_store(&reader.end, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(reader.faults, 0);
	machine_close(&machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vcpus_from_many_threads_find_each_region_mapped_exactly_once),
		cmocka_unit_test(regions_come_and_go_while_a_vcpu_runs),
		cmocka_unit_test(memory_is_read_while_regions_are_added),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-start-threads", tests, NULL, NULL);
}
