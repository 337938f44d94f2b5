/* SPDX-License-Identifier: MIT */
/*
 * A disk of the host's: requests go in, and are answered when they are done, in any order. A
 * channel is one thread's way to the disk (an io_uring, or a pool of threads).
 *
 * Threads: a disk may have many channels, each opened, used and closed by one thread. That thread
 * should have its signals blocked: a write beyond RLIMIT_FSIZE sends it SIGXFSZ.
 */
#ifndef KEG_BLOCK_DISK_H
#define KEG_BLOCK_DISK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <keg/disk.h>

struct keg_disk;
struct keg_disk_channel;

/*
 * Opens what the configuration names, which need not outlive the call. Errors say what to do: no
 * such file, no permission, in use by another (it is locked, shared if read-only), no image.
 * -EINVAL the configuration; -EBUSY it is locked; -ENOMEM, and what open(2) and its like say.
 */
int keg_disk_open(const struct keg_disk_config *given, struct keg_disk **made);
void keg_disk_close(struct keg_disk *disk); /* when it has no channels; NULL is allowed */

struct keg_disk_facts {
	uint64_t bytes;      /* a multiple of 512 */
	uint32_t block_size; /* logical, to be told to the guest: a power of two from 512 */
	uint32_t physical_block_size; /* what is written without reading first; at least that */
	bool readonly;
	bool can_discard, can_write_zeroes;
};
void keg_disk_get_facts(const struct keg_disk *disk, struct keg_disk_facts *facts);

/* Makes safe what was answered before, in this thread. A negative errno: it is not. */
int keg_disk_sync(struct keg_disk *disk);

enum keg_disk_op {
	KEG_DISK_OP_READ,
	KEG_DISK_OP_WRITE,
	KEG_DISK_OP_FLUSH,   /* all writes that were answered before are safe when it is answered */
	KEG_DISK_OP_DISCARD, /* a hint: what cannot be discarded stays, without an error */
	KEG_DISK_OP_WRITE_ZEROES, /* `unmap`: may deallocate */
};

/* A request in flight: the caller's memory, until it is answered. */
struct keg_disk_request {
	enum keg_disk_op op;
	bool unmap;
	bool durable;    /* a write is safe when it is answered, as if flushed */
	uint64_t offset; /* the caller has checked: offset + bytes is within the disk */
	uint64_t bytes;
	struct iovec *iov; /* of `iov_count`, `bytes` together; the disk changes both, and them */
	uint32_t iov_count;
	/* Called in the channel's thread, from keg_disk_channel_wait(): 0 or a negative errno. It
	 * may submit requests, this one too. */
	void (*done)(struct keg_disk_request *request, int result);

	/* The channel's own. */
	const atomic_bool *cancelled;
	uint64_t progress;
	int result;
	struct keg_disk_request *next;
};

/* At most `depth` requests are in flight at once. */
int keg_disk_channel_open(struct keg_disk *disk, uint32_t depth, struct keg_disk_channel **made);
void keg_disk_channel_close(struct keg_disk_channel *channel); /* when nothing is in flight */

/* Notes a request, which begins at the latest when a wait sleeps. */
void keg_disk_submit(struct keg_disk_channel *channel, struct keg_disk_request *request);

/*
 * Begins what was submitted, and answers what is done. With `wait` it sleeps, if nothing was
 * answered, until there is an answer, or one of the eventfds `wake[0]` and `wake[1]` (non-blocking,
 * the same ones in every call) is signalled: bit 0 and bit 1 of the result tell, and may tell of
 * one signal twice. A negative errno if the host fails.
 * Without `wait` it answers only what needs no waiting; the rest may begin with the next wait, so
 * that all goes to the host in one call.
 */
int keg_disk_channel_wait(struct keg_disk_channel *channel, const int wake[2], bool wait);

/* From now on what was submitted, and is not finished soon, ends with -ECANCELED: for who wants to
 * close the channel, and has asked for gigabytes. */
void keg_disk_channel_cancel(struct keg_disk_channel *channel);

/* "io_uring" or "threads": what a channel is, for listings. */
const char *keg_disk_channel_kind(const struct keg_disk_channel *channel);

#endif
