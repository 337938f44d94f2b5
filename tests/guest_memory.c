/* SPDX-License-Identifier: MIT */
/* Guest memory for tests of devices. */
#include "guest_memory.h"

#include <stdlib.h>
#include <string.h>

void guest_memory_init(struct guest_memory *memory, uint64_t bytes)
{
	memset(memory, 0, sizeof(*memory));
	memory->vm.fd = -1;
	if (pthread_mutex_init(&memory->vm.lock, NULL) ||
		pthread_mutex_init(&memory->vm.tables_lock, NULL) ||
		keg_mem_create(&memory->vm, &memory->mem) || keg_mem_add_ram(memory->mem, 0, bytes))
		abort();
}

void guest_memory_fini(struct guest_memory *memory)
{
	keg_mem_destroy(memory->mem);
	pthread_mutex_destroy(&memory->vm.tables_lock);
	pthread_mutex_destroy(&memory->vm.lock);
}
