/* SPDX-License-Identifier: MIT */
/*
 * What a guest writes to an image that stays as it is: a file without a name, of the disk's size
 * and sparse, and a bit for each cluster that is in it. A bit is set when its cluster has been
 * written, and never cleared.
 *
 * Who writes to a cluster that is not there yet holds the lock until it is: of two who write
 * different parts of one cluster the second finds what the first has written.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "block/inside.h"

enum {
	CLUSTER = 4096, /* what Linux writes mostly: no part of it has to be read first */
};

struct keg_scratch {
	int fd;
	pthread_mutex_t lock;
	_Atomic uint64_t bits[]; /* zeros, which take no memory until one is set */
};

static bool is_there(struct keg_scratch *scratch, uint64_t cluster)
{
	return atomic_load_explicit(&scratch->bits[cluster / 64], memory_order_acquire) >>
		       cluster % 64 &
	       1;
}

static void set_there(struct keg_scratch *scratch, uint64_t first, uint64_t end)
{
	for (uint64_t i = first; i < end; i++)
		if (!is_there(scratch, i))
			atomic_fetch_or_explicit(&scratch->bits[i / 64], UINT64_C(1) << i % 64,
				memory_order_release);
}

/* Where the clusters from that of `offset` on, up to `end`, begin to differ in being there. */
static uint64_t run_end(struct keg_scratch *scratch, uint64_t offset, uint64_t end, bool *there)
{
	uint64_t cluster = offset / CLUSTER;

	*there = is_there(scratch, cluster);
	do
		cluster++;
	while (cluster * CLUSTER < end && is_there(scratch, cluster) == *there);
	return cluster * CLUSTER < end ? cluster * CLUSTER : end;
}

int keg_scratch_read(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset)
{
	uint64_t end = offset + bytes;
	int rc = 0;

	while (offset < end && !rc) {
		bool there;
		uint64_t stop = run_end(disk->scratch, offset, end, &there);

		rc = keg_transfer(
			there ? disk->scratch->fd : disk->fd, false, iov, stop - offset, offset);
		offset = stop;
	}
	return rc;
}

bool keg_scratch_find(struct keg_disk *disk, uint64_t bytes, uint64_t offset, int *fd)
{
	bool there,
		whole = run_end(disk->scratch, offset, offset + bytes, &there) == offset + bytes;

	*fd = there ? disk->scratch->fd : disk->fd;
	return whole;
}

/* Takes a cluster over from the image. The lock is held. */
static int populate(struct keg_disk *disk, uint64_t cluster)
{
	uint64_t offset = cluster * CLUSTER, left = disk->bytes - offset;
	char buffer[CLUSTER];
	struct iovec all = {buffer, (size_t)(left < CLUSTER ? left : CLUSTER)}, same = all;
	struct keg_iov in = {&all, 1}, out = {&same, 1};
	uint64_t bytes = all.iov_len;
	int rc;

	if (is_there(disk->scratch, cluster))
		return 0;
	rc = keg_transfer(disk->fd, false, &in, bytes, offset);
	if (!rc)
		rc = keg_transfer(disk->scratch->fd, true, &out, bytes, offset);
	if (!rc)
		set_there(disk->scratch, cluster, cluster + 1);
	return rc;
}

/* Takes the clusters over of which only a part will be written. The lock is held. */
static int populate_edges(struct keg_disk *disk, uint64_t offset, uint64_t end)
{
	int rc = offset % CLUSTER ? populate(disk, offset / CLUSTER) : 0;

	if (!rc && end % CLUSTER && end != disk->bytes)
		rc = populate(disk, end / CLUSTER);
	return rc;
}

static uint64_t clusters(uint64_t bytes)
{
	return bytes / CLUSTER + (bytes % CLUSTER != 0);
}

int keg_scratch_write(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset)
{
	struct keg_scratch *scratch = disk->scratch;
	uint64_t end = offset + bytes;
	bool there;
	int rc;

	if (run_end(scratch, offset, end, &there) == end && there)
		return keg_transfer(scratch->fd, true, iov, bytes, offset);
	pthread_mutex_lock(&scratch->lock);
	rc = populate_edges(disk, offset, end);
	if (!rc)
		rc = keg_transfer(scratch->fd, true, iov, bytes, offset);
	if (!rc)
		set_there(scratch, offset / CLUSTER, clusters(end));
	pthread_mutex_unlock(&scratch->lock);
	return rc;
}

static int punch(struct keg_scratch *scratch, uint64_t bytes, uint64_t offset)
{
	int rc;

	do
		rc = fallocate(scratch->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)offset, (off_t)bytes);
	while (rc && errno == EINTR);
	return rc ? -errno : 0;
}

/* Holes in the file are the zeros, where its file system has holes. */
int keg_scratch_zero(struct keg_disk *disk, uint64_t bytes, uint64_t offset)
{
	struct keg_scratch *scratch = disk->scratch;
	uint64_t end = offset + bytes;
	int rc;

	pthread_mutex_lock(&scratch->lock);
	rc = populate_edges(disk, offset, end);
	if (!rc)
		rc = punch(scratch, bytes, offset);
	if (!rc)
		set_there(scratch, offset / CLUSTER, clusters(end));
	pthread_mutex_unlock(&scratch->lock);
	return rc == -EOPNOTSUPP ? keg_transfer_zeros(disk, bytes, offset, keg_scratch_write) : rc;
}

/* A file without a name, also where the file system makes none such. */
static int open_nameless(const char *folder)
{
	char path[512];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	if ((size_t)snprintf(path, sizeof(path), "%s/keg-XXXXXX", folder) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static const char *default_folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder && *folder ? folder : "/var/tmp";
}

int keg_scratch_open(uint64_t bytes, const char *folder, struct keg_scratch **made)
{
	size_t words = (size_t)(clusters(bytes) / 64 + 1);
	struct keg_scratch *scratch = calloc(1, sizeof(*scratch) + words * sizeof(uint64_t));
	int rc = 0;

	if (!scratch)
		return keg_fail(ENOMEM, "no memory for the map of a scratch disk");
	if (!folder)
		folder = default_folder();
	scratch->fd = open_nameless(folder);
	if (scratch->fd < 0)
		rc = keg_fail_errno(errno, "making a scratch file in %s", folder);
	else if (ftruncate(scratch->fd, (off_t)bytes))
		rc = keg_fail_errno(errno, "making a scratch file of %llu bytes in %s",
			(unsigned long long)bytes, folder);
	if (!rc) {
		rc = pthread_mutex_init(&scratch->lock, NULL);
		if (rc)
			rc = keg_fail_errno(rc, "making the lock of a scratch disk");
	}
	if (rc) {
		if (scratch->fd >= 0)
			close(scratch->fd);
		free(scratch);
		return rc;
	}
	*made = scratch;
	return 0;
}

void keg_scratch_close(struct keg_scratch *scratch)
{
	if (!scratch)
		return;
	pthread_mutex_destroy(&scratch->lock);
	close(scratch->fd);
	free(scratch);
}
