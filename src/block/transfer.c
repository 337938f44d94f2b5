/* SPDX-License-Identifier: MIT */
/* Moving bytes between a file and buffers, all of them, and as O_DIRECT wants them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "block/inside.h"

enum {
	BOUNCE_BYTES = 128 * 1024, /* a multiple of every alignment */
	ZERO_BYTES = 4096,
};

int keg_transfer(int fd, bool write, struct keg_iov *iov, uint64_t bytes, uint64_t offset)
{
	struct iovec window[KEG_IOV_WINDOW];

	while (bytes) {
		uint64_t taken;
		int count = (int)keg_iov_window(iov, bytes, window, &taken);
		ssize_t moved = write ? pwritev(fd, window, count, (off_t)offset)
				      : preadv(fd, window, count, (off_t)offset);

		if (moved < 0 && errno == EINTR)
			continue;
		if (moved < 0)
			return -errno;
		/* The image has been cut short, or the device is full: it does not get better. */
		if (!moved)
			return -EIO;
		keg_iov_advance(iov, (uint64_t)moved);
		bytes -= (uint64_t)moved;
		offset += (uint64_t)moved;
	}
	return 0;
}

bool keg_transfer_is_aligned(const struct keg_disk *disk, const struct keg_disk_request *request)
{
	uint64_t bits = request->offset | request->bytes;

	for (uint32_t i = 0; i < request->iov_count; i++)
		bits |= (uintptr_t)request->iov[i].iov_base | request->iov[i].iov_len;
	return !(bits & (disk->align - 1));
}

/*
 * One piece through the buffer, which holds whole blocks. A block of which only a part is written
 * is read first; `edges` keeps two such writes apart. Who writes a whole block at the same time
 * overlaps with this write, and has to expect any order.
 */
static int bounce(struct keg_disk *disk, bool write, struct keg_iov *iov, char *buffer,
	uint64_t bytes, uint64_t offset)
{
	uint64_t mask = disk->align - 1, start = offset & ~mask;
	uint64_t end = (offset + bytes + mask) & ~mask;
	bool partial = start != offset || end != offset + bytes;
	struct iovec all = {buffer, (size_t)(end - start)};
	struct keg_iov whole = {&all, 1};
	int rc = 0;

	if (write && partial)
		pthread_mutex_lock(&disk->edges);
	if (!write || partial)
		rc = keg_transfer(disk->fd, false, &whole, end - start, start);
	if (!rc && write) {
		keg_iov_read(iov, buffer + (offset - start), (size_t)bytes);
		all = (struct iovec){buffer, (size_t)(end - start)};
		whole = (struct keg_iov){&all, 1};
		rc = keg_transfer(disk->fd, true, &whole, end - start, start);
	} else if (!rc) {
		keg_iov_write(iov, buffer + (offset - start), (size_t)bytes);
	}
	if (write && partial)
		pthread_mutex_unlock(&disk->edges);
	return rc;
}

int keg_transfer_direct(
	struct keg_disk *disk, bool write, struct keg_iov *iov, uint64_t bytes, uint64_t offset)
{
	char *buffer = aligned_alloc(disk->align, BOUNCE_BYTES);
	int rc = 0;

	if (!buffer)
		return -ENOMEM;
	while (bytes && !rc) {
		uint64_t room = BOUNCE_BYTES - (offset & (disk->align - 1));
		uint64_t part = bytes < room ? bytes : room;

		rc = bounce(disk, write, iov, buffer, part, offset);
		bytes -= part;
		offset += part;
	}
	free(buffer);
	return rc;
}

int keg_transfer_zeros(struct keg_disk *disk, uint64_t bytes, uint64_t offset,
	int (*write)(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset))
{
	static const char zeros[ZERO_BYTES] __attribute__((aligned(ZERO_BYTES)));
	struct iovec buffers[KEG_IOV_WINDOW];
	int rc = 0;

	while (bytes && !rc) {
		struct keg_iov iov = {buffers, KEG_IOV_WINDOW};
		uint64_t part = (uint64_t)KEG_IOV_WINDOW * ZERO_BYTES;

		for (uint32_t i = 0; i < KEG_IOV_WINDOW; i++)
			buffers[i] = (struct iovec){(void *)(uintptr_t)zeros, ZERO_BYTES};
		if (part > bytes)
			part = bytes;
		rc = write(disk, &iov, part, offset);
		bytes -= part;
		offset += part;
	}
	return rc;
}
