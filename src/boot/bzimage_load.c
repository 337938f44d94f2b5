/* SPDX-License-Identifier: MIT */
/* Loading a bzImage: the kernel in it, unpacked here; or the whole, which then unpacks itself. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "boot/bzimage.h"
#include "boot/packed.h"

/* boot.rst, "64-bit Boot Protocol": the entry is this far into the loaded kernel. */
enum { ENTRY_64 = 0x200 };

/* Where a kernel of before protocol 2.10, which does not say, is loaded: boot.rst, "Loading The
 * Rest of The Kernel". */
enum { LOAD_HIGH = 0x100000 };

static bool is_64(const struct keg_bzimage *bzimage)
{
	return bzimage->header.xloadflags & KEG_LINUX_KERNEL_64;
}

/* Whether keg unpacks it. A mode that the unpacked kernel is not entered in is a reason not to. */
static bool can_unpack(const struct keg_boot_plan *plan, const struct keg_bzimage *bzimage)
{
	const struct keg_unpack_format *format = NULL;

	if (plan->config->flags & KEG_BOOT_NO_UNPACK || !bzimage->payload)
		return false;
	if (plan->config->mode == KEG_ENTRY_PROTECTED && is_64(bzimage))
		return false;
	format = keg_unpack_identify(bzimage->payload, bzimage->payload_bytes);
	return format && keg_unpack_can(format);
}

static int plan_unpacked(struct keg_boot_plan *plan, const struct keg_bzimage *bzimage)
{
	int rc = keg_packed_plan(plan, bzimage->payload, bzimage->payload_bytes);

	if (rc)
		return keg_fail_within(rc, "bzImage: payload");
	if (plan->packed->elf.is64 != is_64(bzimage))
		return keg_fail(ENOEXEC,
			"bzImage: xloadflags is 0x%04x, but the kernel in it is an ELF file of %d "
			"bits",
			bzimage->header.xloadflags, plan->packed->elf.is64 ? 64 : 32);
	return 0;
}

/* The kernel where it is loaded, with all the memory that it uses before it knows of any other. */
static int plan_whole(struct keg_boot_plan *plan, const struct keg_bzimage *bzimage)
{
	const struct keg_linux_header *header = &bzimage->header;
	struct keg_boot_part part = {
		.name = "bzImage: kernel",
		.gpa = header->pref_address ? header->pref_address : LOAD_HIGH,
		.bytes = bzimage->code_bytes > header->init_size ? bzimage->code_bytes
								 : header->init_size,
		.data = bzimage->code,
		.data_bytes = bzimage->code_bytes,
		.as_it_was = true,
	};
	uint64_t alignment = header->kernel_alignment;
	int rc;

	if (plan->entry.mode == KEG_ENTRY_LONG && bzimage->code_bytes <= ENTRY_64)
		return keg_fail(ENOEXEC,
			"bzImage: syssize is 0x%" PRIx32
			": the kernel ends before its 64-bit entry at 0x%x",
			header->syssize, ENTRY_64);
	if (!header->relocatable_kernel)
		rc = keg_boot_plan_add(plan, &part);
	else
		rc = keg_boot_plan_place_from(plan, &part, alignment, part.gpa);
	if (rc == -EFAULT && header->relocatable_kernel)
		rc = keg_boot_plan_place_from(plan, &part, alignment, LOAD_HIGH);
	plan->entry.pc = part.gpa + (plan->entry.mode == KEG_ENTRY_LONG ? ENTRY_64 : 0);
	return rc;
}

int keg_boot_plan_bzimage(struct keg_boot_plan *plan)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_bzimage bzimage;
	int rc = keg_linux_require_pc(plan);

	if (!rc)
		rc = keg_bzimage_open(&bzimage, config->image, config->image_bytes);
	if (rc)
		return rc;
	if (config->mode == KEG_ENTRY_LONG && !is_64(&bzimage))
		return keg_fail(ENOTSUP,
			"bzImage: xloadflags is 0x%04x: XLF_KERNEL_64 is not set: no 64-bit entry",
			bzimage.header.xloadflags);
	plan->entry.mode = config->mode      ? config->mode
			   : is_64(&bzimage) ? KEG_ENTRY_LONG
					     : KEG_ENTRY_PROTECTED;
	rc = can_unpack(plan, &bzimage) ? plan_unpacked(plan, &bzimage)
					: plan_whole(plan, &bzimage);
	return rc ? rc : keg_linux_plan_params(plan, &bzimage.header);
}
