/* SPDX-License-Identifier: MIT */
/*
 * Record locks (fcntl(2), F_SETLK and F_OFD_SETLK). All of a sandbox's processes are one process
 * of the host's, whose own record locks would tell none of them from another: so they are kept
 * here, between the processes of the sandbox. Other programs of the host do not see them.
 *
 * Threads: any; a lock inside. Reference counted: by the sandbox's tables of files, and by each
 * file that has taken locks for itself.
 */
#ifndef KEG_USER_LOCKS_H
#define KEG_USER_LOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct keg_locks;
struct keg_task;

#define KEG_LOCKS_MOST 4096 /* in a sandbox */

struct keg_lock {
	dev_t device;
	ino_t inode;
	uint64_t first, last; /* bytes; last is included */
	int type;             /* F_RDLCK, F_WRLCK, F_UNLCK */
	const void *owner;    /* a process's table of files, or for F_OFD_SETLK the file */
	pid_t pid;            /* for F_GETLK; -1: a file's */
};

int keg_locks_create(struct keg_locks **locks);
void keg_locks_hold(struct keg_locks *locks);
void keg_locks_release(struct keg_locks *locks);

/* Takes a lock, changes what its owner has there already, or takes it away. -EAGAIN another has it,
 * -ENOLCK there are too many, -ENOMEM */
int keg_locks_set(struct keg_locks *locks, const struct keg_lock *lock);
/* The same, and waits for it. -EINTR kicked; -EDEADLK the other waits for this one. */
int keg_locks_wait(struct keg_locks *locks, struct keg_task *task, const struct keg_lock *lock);
/* The first lock of others that is in the way, in its place; or its type becomes F_UNLCK. */
void keg_locks_test(struct keg_locks *locks, struct keg_lock *lock);

/* Takes away an owner's locks: of the file `fd`, or all (-1). */
void keg_locks_drop(struct keg_locks *locks, const void *owner, int fd);

#endif
