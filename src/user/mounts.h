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
struct keg_mount; /* mount_list.h */
struct keg_task;
struct keg_file;

int keg_mounts_create(struct keg_mounts **out);
/* A reference more, or one less: they end with the last. NULL is allowed */
struct keg_mounts *keg_mounts_share(struct keg_mounts *mounts);
void keg_mounts_destroy(struct keg_mounts *mounts);
/* Flags of keg_user_bind(): KEG_USER_WRITABLE … `guest` NULL: at the host's path. A later mount
 * covers an earlier one. -ENOENT, -ENOTDIR, -EINVAL a path that is not absolute, or the host's
 * /proc, -ENOSPC too many (256) */
int keg_mounts_bind(struct keg_mounts *mounts, const char *host, const char *guest, uint32_t flags);
/* A private, empty, writable directory of at most `bytes` (0: 1 GiB): a tmpfs of its own where the
 * host allows it, else a temporary directory that ends with the sandbox. */
int keg_mounts_tmpfs(struct keg_mounts *mounts, const char *guest, uint64_t bytes);
/* /proc and /dev as keg makes them up (null, zero, full, random, urandom, tty, fd, stdin …), with a
 * tmpfs at /dev/shm, and the little of /sys that C libraries read. */
int keg_mounts_system(struct keg_mounts *mounts);

/* Where a path leads. */
struct keg_place {
	char path[PATH_MAX]; /* canonical, in the sandbox: no link, no "..", no "//" */
	char name[PATH_MAX]; /* beneath base; "" base itself */
	int base;            /* the host's directory descriptor of the mount; borrowed; -1 */
	int fd; /* KEG_WALK_HOLD: what is there, O_PATH, to be closed by the caller; -1 */
	const struct keg_mount *mount; /* NULL: above all mounts */
	bool exists;                   /* the last component does; else its parent does */
	bool writable;                 /* the mount may be changed */
	bool made_up;     /* a directory above mounts, or a file of /proc or /dev: no base */
	bool directory;   /* what it is; from lstat */
	bool slash;       /* a slash came after the last component */
	bool dots;        /* the last component was "." or "..", or there was none */
	int kind;         /* of made_up: system_files.h's own */
	pid_t pid, tid;   /* of made_up in /proc/PID and /proc/PID/task/TID */
	int number;       /* of made_up in /proc/PID/fd; KEG_PLACE_DESCRIPTOR: the descriptor */
	struct stat stat; /* of what exists */
};
/* A place's kind: no file by name, but one that is open. */
#define KEG_PLACE_DESCRIPTOR (-1)

enum keg_walk {
	KEG_WALK_FOLLOW = 1 << 0, /* the last component too, if it is a symbolic link */
	KEG_WALK_CREATE = 1 << 1, /* the last component need not exist */
	KEG_WALK_EMPTY = 1 << 2,  /* AT_EMPTY_PATH: "" is the directory descriptor's own */
	KEG_WALK_HOLD = 1 << 3,   /* place->fd is wanted */
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
/* What fstat(2) says of an open file, made up or not. */
int keg_open_stat(struct keg_task *task, struct keg_file *file, struct stat *st);
/* Closes place->fd, if there is one. For a place that lives in a block:
 * `KEG_PLACE struct keg_place place;`, which is to be walked to. */
void keg_place_end(struct keg_place *place);
#define KEG_PLACE __attribute__((cleanup(keg_place_end)))

/*
 * The directory on the host that holds the place's last component, O_PATH, to be closed by the
 * caller, and *last that component's name, for mkdirat(2) and its kin, that do not follow a link.
 * -EROFS the mount may not be changed, -EBUSY it is a mount, or above one, -EACCES it is made up
 */
int keg_place_parent(const struct keg_place *place, const char **last);

/* Opens what is there: a file of the right kind, with open(2)'s flags and mode; -EROFS where the
 * mount may not be changed. Made-up files are opened as what keg writes for them. */
int keg_place_open(struct keg_task *task, const struct keg_place *place, int flags, mode_t mode,
	struct keg_file **file);

/* ---- For exec and the loader: opens a program for reading, from keg's memory; -EACCES not
 * executable ---- */
int keg_open_program(struct keg_task *task, const char *path, struct keg_file **file);

/* ---- fs: what CLONE_FS shares ---- */
struct keg_fs;
int keg_fs_create(const char *directory, struct keg_fs **out);
int keg_fs_copy(struct keg_fs *from, struct keg_fs **fs);
struct keg_fs *keg_fs_share(struct keg_fs *fs);
void keg_fs_release(struct keg_fs *fs);
void keg_fs_directory(struct keg_fs *fs, char path[PATH_MAX]);
void keg_fs_set_directory(struct keg_fs *fs, const char *path); /* canonical */
mode_t keg_fs_umask(struct keg_fs *fs);
mode_t keg_fs_set_umask(struct keg_fs *fs, mode_t mask); /* what it was */
/* A directory has another name now: it, and what is beneath it, may be the working directory. */
void keg_fs_renamed(struct keg_fs *fs, const char *from, const char *to);

#endif
