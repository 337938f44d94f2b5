/* SPDX-License-Identifier: MIT */
/* Taking memory slots and giving them back, at the same cost however many there are. */
#include "mem/slots.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "mem/slot_map.h"

enum {
	/* What KVM has where it does not tell (KVM API, KVM_CAP_NR_MEMSLOTS): Linux before 2.6.34.
	 */
	UNTOLD_SLOTS = 32,
	NO_SLOT = -1,
};

static void slots_destroy(void *state)
{
	struct keg_slots *slots = state;

	keg_ranges_fini(&slots->mapped);
	pthread_mutex_destroy(&slots->lock);
	free(slots->entries);
	free(slots);
}

static int slots_create(struct keg_vm *vm, struct keg_slots **result)
{
	int limit = keg_vm_check_extension(vm, KVM_CAP_NR_MEMSLOTS);
	struct keg_slots *slots;
	int rc;

	if (limit < 0)
		return limit;
	slots = calloc(1, sizeof(*slots));
	if (!slots)
		return keg_fail_errno(ENOMEM, "managing memory slots");
	slots->limit = limit ? (uint32_t)limit : UNTOLD_SLOTS;
	slots->first_free = (uint32_t)NO_SLOT;
	rc = pthread_mutex_init(&slots->lock, NULL);
	if (rc) {
		free(slots);
		return keg_fail_errno(rc, "making a lock");
	}
	rc = keg_ranges_init(&slots->mapped);
	if (rc) {
		pthread_mutex_destroy(&slots->lock);
		free(slots);
		return keg_fail_errno(-rc, "making a lock");
	}
	*result = slots;
	return 0;
}

int keg_slots_get(struct keg_vm *vm, struct keg_slots **result)
{
	int rc = 0;

	pthread_mutex_lock(&vm->tables_lock);
	if (!vm->slots.state) {
		struct keg_slots *slots = NULL;

		rc = slots_create(vm, &slots);
		if (!rc)
			vm->slots = (struct keg_attachment){slots, slots_destroy};
	}
	*result = vm->slots.state;
	pthread_mutex_unlock(&vm->tables_lock);
	return rc;
}

struct keg_slot_entry *keg_slots_entry(struct keg_slots *slots, struct keg_slot slot)
{
	if (slot.serial && slot.number < slots->used &&
		slots->entries[slot.number].serial == slot.serial)
		return &slots->entries[slot.number];
	keg_fail(ESTALE, "memory slot %u was freed, or is no slot", slot.number);
	return NULL;
}

/* Room for one entry more. */
static int grow(struct keg_slots *slots)
{
	uint32_t capacity = slots->capacity ? slots->capacity * 2 : 8;
	struct keg_slot_entry *entries;

	if (slots->used < slots->capacity)
		return 0;
	entries = reallocarray(slots->entries, capacity, sizeof(*entries));
	if (!entries)
		return keg_fail_errno(ENOMEM, "taking memory slot %u", slots->used);
	slots->entries = entries;
	slots->capacity = capacity;
	return 0;
}

/* A free slot's number: one that was given back, or the next that was never used. */
static int take_number(struct keg_slots *slots, uint32_t *number)
{
	int rc;

	if (slots->first_free != (uint32_t)NO_SLOT) {
		*number = slots->first_free;
		slots->first_free = slots->entries[*number].next_free;
		return 0;
	}
	if (slots->used == slots->limit)
		return keg_fail(
			ENOSPC, "all %u memory slots of the machine are taken", slots->limit);
	rc = grow(slots);
	if (!rc)
		*number = slots->used++;
	return rc;
}

static int alloc_locked(struct keg_slots *slots, uint64_t bytes, struct keg_slot *slot)
{
	uint32_t number = 0;
	int rc = take_number(slots, &number);

	if (rc)
		return rc;
	if (++slots->last_serial == 0)
		slots->last_serial = 1;
	slots->entries[number] =
		(struct keg_slot_entry){.bytes = bytes, .serial = slots->last_serial};
	*slot = (struct keg_slot){.number = number, .serial = slots->last_serial};
	return 0;
}

int keg_slot_alloc(struct keg_vm *vm, uint64_t bytes, struct keg_slot *slot)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct keg_slots *slots;
	int rc;

	*slot = (struct keg_slot){0};
	if (bytes == 0 || bytes % page)
		return keg_fail(EINVAL,
			"a memory slot of 0x%llx bytes: must be pages of %llu bytes",
			(unsigned long long)bytes, (unsigned long long)page);
	rc = keg_slots_get(vm, &slots);
	if (rc)
		return rc;
	pthread_mutex_lock(&slots->lock);
	rc = alloc_locked(slots, bytes, slot);
	pthread_mutex_unlock(&slots->lock);
	return rc;
}

static int free_locked(struct keg_vm *vm, struct keg_slots *slots, struct keg_slot slot)
{
	struct keg_slot_entry *entry = keg_slots_entry(slots, slot);
	int rc;

	if (!entry)
		return -ESTALE;
	rc = keg_slot_unmap_locked(vm, slots, slot.number);
	if (rc)
		return rc;
	entry->serial = 0;
	entry->next_free = slots->first_free;
	slots->first_free = slot.number;
	return 0;
}

int keg_slot_free(struct keg_vm *vm, struct keg_slot slot)
{
	struct keg_slots *slots;
	int rc = keg_slots_get(vm, &slots);

	if (rc)
		return rc;
	pthread_mutex_lock(&slots->lock);
	rc = free_locked(vm, slots, slot);
	pthread_mutex_unlock(&slots->lock);
	return rc;
}
