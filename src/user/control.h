/* SPDX-License-Identifier: MIT */
/* What comes with a message besides its data: sendmsg(2)'s control messages. */
#ifndef KEG_USER_CONTROL_H
#define KEG_USER_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "user/files.h"

struct keg_task;

#define KEG_CONTROL_MOST 4096 /* bytes of it in a message */
#define KEG_RIGHTS_MOST  253  /* descriptors in a message: unix(7), SCM_MAX_FD */

struct keg_control {
	_Alignas(8) char bytes[KEG_CONTROL_MOST]; /* the host's */
	size_t length;
	struct keg_file *held[KEG_RIGHTS_MOST]; /* those that are on their way */
	uint32_t count;
};

/* The program's control messages as the host's. -EFAULT, -EINVAL, -ENOBUFS, -EBADF; -EPERM a
 * descriptor that may not be sent there. What it holds is let go by keg_control_end(). */
int keg_control_send(struct keg_task *task, struct keg_file *socket, uint64_t at, uint64_t length,
	struct keg_control *control);
void keg_control_end(struct keg_control *control);

/*
 * The host's control messages (control->length of them) as the program's, written to `at`; *length
 * is the room there, and then what is used. Descriptors become the program's. MSG_CTRUNC if
 * anything had no room, was not to come in, or 0; -EFAULT
 */
int keg_control_receive(struct keg_task *task, struct keg_file *socket, struct keg_control *control,
	bool close_on_exec, uint64_t at, uint64_t *length);

/* The message is of no use: closes the descriptors that came with it. */
void keg_control_discard(struct keg_control *control);

#endif
