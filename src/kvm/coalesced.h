/* SPDX-License-Identifier: MIT */
/* The ring of writes that were collected without an exit. */
#ifndef KEG_KVM_COALESCED_H
#define KEG_KVM_COALESCED_H

#include "kvm/vcpu.h"

/* Whether somebody waits for writes and there are some. */
static inline bool keg_coalesced_pending(const struct keg_vcpu *vcpu)
{
	return vcpu->ring && vcpu->coalesced_handler &&
	       __atomic_load_n(&vcpu->ring->last, __ATOMIC_RELAXED) !=
		       __atomic_load_n(&vcpu->ring->first, __ATOMIC_RELAXED);
}

#endif
