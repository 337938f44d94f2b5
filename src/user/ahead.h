/* SPDX-License-Identifier: MIT */
/*
 * What loading the first program will need, fetched by a thread of its own while the caller sets
 * the sandbox up: KVM's answers, the first memory of the arena, the pages of the program's files.
 *
 * All of it is kept where it is looked for later, and whoever looks fetches what is not there. So
 * nothing depends on the thread: what it cannot have, or cannot have in time, costs time only, and
 * fails, in words, where it is needed.
 */
#ifndef KEG_USER_AHEAD_H
#define KEG_USER_AHEAD_H

struct keg_program;
struct keg_user;

/* Without a thread or memory for it there is no such thread. */
void keg_ahead_begin(struct keg_user *user);
/* A program or an interpreter that is likely to be loaded: an open file, which is duplicated. */
void keg_ahead_read(struct keg_user *user, int fd, const struct keg_program *program);
/* Waits until the thread has ended. */
void keg_ahead_end(struct keg_user *user);

#endif
