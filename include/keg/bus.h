/* SPDX-License-Identifier: MIT */
/*
 * The bus: which device answers at which address. One bus is made for ports, another for
 * memory-mapped registers; devices know nothing else of the machine.
 *
 * Threads: any thread at any time; a device may add and remove regions from within its own
 * callbacks. After keg_bus_remove() a callback may still be running in another thread: a device is
 * released when no vCPU runs.
 */
#ifndef KEG_BUS_H
#define KEG_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keg/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_bus;
struct keg_exit;

/*
 * What a device does. `offset` is from the region's start; `bytes` is 1, 2, 4 or 8, and
 * offset + bytes never goes beyond the region. Values are little-endian numbers: a device returns
 * and gets the low `bytes` bytes. A NULL read answers all ones; a NULL write is ignored.
 */
struct keg_bus_ops {
	uint64_t (*read)(void *device, uint64_t offset, uint32_t bytes);
	void (*write)(void *device, uint64_t offset, uint64_t value, uint32_t bytes);
};

/* A region of a bus. */
struct keg_bus_region {
	const char *name; /* for messages and listings; must outlive the region */
	uint64_t start;
	uint64_t size;                 /* not 0 */
	const struct keg_bus_ops *ops; /* must outlive the region */
	void *device;                  /* handed to ops */
};

/* Makes a bus, empty. `name` is "port" or "memory" or the like, and must outlive it. -ENOMEM */
KEG_API int keg_bus_create(const char *name, struct keg_bus **bus);
KEG_API void keg_bus_destroy(struct keg_bus *bus);

/* Adds a region, of which a copy is made. -EEXIST it overlaps another, the message names both;
 * -EINVAL it is empty, wraps, or has no name or no ops; -ENOMEM */
KEG_API int keg_bus_add(struct keg_bus *bus, const struct keg_bus_region *region);

/* Removes the region that starts at `start`. -ENOENT there is none */
KEG_API int keg_bus_remove(struct keg_bus *bus, uint64_t start);

/*
 * An access of `bytes` (1 to 8, whatever alignment) at `address`. It is split where regions begin
 * and end, and into powers of two: each device sees only its own part. What nobody claims reads as
 * all ones, loses what is written, and is counted. Addresses do not wrap.
 */
KEG_API void keg_bus_read(struct keg_bus *bus, uint64_t address, void *data, uint32_t bytes);
KEG_API void keg_bus_write(struct keg_bus *bus, uint64_t address, const void *data, uint32_t bytes);

/* How many accesses touched an address that nobody claims. */
KEG_API uint64_t keg_bus_unclaimed(const struct keg_bus *bus);

/* Calls `watcher` for each of them, in the thread that made it. Before the bus is used. */
typedef void keg_bus_unclaimed_access(void *context, uint64_t address, bool write);
KEG_API void keg_bus_watch_unclaimed(
	struct keg_bus *bus, keg_bus_unclaimed_access *watcher, void *context);

/*
 * Answers a port or memory exit from the bus that it belongs to, either of which may be NULL.
 * Returns 1 if the exit was one of those, 0 if it is somebody else's to handle.
 */
KEG_API int keg_bus_handle(
	struct keg_bus *ports, struct keg_bus *memory, const struct keg_exit *exit);

#ifdef __cplusplus
}
#endif

#endif
