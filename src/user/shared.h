/* SPDX-License-Identifier: MIT */
/* Shared memory of System V: sysvipc(7). */
#ifndef KEG_USER_SHARED_H
#define KEG_USER_SHARED_H

#include <stdbool.h>

struct keg_shared; /* of a sandbox */
struct keg_user;

/* Whether there is no segment; lock not held. */
bool keg_shared_is_empty(struct keg_user *user);
void keg_shared_destroy(struct keg_shared *shared); /* NULL is allowed; before the pages end */

#endif
