/* SPDX-License-Identifier: MIT */
/* Flat images: bytes without a header, which go to one address. */
#include "boot/plan.h"

#include <inttypes.h>

#include "base/error.h"

/* Where a PC's firmware puts a boot sector, and where the loaders of kernels have put them since.
 */
#define BOOT_SECTOR   0x7c00
#define ABOVE_LOW_END 0x100000

/* Where the image goes if the configuration does not say. */
static int default_address(const struct keg_boot_plan *plan, uint64_t *address)
{
	struct keg_region *region = keg_mem_next_region(plan->mem, 0);

	while (region && !keg_boot_region_writable(region))
		region = keg_boot_region_after(plan->mem, region);
	if (!region)
		return keg_fail(EFAULT, "flat image: the machine has no memory");
	if (plan->entry.mode == KEG_ENTRY_REAL)
		*address = BOOT_SECTOR;
	else
		*address = keg_region_gpa(region) + ABOVE_LOW_END;
	return 0;
}

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
	int rc = 0;

	if (!(config->flags & KEG_BOOT_LOAD_ADDRESS))
		rc = default_address(plan, &part.gpa);
	if (!rc)
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
