/* SPDX-License-Identifier: MIT */
/* KVM_EXIT_DEBUG's details. */
#include "kvm/vcpu.h"

/* SDM volume 3, 18.2.3: DR6.BS tells of a single step. */
static const uint64_t dr6_single_step = 1 << 14;

void keg_arch_decode_debug(const struct kvm_run *run, struct keg_exit *exit)
{
	exit->debug.exception = run->debug.arch.exception;
	exit->debug.pc = run->debug.arch.pc;
	exit->debug.dr6 = run->debug.arch.dr6;
	exit->debug.dr7 = run->debug.arch.dr7;
}

bool keg_arch_is_step(const struct keg_exit *exit)
{
	return exit->debug.dr6 & dr6_single_step;
}
