/* SPDX-License-Identifier: MIT */
/*
 * Files on their way from process to process (SCM_RIGHTS, unix(7)) that are more than a descriptor
 * of the host's: streams that the sandbox was given, pseudo terminals, directories, what keg makes
 * up. What the host carries for one is a token, a socket that nobody else has; the file itself
 * waits here until the token is received, and until the last of it is closed, which the token's
 * other end tells: messages may be lost with their sockets, or be looked at more than once
 * (MSG_PEEK).
 */
#ifndef KEG_USER_TRANSIT_H
#define KEG_USER_TRANSIT_H

#include <stdbool.h>

#include "user/files.h"

struct keg_user;
struct keg_transit; /* of a sandbox */

/* A token for the file: *token has the host's descriptor of it, and is to be put once it was sent.
 * -ETOOMANYREFS too many files are on their way, -ENFILE, -ENOMEM */
int keg_transit_send(struct keg_user *user, struct keg_file *file, struct keg_file **token);
/* What was received, a descriptor of a socket's, which stays the caller's: 0 it is no token; 1 it
 * is, and *file is held; -EPERM it is another sandbox's. */
int keg_transit_receive(struct keg_user *user, int fd, struct keg_file **file);
/* Lets go of the files whose tokens are gone. Costs nothing where none is on its way. Lock not
 * held. */
void keg_transit_look(struct keg_user *user);
bool keg_transit_is_empty(struct keg_user *user);
void keg_transit_destroy(struct keg_transit *transit); /* NULL is allowed */

#endif
