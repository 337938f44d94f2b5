/* SPDX-License-Identifier: MIT */
/* Fuzzes the bus: regions come and go, and each access is compared with what a list says of it. */
#include <string.h>

#include <keg/bus.h>

#include "fuzzing.h"

enum { ADD, REMOVE, READ, WRITE, STEPS };
enum { REGIONS = 32 };

struct region {
	uint64_t start, size; /* size is 0 if it is not there */
};

struct model {
	struct keg_bus *bus;
	struct region regions[REGIONS];
	uint8_t written[8];  /* what the write that goes on writes */
	uint64_t write_from; /* and where it begins */
	uint64_t unclaimed;
};

/* The device needs its model too. */
static struct model model;

/* What each address reads as. */
static uint8_t byte_at(uint64_t address)
{
	return (uint8_t)((address * 5 + 1) & 0x7f);
}

static void check_part(const struct region *region, uint64_t offset, uint32_t bytes)
{
	fuzz_check(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
	fuzz_check(offset < region->size && bytes <= region->size - offset);
}

static uint64_t device_read(void *device, uint64_t offset, uint32_t bytes)
{
	const struct region *region = device;
	uint64_t value = 0;

	check_part(region, offset, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)byte_at(region->start + offset + i) << 8 * i;
	return value;
}

static void device_write(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	const struct region *region = device;
	uint64_t at = region->start + offset - model.write_from;

	check_part(region, offset, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		fuzz_check(model.written[at + i] == (uint8_t)(value >> 8 * i));
	fuzz_check(bytes == 8 || value >> 8 * bytes == 0);
}

static const struct keg_bus_ops ops = {device_read, device_write};

static bool claimed(uint64_t address)
{
	for (int i = 0; i < REGIONS; i++) {
		if (model.regions[i].size && address >= model.regions[i].start &&
			address - model.regions[i].start < model.regions[i].size)
			return true;
	}
	return false;
}

static bool overlaps(const struct region *a)
{
	for (int i = 0; i < REGIONS; i++) {
		const struct region *b = &model.regions[i];

		if (b->size && a->start <= b->start + (b->size - 1) &&
			b->start <= a->start + (a->size - 1))
			return true;
	}
	return false;
}

/* Addresses that are near each other, at both ends of what there is and in the middle. */
static uint64_t take_address(struct fuzz_input *input)
{
	static const uint64_t bases[] = {0, 0x3f8, 0xfffffff0, UINT64_MAX - 63};
	uint64_t what = fuzz_take(input, 1);

	return bases[what >> 6] + (what & 0x3f);
}

static void add(struct fuzz_input *input)
{
	uint64_t slot = fuzz_take(input, 1) % REGIONS;
	struct region wanted = {take_address(input), 0};
	struct keg_bus_region region = {"region", wanted.start, 0, &ops, &model.regions[slot]};
	uint64_t size = fuzz_take(input, 1);
	bool fits;

	if (model.regions[slot].size)
		return;
	/* Small ones, and those that reach to the end of everything or beyond it. */
	region.size = wanted.size = size < 0xf0 ? size : UINT64_MAX - wanted.start + (size & 3);
	fits = wanted.size && wanted.size - 1 <= UINT64_MAX - wanted.start && !overlaps(&wanted);
	fuzz_check((keg_bus_add(model.bus, &region) == 0) == fits);
	if (fits)
		model.regions[slot] = wanted;
}

static void take_away(struct fuzz_input *input)
{
	struct region *region = &model.regions[fuzz_take(input, 1) % REGIONS];

	if (!region->size)
		return;
	fuzz_check(keg_bus_remove(model.bus, region->start) == 0);
	region->size = 0;
}

static void access(struct fuzz_input *input, bool write)
{
	uint64_t address = take_address(input);
	uint32_t bytes = (uint32_t)(1 + fuzz_take(input, 1) % 8);
	uint8_t data[8], expected[8];
	bool hole = false;

	for (uint32_t i = 0; i < bytes; i++) {
		bool there = address + i >= address && claimed(address + i);

		expected[i] = there ? byte_at(address + i) : 0xff;
		hole = hole || !there;
	}
	model.unclaimed += hole;
	if (write) {
		uint64_t value = fuzz_take(input, 8);

		memcpy(model.written, &value, sizeof(value));
		model.write_from = address;
		keg_bus_write(model.bus, address, model.written, bytes);
		return;
	}
	keg_bus_read(model.bus, address, data, bytes);
	fuzz_check(memcmp(data, expected, bytes) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint64_t what;

	memset(&model, 0, sizeof(model));
	fuzz_check(keg_bus_create("fuzz", &model.bus) == 0);
	while (input.left) {
		what = fuzz_take(&input, 1) % STEPS;
		if (what == ADD)
			add(&input);
		else if (what == REMOVE)
			take_away(&input);
		else
			access(&input, what == WRITE);
		fuzz_check(keg_bus_unclaimed(model.bus) == model.unclaimed);
	}
	keg_bus_destroy(model.bus);
	return 0;
}
