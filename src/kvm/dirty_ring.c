/* SPDX-License-Identifier: MIT */
/* The ring of dirty pages of each vCPU (KVM API, "KVM_CAP_DIRTY_LOG_RING"). */
#include "base/error.h"
#include "kvm/vcpu.h"

/* Takes the next entry that the kernel has filled, and marks it for the next reset. */
static bool harvest_one(struct keg_vcpu *vcpu, struct keg_dirty_page *page)
{
	uint32_t index = vcpu->dirty_next & (vcpu->vm->dirty_ring_entries - 1);
	struct kvm_dirty_gfn *entry = &vcpu->dirty[index];

	if (!(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
		return false;
	*page = (struct keg_dirty_page){.slot = entry->slot & 0xffff, .offset = entry->offset};
	__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	vcpu->dirty_next++;
	return true;
}

int keg_vcpu_harvest_dirty(struct keg_vcpu *vcpu, keg_dirty_handler *handler, void *context)
{
	struct keg_dirty_page page;
	uint32_t count = 0;

	if (!vcpu->dirty)
		return keg_fail(ENOTSUP, "the machine has no ring of dirty pages: set "
					 "dirty_ring_entries in struct keg_vm_config");
	while (count < vcpu->vm->dirty_ring_entries && harvest_one(vcpu, &page)) {
		handler(context, &page);
		count++;
	}
	return (int)count;
}

int keg_vm_reset_dirty_rings(struct keg_vm *vm)
{
	if (!vm->dirty_ring_entries)
		return keg_fail(ENOTSUP, "the machine has no ring of dirty pages");
	return keg_vm_request(vm, KVM_RESET_DIRTY_RINGS, 0);
}
