/* SPDX-License-Identifier: MIT */
/*
 * Emptying the ring of coalesced writes. The kernel adds at `last`, keg removes at `first`; the
 * ring is the machine's, seen in the area of each vCPU. (KVM API,
 * "KVM_(UN)REGISTER_COALESCED_MMIO".)
 */
#include "kvm/coalesced.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"

void keg_vcpu_set_coalesced_handler(
	struct keg_vcpu *vcpu, keg_coalesced_handler *handler, void *context)
{
	vcpu->coalesced_handler = handler;
	vcpu->coalesced_context = context;
}

static uint32_t ring_entries(const struct kvm_coalesced_mmio_ring *ring)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (uint32_t)((page - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]));
}

static void copy_entry(const struct kvm_coalesced_mmio *entry, struct keg_coalesced_write *write)
{
	write->pio = entry->pio;
	write->address = entry->phys_addr;
	write->bytes = entry->len <= sizeof(write->data) ? (uint8_t)entry->len
							 : (uint8_t)sizeof(write->data);
	memcpy(write->data, entry->data, sizeof(write->data));
}

static int drain_locked(struct keg_vcpu *vcpu)
{
	struct kvm_coalesced_mmio_ring *ring = vcpu->ring;
	uint32_t entries = ring_entries(ring);
	uint32_t first = ring->first % entries;
	int count = 0;

	/* At most a ring's worth: the guest may go on writing while this goes on reading. */
	while ((uint32_t)count < entries &&
		first != __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE) % entries) {
		struct keg_coalesced_write write;

		copy_entry(&ring->coalesced_mmio[first], &write);
		first = (first + 1) % entries;
		vcpu->coalesced_handler(vcpu->coalesced_context, &write);
		/*
		 * From here on the kernel may write over the entry. Not before: a vCPU that finds
		 * the ring empty goes on to its exit, which comes after this write has been
		 * handled.
		 */
		__atomic_store_n(&ring->first, first, __ATOMIC_RELEASE);
		count++;
	}
	return count;
}

int keg_vcpu_drain_coalesced(struct keg_vcpu *vcpu)
{
	int count;

	if (!vcpu->ring)
		return keg_fail(ENOTSUP, "this KVM does not coalesce writes");
	if (!vcpu->coalesced_handler)
		return 0;
	pthread_mutex_lock(&vcpu->vm->ring_lock);
	count = drain_locked(vcpu);
	pthread_mutex_unlock(&vcpu->vm->ring_lock);
	return count;
}
