/* SPDX-License-Identifier: MIT */
/* Guests that mean harm to the PCI bus: everything is written everywhere, by several threads. */
#include "pci_rig.h"

#include <pthread.h>
#include <stdatomic.h>

#include "random.h"

enum {
	FUNCTIONS = 4,
	ACCESSES = 1000000,
	QUICK_ACCESSES = 100000,
	ROUNDS = 5000, /* of each thread */
};

struct machine {
	struct rig rig;
	struct rig_function functions[FUNCTIONS];
};

static int make_machine(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));

	rig_init(&m->rig);
	for (int i = 0; i < FUNCTIONS; i++) {
		rig_describe(&m->functions[i]);
		assert_ok(keg_pci_add(&m->rig.pci, &m->functions[i].function, 0));
	}
	*state = m;
	return 0;
}

static int end_machine(void **state)
{
	struct machine *m = *state;

	for (int i = 0; i < FUNCTIONS; i++) {
		keg_pci_remove(&m->functions[i].function);
		for (int bar = 0; bar < 3; bar++)
			assert_false(m->functions[i].mapped[bar]);
	}
	/* Of all that was mapped nothing is left: the buses have what the rig put there. */
	for (uint64_t at = RIG_MEMORY; at < RIG_MEMORY_END; at += 0x1000)
		assert_int_equal(bus_read(m->rig.memory, at, 4), UINT32_MAX);
	rig_fini(&m->rig);
	test_free(m);
	return 0;
}

/* What moved() has said is what the buses and the registers say. */
static void assert_consistent(struct machine *m, uint32_t which)
{
	struct rig_function *f = &m->functions[which];
	uint32_t slot = which + 1, command = config_read(&m->rig, slot, 4, 2);
	uint64_t address = config_read(&m->rig, slot, 0x10, 4) & ~15U;

	address |= (uint64_t)config_read(&m->rig, slot, 0x14, 4) << 32;
	assert_true(
		!f->mapped[0] || (command & KEG_PCI_COMMAND_MEMORY && f->address[0] == address));
	if (f->mapped[0])
		assert_int_equal(bus_read(m->rig.memory, address + 0x24, 4), 0x5a000024);
	address = config_read(&m->rig, slot, 0x1c, 4) & ~3U;
	assert_true(!f->mapped[2] || (command & KEG_PCI_COMMAND_PORTS && f->address[2] == address));
	if (f->mapped[2])
		assert_int_equal(bus_read(m->rig.ports, address + 4, 4), 0x5a000004);
}

static void every_register_takes_every_value_at_every_width(void **state)
{
	static const uint32_t values[] = {0, 1, 4, 5, 0xcf8, RIG_ECAM, 0x55555555, UINT32_MAX};
	struct machine *m = *state;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		for (uint32_t offset = 0; offset < 0x110; offset++) {
			for (uint32_t bytes = 1; bytes <= 4; bytes++) {
				config_write(&m->rig, 1, offset, values[i], bytes);
				config_select(&m->rig, 2, offset);
				bus_write(m->rig.ports, 0xcfc + offset % 4, values[i], bytes);
				(void)bus_read(m->rig.ports, 0xcfc + offset % 4, bytes);
				assert_consistent(m, 0);
				assert_consistent(m, 1);
			}
		}
	}
}

static uint32_t random_value(uint64_t *seed)
{
	switch (random_below(seed, 5)) {
	case 0:
		return random_below(seed, 8);
	case 1:
		return RIG_MEMORY + 0x1000 * random_below(seed, 64);
	case 2:
		return RIG_PORTS + 16 * random_below(seed, 32);
	case 3:
		return UINT32_MAX;
	default:
		return (uint32_t)random_next(seed);
	}
}

/* Anywhere, but mostly at what moves BARs. */
static void access_at_random(struct machine *m, uint64_t *seed)
{
	uint32_t slot = random_below(seed, FUNCTIONS + 2);
	uint32_t offset =
		random_below(seed, 2) ? 4 + 4 * random_below(seed, 7) : random_below(seed, 0x1000);
	uint32_t bytes = 1 + random_below(seed, 4), value = random_value(seed);

	switch (random_below(seed, 5)) {
	case 0:
		bus_write(m->rig.ports, 0xcf8 + random_below(seed, 4), value, bytes);
		break;
	case 1:
		config_select(&m->rig, slot, offset);
		bus_write(m->rig.ports, 0xcfc + random_below(seed, 4), value, bytes);
		break;
	case 2:
		(void)config_read(&m->rig, slot, offset, bytes);
		(void)bus_read(m->rig.ports, 0xcfc + random_below(seed, 4), bytes);
		break;
	case 3:
		(void)bus_read(m->rig.memory, value, bytes);
		break;
	default:
		config_write(&m->rig, slot, offset, value, bytes);
	}
}

static void random_accesses_leave_it_consistent(void **state)
{
	const int count = be_quick() ? QUICK_ACCESSES : ACCESSES;
	struct machine *m = *state;
	uint64_t seed = 7;

	for (int i = 0; i < count; i++) {
		access_at_random(m, &seed);
		if (i % 16 == 0)
			assert_consistent(m, (uint32_t)i / 16 % FUNCTIONS);
	}
	for (int i = 0; i < FUNCTIONS; i++)
		assert_true(m->functions[i].moves > 100);
	print_message("%d accesses\n", count);
}

/* ---- Threads ---- */

struct worker {
	struct machine *m;
	uint64_t seed;
};

static void *work(void *context)
{
	struct worker *worker = context;

	for (int i = 0; i < ROUNDS; i++)
		access_at_random(worker->m, &worker->seed);
	return NULL;
}

static void threads_leave_it_consistent(void **state)
{
	struct machine *m = *state;
	struct worker workers[4];
	pthread_t threads[4];

	for (uint64_t i = 0; i < 4; i++) {
		workers[i] = (struct worker){m, i + 1};
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		assert_consistent(m, i);
}

int main(void)
{
#define ON_A_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, end_machine)
	const struct CMUnitTest tests[] = {
		ON_A_MACHINE(every_register_takes_every_value_at_every_width),
		ON_A_MACHINE(random_accesses_leave_it_consistent),
		ON_A_MACHINE(threads_leave_it_consistent),
	};

	return cmocka_run_group_tests_name("hostile pci", tests, NULL, NULL);
}
