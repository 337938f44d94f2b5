/* SPDX-License-Identifier: MIT */
/*
 * Serving a request on the spot, where that needs no waiting: a call of the host that copies to or
 * from its page cache takes less time than handing the request to anybody.
 */
#include <limits.h>

#include "block/inside.h"

enum {
	PAGE = 4096, /* at least: a part of a larger one that is not cached is waited for */
};

/* RWF_NOWAIT: what is not in the page cache is left, from there on. */
static bool read_now(struct keg_disk *disk, struct keg_disk_request *request, int *result)
{
	uint64_t offset = request->offset + request->progress;
	int fd = disk->fd;
	ssize_t got;

	if (request->iov_count > IOV_MAX ||
		(disk->scratch && !keg_scratch_find(disk, request->bytes, offset, &fd)))
		return false;
	got = preadv2(fd, request->iov, (int)request->iov_count, (off_t)offset, RWF_NOWAIT);
	if (got <= 0)
		return false;
	keg_disk_progress(request, (uint64_t)got);
	*result = 0;
	return request->progress == request->bytes;
}

/* Whole pages go to the page cache without a look at what was there. Few file systems know
 * RWF_NOWAIT for it; the caller sees to it that a host that makes writers wait is not asked. */
static bool is_copied_at_once(const struct keg_disk *disk, const struct keg_disk_request *request)
{
	return request->op == KEG_DISK_OP_WRITE && disk->align == 1 && !request->durable &&
	       !((request->offset | request->bytes) % PAGE);
}

/* Ranges to discard or to zero are long, and there are many of them in a request: even in memory it
 * takes too long for who cannot be cancelled meanwhile. */
static bool is_short(const struct keg_disk_request *request)
{
	return request->op <= KEG_DISK_OP_FLUSH && !keg_disk_is_large(request);
}

bool keg_disk_try(struct keg_disk *disk, struct keg_disk_request *request, int *result)
{
	if (!is_short(request))
		return false;
	if (request->op == KEG_DISK_OP_READ && disk->cached_reads)
		return read_now(disk, request, result);
	if ((disk->in_memory && !disk->scratch) || is_copied_at_once(disk, request) ||
		(request->op == KEG_DISK_OP_FLUSH && keg_disk_never_flushes(disk))) {
		*result = keg_disk_perform(disk, request);
		return true;
	}
	return false;
}
