/* SPDX-License-Identifier: MIT */
/* Fuzzes kernels with a PVH entry, and telling what an ELF file is by its notes. */
#include "boot_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keg_boot_config config = {.kind = KEG_IMAGE_PVH};

	if (size)
		fuzz_load_kernel(data, size, &config);
	return 0;
}
