/* SPDX-License-Identifier: MIT */
/* What the layer src/kvm needs of arm64: it shares no registers, and tells debug exits by syndrome.
 */
#include "kvm/vcpu.h"

/* Arm ARM (DDI 0487), D24.2.37, ESR_ELx.EC: software step from a lower exception level. */
enum { EC_SHIFT = 26, EC_MASK = 0x3f, EC_SOFTWARE_STEP = 0x32 };

int keg_arch_flush_registers(struct keg_vcpu *vcpu, uint64_t dirty)
{
	(void)vcpu;
	(void)dirty;
	return 0;
}

const char *keg_arch_register_class(uint64_t bits)
{
	(void)bits;
	return "registers";
}

void keg_arch_decode_debug(const struct kvm_run *run, struct keg_exit *exit)
{
	exit->debug.exception = run->debug.arch.hsr >> EC_SHIFT & EC_MASK;
	exit->debug.pc = run->debug.arch.far;
	exit->debug.dr6 = run->debug.arch.hsr;
	exit->debug.dr7 = 0;
}

bool keg_arch_is_step(const struct keg_exit *exit)
{
	return exit->debug.exception == EC_SOFTWARE_STEP;
}

int keg_vcpu_get_events(struct keg_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	int rc = keg_vcpu_request(vcpu, KVM_GET_VCPU_EVENTS, events);

	return rc < 0 ? rc : 0;
}

int keg_vcpu_set_events(struct keg_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	int rc = keg_vcpu_change(vcpu, KVM_SET_VCPU_EVENTS, events);

	return rc < 0 ? rc : 0;
}
