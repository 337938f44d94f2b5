/* SPDX-License-Identifier: MIT */
/* Real mode by bare ioctls: registers through the shared area where KVM has it. */
#include "bare.h"

enum { CR0_ET = 1 << 4, SEGMENT_DATA = 0x3, SEGMENT_CODE = 0xb, RFLAGS_RESERVED = 1 << 1 };

void bare_enter(const struct bare_host *host, struct bare_machine *machine, uint64_t address)
{
	struct kvm_regs regs = {.rip = address, .rflags = RFLAGS_RESERVED};
	const struct kvm_segment data = {
		.limit = UINT16_MAX, .type = SEGMENT_DATA, .present = 1, .s = 1};
	const int both = (int)(KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS);
	struct kvm_sregs sregs;

	BARE_IOCTL(machine->vcpu, KVM_GET_SREGS, &sregs);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = sregs.cs = data;
	sregs.cs.type = SEGMENT_CODE;
	sregs.cr0 = CR0_ET;
	sregs.cr4 = 0;
	sregs.efer = 0;
	if ((host->sync_regs & both) == both) {
		machine->run->s.regs.sregs = sregs;
		machine->run->s.regs.regs = regs;
		machine->run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	} else {
		BARE_IOCTL(machine->vcpu, KVM_SET_SREGS, &sregs);
		BARE_IOCTL(machine->vcpu, KVM_SET_REGS, &regs);
	}
}
