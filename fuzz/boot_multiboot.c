/* SPDX-License-Identifier: MIT */
/* Fuzzes the loading of Multiboot kernels. */
#include "boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_load(data, size, KEG_IMAGE_MULTIBOOT);
	return 0;
}
