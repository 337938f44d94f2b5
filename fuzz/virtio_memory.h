/* SPDX-License-Identifier: MIT */
/* Guest memory for fuzzing virtio, without a machine: made once, and filled for each input. */
#ifndef KEG_FUZZ_VIRTIO_MEMORY_H
#define KEG_FUZZ_VIRTIO_MEMORY_H

#include <string.h>

#include <keg/mem.h>

#include "fuzzing.h"
#include "kvm/vm.h"

/* Memory from 0 on, then as much that cannot be written, then as much that is I/O. */
enum { FUZZ_MEMORY_BYTES = 1 << 16 };

static struct {
	struct keg_vm vm;
	struct keg_mem *mem;
	uint8_t *host, *rom;
} fuzz_memory;

static inline uint8_t *fuzz_memory_add(uint64_t gpa, enum keg_backing backing, uint32_t flags)
{
	const struct keg_region_config config = {
		.size = sizeof(config),
		.gpa = gpa,
		.bytes = FUZZ_MEMORY_BYTES,
		.backing = backing,
		.flags = flags,
	};
	struct keg_region *region;

	fuzz_check(keg_mem_add(fuzz_memory.mem, &config, &region) == 0);
	return keg_region_host(region);
}

/* The rest of the input is what is in memory, from its start; then come zeros. */
static inline struct keg_mem *fuzz_memory_fill(struct fuzz_input *input)
{
	const size_t bytes = input->left < FUZZ_MEMORY_BYTES ? input->left : FUZZ_MEMORY_BYTES;

	if (!fuzz_memory.mem) {
		fuzz_memory.vm.fd = -1;
		fuzz_check(pthread_mutex_init(&fuzz_memory.vm.lock, NULL) == 0);
		fuzz_check(pthread_mutex_init(&fuzz_memory.vm.tables_lock, NULL) == 0);
		fuzz_check(keg_mem_create(&fuzz_memory.vm, &fuzz_memory.mem) == 0);
		fuzz_memory.host = fuzz_memory_add(0, KEG_BACKING_ANONYMOUS, 0);
		fuzz_memory.rom = fuzz_memory_add(
			FUZZ_MEMORY_BYTES, KEG_BACKING_ANONYMOUS, KEG_REGION_READONLY);
		(void)fuzz_memory_add(2 * FUZZ_MEMORY_BYTES, KEG_BACKING_NONE, 0);
	}
	memset(fuzz_memory.host, 0, FUZZ_MEMORY_BYTES);
	if (bytes)
		memcpy(fuzz_memory.host, input->data, bytes);
	return fuzz_memory.mem;
}

/* Whether a device may write there. */
static inline bool fuzz_memory_has(const void *start, size_t bytes, bool writable)
{
	const uintptr_t at = (uintptr_t)start, ram = (uintptr_t)fuzz_memory.host;
	const uintptr_t rom = (uintptr_t)fuzz_memory.rom;

	if (at >= ram && at - ram < FUZZ_MEMORY_BYTES)
		return bytes <= FUZZ_MEMORY_BYTES - (at - ram);
	return !writable && at >= rom && at - rom < FUZZ_MEMORY_BYTES &&
	       bytes <= FUZZ_MEMORY_BYTES - (at - rom);
}

#endif
