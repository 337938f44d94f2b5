/* SPDX-License-Identifier: MIT */
/* The plan of what goes where in guest memory. */
#include "boot/plan.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "boot/packed.h"

bool keg_boot_region_writable(const struct keg_region *region)
{
	return keg_region_host(region) && !(keg_region_flags(region) & KEG_REGION_READONLY);
}

struct keg_region *keg_boot_region_after(struct keg_mem *mem, const struct keg_region *region)
{
	uint64_t last = keg_region_gpa(region) + (keg_region_bytes(region) - 1);

	return last == UINT64_MAX ? NULL : keg_mem_next_region(mem, last + 1);
}

/*
 * Follows memory from *at on for at most *left bytes, and advances both. Returns the region where
 * it ends too early, or NULL: the one after the hole, or one that is no writable memory.
 */
static struct keg_region *follow_memory(struct keg_mem *mem, keg_gpa *at, uint64_t *left)
{
	struct keg_region *region = keg_mem_next_region(mem, 0);

	for (; region && *left; region = keg_boot_region_after(mem, region)) {
		uint64_t offset = *at - keg_region_gpa(region), have;

		if (keg_region_gpa(region) > *at)
			break;
		if (offset >= keg_region_bytes(region))
			continue;
		if (!keg_boot_region_writable(region))
			break;
		have = keg_region_bytes(region) - offset;
		if (have > *left)
			have = *left;
		*at += have;
		*left -= have;
	}
	return region;
}

keg_gpa keg_boot_memory_end(struct keg_mem *mem, keg_gpa gpa)
{
	uint64_t left = UINT64_MAX - gpa;

	follow_memory(mem, &gpa, &left);
	return gpa;
}

uint64_t keg_boot_memory_bytes(struct keg_mem *mem)
{
	const struct keg_region *region = keg_mem_next_region(mem, 0);
	uint64_t bytes = 0;

	for (; region; region = keg_boot_region_after(mem, region)) {
		if (keg_boot_region_writable(region))
			bytes += keg_region_bytes(region);
	}
	return bytes;
}

static int check_memory(const struct keg_boot_plan *plan, const struct keg_boot_part *part)
{
	keg_gpa at = part->gpa;
	uint64_t left = part->bytes;
	const struct keg_region *region;

	/* Not even up to 2^64, so that no end of a part wraps. */
	if (part->bytes > UINT64_MAX - part->gpa)
		return keg_fail(EFAULT,
			"%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " go beyond the last address",
			part->name, part->bytes, part->gpa);
	region = follow_memory(plan->mem, &at, &left);
	if (!left)
		return 0;
	return keg_fail(EFAULT,
		"%s: 0x%" PRIx64 " bytes at 0x%" PRIx64
		": the machine has no %smemory at 0x%" PRIx64,
		part->name, part->bytes, part->gpa,
		region && keg_region_gpa(region) <= at ? "writable " : "", at);
}

/* The first part that ends after `gpa`: its index, or the count. */
static size_t first_after(const struct keg_boot_plan *plan, keg_gpa gpa)
{
	size_t i = 0;

	while (i < plan->count && plan->parts[i].gpa + plan->parts[i].bytes <= gpa)
		i++;
	return i;
}

/* What is in the way of a part. */
struct obstacle {
	const char *name;
	keg_gpa gpa, end;
};

static bool range_overlaps(const struct keg_boot_range *range, keg_gpa gpa, keg_gpa end)
{
	return range->start < end && gpa < range->start + range->bytes;
}

/* Whether anything is in the way of [gpa, gpa + bytes): a part, or what is reserved. */
static bool obstructed(
	const struct keg_boot_plan *plan, keg_gpa gpa, uint64_t bytes, struct obstacle *obstacle)
{
	static const struct keg_boot_range adapters = {
		KEG_BOOT_LOW_END, KEG_BOOT_HIGH_START - KEG_BOOT_LOW_END, 0};
	const struct keg_boot_config *config = plan->config;
	const struct keg_boot_range *range = NULL;
	size_t i = first_after(plan, gpa);

	if (i < plan->count && plan->parts[i].gpa < gpa + bytes) {
		const struct keg_boot_part *part = &plan->parts[i];

		*obstacle = (struct obstacle){part->name, part->gpa, part->gpa + part->bytes};
		return true;
	}
	if (plan->is_pc && range_overlaps(&adapters, gpa, gpa + bytes))
		range = &adapters;
	for (i = 0; i < config->reserved_count && !range; i++) {
		if (range_overlaps(&config->reserved[i], gpa, gpa + bytes))
			range = &config->reserved[i];
	}
	if (!range)
		return false;
	*obstacle =
		(struct obstacle){"what is reserved", range->start, range->start + range->bytes};
	return true;
}

int keg_boot_plan_add(struct keg_boot_plan *plan, const struct keg_boot_part *part)
{
	struct obstacle obstacle;
	size_t at;
	int rc = check_memory(plan, part);

	if (rc)
		return rc;
	if (plan->count == KEG_BOOT_PARTS)
		return keg_fail(ENOEXEC, "%s: the image has more than %d parts", part->name,
			KEG_BOOT_PARTS);
	if (obstructed(plan, part->gpa, part->bytes, &obstacle))
		return keg_fail(ENOEXEC,
			"%s: 0x%" PRIx64 " bytes at 0x%" PRIx64 " overlap %s at 0x%" PRIx64,
			part->name, part->bytes, part->gpa, obstacle.name, obstacle.gpa);
	at = first_after(plan, part->gpa);
	memmove(&plan->parts[at + 1], &plan->parts[at],
		(plan->count - at) * sizeof(plan->parts[0]));
	plan->parts[at] = *part;
	plan->count++;
	return 0;
}

/* The highest free place in [start, end), which is all memory. */
static bool find_within(const struct keg_boot_plan *plan, uint64_t bytes, uint64_t alignment,
	keg_gpa start, keg_gpa end, keg_gpa *found)
{
	struct obstacle obstacle;
	keg_gpa gpa;

	while (end > start && bytes <= end - start) {
		gpa = (end - bytes) & ~(alignment - 1);
		if (gpa < start)
			return false;
		if (!obstructed(plan, gpa, bytes, &obstacle)) {
			*found = gpa;
			return true;
		}
		end = obstacle.gpa;
	}
	return false;
}

/* The highest free place that ends at or below `limit`. */
static bool find_below(const struct keg_boot_plan *plan, uint64_t bytes, uint64_t alignment,
	keg_gpa limit, keg_gpa *found)
{
	const struct keg_region *region = keg_mem_next_region(plan->mem, 0);
	bool any = false;
	keg_gpa end = 0;

	/* Page 0 stays free: null pointers, and the real-mode interrupt table. */
	for (; region; region = keg_boot_region_after(plan->mem, region)) {
		keg_gpa start = keg_region_gpa(region) < 0x1000 ? 0x1000 : keg_region_gpa(region);

		/* What touches the memory before it was looked at with that. */
		if (start < end || start >= limit)
			continue;
		end = keg_boot_memory_end(plan->mem, start);
		any |= find_within(plan, bytes, alignment, start, end < limit ? end : limit, found);
	}
	return any;
}

/* Where to look next when there is not enough memory at `gpa`; UINT64_MAX when there is no more. */
static keg_gpa next_memory(const struct keg_boot_plan *plan, keg_gpa gpa)
{
	uint64_t left = UINT64_MAX - gpa;
	const struct keg_region *region = follow_memory(plan->mem, &gpa, &left);

	if (!region)
		return UINT64_MAX;
	if (keg_region_gpa(region) > gpa)
		return keg_region_gpa(region);
	region = keg_boot_region_after(plan->mem, region);
	return region ? keg_region_gpa(region) : UINT64_MAX;
}

/* The lowest free place at or above `gpa` that ends at or below `limit`. */
static bool find_above(const struct keg_boot_plan *plan, uint64_t bytes, uint64_t alignment,
	keg_gpa gpa, keg_gpa limit, keg_gpa *found)
{
	struct obstacle obstacle;

	while (gpa <= limit - alignment) {
		gpa = (gpa + alignment - 1) & ~(alignment - 1);
		if (limit - gpa < bytes)
			return false;
		if (obstructed(plan, gpa, bytes, &obstacle)) {
			gpa = obstacle.end;
		} else if (keg_boot_memory_end(plan->mem, gpa) - gpa >= bytes) {
			*found = gpa;
			return true;
		} else {
			gpa = next_memory(plan, gpa);
		}
	}
	return false;
}

/* The first address that an image which begins in this plan's mode cannot reach. */
static keg_gpa reach_end(const struct keg_boot_plan *plan)
{
	uint64_t last = keg_boot_reach(plan->entry.mode);

	return last == UINT64_MAX ? last : last + 1;
}

static int no_room(const struct keg_boot_part *part, keg_gpa limit)
{
	return keg_fail(EFAULT, "%s: no free memory for its 0x%" PRIx64 " bytes below 0x%" PRIx64,
		part->name, part->bytes, limit);
}

int keg_boot_plan_place(
	struct keg_boot_plan *plan, struct keg_boot_part *part, uint64_t alignment, bool low)
{
	keg_gpa limit = reach_end(plan);
	const struct keg_boot_part *last = plan->count ? &plan->parts[plan->count - 1] : NULL;
	keg_gpa after = last ? last->gpa + last->bytes : 0;

	if (low && find_below(plan, part->bytes, alignment, KEG_BOOT_LOW_END, &part->gpa))
		return keg_boot_plan_add(plan, part);
	if (find_above(plan, part->bytes, alignment, after, limit, &part->gpa) ||
		find_above(plan, part->bytes, alignment, 0x1000, limit, &part->gpa))
		return keg_boot_plan_add(plan, part);
	return no_room(part, limit);
}

int keg_boot_plan_place_high(
	struct keg_boot_plan *plan, struct keg_boot_part *part, uint64_t alignment, keg_gpa limit)
{
	if (limit > reach_end(plan))
		limit = reach_end(plan);
	if (find_below(plan, part->bytes, alignment, limit, &part->gpa))
		return keg_boot_plan_add(plan, part);
	return no_room(part, limit);
}

int keg_boot_plan_place_from(
	struct keg_boot_plan *plan, struct keg_boot_part *part, uint64_t alignment, keg_gpa gpa)
{
	keg_gpa limit = reach_end(plan);

	if (find_above(plan, part->bytes, alignment, gpa, limit, &part->gpa))
		return keg_boot_plan_add(plan, part);
	return no_room(part, limit);
}

void keg_boot_plan_measure(struct keg_boot_plan *plan)
{
	const struct keg_boot_part *last = plan->parts + plan->count - 1;

	if (!plan->count)
		return;
	plan->entry.low = plan->parts[0].gpa;
	plan->entry.high = last->gpa + last->bytes;
}

int keg_boot_plan_carry_out(struct keg_boot_plan *plan)
{
	const struct keg_boot_part *part = plan->parts;
	/* First: it is the only one that can fail. */
	int rc = plan->packed ? keg_packed_unpack(plan->packed, plan->mem) : 0;

	for (; part < plan->parts + plan->count && !rc; part++) {
		if (!part->data)
			continue;
		rc = keg_mem_write(plan->mem, part->gpa, part->data, part->data_bytes);
		if (!rc && !part->as_it_was)
			rc = keg_mem_fill(plan->mem, part->gpa + part->data_bytes, 0,
				part->bytes - part->data_bytes);
		if (rc)
			rc = keg_fail_within(rc, "%s", part->name);
	}
	return rc;
}
