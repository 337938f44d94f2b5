/* SPDX-License-Identifier: MIT */
/*
 * A disk of the host's: requests go in, and are answered when they are done, in any order. A
 * channel is one thread's way to the disk (an io_uring, or a pool of threads).
 *
 * Threads: a disk may have many channels, each used by one thread.
 */
#ifndef KEG_BLOCK_DISK_H
#define KEG_BLOCK_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <keg/disk.h>

struct keg_disk;
struct keg_disk_channel;

/* Opens what the configuration names. Errors say what to do: no such file, no permission, in use
 * by another (it is locked, shared if read-only), no image. */
int keg_disk_open(const struct keg_disk_config *config, struct keg_disk **disk);
void keg_disk_close(struct keg_disk *disk);

struct keg_disk_facts {
	uint64_t bytes;      /* a multiple of 512 */
	uint32_t block_size; /* physical, to be told to the guest: at least 512 */
	bool readonly;
	bool can_discard, can_write_zeroes;
};
void keg_disk_get_facts(const struct keg_disk *disk, struct keg_disk_facts *facts);

enum keg_disk_op {
	KEG_DISK_OP_READ,
	KEG_DISK_OP_WRITE,
	KEG_DISK_OP_FLUSH, /* all writes that were answered before are safe when it is answered */
	KEG_DISK_OP_DISCARD,
	KEG_DISK_OP_WRITE_ZEROES, /* `unmap`: may deallocate */
};

/* A request in flight: the caller's memory, until it is answered. */
struct keg_disk_request {
	enum keg_disk_op op;
	bool unmap;
	uint64_t offset; /* the caller has checked: offset + bytes is within the disk */
	uint64_t bytes;
	struct iovec *iov; /* of `iov_count`, `bytes` together; may be changed by the disk */
	uint32_t iov_count;
	/* Called in the channel's thread, from keg_disk_channel_wait(). 0 or a negative errno. */
	void (*done)(struct keg_disk_request *request, int result);

	/* The channel's own. */
	uint64_t progress;
	struct keg_disk_request *next;
};

/* At most `depth` requests are in flight at once. */
int keg_disk_channel_open(
	struct keg_disk *disk, uint32_t depth, struct keg_disk_channel **channel);
void keg_disk_channel_close(struct keg_disk_channel *channel); /* when nothing is in flight */

/* Notes a request, which begins at the latest with the next wait. */
void keg_disk_submit(struct keg_disk_channel *channel, struct keg_disk_request *request);

/*
 * Begins what was submitted, and answers what is done. With `wait` it sleeps until there is an
 * answer, or one of the eventfds `wake[0]` and `wake[1]` (the same ones in every call) is
 * signalled, which it drains: bit 0 and bit 1 of the result tell. A negative errno if the host fails.
 */
int keg_disk_channel_wait(struct keg_disk_channel *channel, const int wake[2], bool wait);

#endif
