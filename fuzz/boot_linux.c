/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes Linux kernels, bzImages and ELF files: the first byte of the input chooses the machine and
 * what it is asked for, the rest is the image.
 */
#include "boot_kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keg_boot_config config = {.kind = KEG_IMAGE_BZIMAGE};

	if (!size)
		return 0;
	if (*data & 1)
		config.kind = KEG_IMAGE_LINUX;
	else if (*data & 2)
		config.flags = KEG_BOOT_NO_UNPACK;
	if (*data & 4 && config.kind == KEG_IMAGE_BZIMAGE)
		config.mode = *data & 8 ? KEG_ENTRY_LONG : KEG_ENTRY_PROTECTED;
	fuzz_load_kernel(data, size, &config);
	return 0;
}
