/* SPDX-License-Identifier: MIT */
/* A machine for tests: host, machine, memory, and a vCPU at the beginning of a small program. */
#ifndef KEG_TESTS_MACHINE_H
#define KEG_TESTS_MACHINE_H

#include <keg/keg.h>

#include "guest_code.h"

struct machine {
	struct keg_host *host;
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_vcpu *vcpu;
	keg_gpa memory; /* where its memory begins */
};

enum { MACHINE_BYTES = 1 << 20, MACHINE_CODE = 0x1000 };

/* The signal of machines that have one: installed by machine_open(). */
int machine_kick_signal(void);

/* Host, machine and an empty map; `config` may be NULL for one with a kick signal. */
void machine_open(struct machine *machine, const struct keg_vm_config *config);

/* MACHINE_BYTES of memory, with the program in it. */
void machine_load(struct machine *machine, struct guest_code code);

/* A vCPU at the program's beginning; the first one is also `machine->vcpu`. */
struct keg_vcpu *machine_add_vcpu(struct machine *machine);

/* All of the above. */
void machine_start(struct machine *machine, struct guest_code code);

/* Ends what of it there is. */
void machine_close(struct machine *machine);

/* Lets this process have so many descriptors more; false if it may not. */
bool allow_descriptors(unsigned int count);

/* How many descriptors this process has open. */
int open_descriptors(void);

#endif
