/* SPDX-License-Identifier: MIT */
/* Memory slots from several threads at once. */
#include "mem/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { THREADS = 2, ROUNDS = 200 };

struct actor {
	struct keg_vm *vm;
	uint8_t *host;
	keg_gpa gpa;
	pthread_barrier_t *barrier;
	atomic_uint *won; /* in this round */
	atomic_uint *faults;
};

/* cmocka's asserts belong to the thread that runs the test: others count. */
static void expect(const struct actor *actor, bool holds)
{
	if (!holds)
		atomic_fetch_add(actor->faults, 1);
}

static void *map_in_ones_own_place(void *argument)
{
	const struct actor *actor = argument;
	struct keg_slot slot;

	for (int i = 0; i < ROUNDS; i++) {
		expect(actor, !keg_slot_alloc(actor->vm, PAGE, &slot));
		expect(actor, !keg_slot_map(actor->vm, slot, actor->host, actor->gpa, 0));
		expect(actor, !keg_slot_unmap(actor->vm, slot));
		expect(actor, !keg_slot_free(actor->vm, slot));
		expect(actor, keg_slot_free(actor->vm, slot) == -ESTALE);
	}
	return NULL;
}

static void *fight_for_a_place(void *argument)
{
	const struct actor *actor = argument;
	struct keg_slot slot;
	int rc;

	expect(actor, !keg_slot_alloc(actor->vm, PAGE, &slot));
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(actor->barrier);
		rc = keg_slot_map(actor->vm, slot, actor->host, actor->gpa, 0);
		expect(actor, rc == 0 || rc == -EEXIST);
		if (!rc)
			atomic_fetch_add(actor->won, 1);
		pthread_barrier_wait(actor->barrier);
		expect(actor, atomic_load(actor->won) == (unsigned int)i + 1);
		expect(actor, !keg_slot_unmap(actor->vm, slot));
	}
	return NULL;
}

/* Runs one actor a thread, whose places are `apart` bytes from one another. */
static void play(struct machine *machine, void *(*act)(void *), uint64_t apart)
{
	struct actor actors[THREADS];
	pthread_t threads[THREADS];
	atomic_uint won = 0, faults = 0;
	pthread_barrier_t barrier;

	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){machine->vm, take_pages(1), 0x10000 + (keg_gpa)i * apart,
			&barrier, &won, &faults};
		assert_int_equal(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(faults, 0);
	for (int i = 0; i < THREADS; i++)
		drop_pages(actors[i].host, 1);
	pthread_barrier_destroy(&barrier);
}

static void threads_map_and_free_slots_of_their_own(void **state)
{
	play(*state, map_in_ones_own_place, PAGE);
}

static void of_threads_that_map_to_one_place_one_wins(void **state)
{
	play(*state, fight_for_a_place, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(threads_map_and_free_slots_of_their_own),
		machine_test(of_threads_that_map_to_one_place_one_wins),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-slot-threads", tests, NULL, NULL);
}
