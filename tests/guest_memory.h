/* SPDX-License-Identifier: MIT */
/* Guest memory for tests of devices: a map without a machine, so that no KVM is needed. */
#ifndef KEG_TESTS_GUEST_MEMORY_H
#define KEG_TESTS_GUEST_MEMORY_H

#include <keg/mem.h>

#include "kvm/vm.h"

struct guest_memory {
	struct keg_vm vm; /* one that is declared, and never starts */
	struct keg_mem *mem;
};

/* Memory of `bytes` at 0. More may be added with keg_mem_add(). Aborts where there is none. */
void guest_memory_init(struct guest_memory *memory, uint64_t bytes);
void guest_memory_fini(struct guest_memory *memory);

#endif
