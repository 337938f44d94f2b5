/* SPDX-License-Identifier: MIT */
/* Limits of time: one thread a sandbox, made when there is a limit, that stops the run when it is
 * over. */
#ifndef KEG_USER_WATCH_H
#define KEG_USER_WATCH_H

#include <stdint.h>

struct keg_user;

/*
 * The run is to end with KEG_USER_TIME at `deadline` (CLOCK_MONOTONIC, ns); 0: not at all. Moving
 * it later, or away, costs no system call: the thread finds out when it wakes. -EAGAIN no thread
 * can be made
 */
int keg_watch_set(struct keg_user *user, uint64_t deadline);
void keg_watch_destroy(struct keg_user *user);

#endif
