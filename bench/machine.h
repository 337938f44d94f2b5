/* SPDX-License-Identifier: MIT */
/* keg's arm: the machine of bare.h, made with the library. */
#ifndef KEG_BENCH_MACHINE_H
#define KEG_BENCH_MACHINE_H

#include <keg/mem.h>
#include <keg/vcpu.h>

#include "bench.h"

struct machine {
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_vcpu *vcpu;
};

void machine_create(
	struct bench *bench, const struct guest *guest, bool irqchip, struct machine *machine);
void machine_destroy(struct machine *machine);

/* Runs until something exits. Returns the reason. */
uint32_t machine_run(struct machine *machine);

/* Puts the vCPU at `address`; ARCH/machine.c. */
void machine_enter(struct machine *machine, uint64_t address);

#endif
