/* SPDX-License-Identifier: MIT */
/* Mapping slots, from within. */
#ifndef KEG_MEM_SLOT_MAP_H
#define KEG_MEM_SLOT_MAP_H

#include "mem/slots.h"

/* Takes a slot's memory away from the guest, if it is mapped. Under the lock. */
int keg_slot_unmap_locked(struct keg_vm *vm, struct keg_slots *slots, uint32_t number);

#endif
