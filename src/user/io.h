/* SPDX-License-Identifier: MIT */
/*
 * Data between files and programs: always through a buffer of keg's, a piece at a time.
 */
#ifndef KEG_USER_IO_H
#define KEG_USER_IO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "user/files.h"

struct keg_task;

#define KEG_IO_PIECE (1u << 20)    /* what is copied at once */
#define KEG_IO_MOST  0x7ffff000ull /* in one call: Linux's MAX_RW_COUNT */

/* ---- Where the data is in the program ---- */

#define KEG_VECTOR_INSIDE 4
struct keg_vector {
	struct iovec *at; /* as the program gave them, once: addresses of the program's */
	uint32_t count;
	uint64_t length; /* of all, at most KEG_IO_MOST */
	struct iovec inside[KEG_VECTOR_INSIDE];
};
#define KEG_VECTOR __attribute__((cleanup(keg_vector_free)))

void keg_vector_one(struct keg_vector *vector, uint64_t at, uint64_t length);
/* -EINVAL more than 1024, or too long altogether; -EFAULT, -ENOMEM */
int keg_vector_load(struct keg_vector *vector, struct keg_task *task, uint64_t at, uint64_t count);
void keg_vector_free(struct keg_vector *vector);
/* From byte `from` of it on, as many bytes as are accessible: -EFAULT none of a length > 0. */
ssize_t keg_vector_get(const struct keg_vector *vector, struct keg_task *task, uint64_t from,
	void *to, size_t length);
ssize_t keg_vector_put(const struct keg_vector *vector, struct keg_task *task, uint64_t to,
	const void *from, size_t length);
/* Whether its first byte can be written: before data is taken that could not be put back. */
int keg_vector_probe(const struct keg_vector *vector, struct keg_task *task);

/* ---- Calls on a file ---- */

/* The host's call on it, with its descriptor first; so that a kick ends it if it may wait. -EINTR
 * is for keg_file_interrupted(). */
int64_t keg_file_call(struct keg_task *task, struct keg_file *file, long number, uint64_t b,
	uint64_t c, uint64_t d, uint64_t e, uint64_t f);
/* What a call that was interrupted on it answers: KEG_RESTART as a rule. */
int64_t keg_file_interrupted(const struct keg_file *file, int64_t result);
/* How many bytes may be written at `offset` (-1: where it is): RLIMIT_FSIZE, with its signal. At
 * most `length`; -EFBIG */
int64_t keg_file_room(
	struct keg_task *task, struct keg_file *file, int64_t offset, uint64_t length);
/* A file that is mapped by MAP_SHARED is the same as what is mapped: before it is read or written,
 * and after it was written from `offset` on (-1: up to where it is now). */
void keg_file_before(struct keg_task *task, struct keg_file *file);
void keg_file_written(struct keg_task *task, struct keg_file *file, int64_t offset, uint64_t bytes);
/* Whether O_NONBLOCK is set, for what the host's description does not know: a stream's. */
bool keg_file_must_not_wait(const struct keg_file *file);
/* Waits until a stream is ready for POLLIN or POLLOUT, or answers -EAGAIN; -EINTR. Other files: 0.
 */
int64_t keg_file_ready(struct keg_task *task, struct keg_file *file, int events);

/*
 * A call of the host's that may raise SIGPIPE is made between these two. In threads of keg's own
 * the signal is blocked; in the thread of whoever called keg_user_run() it is for that long, and
 * taken if it came. `result` is the call's; the program gets its SIGPIPE for -EPIPE.
 */
struct keg_pipe_guard {
	bool blocked, pending;
	uint64_t old[16]; /* sigset_t */
};
void keg_pipe_begin(struct keg_task *task, struct keg_pipe_guard *guard);
void keg_pipe_end(struct keg_task *task, struct keg_pipe_guard *guard, int64_t result);

#endif
