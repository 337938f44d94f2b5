/* SPDX-License-Identifier: MIT */
/* The dirty bitmap of a slot (KVM API, "KVM_GET_DIRTY_LOG" and "KVM_CLEAR_DIRTY_LOG"). */
#include <unistd.h>

#include "base/error.h"
#include "mem/slots.h"

/* How many pages a slot has, if it is mapped with logging. Under the lock. */
static int logged_pages(struct keg_slots *slots, struct keg_slot slot, uint64_t *pages)
{
	const struct keg_slot_entry *entry = keg_slots_entry(slots, slot);

	*pages = 0;
	if (!entry)
		return -ESTALE;
	if (!entry->mapped || !(entry->flags & KVM_MEM_LOG_DIRTY_PAGES))
		return keg_fail(
			ENOENT, "memory slot %u is not mapped with dirty logging", slot.number);
	*pages = entry->bytes / (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static int get_locked(struct keg_vm *vm, struct keg_slots *slots, struct keg_slot slot,
	uint64_t *bitmap, size_t words)
{
	struct kvm_dirty_log log = {.slot = slot.number, .dirty_bitmap = bitmap};
	uint64_t pages;
	int rc = logged_pages(slots, slot, &pages);

	if (rc)
		return rc;
	if (words < (pages + 63) / 64)
		return keg_fail(E2BIG, "memory slot %u has %llu pages, and the bitmap room for %zu",
			slot.number, (unsigned long long)pages, words * 64);
	return keg_vm_request(vm, KVM_GET_DIRTY_LOG, &log);
}

/*
 * The lock is held through the request: a slot that was freed and taken again meanwhile could be
 * larger, and KVM would write beyond the bitmap.
 */
int keg_slot_get_dirty(struct keg_vm *vm, struct keg_slot slot, uint64_t *bitmap, size_t words)
{
	struct keg_slots *slots;
	int rc = keg_slots_get(vm, &slots);

	if (rc)
		return rc;
	pthread_mutex_lock(&slots->lock);
	rc = get_locked(vm, slots, slot, bitmap, words);
	pthread_mutex_unlock(&slots->lock);
	return rc;
}

static int clear_locked(struct keg_vm *vm, struct keg_slots *slots, struct keg_slot slot,
	const uint64_t *bitmap, uint64_t first, uint32_t count)
{
	struct kvm_clear_dirty_log log = {
		.slot = slot.number, .first_page = first, .num_pages = count};
	uint64_t pages;
	int rc = logged_pages(slots, slot, &pages);

	if (rc)
		return rc;
	if (first % 64 || first > pages || count > pages - first ||
		(count % 64 && first + count != pages))
		return keg_fail(EINVAL,
			"clearing %u pages from %llu on, of memory slot %u with %llu: must be "
			"whole "
			"words of the bitmap",
			count, (unsigned long long)first, slot.number, (unsigned long long)pages);
	log.dirty_bitmap = (void *)(uintptr_t)bitmap;
	return keg_vm_request(vm, KVM_CLEAR_DIRTY_LOG, &log);
}

int keg_slot_clear_dirty(struct keg_vm *vm, struct keg_slot slot, const uint64_t *bitmap,
	uint64_t first, uint32_t count)
{
	struct keg_slots *slots;
	int rc = keg_slots_get(vm, &slots);

	if (rc)
		return rc;
	pthread_mutex_lock(&slots->lock);
	rc = clear_locked(vm, slots, slot, bitmap, first, count);
	pthread_mutex_unlock(&slots->lock);
	return rc;
}

int keg_vm_manual_dirty_protect(struct keg_vm *vm)
{
	const uint64_t args[4] = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE};
	int rc = keg_vm_need(
		vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, "manual protection of dirty pages");

	if (rc)
		return rc;
	return keg_vm_enable_cap(vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 0, args);
}
