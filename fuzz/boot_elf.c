/* SPDX-License-Identifier: MIT */
/* Fuzzes the loading of ELF files. */
#include "boot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_load(data, size, size && *data & 1 ? KEG_IMAGE_ELF32 : KEG_IMAGE_ELF64);
	return 0;
}
