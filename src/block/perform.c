/* SPDX-License-Identifier: MIT */
/* Serving a request in the thread that asks. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "block/inside.h"

enum {
	PART = 4 << 20, /* what is moved at once; a multiple of every alignment */
};

bool keg_disk_never_flushes(const struct keg_disk *disk)
{
	return disk->scratch || disk->flags & (KEG_DISK_READONLY | KEG_DISK_NO_SYNC);
}

/* After a failure the kernel takes the lost pages for clean, and the next fdatasync() would
 * promise what is not so (fsync(2), "ERRORS", EIO). */
int keg_disk_flushed(struct keg_disk *disk, int result)
{
	if (result)
		atomic_store(&disk->failed, true);
	return atomic_load(&disk->failed) && !result ? -EIO : result;
}

int keg_disk_sync(struct keg_disk *disk)
{
	int rc;

	if (keg_disk_never_flushes(disk))
		return 0;
	do
		rc = fdatasync(disk->fd) ? -errno : 0;
	while (rc == -EINTR);
	return keg_disk_flushed(disk, rc);
}

static int write_out(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset)
{
	if (disk->scratch)
		return keg_scratch_write(disk, iov, bytes, offset);
	if (disk->align > 1)
		return keg_transfer_direct(disk, true, iov, bytes, offset);
	return keg_transfer(disk->fd, true, iov, bytes, offset);
}

static int read_in(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset)
{
	if (disk->scratch)
		return keg_scratch_read(disk, iov, bytes, offset);
	if (disk->align > 1)
		return keg_transfer_direct(disk, false, iov, bytes, offset);
	return keg_transfer(disk->fd, false, iov, bytes, offset);
}

/* In parts, between which it can be cancelled. */
static int move(struct keg_disk *disk, struct keg_disk_request *request)
{
	const bool write = request->op == KEG_DISK_OP_WRITE;
	const bool direct = disk->align > 1 && keg_transfer_is_aligned(disk, request);
	const uint64_t end = request->offset + request->bytes;
	struct keg_iov iov = {request->iov, request->iov_count};
	uint64_t part;
	int rc = 0;

	for (uint64_t at = request->offset + request->progress; at < end && !rc; at += part) {
		part = end - at < PART ? end - at : PART;
		if (keg_disk_is_cancelled(request))
			rc = -ECANCELED;
		else if (direct)
			rc = keg_transfer(disk->fd, write, &iov, part, at);
		else
			rc = (write ? write_out : read_in)(disk, &iov, part, at);
	}
	return rc;
}

bool keg_disk_is_large(const struct keg_disk_request *request)
{
	return (request->op == KEG_DISK_OP_READ || request->op == KEG_DISK_OP_WRITE) &&
	       request->bytes > PART;
}

static int allocate(struct keg_disk *disk, const struct keg_disk_request *request, int mode)
{
	int rc;

	do
		rc = fallocate(disk->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)request->offset,
			(off_t)request->bytes);
	while (rc && errno == EINTR);
	return rc ? -errno : 0;
}

/* A hint, section 5.2.6 of virtio 1.2: what cannot be, is left. */
static int discard(struct keg_disk *disk, const struct keg_disk_request *request)
{
	uint64_t range[2] = {request->offset, request->bytes};
	int rc;

	if (disk->scratch || !disk->can_punch)
		return 0;
	if (disk->is_device)
		rc = ioctl(disk->fd, BLKDISCARD, range) ? -errno : 0;
	else
		rc = allocate(disk, request, FALLOC_FL_PUNCH_HOLE);
	return rc == -EOPNOTSUPP || rc == -EINVAL || rc == -ENOTTY ? 0 : rc;
}

static int write_zeroes(struct keg_disk *disk, const struct keg_disk_request *request)
{
	int rc;

	if (disk->scratch)
		return keg_scratch_zero(disk, request->bytes, request->offset);
	rc = request->unmap ? allocate(disk, request, FALLOC_FL_PUNCH_HOLE) : -EOPNOTSUPP;
	if (rc == -EOPNOTSUPP || rc == -EINVAL)
		rc = allocate(disk, request, FALLOC_FL_ZERO_RANGE);
	if (rc == -EOPNOTSUPP || rc == -EINVAL)
		rc = keg_transfer_zeros(disk, request->bytes, request->offset, write_out);
	return rc;
}

int keg_disk_perform(struct keg_disk *disk, struct keg_disk_request *request)
{
	int rc;

	if (keg_disk_is_cancelled(request))
		return -ECANCELED;
	if (request->op == KEG_DISK_OP_FLUSH)
		return keg_disk_sync(disk);
	if (!request->bytes)
		return 0;
	if (request->op == KEG_DISK_OP_READ)
		return move(disk, request);
	if (keg_disk_is_readonly(disk))
		return -EROFS;
	if (request->op == KEG_DISK_OP_DISCARD)
		return discard(disk, request);
	rc = request->op == KEG_DISK_OP_WRITE ? move(disk, request) : write_zeroes(disk, request);
	return rc || !request->durable ? rc : keg_disk_sync(disk);
}

void keg_disk_progress(struct keg_disk_request *request, uint64_t bytes)
{
	struct keg_iov iov = {request->iov, request->iov_count};

	keg_iov_advance(&iov, bytes);
	request->iov = iov.at;
	request->iov_count = iov.count;
	request->progress += bytes;
}
