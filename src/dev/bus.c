/* SPDX-License-Identifier: MIT */
/* The bus: finds who answers at an address, and cuts accesses so that each device sees its own. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <keg/bus.h>
#include <keg/vcpu.h>

#include "base/error.h"
#include "base/ranges.h"

struct keg_bus {
	const char *name;
	struct keg_ranges ranges; /* each value is an allocated struct keg_bus_region */
	pthread_mutex_t changes;  /* one at a time; who looks up needs the ranges' own lock only */
	_Atomic uint64_t unclaimed;
	keg_bus_unclaimed_access *watcher; /* hears of each of those, or NULL */
	void *watcher_context;
};

/* The next part of an access: what one device answers, or nobody. */
struct part {
	struct keg_bus_region region; /* ops is NULL if nobody */
	uint64_t offset;
	uint32_t bytes;
};

/* What a device may be asked for at once. */
enum { WIDEST = 8 };

int keg_bus_create(const char *name, struct keg_bus **bus)
{
	struct keg_bus *made = calloc(1, sizeof(*made));
	int rc;

	*bus = NULL;
	if (!made)
		return keg_fail(ENOMEM, "no memory for the %s bus", name);
	made->name = name;
	rc = keg_ranges_init(&made->ranges);
	if (rc)
		goto fail;
	rc = -pthread_mutex_init(&made->changes, NULL);
	if (rc) {
		keg_ranges_fini(&made->ranges);
		goto fail;
	}
	*bus = made;
	return 0;
fail:
	free(made);
	return keg_fail_errno(-rc, "making a lock for the %s bus", name);
}

void keg_bus_destroy(struct keg_bus *bus)
{
	if (!bus)
		return;
	for (size_t i = 0; i < bus->ranges.count; i++)
		free(bus->ranges.items[i].value);
	keg_ranges_fini(&bus->ranges);
	pthread_mutex_destroy(&bus->changes);
	free(bus);
}

static int check_region(const struct keg_bus *bus, const struct keg_bus_region *region)
{
	if (!region->name || !region->ops)
		return keg_fail(EINVAL, "%s bus: the region at 0x%" PRIx64 " has no %s", bus->name,
			region->start, region->name ? "operations" : "name");
	if (!keg_range_valid(region->start, region->size))
		return keg_fail(EINVAL,
			"%s bus: %s at 0x%" PRIx64 ", 0x%" PRIx64
			" bytes long, is empty or goes beyond the last address",
			bus->name, region->name, region->start, region->size);
	return 0;
}

/* Puts a region in, which becomes the bus's if that succeeds. */
static int insert(struct keg_bus *bus, struct keg_bus_region *region)
{
	struct keg_range range = {region->start, region->start + (region->size - 1), region}, other;
	int rc = keg_ranges_insert(&bus->ranges, &range, &other);
	const struct keg_bus_region *there;

	if (rc == -ENOMEM)
		return keg_fail(ENOMEM, "no memory for %s on the %s bus", region->name, bus->name);
	if (rc) {
		there = other.value;
		return keg_fail(-rc,
			"%s bus: %s at [0x%" PRIx64 ", 0x%" PRIx64 "] overlaps %s at [0x%" PRIx64
			", 0x%" PRIx64 "]",
			bus->name, region->name, range.first, range.last, there->name, other.first,
			other.last);
	}
	return 0;
}

int keg_bus_add(struct keg_bus *bus, const struct keg_bus_region *region)
{
	struct keg_bus_region *own;
	int rc = check_region(bus, region);

	if (rc)
		return rc;
	own = malloc(sizeof(*own));
	if (!own)
		return keg_fail(ENOMEM, "no memory for %s on the %s bus", region->name, bus->name);
	*own = *region;
	pthread_mutex_lock(&bus->changes);
	rc = insert(bus, own);
	pthread_mutex_unlock(&bus->changes);
	if (rc)
		free(own);
	return rc;
}

int keg_bus_remove(struct keg_bus *bus, uint64_t start)
{
	struct keg_range range;
	bool found;

	pthread_mutex_lock(&bus->changes);
	found = keg_ranges_find(&bus->ranges, start, &range) &&
		keg_ranges_remove(&bus->ranges, start);
	pthread_mutex_unlock(&bus->changes);
	if (!found)
		return keg_fail(ENOENT, "%s bus: no region starts at 0x%" PRIx64, bus->name, start);
	free(range.value);
	return 0;
}

/* As keg_ranges_next(), with a copy of the region: the original may go at any time. */
static bool look_up(struct keg_bus *bus, uint64_t address, struct keg_range *range,
	struct keg_bus_region *region)
{
	bool any;

	pthread_rwlock_rdlock(&bus->ranges.lock);
	any = keg_ranges_next_locked(&bus->ranges, address, range);
	if (any)
		*region = *(const struct keg_bus_region *)range->value;
	pthread_rwlock_unlock(&bus->ranges.lock);
	return any;
}

static uint32_t largest_power_of_two(uint32_t limit)
{
	return limit >= WIDEST ? WIDEST : 1U << (31 - __builtin_clz(limit));
}

/*
 * The part that begins `done` bytes into an access of `bytes`. It is looked up anew for each part,
 * as the last one's device may have changed the bus.
 */
static void find_part(
	struct keg_bus *bus, uint64_t address, uint32_t done, uint32_t bytes, struct part *part)
{
	uint64_t at = address + done, distance;
	struct keg_range range;

	part->bytes = bytes - done;
	part->region.ops = NULL;
	/* There is nothing behind the last address, and nothing behind the last region. */
	if (at < address || !look_up(bus, at, &range, &part->region))
		return;
	if (range.first > at) {
		part->region.ops = NULL;
		distance = range.first - at;
		if (distance < part->bytes)
			part->bytes = (uint32_t)distance;
		return;
	}
	distance = range.last - at;
	if (distance < part->bytes)
		part->bytes = (uint32_t)distance + 1;
	part->bytes = largest_power_of_two(part->bytes);
	part->offset = at - range.first;
}

static void read_part(const struct part *part, uint8_t *data)
{
	uint64_t value = UINT64_MAX;

	if (part->region.ops->read)
		value = part->region.ops->read(part->region.device, part->offset, part->bytes);
	/* Little-endian, byte by byte: a handful, and no call for them. */
	for (uint32_t i = 0; i < part->bytes; i++)
		data[i] = (uint8_t)(value >> (8 * i));
}

static void write_part(const struct part *part, const uint8_t *data)
{
	uint64_t value = 0;

	if (!part->region.ops->write)
		return;
	for (uint32_t i = 0; i < part->bytes; i++)
		value |= (uint64_t)data[i] << (8 * i);
	part->region.ops->write(part->region.device, part->offset, value, part->bytes);
}

static void count_unclaimed(struct keg_bus *bus, uint64_t address, bool write)
{
	atomic_fetch_add_explicit(&bus->unclaimed, 1, memory_order_relaxed);
	if (bus->watcher)
		bus->watcher(bus->watcher_context, address, write);
}

void keg_bus_read(struct keg_bus *bus, uint64_t address, void *data, uint32_t bytes)
{
	uint8_t *to = data;
	bool unclaimed = false;
	struct part part;

	for (uint32_t done = 0; done < bytes; done += part.bytes) {
		find_part(bus, address, done, bytes, &part);
		if (part.region.ops) {
			read_part(&part, to + done);
		} else {
			memset(to + done, 0xff, part.bytes);
			unclaimed = true;
		}
	}
	if (unclaimed)
		count_unclaimed(bus, address, false);
}

void keg_bus_write(struct keg_bus *bus, uint64_t address, const void *data, uint32_t bytes)
{
	const uint8_t *from = data;
	bool unclaimed = false;
	struct part part;

	for (uint32_t done = 0; done < bytes; done += part.bytes) {
		find_part(bus, address, done, bytes, &part);
		if (part.region.ops)
			write_part(&part, from + done);
		else
			unclaimed = true;
	}
	if (unclaimed)
		count_unclaimed(bus, address, true);
}

uint64_t keg_bus_unclaimed(const struct keg_bus *bus)
{
	return atomic_load_explicit(&bus->unclaimed, memory_order_relaxed);
}

void keg_bus_watch_unclaimed(struct keg_bus *bus, keg_bus_unclaimed_access *watcher, void *context)
{
	bus->watcher = watcher;
	bus->watcher_context = context;
}

static int handle_io(struct keg_bus *ports, const struct keg_exit *exit)
{
	uint8_t *data = exit->io.data;

	for (uint32_t i = 0; i < exit->io.count; i++, data += exit->io.bytes) {
		if (exit->io.write)
			keg_bus_write(ports, exit->io.port, data, exit->io.bytes);
		else
			keg_bus_read(ports, exit->io.port, data, exit->io.bytes);
	}
	return 1;
}

static int handle_mmio(struct keg_bus *memory, const struct keg_exit *exit)
{
	if (exit->mmio.write)
		keg_bus_write(memory, exit->mmio.address, exit->mmio.data, exit->mmio.bytes);
	else
		keg_bus_read(memory, exit->mmio.address, exit->mmio.data, exit->mmio.bytes);
	return 1;
}

int keg_bus_handle(struct keg_bus *ports, struct keg_bus *memory, const struct keg_exit *exit)
{
	if (exit->reason == KEG_EXIT_IO && ports)
		return handle_io(ports, exit);
	if (exit->reason == KEG_EXIT_MMIO && memory)
		return handle_mmio(memory, exit);
	return 0;
}
