/* SPDX-License-Identifier: MIT */
/* A machine's memory slots, from within. */
#ifndef KEG_MEM_SLOTS_H
#define KEG_MEM_SLOTS_H

#include <keg/slot.h>

#include "base/ranges.h"
#include "kvm/vm.h"

/* What is known of one slot. */
struct keg_slot_entry {
	uint64_t bytes;
	uint8_t *host;
	keg_gpa gpa;
	uint32_t flags;     /* KVM_MEM_ */
	uint32_t serial;    /* 0: free */
	uint32_t next_free; /* of the list of free slots */
	bool mapped;
};

struct keg_slots {
	pthread_mutex_t lock;
	uint32_t limit; /* how many KVM allows */
	uint32_t used;  /* entries[0 .. used) have been handed out at least once */
	uint32_t capacity;
	uint32_t first_free; /* NO_SLOT: none of those is free */
	uint32_t last_serial;
	struct keg_slot_entry *entries;
	struct keg_ranges mapped; /* by guest address; the value is the slot's number */
};

/* The machine's slots, made when they are first needed. */
int keg_slots_get(struct keg_vm *vm, struct keg_slots **result);

/* The entry of a slot that has not been freed, or NULL with a message for -ESTALE. Under the lock.
 */
struct keg_slot_entry *keg_slots_entry(struct keg_slots *slots, struct keg_slot slot);

#endif
