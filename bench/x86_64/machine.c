/* SPDX-License-Identifier: MIT */
/* Real mode by keg. */
#include "machine.h"

#include <keg/x86.h>

enum { RFLAGS_RESERVED = 1 << 1 };

void machine_enter(struct machine *machine, uint64_t address)
{
	const struct kvm_regs regs = {.rip = address, .rflags = RFLAGS_RESERVED};

	bench_need(keg_vcpu_enter_real_mode(machine->vcpu, 0));
	bench_need(keg_vcpu_set_regs(machine->vcpu, &regs));
}
