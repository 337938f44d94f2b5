/* SPDX-License-Identifier: MIT */
/* The only ways into the guest's memory: with a length, and checked. */
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "mem/span.h"

/* A part of an access that lies in one region. */
struct part {
	uint8_t *host;
	size_t bytes;
};

static int no_memory(keg_gpa gpa, uint64_t bytes, keg_gpa where, const char *why)
{
	return keg_fail(EFAULT, "guest memory [0x%" PRIx64 ", +0x%" PRIx64 "): at 0x%" PRIx64 " %s",
		gpa, bytes, where, why);
}

/* The part of [gpa, gpa + bytes) that begins at `at`. With the map's lock held. */
static int find_part(struct keg_mem *mem, keg_gpa gpa, size_t bytes, keg_gpa at,
	enum keg_access access, struct part *part)
{
	const struct keg_region *region;
	struct keg_range range;
	uint64_t left = bytes - (at - gpa), room;

	*part = (struct part){.host = NULL}; /* for compilers that do not see who looks at it */
	if (!keg_ranges_next_locked(&mem->ranges, at, &range) || range.first > at)
		return no_memory(gpa, bytes, at, "there is nothing");
	region = range.value;
	if (!region->host)
		return no_memory(gpa, bytes, at, "there is I/O, not memory");
	if (access == KEG_ACCESS_WRITE && (region->flags & KEG_REGION_READONLY))
		return keg_fail(EROFS, "guest memory at 0x%" PRIx64 " is read-only (region '%s')",
			at, region->name);
	room = range.last - at;
	part->host = region->host + (at - range.first);
	part->bytes = left - 1 <= room ? (size_t)left : (size_t)(room + 1);
	return 0;
}

/* What is done with each part: copying one way or the other, or setting. */
struct transfer {
	enum keg_access access;
	void (*move)(const struct transfer *transfer, uint8_t *host, size_t done, size_t bytes);
	uint8_t *in;        /* of a read */
	const uint8_t *out; /* of a write */
	uint8_t value;      /* of a fill */
};

static int for_each_part(
	struct keg_mem *mem, keg_gpa gpa, size_t bytes, const struct transfer *transfer, bool move)
{
	struct part part;
	int rc;

	for (size_t done = 0; done < bytes; done += part.bytes) {
		rc = find_part(mem, gpa, bytes, gpa + done, transfer->access, &part);
		if (rc)
			return rc;
		if (move)
			transfer->move(transfer, part.host, done, part.bytes);
	}
	return 0;
}

static int access_locked(
	struct keg_mem *mem, keg_gpa gpa, size_t bytes, const struct transfer *transfer)
{
	struct part part;
	int rc = find_part(mem, gpa, bytes, gpa, transfer->access, &part);

	if (rc)
		return rc;
	if (part.bytes == bytes) {
		transfer->move(transfer, part.host, 0, bytes);
		return 0;
	}
	/* All is checked before any of it is touched. */
	rc = for_each_part(mem, gpa, bytes, transfer, false);
	return rc ? rc : for_each_part(mem, gpa, bytes, transfer, true);
}

/* The lock is held until all is done, so that no region goes while it is being copied. */
static int access_memory(
	struct keg_mem *mem, keg_gpa gpa, size_t bytes, const struct transfer *transfer)
{
	int rc;

	if (bytes == 0)
		return 0;
	if (!keg_range_valid(gpa, bytes))
		return no_memory(gpa, bytes, UINT64_MAX, "it wraps around");
	pthread_rwlock_rdlock(&mem->ranges.lock);
	rc = access_locked(mem, gpa, bytes, transfer);
	pthread_rwlock_unlock(&mem->ranges.lock);
	return rc;
}

static void move_in(const struct transfer *transfer, uint8_t *host, size_t done, size_t bytes)
{
	memcpy(transfer->in + done, host, bytes);
}

static void move_out(const struct transfer *transfer, uint8_t *host, size_t done, size_t bytes)
{
	memcpy(host, transfer->out + done, bytes);
}

static void set_bytes(const struct transfer *transfer, uint8_t *host, size_t done, size_t bytes)
{
	(void)done;
	memset(host, transfer->value, bytes);
}

int keg_mem_read(struct keg_mem *mem, keg_gpa gpa, void *buffer, size_t bytes)
{
	const struct transfer transfer = {.access = KEG_ACCESS_READ, .move = move_in, .in = buffer};

	return access_memory(mem, gpa, bytes, &transfer);
}

int keg_mem_write(struct keg_mem *mem, keg_gpa gpa, const void *buffer, size_t bytes)
{
	const struct transfer transfer = {
		.access = KEG_ACCESS_WRITE, .move = move_out, .out = buffer};

	return access_memory(mem, gpa, bytes, &transfer);
}

int keg_mem_fill(struct keg_mem *mem, keg_gpa gpa, uint8_t value, size_t bytes)
{
	const struct transfer transfer = {
		.access = KEG_ACCESS_WRITE, .move = set_bytes, .value = value};

	return access_memory(mem, gpa, bytes, &transfer);
}

int keg_mem_slice(
	struct keg_mem *mem, keg_gpa gpa, size_t bytes, enum keg_access access, void **pointer)
{
	struct part part;
	int rc;

	*pointer = NULL;
	if (bytes == 0)
		return keg_fail(EINVAL, "a slice of no bytes, at 0x%" PRIx64, gpa);
	if (!keg_range_valid(gpa, bytes))
		return no_memory(gpa, bytes, UINT64_MAX, "it wraps around");
	pthread_rwlock_rdlock(&mem->ranges.lock);
	rc = find_part(mem, gpa, bytes, gpa, access, &part);
	pthread_rwlock_unlock(&mem->ranges.lock);
	if (rc)
		return rc;
	if (part.bytes != bytes)
		return no_memory(gpa, bytes, gpa + part.bytes, "its region ends");
	*pointer = part.host;
	return 0;
}

int keg_mem_find_span(
	struct keg_mem *mem, keg_gpa gpa, enum keg_access access, struct keg_span *span)
{
	const struct keg_region *region;
	struct keg_range range;
	struct part part;
	int rc;

	memset(span, 0, sizeof(*span));
	pthread_rwlock_rdlock(&mem->ranges.lock);
	/* Before the search: a change that comes in between voids what is found. */
	span->changes = atomic_load(&mem->changes);
	rc = find_part(mem, gpa, 1, gpa, access, &part);
	if (!rc) {
		keg_ranges_next_locked(&mem->ranges, gpa, &range);
		region = range.value;
		span->first = region->gpa;
		span->bytes = region->bytes;
		span->host = region->host;
		span->writable = !(region->flags & KEG_REGION_READONLY);
	}
	pthread_rwlock_unlock(&mem->ranges.lock);
	return rc;
}
