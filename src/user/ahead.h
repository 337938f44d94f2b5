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
/* What is shown and permitted is settled, as far as loading goes. */
void keg_ahead_settled(struct keg_user *user);
/* Waits until the thread has ended. */
void keg_ahead_wait(struct keg_user *user);
/* Landlock's rules, the caller's to close: keg_landlock_rules(). -1: there are none yet. */
int keg_ahead_rules(struct keg_user *user);
/* The thread, and what it has fetched that nobody has taken. */
void keg_ahead_end(struct keg_user *user);

#endif
