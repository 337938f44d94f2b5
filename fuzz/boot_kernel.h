/* SPDX-License-Identifier: MIT */
/* What the fuzz targets of a PC's kernels share: the machine, and what must hold of what is loaded.
 */
#ifndef KEG_FUZZ_BOOT_KERNEL_H
#define KEG_FUZZ_BOOT_KERNEL_H

#include "boot.h"

/* Whether [gpa, gpa + bytes) is memory, and none that is for others. */
static inline void fuzz_check_place(
	struct keg_mem *mem, const struct keg_boot_config *config, keg_gpa gpa, uint64_t bytes)
{
	fuzz_check(fake_at(mem, gpa, bytes) != NULL);
	fuzz_check(gpa + bytes <= 0xa0000 || gpa >= 0x100000);
	for (size_t i = 0; i < config->reserved_count; i++) {
		const struct keg_boot_range *range = &config->reserved[i];

		fuzz_check(gpa + bytes <= range->start || gpa >= range->start + range->bytes);
	}
}

/* The memory map in boot_params: sorted, without overlaps. */
static inline void fuzz_check_e820(const unsigned char *params)
{
	uint64_t before = 0;

	for (size_t i = 0; i < params[0x1e8]; i++) {
		uint64_t start, bytes;

		memcpy(&start, params + 0x2d0 + 20 * i, 8);
		memcpy(&bytes, params + 0x2d8 + 20 * i, 8);
		fuzz_check(start >= before && bytes != 0);
		before = start + bytes;
	}
}

static inline void fuzz_check_kernel(struct keg_mem *mem, const struct keg_boot_config *config,
	const struct keg_boot_entry *entry)
{
	const unsigned char *params;

	fuzz_check_entry(mem, entry);
	fuzz_check_place(mem, config, entry->pc, 1);
	if (entry->kind == KEG_IMAGE_PVH || !entry->gdt)
		return;
	fuzz_check_place(mem, config, entry->args[1], 4096);
	fuzz_check_place(mem, config, entry->gdt, 32);
	params = fake_at(mem, entry->args[1], 4096);
	fuzz_check_e820(params);
	if (entry->page_table)
		fuzz_check_place(mem, config, entry->page_table, FAKE_TABLES);
}

static inline void fuzz_load_kernel(
	const uint8_t *data, size_t size, struct keg_boot_config *config)
{
	static const struct keg_boot_range reserved[] = {
		{0x9f000, 0x1000, 2}, {0xe0000, 0x1000, 3}, {0x3f0000, 0x800, 4}};
	static struct keg_mem mem;
	struct keg_boot_entry entry;
	int rc;

	if (!mem.count)
		fake_pc(&mem);
	config->size = sizeof(*config);
	config->command_line = "quiet";
	config->image = data + 1;
	config->image_bytes = size - 1;
	config->acpi_rsdp = 0xe0000;
	config->reserved = reserved;
	config->reserved_count = 3;
	if (*data & 16) {
		config->initrd = data;
		config->initrd_bytes = size < 5000 ? size : 5000;
	}
	if (*data & FUZZ_AUTO)
		*config = (struct keg_boot_config){.size = sizeof(*config),
			.image = config->image,
			.image_bytes = config->image_bytes};
	mem.written = 0;
	rc = keg_boot_load(&mem, config, &entry);
	if (rc == 0)
		fuzz_check_kernel(&mem, config, &entry);
	else
		fuzz_check(rc < 0 && keg_error_message()[0] != 0);
	/* Only what is packed can turn out to be damaged when it is too late. */
	if (rc && (config->kind != KEG_IMAGE_BZIMAGE || config->flags & KEG_BOOT_NO_UNPACK) &&
		!(*data & FUZZ_AUTO))
		fuzz_check(mem.written == 0);
}

#endif
