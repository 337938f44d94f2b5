/* SPDX-License-Identifier: MIT */
/* Flat images: bytes without a header, which go to one address. */
#include "boot/plan.h"

#include <inttypes.h>

#include "arch/arch.h"
#include "base/error.h"

/* Where a PC's firmware puts a boot sector. */
enum { BOOT_SECTOR = 0x7c00 };

int keg_boot_plan_flat(struct keg_boot_plan *plan)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_boot_part part = {
		.name = "flat image",
		.gpa = config->load_address,
		.bytes = config->image_bytes,
		.data = config->image,
		.data_bytes = config->image_bytes,
	};
	int rc;

	if (!(config->flags & KEG_BOOT_LOAD_ADDRESS))
		part.gpa = plan->entry.mode == KEG_ENTRY_REAL ? BOOT_SECTOR
							      : keg_arch_flat_load_address();
	rc = keg_boot_plan_add(plan, &part);
	if (rc)
		return rc;
	plan->entry.pc = config->flags & KEG_BOOT_ENTRY ? config->entry : part.gpa;
	if (plan->entry.pc < part.gpa || plan->entry.pc - part.gpa >= part.bytes)
		return keg_fail(EINVAL,
			"flat image: the entry 0x%" PRIx64
			" is not in the image, which is at 0x%" PRIx64 " and has 0x%" PRIx64
			" bytes",
			plan->entry.pc, part.gpa, part.bytes);
	return 0;
}
