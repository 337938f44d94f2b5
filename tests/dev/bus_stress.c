/* SPDX-License-Identifier: MIT */
/* A bus under load: random layouts against a plain map of bytes, and threads against each other. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <keg/bus.h>

#include "random.h"

enum {
	SPACE = 2048, /* addresses in the map */
	REGIONS = 256,
	ACCESSES = 200000,
	ROUNDS = 20000, /* of adding and removing against a thread that reads */
};

/* What a byte reads as: the map and the devices agree on it. */
static uint8_t byte_at(uint64_t address)
{
	return (uint8_t)(address * 7 + 3) & 0x7f;
}

struct device {
	uint64_t start, size;
};

static struct device devices[REGIONS];
static int owner[SPACE]; /* which device claims an address, or -1 */
static bool sane;

static void check_access(const struct device *device, uint64_t offset, uint32_t bytes)
{
	bool power_of_two = bytes && bytes <= 8 && !(bytes & (bytes - 1));

	if (!power_of_two || offset > device->size || bytes > device->size - offset)
		sane = false;
}

static uint64_t device_read(void *context, uint64_t offset, uint32_t bytes)
{
	struct device *device = context;
	uint64_t value = 0;

	check_access(device, offset, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)byte_at(device->start + offset + i) << 8 * i;
	return value;
}

static void device_write(void *context, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct device *device = context;

	check_access(device, offset, bytes);
	for (uint32_t i = 0; i < bytes; i++) {
		if ((uint8_t)(value >> 8 * i) != byte_at(device->start + offset + i))
			sane = false;
	}
}

static const struct keg_bus_ops ops = {device_read, device_write};

static void toggle(struct keg_bus *bus, uint64_t *seed)
{
	uint32_t i = random_below(seed, REGIONS);
	struct device *device = &devices[i];
	bool free_space = true;

	if (device->size) {
		assert_ok(keg_bus_remove(bus, device->start));
		for (uint64_t a = device->start; a < device->start + device->size; a++)
			owner[a] = -1;
		device->size = 0;
		return;
	}
	device->size = 1 + random_below(seed, 16);
	device->start = random_below(seed, SPACE - 16);
	for (uint64_t a = device->start; a < device->start + device->size; a++)
		free_space = free_space && owner[a] < 0;
	struct keg_bus_region region = {"device", device->start, device->size, &ops, device};
	if (keg_bus_add(bus, &region) == 0) {
		assert_true(free_space);
		for (uint64_t a = device->start; a < device->start + device->size; a++)
			owner[a] = (int)i;
	} else {
		assert_false(free_space);
		device->size = 0;
	}
}

static void access_and_compare(struct keg_bus *bus, uint64_t *seed)
{
	uint64_t address = random_below(seed, SPACE - 8);
	uint32_t bytes = random_below(seed, 9);
	uint8_t data[8], expected[8];

	for (uint32_t i = 0; i < bytes; i++) {
		data[i] = byte_at(address + i);
		expected[i] = owner[address + i] < 0 ? 0xff : data[i];
	}
	keg_bus_write(bus, address, data, bytes);
	keg_bus_read(bus, address, data, bytes);
	assert_memory_equal(data, expected, bytes);
}

static void random_layouts_answer_as_a_map_of_bytes_does(void **state)
{
	struct keg_bus *bus = NULL;
	uint64_t seed = 1;

	(void)state;
	sane = true;
	for (int a = 0; a < SPACE; a++)
		owner[a] = -1;
	assert_ok(keg_bus_create("random", &bus));
	for (int i = 0; i < ACCESSES; i++) {
		if (random_below(&seed, 16) == 0)
			toggle(bus, &seed);
		access_and_compare(bus, &seed);
	}
	assert_true(sane);
	keg_bus_destroy(bus);
}

/* ---- Threads ---- */

struct race {
	struct keg_bus *bus;
	atomic_bool over;
	_Atomic uint64_t reads, claimed, wrong;
};

static uint64_t constant_read(void *context, uint64_t offset, uint32_t bytes)
{
	(void)offset;
	(void)bytes;
	return *(const uint64_t *)context;
}

static void *read_until_over(void *context)
{
	struct race *race = context;
	uint32_t value;

	while (!atomic_load(&race->over)) {
		keg_bus_read(race->bus, 0x1000, &value, 4);
		race->reads++;
		race->claimed += value != UINT32_MAX;
		race->wrong += value != UINT32_MAX && value != 0x12345678 && value != 0x9abcdef0;
	}
	return NULL;
}

static void regions_come_and_go_while_others_read(void **state)
{
	static const struct keg_bus_ops constant = {.read = constant_read};
	static uint64_t values[2] = {0x12345678, 0x9abcdef0};
	struct race race = {.over = false};
	pthread_t readers[2];

	(void)state;
	assert_ok(keg_bus_create("race", &race.bus));
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_until_over, &race), 0);
	for (int i = 0; i < ROUNDS || race.claimed == 0; i++) {
		struct keg_bus_region region = {"here", 0x1000, 4, &constant, &values[i % 2]};

		assert_ok(keg_bus_add(race.bus, &region));
		assert_ok(keg_bus_remove(race.bus, 0x1000));
	}
	atomic_store(&race.over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(readers[i], NULL);
	assert_int_equal(race.wrong, 0);
	/* Each access is either answered or counted. */
	assert_int_equal(keg_bus_unclaimed(race.bus), race.reads - race.claimed);
	keg_bus_destroy(race.bus);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_layouts_answer_as_a_map_of_bytes_does),
		cmocka_unit_test(regions_come_and_go_while_others_read),
	};

	return cmocka_run_group_tests_name("bus under load", tests, NULL, NULL);
}
