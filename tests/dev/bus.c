/* SPDX-License-Identifier: MIT */
/* What a bus promises: who is asked, for which bytes, and what happens where nobody is. */
#include "testing.h"

#include <errno.h>
#include <stdbool.h>

#include <keg/bus.h>
#include <keg/vcpu.h>

/* A device that notes how it was asked, and answers with its bytes numbered from `offset`. */
struct probe {
	struct {
		uint64_t offset, value;
		uint32_t bytes;
		bool write;
	} calls[16];
	unsigned count;
};

static uint64_t probe_read(void *device, uint64_t offset, uint32_t bytes)
{
	struct probe *probe = device;
	uint64_t value = 0;

	probe->calls[probe->count].offset = offset;
	probe->calls[probe->count].bytes = bytes;
	probe->calls[probe->count++].write = false;
	/* Eight bytes always: the bus must take the low ones only. */
	for (unsigned i = 0; i < 8; i++)
		value |= (uint64_t)((offset + i) & 0xff) << 8 * i;
	return value;
}

static void probe_write(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct probe *probe = device;

	probe->calls[probe->count].offset = offset;
	probe->calls[probe->count].value = value;
	probe->calls[probe->count].bytes = bytes;
	probe->calls[probe->count++].write = true;
}

static const struct keg_bus_ops probe_ops = {probe_read, probe_write};

static void assert_call(
	const struct probe *probe, unsigned i, uint64_t offset, uint32_t bytes, uint64_t value)
{
	assert_in_range(i, 0, probe->count - 1);
	assert_int_equal(probe->calls[i].offset, offset);
	assert_int_equal(probe->calls[i].bytes, bytes);
	if (probe->calls[i].write)
		assert_int_equal(probe->calls[i].value, value);
}

static void add(
	struct keg_bus *bus, const char *name, uint64_t start, uint64_t size, struct probe *probe)
{
	struct keg_bus_region region = {name, start, size, &probe_ops, probe};

	assert_ok(keg_bus_add(bus, &region));
}

static int make_bus(void **state)
{
	struct keg_bus *bus = NULL;

	assert_ok(keg_bus_create("test", &bus));
	*state = bus;
	return 0;
}

static int end_bus(void **state)
{
	keg_bus_destroy(*state);
	return 0;
}

static void every_width_reaches_its_device(void **state)
{
	static const uint8_t bytes[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	static const uint64_t values[] = {0x11, 0x2211, 0x44332211, 0x8877665544332211};
	uint8_t data[8];

	for (unsigned i = 0; i < 4; i++) {
		struct probe probe = {.count = 0};
		uint32_t width = 1U << i;

		add(*state, "device", 0x100, 0x10, &probe);
		keg_bus_write(*state, 0x104, bytes, width);
		assert_call(&probe, 0, 4, width, values[i]);
		memset(data, 0xee, sizeof(data));
		keg_bus_read(*state, 0x104, data, width);
		assert_call(&probe, 1, 4, width, 0);
		for (uint32_t j = 0; j < 8; j++)
			assert_int_equal(data[j], j < width ? 4 + j : 0xee);
		assert_int_equal(probe.count, 2);
		assert_ok(keg_bus_remove(*state, 0x100));
	}
	assert_int_equal(keg_bus_unclaimed(*state), 0);
}

static void odd_widths_are_cut_into_powers_of_two(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
	struct probe probe = {.count = 0};

	add(*state, "device", 0, 0x10, &probe);
	keg_bus_write(*state, 1, bytes, 7);
	assert_int_equal(probe.count, 3);
	assert_call(&probe, 0, 1, 4, 0x04030201);
	assert_call(&probe, 1, 5, 2, 0x0605);
	assert_call(&probe, 2, 7, 1, 0x07);
	keg_bus_write(*state, 0, bytes, 3);
	assert_call(&probe, 3, 0, 2, 0x0201);
	assert_call(&probe, 4, 2, 1, 0x03);
	assert_int_equal(probe.count, 5);
}

static void devices_see_only_their_own_part(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct probe low = {.count = 0}, high = {.count = 0};
	uint8_t data[8];

	add(*state, "high", 0x13, 0x10, &high);
	add(*state, "low", 0x10, 3, &low);
	keg_bus_write(*state, 0x11, bytes, 8);
	assert_int_equal(low.count, 1);
	assert_call(&low, 0, 1, 2, 0x0201);
	assert_int_equal(high.count, 2);
	assert_call(&high, 0, 0, 4, 0x06050403);
	assert_call(&high, 1, 4, 2, 0x0807);
	keg_bus_read(*state, 0x11, data, 8);
	assert_memory_equal(data, ((uint8_t[]){1, 2, 0, 1, 2, 3, 4, 5}), 8);
	assert_int_equal(keg_bus_unclaimed(*state), 0);
}

static void unclaimed_bytes_read_as_ones_and_an_access_counts_once(void **state)
{
	struct probe probe = {.count = 0};
	uint8_t data[8];

	keg_bus_read(*state, 0x10, data, 8);
	assert_memory_equal(data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	assert_int_equal(keg_bus_unclaimed(*state), 1);

	/* Holes before and behind. */
	add(*state, "device", 0x12, 2, &probe);
	keg_bus_read(*state, 0x10, data, 8);
	assert_memory_equal(data, ((uint8_t[]){0xff, 0xff, 0, 1, 0xff, 0xff, 0xff, 0xff}), 8);
	assert_int_equal(keg_bus_unclaimed(*state), 2);
	assert_int_equal(probe.count, 1);

	keg_bus_write(*state, 0x10, data, 8);
	assert_call(&probe, 1, 0, 2, 0x0100);
	keg_bus_write(*state, 0x14, data, 1);
	assert_int_equal(keg_bus_unclaimed(*state), 4);
	assert_int_equal(probe.count, 2);
	keg_bus_read(*state, 0x12, data, 0);
	assert_int_equal(probe.count, 2);
	assert_int_equal(keg_bus_unclaimed(*state), 4);
}

static void addresses_do_not_wrap(void **state)
{
	struct probe first = {.count = 0}, last = {.count = 0};
	uint8_t data[8];

	add(*state, "first", 0, 8, &first);
	add(*state, "last", UINT64_MAX - 3, 4, &last);
	keg_bus_read(*state, UINT64_MAX - 1, data, 8);
	assert_memory_equal(data, ((uint8_t[]){2, 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}), 8);
	keg_bus_write(*state, UINT64_MAX, data, 2);
	assert_call(&last, 1, 3, 1, 2);
	assert_int_equal(first.count, 0);
	assert_int_equal(keg_bus_unclaimed(*state), 2);
	assert_ok(keg_bus_remove(*state, UINT64_MAX - 3));
	keg_bus_read(*state, UINT64_MAX, data, 8);
	assert_int_equal(data[7], 0xff);
	assert_int_equal(first.count, 0);
}

static void one_device_may_have_it_all(void **state)
{
	struct probe probe = {.count = 0};
	uint8_t data[4] = {0};

	/* Of 2^64 bytes all but one, because a size is 64 bits wide. */
	add(*state, "all", 1, UINT64_MAX, &probe);
	keg_bus_write(*state, UINT64_MAX - 3, data, 4);
	assert_call(&probe, 0, UINT64_MAX - 4, 4, 0);
}

static void a_device_without_an_operation_is_claimed_all_the_same(void **state)
{
	static const struct keg_bus_ops none;
	struct keg_bus_region region = {"mute", 0x20, 4, &none, NULL};
	uint8_t data[4] = {0};

	assert_ok(keg_bus_add(*state, &region));
	keg_bus_write(*state, 0x20, data, 4);
	keg_bus_read(*state, 0x20, data, 4);
	assert_memory_equal(data, "\xff\xff\xff\xff", 4);
	assert_int_equal(keg_bus_unclaimed(*state), 0);
}

static void refusals_name_the_parties(void **state)
{
	struct keg_bus_region region = {"new", 0x1008, 8, &probe_ops, NULL};

	add(*state, "old", 0x1000, 0x10, NULL);
	assert_fails(keg_bus_add(*state, &region), EEXIST,
		"test bus: new at [0x1008, 0x100f] overlaps old at [0x1000, 0x100f]");
	region.size = 0;
	assert_fails(keg_bus_add(*state, &region), EINVAL, "new at 0x1008");
	region.start = UINT64_MAX;
	region.size = 2;
	assert_fails(keg_bus_add(*state, &region), EINVAL, "beyond the last address");
	region.size = 1;
	assert_ok(keg_bus_add(*state, &region));
	region.start = 0;
	region.ops = NULL;
	assert_fails(keg_bus_add(*state, &region), EINVAL, "has no operations");
	region.ops = &probe_ops;
	region.name = NULL;
	assert_fails(keg_bus_add(*state, &region), EINVAL, "has no name");
	assert_fails(keg_bus_remove(*state, 0x1001), ENOENT, "no region starts at 0x1001");
	assert_ok(keg_bus_remove(*state, 0x1000));
	assert_fails(keg_bus_remove(*state, 0x1000), ENOENT, "0x1000");
}

/* A device that moves itself, and on the way out removes the one behind it. */
struct mover {
	struct keg_bus *bus;
	struct keg_bus_region self;
};

static void mover_write(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct mover *mover = device;

	(void)offset;
	(void)bytes;
	assert_ok(keg_bus_remove(mover->bus, mover->self.start));
	mover->self.start = value;
	assert_ok(keg_bus_add(mover->bus, &mover->self));
}

static void a_device_may_change_the_bus_from_its_callback(void **state)
{
	static const struct keg_bus_ops ops = {.write = mover_write};
	struct mover mover = {*state, {"mover", 0x40, 1, &ops, &mover}};
	struct probe probe = {.count = 0};

	assert_ok(keg_bus_add(*state, &mover.self));
	add(*state, "behind", 0x44, 4, &probe);
	keg_bus_write(*state, 0x40, "\x43", 1);
	assert_fails(keg_bus_remove(*state, 0x40), ENOENT, "0x40");
	/* It moves out of the way of the second part of the access that moves it. */
	keg_bus_write(*state, 0x43, "\x50\x07", 2);
	assert_call(&probe, 0, 0, 1, 7);
	assert_ok(keg_bus_remove(*state, 0x50));
}

static void exits_go_to_the_bus_they_belong_to(void **state)
{
	struct keg_bus *memory = NULL;
	struct probe port = {.count = 0}, cell = {.count = 0};
	uint8_t data[8] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
	struct keg_exit exit = {.reason = KEG_EXIT_IO,
		.io = {.port = 0x60, .bytes = 2, .write = true, .count = 3, .data = data}};

	assert_ok(keg_bus_create("memory", &memory));
	add(*state, "port", 0x60, 4, &port);
	add(memory, "cell", 0x60, 8, &cell);

	/* A string instruction: every item goes to the same port. */
	assert_int_equal(keg_bus_handle(*state, memory, &exit), 1);
	assert_int_equal(port.count, 3);
	assert_call(&port, 0, 0, 2, 0xbbaa);
	assert_call(&port, 1, 0, 2, 0xddcc);
	assert_call(&port, 2, 0, 2, 0xffee);
	exit.io.write = false;
	assert_int_equal(keg_bus_handle(*state, memory, &exit), 1);
	assert_memory_equal(data, ((uint8_t[]){0, 1, 0, 1, 0, 1}), 6);

	exit = (struct keg_exit){.reason = KEG_EXIT_MMIO,
		.mmio = {.address = 0x61, .bytes = 4, .write = false, .data = data}};
	assert_int_equal(keg_bus_handle(*state, memory, &exit), 1);
	assert_memory_equal(data, ((uint8_t[]){1, 2, 3, 4}), 4);
	exit.mmio.write = true;
	assert_int_equal(keg_bus_handle(*state, memory, &exit), 1);
	assert_call(&cell, 1, 1, 4, 0x04030201);
	assert_int_equal(port.count, 6);

	exit.reason = KEG_EXIT_HLT;
	assert_int_equal(keg_bus_handle(*state, memory, &exit), 0);
	keg_bus_destroy(memory);
}

static void an_exit_of_a_bus_that_is_not_there_is_not_handled(void **state)
{
	uint8_t data[8] = {0};
	struct keg_exit io = {
		.reason = KEG_EXIT_IO, .io = {.port = 1, .bytes = 1, .count = 1, .data = data}};
	struct keg_exit mmio = {
		.reason = KEG_EXIT_MMIO, .mmio = {.address = 1, .bytes = 1, .data = data}};

	assert_int_equal(keg_bus_handle(NULL, *state, &io), 0);
	assert_int_equal(keg_bus_handle(*state, NULL, &mmio), 0);
	assert_int_equal(keg_bus_handle(*state, *state, &io), 1);
	assert_int_equal(keg_bus_unclaimed(*state), 1);
	keg_bus_destroy(NULL);
}

#define WITH_BUS(test) cmocka_unit_test_setup_teardown(test, make_bus, end_bus)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BUS(every_width_reaches_its_device),
		WITH_BUS(odd_widths_are_cut_into_powers_of_two),
		WITH_BUS(devices_see_only_their_own_part),
		WITH_BUS(unclaimed_bytes_read_as_ones_and_an_access_counts_once),
		WITH_BUS(addresses_do_not_wrap),
		WITH_BUS(one_device_may_have_it_all),
		WITH_BUS(a_device_without_an_operation_is_claimed_all_the_same),
		WITH_BUS(refusals_name_the_parties),
		WITH_BUS(a_device_may_change_the_bus_from_its_callback),
		WITH_BUS(exits_go_to_the_bus_they_belong_to),
		WITH_BUS(an_exit_of_a_bus_that_is_not_there_is_not_handled),
	};

	return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
