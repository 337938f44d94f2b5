/* SPDX-License-Identifier: MIT */
/*
 * The list of mounts, for those who walk it. It is made before the program runs, and does not
 * change then, but for what is atomic.
 *
 * Paths are canonical here, and without a slash at their end: the root is "".
 */
#ifndef KEG_USER_MOUNT_LIST_H
#define KEG_USER_MOUNT_LIST_H

#include <stdatomic.h>
#include <stddef.h>

#include "user/mounts.h"

#define KEG_MOUNTS_MOST 256

enum keg_mount_kind {
	KEG_MOUNT_HOST,
	KEG_MOUNT_PROC,
	KEG_MOUNT_DEV,
	KEG_MOUNT_SYS,
};

struct keg_mount {
	enum keg_mount_kind kind;
	char *path;
	size_t length;   /* of the path */
	int fd;          /* HOST: the directory; of a file the directory that holds it; else -1 */
	char *name;      /* HOST: a file's name in fd; NULL: the directory itself */
	char *temporary; /* the host's path of what is to be removed at the end; NULL */
	uint64_t most;   /* bytes that a file in it may have; UINT64_MAX */
	bool writable;
	bool empty; /* HOST: a directory of the sandbox's own */
};

struct keg_mounts {
	_Atomic uint32_t references;
	_Atomic uint32_t renames; /* directories that got another name, or lost theirs, by keg */
	uint32_t count;
	int host_dev, host_proc; /* the host's /dev and /proc, for what keg shows of them; -1 */
	struct keg_mount at[KEG_MOUNTS_MOST];
};

/* The mount that `path` lies in, or is: the longest; NULL none. */
const struct keg_mount *keg_mounts_cover(
	const struct keg_mounts *mounts, const char *path, size_t length);
/* Whether a mount lies beneath it. */
bool keg_mounts_beneath(const struct keg_mounts *mounts, const char *path, size_t length);
/* The name in `path` that mount `index` makes up or covers: its length, 0 none. */
size_t keg_mounts_child(const struct keg_mounts *mounts, uint32_t index, const char *path,
	size_t length, const char **name);

/* walk.c: where a mount shall be: `path` with the links in what is there already followed, and what
 * is not there as it is. `to` without a slash at its end. */
int keg_mounts_target(struct keg_mounts *mounts, const char *path, char to[PATH_MAX]);

/* tmpfs.c: an empty directory; *temporary is its path if it has to be removed, else NULL. */
int keg_tmpfs_open(uint64_t bytes, int *fd, char **temporary);
void keg_tmpfs_remove(int fd, const char *temporary);
/* tmpfs_mount.c: its descriptor, or -1 where this process cannot have one. */
int keg_tmpfs_mount(uint64_t bytes);

/* ---- beneath.c: the only way to files of the host's ---- */

/*
 * Opens `name`, a path without links and "..", beneath the directory `base`; "" is base itself.
 * A descriptor, or a negative errno; -EACCES what is there must not be shown: the host's /proc.
 */
int keg_beneath(int base, const char *name, int flags, mode_t mode);
/* The same, may wait for a FIFO's other end: -EINTR when the task is kicked. */
int keg_beneath_wait(struct keg_task *task, int base, const char *name, int flags);
/* What `fd`, O_PATH or not, is. */
int keg_beneath_stat(int fd, struct stat *st);

#endif
