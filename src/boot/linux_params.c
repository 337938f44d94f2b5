/* SPDX-License-Identifier: MIT */
/*
 * What a Linux kernel is told (Linux, Documentation/arch/x86/zero-page.rst): one block below 640
 * KiB with boot_params, a GDT, a seed for its random numbers and the command line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/error.h"
#include "boot/linux.h"
#include "boot/memory_map.h"

struct e820_entry {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

struct boot_params {
	uint8_t screen_info[0x40]; /* no display */
	uint8_t bios[0x30];
	uint64_t acpi_rsdp_addr;
	uint8_t pad1[0x48];
	uint32_t ext_ramdisk_image;
	uint32_t ext_ramdisk_size;
	uint32_t ext_cmd_line_ptr;
	uint8_t pad2[0x11c];
	uint8_t e820_entries;
	uint8_t pad3[8];
	struct keg_linux_header hdr;
	uint8_t pad4[0x40];
	struct e820_entry e820_table[KEG_MEMORY_MAP_RANGES];
	uint8_t pad5[0x330];
} __attribute__((packed));
_Static_assert(offsetof(struct boot_params, acpi_rsdp_addr) == 0x70, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, ext_ramdisk_image) == 0xc0, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, e820_entries) == 0x1e8, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, hdr) == KEG_LINUX_HEADER, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "zero-page.rst");
_Static_assert(sizeof(struct boot_params) == 4096, "zero-page.rst");

enum { SEED_BYTES = 32, SETUP_RNG_SEED = 9, LOADER_UNKNOWN = 0xff, VIDEO_NORMAL = 0xffff };

/* The first protocols with these fields. */
enum { VERSION_SETUP_DATA = 0x0209 };

/* boot.rst, "Details of the header fields", setup_data. */
struct setup_data {
	uint64_t next;
	uint32_t type;
	uint32_t len;
	uint8_t data[SEED_BYTES];
} __attribute__((packed));

struct block {
	struct boot_params params;
	uint64_t gdt[4];
	struct setup_data seed;
	char command_line[];
} __attribute__((packed));

/*
 * boot.rst, "32-bit Boot Protocol" and "64-bit Boot Protocol": __BOOT_CS is 0x10 and __BOOT_DS is
 * 0x18, both flat. Descriptors: Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 3, section 3.4.5.
 */
#define GDT_CODE32 0x00cf9b000000ffff
#define GDT_CODE64 0x00af9b000000ffff
#define GDT_DATA   0x00cf93000000ffff

static uint32_t high_half(uint64_t value)
{
	return (uint32_t)(value >> 32);
}

static void fill_map(struct boot_params *params, const struct keg_memory_map *map)
{
	params->e820_entries = (uint8_t)map->count;
	for (size_t i = 0; i < map->count; i++)
		params->e820_table[i] = (struct e820_entry){
			.addr = map->ranges[i].start,
			.size = map->ranges[i].bytes,
			.type = map->ranges[i].type,
		};
}

/* Without a seed, should there be none, the kernel gathers randomness by itself. */
static void fill_seed(struct block *block, keg_gpa gpa)
{
	block->params.hdr.setup_data = 0;
	if (block->params.hdr.version < VERSION_SETUP_DATA ||
		getrandom(block->seed.data, SEED_BYTES, GRND_NONBLOCK) != SEED_BYTES)
		return;
	block->seed.type = SETUP_RNG_SEED;
	block->seed.len = SEED_BYTES;
	block->params.hdr.setup_data = gpa + offsetof(struct block, seed);
}

/* The fields that boot.rst wants a loader to write. */
static void fill_header(struct block *block, keg_gpa gpa, const struct keg_boot_part *ramdisk)
{
	keg_gpa line = gpa + offsetof(struct block, command_line);
	struct boot_params *params = &block->params;
	struct keg_linux_header *hdr = &params->hdr;

	hdr->type_of_loader = LOADER_UNKNOWN;
	hdr->ext_loader_type = hdr->ext_loader_ver = 0;
	/* The heap is for real mode; the other flag is the kernel's own. */
	hdr->loadflags &= (uint8_t) ~(KEG_LINUX_CAN_USE_HEAP | KEG_LINUX_KASLR_FLAG);
	hdr->vid_mode = VIDEO_NORMAL;
	hdr->cmd_line_ptr = (uint32_t)line;
	params->ext_cmd_line_ptr = high_half(line);
	hdr->ramdisk_image = (uint32_t)ramdisk->gpa;
	hdr->ramdisk_size = (uint32_t)ramdisk->bytes;
	params->ext_ramdisk_image = high_half(ramdisk->gpa);
	params->ext_ramdisk_size = high_half(ramdisk->bytes);
}

static void fill_gdt(struct block *block, enum keg_entry_mode mode)
{
	block->gdt[2] = mode == KEG_ENTRY_LONG ? GDT_CODE64 : GDT_CODE32;
	block->gdt[3] = GDT_DATA;
}

static int check_command_line(const char *line, const struct keg_linux_header *header)
{
	size_t bytes = strlen(line);

	if (bytes <= header->cmdline_size)
		return 0;
	return keg_fail(EINVAL,
		"the command line has %zu bytes: this kernel takes %" PRIu32 " (cmdline_size)",
		bytes, header->cmdline_size);
}

/* Makes the block, whose place the plan finds. */
static int plan_block(struct keg_boot_plan *plan, struct block **block, keg_gpa *gpa)
{
	struct keg_boot_part part = {.name = "Linux: boot_params"};
	size_t line = strlen(plan->config->command_line) + 1;
	int rc;

	part.bytes = part.data_bytes = sizeof(**block) + line;
	*block = calloc(1, part.bytes);
	if (!*block)
		return keg_fail_errno(ENOMEM, "%s: %" PRIu64 " bytes", part.name, part.bytes);
	plan->scratch = *block;
	part.data = *block;
	memcpy((*block)->command_line, plan->config->command_line, line);
	rc = keg_boot_plan_place(plan, &part, 4096, true);
	*gpa = part.gpa;
	return rc;
}

int keg_linux_plan_params(struct keg_boot_plan *plan, const struct keg_linux_header *header)
{
	struct keg_boot_part ramdisk;
	struct keg_memory_map map;
	struct block *block;
	keg_gpa gpa = 0;
	int rc = check_command_line(plan->config->command_line, header);

	if (!rc)
		rc = keg_memory_map_make(&map, plan);
	if (!rc)
		rc = keg_linux_plan_initrd(plan, &ramdisk, (keg_gpa)header->initrd_addr_max + 1);
	if (!rc)
		rc = plan_block(plan, &block, &gpa);
	if (!rc)
		rc = keg_linux_plan_tables(plan);
	if (rc)
		return rc;
	block->params.hdr = *header;
	block->params.acpi_rsdp_addr = plan->config->acpi_rsdp;
	fill_header(block, gpa, &ramdisk);
	fill_map(&block->params, &map);
	fill_seed(block, gpa);
	fill_gdt(block, plan->entry.mode);
	plan->entry.args[1] = gpa;
	plan->entry.gdt = gpa + offsetof(struct block, gdt);
	return 0;
}
