/* SPDX-License-Identifier: MIT */
/* Loading an image: which loader, what every image needs besides, and entering it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/error.h"
#include "boot/packed.h"

enum { STACK_BYTES = 16384 };

static const struct loader {
	enum keg_image_kind kind;
	int (*plan)(struct keg_boot_plan *plan);
	enum keg_entry_mode only; /* if the format knows no other mode */
	bool modules;             /* and command line: the loader hands them over itself */
	bool chooses;             /* the mode, where it was not asked for: it has several */
} loaders[] = {
	{KEG_IMAGE_ELF32, keg_boot_plan_elf, KEG_ENTRY_AUTO, false, false},
	{KEG_IMAGE_ELF64, keg_boot_plan_elf, KEG_ENTRY_AUTO, false, false},
	{KEG_IMAGE_MULTIBOOT, keg_boot_plan_multiboot, KEG_ENTRY_PROTECTED, true, false},
	{KEG_IMAGE_FLAT, keg_boot_plan_flat, KEG_ENTRY_AUTO, false, false},
	{KEG_IMAGE_BZIMAGE, keg_boot_plan_bzimage, KEG_ENTRY_AUTO, true, true},
	{KEG_IMAGE_LINUX, keg_boot_plan_linux, KEG_ENTRY_LONG, true, false},
	{KEG_IMAGE_PVH, keg_boot_plan_pvh, KEG_ENTRY_PROTECTED, true, false},
};

static const struct {
	const char *name;
	uint64_t reach;
} modes[] = {
	[KEG_ENTRY_REAL] = {"real mode", 0xfffff},
	[KEG_ENTRY_PROTECTED] = {"protected mode", UINT32_MAX},
	[KEG_ENTRY_LONG] = {"64-bit mode", UINT64_MAX},
};

uint64_t keg_boot_reach(enum keg_entry_mode mode)
{
	/* Where there is protected mode, too, 64-bit mode needs page tables: they map 4 GiB. */
	if (mode == KEG_ENTRY_LONG && keg_arch_has_mode(KEG_ENTRY_PROTECTED))
		return UINT32_MAX;
	return modes[mode].reach;
}

/* Kernels that are known, but not how to boot them: better said than run as if they were code. */
static const struct {
	size_t offset;
	char magic[5];
	const char *name;
} foreign[] = {
	{0x38, "ARM\x64", "a Linux kernel for arm64 (Image)"},
	{0, "\x1f\x8b\x08", "compressed with gzip"},
};

static int refuse_foreign(const struct keg_boot_config *config)
{
	const char *image = config->image;

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		size_t length = strlen(foreign[i].magic), offset = foreign[i].offset;

		if (config->image_bytes >= offset + length &&
			memcmp(image + offset, foreign[i].magic, length) == 0)
			return keg_fail(ENOTSUP,
				"the image is %s, which keg does not boot; to run it as a flat "
				"image all the same, say so",
				foreign[i].name);
	}
	return 0;
}

/* Each flag is for one kind of image. */
static int check_flags(const struct keg_boot_config *config)
{
	const uint32_t flat = KEG_BOOT_LOAD_ADDRESS | KEG_BOOT_ENTRY;

	if (config->flags & ~(flat | KEG_BOOT_NO_UNPACK))
		return keg_fail(EINVAL, "struct keg_boot_config: flags 0x%" PRIx32 " are unknown",
			config->flags);
	if (config->flags & flat && config->kind != KEG_IMAGE_FLAT)
		return keg_fail(EINVAL,
			"a load address or an entry is for flat images: this one is %s and has "
			"its own",
			keg_image_kind_name(config->kind));
	if (config->flags & KEG_BOOT_NO_UNPACK && config->kind != KEG_IMAGE_BZIMAGE)
		return keg_fail(EINVAL,
			"that it unpacks itself can be asked of a bzImage: this image is %s",
			keg_image_kind_name(config->kind));
	return 0;
}

static int check_reserved(const struct keg_boot_config *config)
{
	if (config->reserved_count > KEG_BOOT_RESERVED)
		return keg_fail(EINVAL, "struct keg_boot_config: reserved_count is %zu: at most %d",
			config->reserved_count, KEG_BOOT_RESERVED);
	if (config->reserved_count && !config->reserved)
		return keg_fail(EINVAL,
			"struct keg_boot_config: reserved is NULL, reserved_count is %zu",
			config->reserved_count);
	for (size_t i = 0; i < config->reserved_count; i++) {
		const struct keg_boot_range *range = &config->reserved[i];

		if (range->bytes == 0 || range->bytes > UINT64_MAX - range->start)
			return keg_fail(EINVAL,
				"struct keg_boot_config: reserved[%zu]: 0x%" PRIx64
				" bytes at 0x%" PRIx64 " are no range",
				i, range->bytes, range->start);
	}
	return 0;
}

static int check_config(const struct keg_boot_config *config, const struct loader *loader)
{
	int rc = check_flags(config);

	if (!rc)
		rc = check_reserved(config);
	if (rc)
		return rc;
	if (config->initrd_bytes && !config->initrd)
		return keg_fail(EINVAL,
			"struct keg_boot_config: initrd is NULL, initrd_bytes is %zu",
			config->initrd_bytes);
	if (config->initrd_bytes && !loader->modules)
		return keg_fail(EINVAL,
			"an initrd is for Linux, PVH and Multiboot kernels: this image is %s",
			keg_image_kind_name(config->kind));
	return 0;
}

/* The mode to begin in: the format's, the architecture's choice for it, or the caller's. */
static int resolve_mode(struct keg_boot_config *config, const struct loader *loader)
{
	enum keg_entry_mode asked = config->mode;

	if ((unsigned int)asked > KEG_ENTRY_LONG)
		return keg_fail(EINVAL, "struct keg_boot_config: mode %d is unknown", (int)asked);
	if (asked == KEG_ENTRY_AUTO && loader->chooses)
		return 0;
	if (asked == KEG_ENTRY_AUTO)
		config->mode = loader->only ? loader->only : keg_arch_default_mode(config->kind);
	else if (!keg_arch_has_mode(asked))
		return keg_fail(ENOTSUP, "this machine has no %s", modes[asked].name);
	else if (loader->chooses && asked == KEG_ENTRY_REAL)
		return keg_fail(EINVAL, "a %s kernel is not entered in real mode",
			keg_image_kind_name(config->kind));
	else if (loader->only && asked != loader->only)
		return keg_fail(EINVAL, "a %s kernel begins in %s, not in %s",
			keg_image_kind_name(config->kind), modes[loader->only].name,
			modes[asked].name);
	return 0;
}

/* Resolves what the configuration leaves open, in place, and finds the loader. */
static int resolve(struct keg_boot_config *config, const struct loader **loader)
{
	int rc = 0;

	if (!config->image || !config->image_bytes)
		return keg_fail(EINVAL, "the image is empty");
	if (config->kind == KEG_IMAGE_AUTO) {
		config->kind = keg_image_identify(config->image, config->image_bytes);
		if (config->kind == KEG_IMAGE_FLAT)
			rc = refuse_foreign(config);
		if (rc)
			return rc;
	}
	if (!config->command_line)
		config->command_line = "";
	if (!config->initrd_line)
		config->initrd_line = "";
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]) && !*loader; i++) {
		if (loaders[i].kind == config->kind)
			*loader = &loaders[i];
	}
	if (!*loader)
		return keg_fail(
			EINVAL, "struct keg_boot_config: kind %d is unknown", (int)config->kind);
	rc = check_config(config, *loader);
	return rc ? rc : resolve_mode(config, *loader);
}

static int check_entry(const struct keg_boot_entry *entry)
{
	uint64_t last = keg_boot_reach(entry->mode);

	if (entry->pc <= last)
		return 0;
	return keg_fail(ENOEXEC,
		"%s image: it begins at 0x%" PRIx64
		", which %s cannot reach: the last is 0x%" PRIx64,
		keg_image_kind_name(entry->kind), entry->pc, modes[entry->mode].name, last);
}

/* A command line in memory, and a stack on which C code can run at once. */
static int plan_surroundings(struct keg_boot_plan *plan)
{
	struct keg_boot_part line = {.name = "command line", .data = plan->config->command_line};
	struct keg_boot_part stack = {.name = "stack", .bytes = STACK_BYTES};
	int rc;

	line.bytes = line.data_bytes = strlen(plan->config->command_line) + 1;
	if (line.bytes > 1) {
		rc = keg_boot_plan_place(plan, &line, 16, true);
		if (rc)
			return rc;
		plan->entry.args[1] = line.gpa;
	}
	/* Real mode's segments are the image's own business. */
	if (plan->entry.mode == KEG_ENTRY_REAL)
		return 0;
	rc = keg_boot_plan_place(plan, &stack, 4096, true);
	if (!rc)
		plan->entry.stack = stack.gpa + stack.bytes;
	return rc;
}

static int plan_image(struct keg_boot_plan *plan, const struct loader *loader)
{
	int rc = loader->plan(plan);

	if (!rc)
		rc = check_entry(&plan->entry);
	if (!rc && !loader->modules)
		rc = plan_surroundings(plan);
	return rc;
}

static int load(struct keg_boot_plan *plan, const struct loader *loader)
{
	int rc = plan_image(plan, loader);

	if (!rc) {
		keg_boot_plan_measure(plan);
		/* The last that can fail, before it changes anything: what was planned fits. */
		rc = keg_arch_prepare_entry(plan->mem, &plan->entry);
	}
	if (!rc)
		rc = keg_boot_plan_carry_out(plan);
	free(plan->scratch);
	keg_packed_free(plan->packed);
	return rc;
}

int keg_boot_load(
	struct keg_mem *mem, const struct keg_boot_config *config, struct keg_boot_entry *entry)
{
	struct keg_boot_config own;
	const struct loader *loader = NULL;
	struct keg_boot_plan *plan;
	int rc;

	if (!mem || !config || !entry)
		return keg_fail(EINVAL, "keg_boot_load: an argument is NULL");
	rc = keg_config_copy(&own, sizeof(own), config, config->size, "struct keg_boot_config");
	if (!rc)
		rc = resolve(&own, &loader);
	if (rc)
		return rc;
	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return keg_fail_errno(ENOMEM, "loading the image");
	plan->mem = mem;
	plan->config = &own;
	plan->entry.kind = own.kind;
	plan->entry.mode = own.mode;
	rc = load(plan, loader);
	if (!rc)
		*entry = plan->entry;
	free(plan);
	return rc;
}

int keg_boot_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry)
{
	if (!vcpu || !entry)
		return keg_fail(EINVAL, "keg_boot_enter: an argument is NULL");
	return keg_arch_enter(vcpu, entry);
}
