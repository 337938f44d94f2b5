/* SPDX-License-Identifier: MIT */
/* A vCPU at EL1 by keg. */
#include "machine.h"

#include <keg/arm64.h>

static void set(struct machine *machine, uint64_t id, uint64_t value)
{
	bench_need(keg_vcpu_set_one_reg(machine->vcpu, id, &value, sizeof(value)));
}

void machine_enter(struct machine *machine, uint64_t address)
{
	const uint64_t masked = 0xf << 6 | 5; /* EL1h; debug, SError, IRQ and FIQ masked */

	bench_need(keg_vcpu_init(machine->vcpu, NULL));
	set(machine, KEG_ARM64_CORE_REG(regs.pstate), masked);
	set(machine, KEG_ARM64_CORE_REG(regs.pc), address);
}

const bool bench_irqchip_in_any_order = false;

/* Registers that are shared with the kernel, the only thing measured here otherwise, are x86's. */
const struct bench_entry bench_arch_entries[] = {{0}};
