/* SPDX-License-Identifier: MIT */
/* Linux kernels as ELF files, and what all kernels of a PC share. */
#include "boot/linux.h"

#include <string.h>

#include "arch/arch.h"
#include "base/error.h"
#include "boot/elf.h"

/* A protocol whose fields the header below has. */
enum { VERSION = 0x020f };

/* What a kernel's own header says where none is there: arch/x86/boot/header.S has the same in any
 * 64-bit kernel. COMMAND_LINE_SIZE is 2048, with the zero at its end. */
static const struct keg_linux_header defaults = {
	.root_flags = 1,
	.boot_flag = KEG_LINUX_BOOT_FLAG,
	.header = KEG_LINUX_MAGIC,
	.version = VERSION,
	.loadflags = KEG_LINUX_LOADED_HIGH,
	.initrd_addr_max = 0x7fffffff,
	.kernel_alignment = 0x200000,
	.xloadflags = KEG_LINUX_KERNEL_64,
	.cmdline_size = 2047,
};

int keg_linux_require_pc(struct keg_boot_plan *plan)
{
	if (keg_arch_elf_machine(false) != EM_386)
		return keg_fail(ENOTSUP, "%s: a kernel for x86, which this machine is not",
			keg_image_kind_name(plan->config->kind));
	plan->is_pc = true;
	return 0;
}

int keg_linux_plan_initrd(struct keg_boot_plan *plan, struct keg_boot_part *ramdisk, keg_gpa limit)
{
	*ramdisk = (struct keg_boot_part){
		.name = "initrd",
		.bytes = plan->config->initrd_bytes,
		.data = plan->config->initrd,
		.data_bytes = plan->config->initrd_bytes,
	};
	return ramdisk->bytes ? keg_boot_plan_place_high(plan, ramdisk, 4096, limit) : 0;
}

int keg_linux_plan_tables(struct keg_boot_plan *plan)
{
	struct keg_boot_part part = {
		.name = "page tables",
		.bytes = keg_arch_tables_bytes(plan->entry.mode),
	};
	int rc;

	if (!part.bytes)
		return 0;
	rc = keg_boot_plan_place(plan, &part, 4096, true);
	if (!rc)
		plan->entry.page_table = part.gpa;
	return rc;
}

int keg_boot_plan_linux(struct keg_boot_plan *plan)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_elf elf;
	int rc = keg_linux_require_pc(plan);

	if (!rc)
		rc = keg_elf_open(&elf, config->image, config->image_bytes);
	if (rc)
		return rc;
	if (!elf.is64)
		return keg_fail(ENOEXEC, "ELF: EI_CLASS is 1: a kernel of 32 bits, which has no "
					 "64-bit entry");
	rc = keg_elf_plan_segments(plan, &elf);
	return rc ? rc : keg_linux_plan_params(plan, &defaults);
}
