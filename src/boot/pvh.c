/* SPDX-License-Identifier: MIT */
/*
 * Kernels with a PVH entry (Xen, "x86/HVM direct boot ABI", and public/arch-x86/hvm/start_info.h,
 * version 1): one block with the start info, the module, the memory map and the command line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "boot/elf.h"
#include "boot/linux.h"
#include "boot/memory_map.h"

#define START_MAGIC 0x336ec578

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist_paddr;
	uint64_t cmdline_paddr;
	uint64_t rsdp_paddr;
	uint64_t memmap_paddr;
	uint32_t memmap_entries;
	uint32_t reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "as start_info.h has it");

struct modlist_entry {
	uint64_t paddr;
	uint64_t size;
	uint64_t cmdline_paddr;
	uint64_t reserved;
};

struct memmap_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type; /* as in ACPI's memory map */
	uint32_t reserved;
};

struct block {
	struct start_info info;
	struct modlist_entry module;
	struct memmap_entry map[KEG_MEMORY_MAP_RANGES];
	char command_line[];
};

static void fill_map(struct block *block, const struct keg_memory_map *map)
{
	block->info.memmap_entries = (uint32_t)map->count;
	for (size_t i = 0; i < map->count; i++)
		block->map[i] = (struct memmap_entry){
			.addr = map->ranges[i].start,
			.size = map->ranges[i].bytes,
			.type = map->ranges[i].type,
		};
}

static void fill_info(struct block *block, keg_gpa gpa, const struct keg_boot_part *ramdisk)
{
	struct start_info *info = &block->info;

	info->magic = START_MAGIC;
	info->version = 1;
	info->memmap_paddr = gpa + offsetof(struct block, map);
	if (block->command_line[0])
		info->cmdline_paddr = gpa + offsetof(struct block, command_line);
	if (!ramdisk->bytes)
		return;
	info->nr_modules = 1;
	info->modlist_paddr = gpa + offsetof(struct block, module);
	block->module.paddr = ramdisk->gpa;
	block->module.size = ramdisk->bytes;
}

static int plan_block(struct keg_boot_plan *plan, const struct keg_memory_map *map,
	const struct keg_boot_part *ramdisk)
{
	size_t line = strlen(plan->config->command_line) + 1;
	struct keg_boot_part part = {
		.name = "PVH: start info", .bytes = sizeof(struct block) + line};
	struct block *block = calloc(1, part.bytes);
	int rc;

	if (!block)
		return keg_fail_errno(ENOMEM, "%s: %" PRIu64 " bytes", part.name, part.bytes);
	plan->scratch = block;
	part.data = block;
	part.data_bytes = part.bytes;
	rc = keg_boot_plan_place(plan, &part, 4096, true);
	if (rc)
		return rc;
	memcpy(block->command_line, plan->config->command_line, line);
	block->info.rsdp_paddr = plan->config->acpi_rsdp;
	fill_info(block, part.gpa, ramdisk);
	fill_map(block, map);
	plan->entry.args[1] = part.gpa;
	return 0;
}

static int plan_info(struct keg_boot_plan *plan)
{
	struct keg_boot_part ramdisk;
	struct keg_memory_map map;
	int rc = keg_memory_map_make(&map, plan);

	if (!rc)
		rc = keg_linux_plan_initrd(plan, &ramdisk, UINT64_C(1) << 32);
	return rc ? rc : plan_block(plan, &map, &ramdisk);
}

/* The entry is a physical address in a segment. */
static int check_entry(const struct keg_boot_plan *plan, uint64_t entry)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct keg_boot_part *part = &plan->parts[i];

		if (entry >= part->gpa && entry - part->gpa < part->bytes)
			return 0;
	}
	return keg_fail(
		ENOEXEC, "PVH: XEN_ELFNOTE_PHYS32_ENTRY 0x%" PRIx64 " lies in no segment", entry);
}

int keg_boot_plan_pvh(struct keg_boot_plan *plan)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_elf_notes notes;
	struct keg_elf elf;
	int rc = keg_linux_require_pc(plan);

	if (!rc)
		rc = keg_elf_open(&elf, config->image, config->image_bytes);
	if (rc)
		return rc;
	keg_elf_read_notes(&elf, &notes);
	if (!notes.has_pvh_entry)
		return keg_fail(ENOEXEC,
			"PVH: the file has no note XEN_ELFNOTE_PHYS32_ENTRY (owner Xen, type 18)");
	rc = keg_elf_plan_segments(plan, &elf);
	if (!rc)
		rc = check_entry(plan, notes.pvh_entry);
	plan->entry.pc = notes.pvh_entry;
	return rc ? rc : plan_info(plan);
}
