/* SPDX-License-Identifier: MIT */
/* A region's making: its configuration checked, its memory made. */
#include "mem/region.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mem/map.h"

/* Which flags fit which backing. */
static const struct {
	const char *name;
	uint32_t flags;
} backings[] = {
	[KEG_BACKING_ANONYMOUS] = {"anonymous memory",
		KEG_REGION_READONLY | KEG_REGION_NOT_KVM | KEG_REGION_HUGE_2M | KEG_REGION_HUGE_1G |
			KEG_REGION_THP | KEG_REGION_LOG_DIRTY},
	[KEG_BACKING_MEMFD] = {"a memfd", KEG_REGION_READONLY | KEG_REGION_NOT_KVM |
						  KEG_REGION_HUGE_2M | KEG_REGION_HUGE_1G |
						  KEG_REGION_LOG_DIRTY},
	[KEG_BACKING_FILE] = {"a file", KEG_REGION_READONLY | KEG_REGION_NOT_KVM |
						KEG_REGION_LOG_DIRTY | KEG_REGION_PRIVATE},
	[KEG_BACKING_CALLER] = {"the caller's memory",
		KEG_REGION_READONLY | KEG_REGION_NOT_KVM | KEG_REGION_LOG_DIRTY},
	[KEG_BACKING_NONE] = {"a hole", 0},
};

static int check_backing(const struct keg_region_config *config, const char *name)
{
	const uint32_t sizes =
		config->flags & (KEG_REGION_HUGE_2M | KEG_REGION_HUGE_1G | KEG_REGION_THP);
	uint64_t page = keg_backing_alignment(0);

	if ((unsigned int)config->backing >= sizeof(backings) / sizeof(backings[0]))
		return keg_fail(
			EINVAL, "region '%s': there is no backing %d", name, (int)config->backing);
	if (config->flags & ~backings[config->backing].flags)
		return keg_fail(EINVAL, "region '%s': flags 0x%x do not go with %s", name,
			config->flags & ~backings[config->backing].flags,
			backings[config->backing].name);
	if (sizes & (sizes - 1))
		return keg_fail(EINVAL, "region '%s': two sizes of huge pages", name);
	if (config->backing == KEG_BACKING_CALLER &&
		(!config->host || (uintptr_t)config->host % page ||
			!keg_range_valid((uintptr_t)config->host, config->bytes)))
		return keg_fail(EINVAL,
			"region '%s': the host address %p is not page-aligned, or wraps", name,
			config->host);
	if (config->backing == KEG_BACKING_FILE && config->offset % page)
		return keg_fail(EINVAL,
			"region '%s': the file offset 0x%" PRIx64 " is not page-aligned", name,
			config->offset);
	return 0;
}

static int check_range(const struct keg_region_config *config, const char *name)
{
	uint64_t unit = keg_backing_alignment(config->flags);

	if (config->bytes == 0 || config->bytes % unit || config->gpa % unit)
		return keg_fail(EINVAL,
			"region '%s', 0x%" PRIx64 " bytes at 0x%" PRIx64
			": both must be multiples of 0x%" PRIx64 ", and the first not 0",
			name, config->bytes, config->gpa, unit);
	if (!keg_range_valid(config->gpa, config->bytes))
		return keg_fail(EINVAL,
			"region '%s', 0x%" PRIx64 " bytes at 0x%" PRIx64 ", wraps around", name,
			config->bytes, config->gpa);
	return 0;
}

static int create(struct keg_mem *mem, const struct keg_region_config *config, const char *name,
	struct keg_region **result)
{
	struct keg_region *region = calloc(1, sizeof(*region));
	int rc;

	if (!region)
		return keg_fail_errno(ENOMEM, "region '%s'", name);
	region->mem = mem;
	region->gpa = config->gpa;
	region->bytes = config->bytes;
	region->backing = config->backing;
	region->flags = config->flags;
	/* It ends with the last of calloc()'s zeros. */
	memcpy(region->name, name, strnlen(name, sizeof(region->name) - 1));
	rc = keg_backing_create(region, config);
	if (rc) {
		free(region);
		return rc;
	}
	*result = region;
	return 0;
}

int keg_mem_add(
	struct keg_mem *mem, const struct keg_region_config *given, struct keg_region **result)
{
	struct keg_region_config config;
	struct keg_region *region = NULL;
	const char *name;
	int rc = keg_config_copy(&config, sizeof(config), given, given ? given->size : 0,
		"struct keg_region_config");

	if (result)
		*result = NULL;
	if (rc)
		return rc;
	name = config.name ? config.name : "unnamed";
	rc = check_backing(&config, name);
	if (!rc)
		rc = check_range(&config, name);
	if (!rc)
		rc = create(mem, &config, name, &region);
	if (rc)
		return rc;
	rc = keg_mem_insert(mem, region);
	if (rc) {
		keg_backing_destroy(region);
		free(region);
		return rc;
	}
	if (result)
		*result = region;
	return 0;
}

int keg_mem_add_ram(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes)
{
	const struct keg_region_config config = {
		.size = sizeof(config), .gpa = gpa, .bytes = bytes, .name = "ram"};

	return keg_mem_add(mem, &config, NULL);
}

keg_gpa keg_region_gpa(const struct keg_region *region)
{
	return region->gpa;
}

uint64_t keg_region_bytes(const struct keg_region *region)
{
	return region->bytes;
}

uint32_t keg_region_flags(const struct keg_region *region)
{
	return region->flags;
}

const char *keg_region_name(const struct keg_region *region)
{
	return region->name;
}

void *keg_region_host(const struct keg_region *region)
{
	return region->host;
}

int keg_region_fd(const struct keg_region *region)
{
	return region->fd;
}

struct keg_slot keg_region_slot(const struct keg_region *region)
{
	return region->slot;
}
