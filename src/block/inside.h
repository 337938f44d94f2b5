/* SPDX-License-Identifier: MIT */
/* What a disk is made of, and the parts that its channels use. */
#ifndef KEG_BLOCK_INSIDE_H
#define KEG_BLOCK_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "block/disk.h"

struct keg_scratch;

struct keg_disk {
	int fd;      /* what requests go to */
	int lock_fd; /* holds the lock: never in a ring, whose end comes after the process's */
	uint32_t flags;
	uint64_t bytes;
	uint32_t block_size, physical_block_size;
	uint32_t align;    /* of offsets, lengths and memory, for O_DIRECT; else 1 */
	bool is_device;    /* a block device, not a file */
	bool in_memory;    /* a file that no device is behind: nothing to wait for */
	bool cached_reads; /* what is in the page cache can be told from what is not (RWF_NOWAIT) */
	bool can_punch;    /* fallocate(2) makes holes, or the device has zeroing of its own */
	atomic_bool failed;          /* a flush has failed: what was written before may be lost */
	pthread_mutex_t edges;       /* held while a part of a block is changed, with O_DIRECT */
	struct keg_scratch *scratch; /* what was written, when the image stays as it is; or NULL */
};

static inline bool keg_disk_is_readonly(const struct keg_disk *disk)
{
	return disk->flags & KEG_DISK_READONLY;
}

/* ---- iov.c: buffers, from whose front is taken ---- */

struct keg_iov {
	struct iovec *at;
	uint32_t count;
};

enum {
	KEG_IOV_WINDOW = 256, /* buffers in a call of the host */
};

/* The first buffers, `bytes` of them at most; returns how many there are, *taken bytes together. */
uint32_t keg_iov_window(const struct keg_iov *iov, uint64_t bytes,
	struct iovec window[KEG_IOV_WINDOW], uint64_t *taken);
void keg_iov_advance(struct keg_iov *iov, uint64_t bytes);
/* Copy from the front, or to it, and advance. */
void keg_iov_read(struct keg_iov *iov, void *to, size_t bytes);
void keg_iov_write(struct keg_iov *iov, const void *from, size_t bytes);

/* ---- transfer.c: moving bytes, in this thread; 0 or a negative errno ---- */

/* Moves `bytes` between the file and the front of `iov`, which advances. A file that ends before
 * is -EIO. */
int keg_transfer(int fd, bool write, struct keg_iov *iov, uint64_t bytes, uint64_t offset);
/* The same where O_DIRECT asks for an alignment that the request may not have. */
int keg_transfer_direct(
	struct keg_disk *disk, bool write, struct keg_iov *iov, uint64_t bytes, uint64_t offset);
bool keg_transfer_is_aligned(const struct keg_disk *disk, const struct keg_disk_request *request);
/* Writes zeros through `write`, which moves as the functions above. */
int keg_transfer_zeros(struct keg_disk *disk, uint64_t bytes, uint64_t offset,
	int (*write)(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset));

/* ---- perform.c ---- */

/* Serves a request, or what is left of it, in this thread. */
int keg_disk_perform(struct keg_disk *disk, struct keg_disk_request *request);

/* Whether nobody wants its result any more. */
static inline bool keg_disk_is_cancelled(const struct keg_disk_request *request)
{
	return request->cancelled && atomic_load(request->cancelled);
}

/* Whether it moves more than should be done without a look at that in between. */
bool keg_disk_is_large(const struct keg_disk_request *request);

/* Takes `bytes` of what a request moves for done. */
void keg_disk_progress(struct keg_disk_request *request, uint64_t bytes);

/* Notes a flush that has failed: no later one may succeed. Returns `result`. */
int keg_disk_flushed(struct keg_disk *disk, int result);

/* Whether flushes have nothing to do. */
bool keg_disk_never_flushes(const struct keg_disk *disk);

/* ---- now.c ---- */

/* Serves it if that needs no waiting, and *result is its end; or a part of it, or nothing. */
bool keg_disk_try(struct keg_disk *disk, struct keg_disk_request *request, int *result);

/* ---- scratch.c: what was written to an image that stays as it is ---- */

int keg_scratch_open(uint64_t bytes, const char *folder, struct keg_scratch **made);
void keg_scratch_close(struct keg_scratch *scratch);
int keg_scratch_read(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset);
int keg_scratch_write(struct keg_disk *disk, struct keg_iov *iov, uint64_t bytes, uint64_t offset);
/* Where these bytes are, if they are all in one file. */
bool keg_scratch_find(struct keg_disk *disk, uint64_t bytes, uint64_t offset, int *fd);
int keg_scratch_zero(struct keg_disk *disk, uint64_t bytes, uint64_t offset);

#endif
