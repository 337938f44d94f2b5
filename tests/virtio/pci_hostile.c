/* SPDX-License-Identifier: MIT */
/* Drivers that mean harm: all that can be asked of a virtio PCI function, and then a good request.
 */
#include "pci_rig.h"

#include <pthread.h>
#include <stdatomic.h>

#include "../dev/random.h"

enum {
	ACCESSES = 1000000,
	QUICK_ACCESSES = 100000,
	ROUNDS = 3000, /* of toggling, against a thread that accesses */
	BAR_BYTES = 0x10000,
};

static int make(void **state)
{
	*state = test_calloc(1, sizeof(struct pci_rig));
	pci_rig_init(*state, true, true);
	rig_enable(*state);
	return 0;
}

static int end(void **state)
{
	pci_rig_fini(*state);
	test_free(*state);
	return 0;
}

/* Whatever was done to it, a driver that begins anew has a device that works. */
static void assert_recovers(struct pci_rig *rig)
{
	const struct rig_structure bar = {0};

	rig_config_write(rig, 0x10, RIG_MEMORY, 4);
	rig_config_write(rig, 0x14, 0, 4);
	rig_config_write(rig, 0x18, RIG_PORTS, 4);
	rig_enable(rig);
	rig_config_write(rig, rig->msix + 2, 0, 2);
	rig_start(rig);
	assert_true(rig_works(rig, 0));
	assert_true(rig->line);
	assert_int_equal(rig_read(rig, &rig->isr, 0, 1) & 1, 1);
	rig_enable_msix(rig);
	rig->sent[1] = 0;
	assert_true(rig_works(rig, 0));
	assert_int_equal(rig->sent[1], 1);
	/* Masked, and with nothing left to send. */
	for (uint32_t i = 0; i < RIG_VECTORS; i++)
		rig_write(rig, &bar, (uint32_t)rig_table(i) + 12, 1, 4);
}

/* A function's 0, n - 1, n and all ones, for whatever is counted by n. */
static const uint64_t values[] = {0, RIG_QUEUES - 1, RIG_QUEUES, RIG_VECTORS - 1, RIG_VECTORS,
	0x5555555555555555, UINT64_MAX};
enum { VALUES = sizeof(values) / sizeof(values[0]) };

static void sweep_bar(struct pci_rig *rig, uint32_t start, uint32_t count, uint64_t value)
{
	const struct rig_structure bar = {0};

	for (uint32_t offset = start; offset < start + count; offset++) {
		for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
			rig_write(rig, &bar, offset, value, bytes);
			(void)rig_read(rig, &bar, offset, bytes);
		}
	}
}

static void every_register_takes_every_value_at_every_width(void **state)
{
	static const uint32_t starts[] = {0, 0x1000, 0x2000, 0x3000, 0x4000, 0x8000};
	struct pci_rig *rig = *state;

	for (int serving = 0; serving < 2; serving++) {
		for (int i = 0; i < VALUES; i++) {
			if (serving)
				assert_recovers(rig);
			for (int area = 0; area < 6; area++)
				sweep_bar(rig, starts[area], 0x60, values[i]);
		}
	}
	assert_recovers(rig);
}

static void what_is_described_is_frozen_once_the_driver_is_ready(void **state)
{
	struct pci_rig *rig = *state;
	uint64_t before[8];

	rig_start(rig);
	for (uint32_t at = 0x18; at < 0x38; at += 4)
		before[at / 4 - 6] = rig_read(rig, &rig->common, at, 4);
	for (uint32_t at = 0x18; at < 0x38; at += 4) {
		/* A vector may change at any time: it is left out. */
		rig_write(rig, &rig->common, at, UINT32_MAX, at == 0x18 ? 2 : 4);
		assert_int_equal(rig_read(rig, &rig->common, at, 4), before[at / 4 - 6]);
	}
	assert_true(rig_works(rig, 0));
}

static void every_byte_of_configuration_space_takes_every_value(void **state)
{
	struct pci_rig *rig = *state;

	for (int i = 0; i < VALUES; i++) {
		for (uint32_t offset = 0; offset < 256; offset++) {
			for (uint32_t bytes = 1; bytes <= 4; bytes++) {
				rig_config_write(rig, offset, (uint32_t)values[i], bytes);
				(void)rig_config_read(rig, offset, bytes);
			}
		}
		assert_recovers(rig);
	}
}

/* ---- At random ---- */

static uint64_t random_address(struct pci_rig *rig, uint64_t *seed, bool *ports)
{
	const uint32_t what = random_below(seed, 16);
	const uint64_t ecam = RIG_ECAM + (RIG_SLOT << 15);

	*ports = what < 4;
	if (what < 2)
		return 0xcf8 + random_below(seed, 8);
	if (what < 4)
		return rig_bar_address(rig, 2) + random_below(seed, 16);
	if (what < 7)
		return ecam + random_below(seed, 256);
	if (what < 8)
		return RIG_ECAM + random_below(seed, KEG_PCI_ECAM_BYTES);
	if (what < 13)
		return rig_bar_address(rig, 0) + random_below(seed, 0x40);
	if (what < 15)
		return rig_bar_address(rig, 0) + 0x1000U * random_below(seed, 16) +
		       random_below(seed, 0x50);
	return rig_bar_address(rig, 0) + random_below(seed, BAR_BYTES);
}

/* Often small, often a place that something is at. */
static uint64_t random_value(uint64_t *seed)
{
	switch (random_below(seed, 4)) {
	case 0:
		return random_below(seed, 16);
	case 1:
		return values[random_below(seed, VALUES)];
	case 2:
		return 0x80000000U | RIG_SLOT << 11 | (random_below(seed, 256) & 0xfcU);
	default:
		return random_next(seed);
	}
}

static void random_accesses_are_survived(void **state)
{
	struct pci_rig *rig = *state;
	const int count = be_quick() ? QUICK_ACCESSES : ACCESSES;
	uint64_t seed = 42, value;
	bool ports;

	for (int i = 0; i < count; i++) {
		uint64_t address = random_address(rig, &seed, &ports);
		struct keg_bus *bus = ports ? rig->ports : rig->memory;
		uint32_t bytes = 1 + random_below(&seed, 8);

		value = random_value(&seed);
		if (random_below(&seed, 2))
			keg_bus_write(bus, address, &value, bytes);
		else
			keg_bus_read(bus, address, &value, bytes);
		/* Otherwise it would soon be lost for good. */
		if (i % 1000 == 999)
			assert_recovers(rig);
	}
	assert_recovers(rig);
	print_message("%d accesses\n", count);
}

/* ---- Threads ---- */

struct race {
	struct pci_rig *rig;
	atomic_bool over;
	uint32_t toggled; /* which bits of the command register */
	_Atomic uint64_t reached, wrong;
};

static void *access_until_over(void *context)
{
	struct race *race = context;
	uint32_t value;

	while (!atomic_load(&race->over)) {
		keg_bus_read(race->rig->memory, RIG_MEMORY + 0x2000, &value, 4);
		race->reached += value == 0xc3c2c1c0;
		race->wrong += value != 0xc3c2c1c0 && value != UINT32_MAX;
		value = 0;
		keg_bus_write(race->rig->ports, RIG_PORTS, &value, 2);
		keg_bus_write(race->rig->memory, RIG_MEMORY + 0x3000, &value, 2);
	}
	return NULL;
}

static void *toggle(void *context)
{
	struct race *race = context;

	for (uint64_t i = 0; i < ROUNDS || !race->reached; i++)
		rig_config_write(
			race->rig, 0x04, KEG_PCI_COMMAND_MASTER | (i % 2 ? race->toggled : 0), 2);
	return NULL;
}

static void decoding_is_switched_by_two_threads_while_a_third_accesses(void **state)
{
	struct pci_rig *rig = *state;
	struct race race = {.rig = rig, .toggled = KEG_PCI_COMMAND_MEMORY};
	struct race other = {.rig = rig, .toggled = KEG_PCI_COMMAND_PORTS, .reached = 1};
	pthread_t threads[3];

	rig_start(rig);
	assert_int_equal(pthread_create(&threads[0], NULL, access_until_over, &race), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, toggle, &race), 0);
	assert_int_equal(pthread_create(&threads[2], NULL, toggle, &other), 0);
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	atomic_store(&race.over, true);
	pthread_join(threads[0], NULL);
	assert_int_equal(race.wrong, 0);
	assert_recovers(rig);
}

static void *restart(void *context)
{
	struct race *race = context;

	for (int i = 0; i < ROUNDS / 10; i++)
		rig_start(race->rig);
	atomic_store(&race->over, true);
	return NULL;
}

/* As another vCPU would do while the driver works. */
static void bars_move_while_the_driver_restarts_the_device(void **state)
{
	struct pci_rig *rig = *state;
	struct race race = {.rig = rig};
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, restart, &race), 0);
	for (uint32_t i = 0; !atomic_load(&race.over); i++) {
		rig_config_write(rig, 0x18, RIG_PORTS + i % 4 * 0x10, 4);
		rig_config_write(rig, 0x3c, i, 1);
	}
	pthread_join(thread, NULL);
	assert_recovers(rig);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		TEST(every_register_takes_every_value_at_every_width),
		TEST(what_is_described_is_frozen_once_the_driver_is_ready),
		TEST(every_byte_of_configuration_space_takes_every_value),
		TEST(random_accesses_are_survived),
		TEST(decoding_is_switched_by_two_threads_while_a_third_accesses),
		TEST(bars_move_while_the_driver_restarts_the_device),
	};

	return cmocka_run_group_tests_name("hostile virtio pci", tests, NULL, NULL);
}
