/* SPDX-License-Identifier: MIT */
/* The map of guest-physical memory: regions come, go, and reach KVM when the machine starts. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/error.h"
#include "mem/map.h"
#include "mem/slots.h"

static uint32_t slot_flags(const struct keg_region *region)
{
	return (region->flags & KEG_REGION_READONLY ? KVM_MEM_READONLY : 0) |
	       (region->flags & KEG_REGION_LOG_DIRTY ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

/* Gives a region to KVM, unless KVM has it or is never to have it. */
static int map_region(struct keg_region *region)
{
	struct keg_vm *vm = region->mem->vm;
	struct keg_slot slot;
	int rc;

	if (!keg_region_is_kvm(region) || region->slot.serial)
		return 0;
	rc = keg_slot_alloc(vm, region->bytes, &slot);
	if (rc)
		return rc;
	rc = keg_slot_map(vm, slot, region->host, region->gpa, slot_flags(region));
	if (rc) {
		rc = keg_fail_within(rc, "region '%s'", region->name);
		keg_slot_free(vm, slot);
		return rc;
	}
	region->slot = slot;
	return 0;
}

/* The machine starts: every region reaches KVM. What a failed start has mapped stays mapped. */
static int start(void *map)
{
	struct keg_mem *mem = map;
	struct keg_range range;
	uint64_t address = 0;
	int rc = 0;

	pthread_mutex_lock(&mem->lock);
	while (!rc && keg_ranges_next(&mem->ranges, address, &range)) {
		rc = map_region(range.value);
		address = range.last + 1;
		if (address == 0)
			break;
	}
	mem->live = rc == 0;
	pthread_mutex_unlock(&mem->lock);
	return rc;
}

static int attach(struct keg_mem *mem)
{
	struct keg_vm *vm = mem->vm;
	int rc = 0;

	pthread_mutex_lock(&vm->lock);
	if (vm->memory)
		rc = keg_fail(EEXIST, "the machine has a memory map");
	else if (atomic_load(&vm->started))
		rc = keg_fail(
			EBUSY, "the machine has started without a memory map: make it before");
	if (!rc) {
		vm->memory = mem;
		vm->start_memory = start;
	}
	pthread_mutex_unlock(&vm->lock);
	return rc;
}

static int init(struct keg_mem *mem)
{
	int rc = pthread_mutex_init(&mem->lock, NULL);

	if (rc)
		return keg_fail_errno(rc, "making a lock");
	rc = keg_ranges_init(&mem->ranges);
	if (rc) {
		pthread_mutex_destroy(&mem->lock);
		return keg_fail_errno(-rc, "making a lock");
	}
	rc = attach(mem);
	if (rc) {
		keg_ranges_fini(&mem->ranges);
		pthread_mutex_destroy(&mem->lock);
	}
	return rc;
}

int keg_mem_create(struct keg_vm *vm, struct keg_mem **result)
{
	struct keg_mem *mem;
	int rc;

	*result = NULL;
	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return keg_fail_errno(ENOMEM, "making a memory map");
	mem->vm = vm;
	rc = init(mem);
	if (rc) {
		free(mem);
		return rc;
	}
	*result = mem;
	return 0;
}

static void free_region(struct keg_region *region)
{
	keg_backing_destroy(region);
	free(region);
}

void keg_mem_destroy(struct keg_mem *mem)
{
	if (!mem)
		return;
	pthread_mutex_lock(&mem->vm->lock);
	mem->vm->start_memory = NULL;
	mem->vm->memory = NULL;
	pthread_mutex_unlock(&mem->vm->lock);
	/* The slots go with the machine: taking each away would cost more than all the rest. */
	for (size_t i = 0; i < mem->ranges.count; i++)
		free_region(mem->ranges.items[i].value);
	keg_ranges_fini(&mem->ranges);
	pthread_mutex_destroy(&mem->lock);
	free(mem);
}

struct keg_vm *keg_mem_vm(const struct keg_mem *mem)
{
	return mem->vm;
}

static int insert(struct keg_mem *mem, struct keg_region *region)
{
	struct keg_range range = {region->gpa, region->gpa + (region->bytes - 1), region};
	struct keg_range other;
	int rc = keg_ranges_insert(&mem->ranges, &range, &other);

	if (rc == -EEXIST)
		return keg_fail(EEXIST,
			"region '%s' at [0x%" PRIx64 ", 0x%" PRIx64
			"] overlaps region '%s' at [0x%" PRIx64 ", 0x%" PRIx64 "]",
			region->name, range.first, range.last,
			((const struct keg_region *)other.value)->name, other.first, other.last);
	return rc ? keg_fail_errno(-rc, "region '%s'", region->name) : 0;
}

/* Puts a finished region into the map, and into the guest if it runs already. */
static int add_locked(struct keg_mem *mem, struct keg_region *region)
{
	int rc = insert(mem, region);

	if (rc || !mem->live)
		return rc;
	rc = map_region(region);
	if (rc)
		keg_ranges_remove(&mem->ranges, region->gpa);
	return rc;
}

int keg_mem_insert(struct keg_mem *mem, struct keg_region *region)
{
	int rc;

	pthread_mutex_lock(&mem->lock);
	rc = add_locked(mem, region);
	atomic_fetch_add(&mem->changes, 1);
	pthread_mutex_unlock(&mem->lock);
	return rc;
}

static int remove_locked(struct keg_mem *mem, struct keg_region *region)
{
	int rc = 0;

	if (region->slot.serial)
		rc = keg_slot_free(mem->vm, region->slot);
	if (!rc)
		keg_ranges_remove(&mem->ranges, region->gpa);
	atomic_fetch_add(&mem->changes, 1);
	return rc;
}

int keg_mem_remove(struct keg_mem *mem, struct keg_region *region)
{
	int rc;

	pthread_mutex_lock(&mem->lock);
	rc = remove_locked(mem, region);
	pthread_mutex_unlock(&mem->lock);
	if (!rc)
		free_region(region);
	return rc;
}

static int replace_locked(struct keg_region *region, void *host)
{
	if (region->slot.serial || region->mem->live)
		return keg_fail(EBUSY,
			"region '%s' has reached KVM: the machine has started, or has tried to",
			region->name);
	if (!region->host)
		return keg_fail(EINVAL, "region '%s' is a hole: there is no memory to replace",
			region->name);
	if (!host || (uintptr_t)host % keg_backing_alignment(0) ||
		!keg_range_valid((uintptr_t)host, region->bytes))
		return keg_fail(EINVAL,
			"region '%s': the host address %p is not page-aligned, or wraps",
			region->name, host);
	keg_backing_destroy(region);
	region->host = host;
	region->backing = KEG_BACKING_CALLER;
	return 0;
}

int keg_region_replace(struct keg_region *region, void *host)
{
	int rc;

	pthread_mutex_lock(&region->mem->lock);
	rc = replace_locked(region, host);
	atomic_fetch_add(&region->mem->changes, 1);
	pthread_mutex_unlock(&region->mem->lock);
	return rc;
}

struct keg_region *keg_mem_next_region(struct keg_mem *mem, keg_gpa gpa)
{
	struct keg_range found;

	return keg_ranges_next(&mem->ranges, gpa, &found) ? found.value : NULL;
}
