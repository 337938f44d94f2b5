/* SPDX-License-Identifier: MIT */
/*
 * Open files, and the tables that give them numbers.
 *
 * A program's descriptor is an index into its process's table and nothing else: no number of
 * the host's is ever the program's. A file is what open(2) makes, an "open file description":
 * a descriptor of the host's, and what it was opened as.
 *
 * Threads: any. A file that was looked up is held until it is put, so that a close meanwhile hurts
 * nobody.
 */
#ifndef KEG_USER_FILES_H
#define KEG_USER_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct keg_task;
struct keg_files;
struct keg_file;

enum keg_file_kind {
	KEG_FILE_HOST,      /* a regular file, device, pipe … of the host's */
	KEG_FILE_DIRECTORY, /* with `path`: entries are listed by mounts.h's rules */
	KEG_FILE_SOCKET,
	KEG_FILE_EPOLL,
	KEG_FILE_EVENT,  /* eventfd, timerfd, inotify: read and polled through the host's */
	KEG_FILE_STREAM, /* given by keg's user: standard streams; never closed on the host by the
			    program's will alone, and no ioctl but those of terminals */
	KEG_FILE_PATH,   /* O_PATH */
	KEG_FILE_SIGNAL, /* signalfd */
};

struct keg_file {
	_Atomic uint32_t references;
	enum keg_file_kind kind;
	int fd;                 /* the host's, O_CLOEXEC, owned */
	int flags;              /* open(2)'s, as the program gave them: access mode, O_APPEND … */
	bool writable_mount;    /* what it was opened on may be changed */
	char *path;             /* canonical, in the sandbox; NULL: it has none. Owned */
	const void *operations; /* NULL; or what a synthetic file needs */
};

/* Takes over fd and path, also when it fails. */
int keg_file_create(enum keg_file_kind kind, int fd, int flags, char *path, struct keg_file **file);
void keg_file_hold(struct keg_file *file);
void keg_file_put(struct keg_file *file);

int keg_files_create(struct keg_files **files);
int keg_files_copy(struct keg_files *from, struct keg_files **files); /* for fork */
struct keg_files *keg_files_share(struct keg_files *files);           /* CLONE_FILES */
void keg_files_release(struct keg_files *files);
void keg_files_exec(struct keg_files *files); /* closes those with FD_CLOEXEC */

/* The lowest free number from `from` on; takes over a reference. `limit` is RLIMIT_NOFILE: -EMFILE
 */
int keg_files_add(struct keg_files *files, struct keg_file *file, int from, bool close_on_exec,
	uint64_t limit);
int keg_files_put_at(
	struct keg_files *files, struct keg_file *file, int at, bool close_on_exec); /* dup2 */
/* Held: put it. -EBADF is NULL. */
struct keg_file *keg_files_get(struct keg_files *files, int number);
int keg_files_close(struct keg_files *files, int number);
int keg_files_close_range(struct keg_files *files, unsigned first, unsigned last, bool only_mark);
/* FD_CLOEXEC: 0 or 1, -EBADF; set < 0 only asks. */
int keg_files_cloexec(struct keg_files *files, int number, int set);
/* The first number in use from `from` on; -ENOENT none: for /proc/self/fd. */
int keg_files_next(struct keg_files *files, int from);

/* For handlers: the task's file by the argument; NULL: return -EBADF. */
struct keg_file *keg_task_file(struct keg_task *task, uint64_t argument);
/* Adds a file that a handler made to the task's table: its number or a negative errno. */
int keg_task_add_file(struct keg_task *task, struct keg_file *file, bool close_on_exec);

#endif
