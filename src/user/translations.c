/* SPDX-License-Identifier: MIT */
/* Making KVM forget what it has made of a machine's page tables. */
#include <keg/slot.h>

#include "user/machine_inside.h"

/*
 * Taking away a slot drops the shadow pages of the whole machine, those of other slots too (Linux,
 * Documentation/virt/kvm/api.rst, KVM_X86_QUIRK_SLOT_ZAP_ALL, which is on unless it is turned
 * off). So a slot of one page comes, where no page table leads, and goes.
 */
int keg_machine_drop_translations(struct keg_machine *machine)
{
	void *memory = keg_pages_at(machine->pages, machine->tables.root);
	struct keg_slot slot;
	int rc = keg_slot_alloc(machine->vm, KEG_PAGE, &slot);
	int freed;

	if (rc)
		return rc;
	rc = keg_slot_map(machine->vm, slot, memory, machine->passing, 0);
	freed = keg_slot_free(machine->vm, slot);
	return rc ? rc : freed;
}
