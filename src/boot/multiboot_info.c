/* SPDX-License-Identifier: MIT */
/*
 * What a Multiboot kernel is told (Multiboot 0.6.96, section 3.3 "Boot information format"): one
 * block with the information, the memory map, the list of modules and all strings.
 */
#include "boot/multiboot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Which fields are valid. */
#define INFO_MEMORY      (1u << 0)
#define INFO_CMDLINE     (1u << 2)
#define INFO_MODULES     (1u << 3)
#define INFO_MEMORY_MAP  (1u << 6)
#define INFO_LOADER_NAME (1u << 9)

#define LOADER_NAME "keg"

struct info {
	uint32_t flags;
	uint32_t mem_lower; /* KiB from 0, at most 640 */
	uint32_t mem_upper; /* KiB from 1 MiB to the first hole */
	uint32_t boot_device;
	uint32_t cmdline;
	uint32_t mods_count;
	uint32_t mods_addr;
	uint32_t syms[4];
	uint32_t mmap_length;
	uint32_t mmap_addr;
	uint32_t drives_length;
	uint32_t drives_addr;
	uint32_t config_table;
	uint32_t boot_loader_name;
	uint32_t apm_table;
	uint32_t vbe[4];
	uint8_t framebuffer[28];
};
_Static_assert(offsetof(struct info, boot_loader_name) == 64, "as section 3.3 has it");
_Static_assert(sizeof(struct info) == 116, "as section 3.3 has it");

struct module {
	uint32_t mod_start;
	uint32_t mod_end;
	uint32_t string;
	uint32_t reserved;
};

struct memory {
	uint32_t size; /* of what follows it */
	uint64_t base;
	uint64_t length;
	uint32_t type;
} __attribute__((packed));

enum { TYPE_AVAILABLE = 1, TYPE_RESERVED = 2 };

/* The block: its bytes here, and where they will be in the guest. */
struct block {
	unsigned char *bytes;
	keg_gpa gpa;
	size_t used;
};

/* Appends to the block, for which there is room, and returns the guest's address of it. */
static uint32_t append(struct block *block, const void *data, size_t bytes)
{
	uint32_t address = (uint32_t)(block->gpa + block->used);

	memcpy(block->bytes + block->used, data, bytes);
	block->used += bytes;
	return address;
}

static uint32_t append_string(struct block *block, const char *text)
{
	return append(block, text, strlen(text) + 1);
}

static void fill_sizes(struct keg_mem *mem, struct info *info)
{
	uint64_t lower = keg_boot_memory_end(mem, 0) / 1024;
	uint64_t upper = (keg_boot_memory_end(mem, 0x100000) - 0x100000) / 1024;

	info->flags |= INFO_MEMORY;
	info->mem_lower = lower < 640 ? (uint32_t)lower : 640;
	info->mem_upper = upper < UINT32_MAX ? (uint32_t)upper : UINT32_MAX;
}

static size_t count_regions(struct keg_mem *mem)
{
	const struct keg_region *region = keg_mem_next_region(mem, 0);
	size_t count = 0;

	for (; region; region = keg_boot_region_after(mem, region))
		count++;
	return count;
}

/* One entry a region, `count` at most: the block has room for no more. */
static void fill_map(struct block *block, struct keg_mem *mem, size_t count, struct info *info)
{
	const struct keg_region *region = keg_mem_next_region(mem, 0);

	info->flags |= INFO_MEMORY_MAP;
	info->mmap_addr = (uint32_t)(block->gpa + block->used);
	for (; region && count--; region = keg_boot_region_after(mem, region)) {
		struct memory entry = {
			.size = sizeof(entry) - sizeof(entry.size),
			.base = keg_region_gpa(region),
			.length = keg_region_bytes(region),
			.type = keg_boot_region_writable(region) ? TYPE_AVAILABLE : TYPE_RESERVED,
		};

		append(block, &entry, sizeof(entry));
		info->mmap_length += (uint32_t)sizeof(entry);
	}
}

/* The module is the whole initial RAM disk; its end is the first byte after it. */
static void fill_module(struct block *block, const struct keg_boot_part *ramdisk, const char *line,
	struct info *info)
{
	struct module module = {
		.mod_start = (uint32_t)ramdisk->gpa,
		.mod_end = (uint32_t)(ramdisk->gpa + ramdisk->data_bytes),
		.string = append_string(block, line),
	};

	/* Structures are 4-byte aligned, as compilers expect them. */
	block->used = (block->used + 3) & ~(size_t)3;
	info->flags |= INFO_MODULES;
	info->mods_count = 1;
	info->mods_addr = append(block, &module, sizeof(module));
}

/* On whole pages, whether the kernel's header asks for it or not. */
static int place_module(struct keg_boot_plan *plan, struct keg_boot_part *ramdisk)
{
	*ramdisk = (struct keg_boot_part){
		.name = "Multiboot: module",
		.bytes = plan->config->initrd_bytes,
		.data = plan->config->initrd,
		.data_bytes = plan->config->initrd_bytes,
	};
	return keg_boot_plan_place(plan, ramdisk, 4096, false);
}

/* Room for everything that is appended, and for its alignment. */
static size_t block_size(const struct keg_boot_config *config, size_t regions)
{
	return sizeof(struct info) + regions * sizeof(struct memory) + sizeof(struct module) +
	       strlen(config->command_line) + 1 + strlen(config->initrd_line) + 1 +
	       sizeof(LOADER_NAME) + 16;
}

static void fill_block(struct keg_boot_plan *plan, struct block *block,
	const struct keg_boot_part *ramdisk, size_t regions)
{
	const struct keg_boot_config *config = plan->config;
	struct info info = {.flags = INFO_CMDLINE | INFO_LOADER_NAME};

	block->used = sizeof(info);
	fill_sizes(plan->mem, &info);
	fill_map(block, plan->mem, regions, &info);
	info.cmdline = append_string(block, config->command_line);
	info.boot_loader_name = append_string(block, LOADER_NAME);
	if (ramdisk->bytes)
		fill_module(block, ramdisk, config->initrd_line, &info);
	memcpy(block->bytes, &info, sizeof(info));
}

int keg_multiboot_plan_info(struct keg_boot_plan *plan)
{
	size_t regions = count_regions(plan->mem);
	struct keg_boot_part ramdisk = {.bytes = 0};
	struct keg_boot_part part = {
		.name = "Multiboot: boot information",
		.bytes = block_size(plan->config, regions),
	};
	struct block block = {.bytes = calloc(1, part.bytes)};
	int rc = 0;

	if (!block.bytes)
		return keg_fail_errno(ENOMEM, "%s: %" PRIu64 " bytes", part.name, part.bytes);
	plan->scratch = block.bytes;
	part.data = block.bytes;
	part.data_bytes = part.bytes;
	if (plan->config->initrd_bytes)
		rc = place_module(plan, &ramdisk);
	if (!rc)
		rc = keg_boot_plan_place(plan, &part, 16, true);
	if (rc)
		return rc;
	block.gpa = part.gpa;
	fill_block(plan, &block, &ramdisk, regions);
	plan->entry.args[0] = KEG_MULTIBOOT_EAX;
	plan->entry.args[1] = block.gpa;
	return 0;
}
