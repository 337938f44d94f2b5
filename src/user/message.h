/* SPDX-License-Identifier: MIT */
/* Messages on their way between programs and sockets of the host's. */
#ifndef KEG_USER_MESSAGE_H
#define KEG_USER_MESSAGE_H

#include <errno.h>
#include <sys/syscall.h>

#include "user/control.h"
#include "user/io.h"
#include "user/sockets.h"
#include "user/task.h"

/* The kernel's struct keg_msghdr. */
struct keg_msghdr {
	uint64_t name;
	int32_t name_length, pad0;
	uint64_t vector, vector_count;
	uint64_t control, control_length;
	uint32_t flags, pad1;
};
/* The kernel's struct mmsghdr. */
struct keg_mmsghdr {
	struct keg_msghdr message;
	uint32_t length, pad;
};

/* A message on its way: one piece of data in keg's buffer. */
struct keg_message {
	struct keg_task *task;
	struct keg_file *file;
	struct keg_vector *vector;
	struct keg_address *address; /* the host's; length 0: none */
	struct keg_control *control; /* NULL: none */
	uint32_t flags;
	bool came;     /* recvmsg: the host has given something */
	uint32_t told; /* its msg_flags */
};

/* sendmsg or recvmsg on the host, with `length` bytes of data. */
int64_t keg_message_call(
	struct keg_message *message, long number, void *data, size_t length, uint32_t flags);
/* What is there at once, for a stream that must not wait: POLLIN, POLLOUT. */
int64_t keg_message_ready(const struct keg_message *message, int events);
bool keg_message_is_stream(const struct keg_file *file);
/* Whether what is received is taken and not given: MSG_TRUNC of a TCP stream (tcp(7)), which leaves
 * the buffer as it was. */
bool keg_message_discards(const struct keg_message *message);
int keg_message_socket(const struct keg_file *file); /* -EBADF, -ENOTSOCK */

static inline size_t keg_message_piece(uint64_t left)
{
	return left < KEG_IO_PIECE ? (size_t)left : KEG_IO_PIECE;
}

/* Of many messages: how many were done, or what the first one answered. */
static inline int64_t keg_message_many(uint32_t done, int64_t r)
{
	return done > 0 ? done : r;
}

#endif
