/* SPDX-License-Identifier: MIT */
/*
 * Registers in the area that a vCPU shares with the kernel (KVM_CAP_SYNC_REGS): reading them after
 * an exit, and setting them before a run, without a system call. KVM stores a class of registers
 * there only when asked, which is not free; so it is asked for those that the owner reads, until he
 * has not for a while.
 */
#include <errno.h>

#include "kvm/vcpu.h"

/* A class that nobody has read in so many runs is no longer asked for. */
enum { PERIOD = 32 };

bool keg_shared_regs_read(struct keg_vcpu *vcpu, uint64_t bit)
{
	struct keg_shared_regs *shared = &vcpu->shared;

	if (!(shared->supported & bit))
		return false;
	/* Who reads them to set the vCPU up need not be one who reads them at each exit. */
	if (shared->ran) {
		shared->wanted |= bit;
		shared->read |= bit;
	}
	return shared->current & bit;
}

bool keg_shared_regs_write(struct keg_vcpu *vcpu, uint64_t bit)
{
	/* What a waiting vCPU held back would be overwritten, or undo the start when it comes. */
	if (!(vcpu->shared.supported & bit) || vcpu->shared.waiting)
		return false;
	vcpu->shared.current |= bit;
	vcpu->run->kvm_dirty_regs |= bit;
	return true;
}

int keg_shared_regs_flush(struct keg_vcpu *vcpu)
{
	uint64_t dirty = vcpu->run->kvm_dirty_regs;
	int rc = 0;

	if (dirty) {
		vcpu->run->kvm_dirty_regs = 0;
		rc = keg_arch_flush_registers(vcpu, dirty);
		if (rc < 0)
			vcpu->run->kvm_dirty_regs = dirty;
	}
	return rc;
}

void keg_shared_regs_before_run(struct keg_vcpu *vcpu)
{
	struct keg_shared_regs *shared = &vcpu->shared;

	if (++shared->runs == PERIOD) {
		shared->wanted = shared->read;
		shared->read = 0;
		shared->runs = 0;
	}
	vcpu->run->kvm_valid_regs = shared->wanted;
}

void keg_shared_regs_after_run(struct keg_vcpu *vcpu, int rc)
{
	/* Of other failures it is not known whether the guest ran, or what KVM stored. */
	bool stored = rc == 0 || rc == -EINTR || rc == -EFAULT;

	vcpu->shared.current = stored ? vcpu->run->kvm_valid_regs : 0;
	vcpu->shared.ran = true;
	if (rc == 0)
		vcpu->shared.waiting = false;
}
