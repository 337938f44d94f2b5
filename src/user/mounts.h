/* SPDX-License-Identifier: MIT */
/*
 * The files that a sandbox sees: a list of mounts, each a place in the sandbox and a directory or
 * file of the host's behind it, read-only or not; and files that keg makes up (/proc, /dev).
 *
 * Nothing is there that was not mounted. A path is walked by keg, component by component, as far as
 * symbolic links and mounts make it necessary; within a mount the host is asked with
 * openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV where it
 * may), so that no race with the host's or the sandbox's own renames leads out. Directories above
 * mounts that exist in no mount are made up: / and /usr, if only /usr/bin was mounted.
 */
#ifndef KEG_USER_MOUNTS_H
#define KEG_USER_MOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct keg_mounts;
struct keg_task;
struct keg_file;

int keg_mounts_create(struct keg_mounts **mounts);
void keg_mounts_destroy(struct keg_mounts *mounts);
/* Flags of keg_user_bind(): KEG_USER_WRITABLE … `guest` NULL: at the host's path. A later mount
 * covers an earlier one. -ENOENT, -ENOTDIR, -EINVAL a path that is not absolute, -ENOSPC too many
 * (256) */
int keg_mounts_bind(struct keg_mounts *mounts, const char *host, const char *guest, uint32_t flags);
/* A private, empty, writable directory of at most `bytes`: a tmpfs of its own where the host allows
 * it, else a temporary directory that ends with the sandbox. */
int keg_mounts_tmpfs(struct keg_mounts *mounts, const char *guest, uint64_t bytes);
/* /proc and /dev as keg makes them up (null, zero, full, random, urandom, tty, fd, stdin …). */
int keg_mounts_system(struct keg_mounts *mounts);

/* Where a path leads. */
struct keg_place {
	char path[PATH_MAX]; /* canonical, in the sandbox: no link, no "..", no "//" */
	int base;            /* the host's directory descriptor of the mount; borrowed */
	char name[PATH_MAX]; /* beneath it; "" the mount itself */
	bool exists;         /* the last component does; else its parent does */
	bool writable;       /* the mount may be changed */
	bool made_up;        /* a directory above mounts, or a file of /proc or /dev: no base */
	bool directory;      /* what it is; from lstat */
	int kind;            /* of made_up: files_system.c's own */
	pid_t pid;           /* of made_up in /proc/PID */
};

enum keg_walk {
	KEG_WALK_FOLLOW = 1 << 0, /* the last component too, if it is a symbolic link */
	KEG_WALK_CREATE = 1 << 1, /* the last component need not exist */
	KEG_WALK_EMPTY = 1 << 2,  /* AT_EMPTY_PATH: "" is the directory descriptor's own */
};
/*
 * Walks the path in the program's memory (or, keg_mounts_walk(), in keg's), from the task's working
 * directory or the descriptor `at`. 0; -ENOENT, -ENOTDIR, -ELOOP (40 links), -ENAMETOOLONG,
 * -EACCES, -EFAULT, -EBADF
 */
int keg_place_find(
	struct keg_task *task, int at, uint64_t path, uint32_t flags, struct keg_place *place);
int keg_mounts_walk(
	struct keg_task *task, int at, const char *path, uint32_t flags, struct keg_place *place);

/* Opens what is there: a file of the right kind, with open(2)'s flags and mode; -EROFS where the
 * mount may not be changed. Made-up files are opened as what keg writes for them. */
int keg_place_open(struct keg_task *task, const struct keg_place *place, int flags, mode_t mode,
	struct keg_file **file);

/* ---- For exec and the loader: opens a program for reading, from keg's memory; -EACCES not
 * executable ---- */
int keg_open_program(struct keg_task *task, const char *path, struct keg_file **file);

/* ---- fs: what CLONE_FS shares ---- */
struct keg_fs;
int keg_fs_create(const char *directory, struct keg_fs **fs);
int keg_fs_copy(struct keg_fs *from, struct keg_fs **fs);
struct keg_fs *keg_fs_share(struct keg_fs *fs);
void keg_fs_release(struct keg_fs *fs);
void keg_fs_directory(struct keg_fs *fs, char path[PATH_MAX]);
mode_t keg_fs_umask(struct keg_fs *fs);

#endif
