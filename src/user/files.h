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

#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct keg_task;
struct keg_files;
struct keg_file;
struct keg_locks; /* locks.h */

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
	KEG_FILE_PIDFD,
	KEG_FILE_TERMINAL, /* a pseudo one: pty.h */
};

#define KEG_WRITABLE_EVENTS (POLLOUT | POLLWRNORM | POLLWRBAND) /* epoll(7)'s are the same */

/* What a file does that keg makes up; NULL: the host is asked, by its descriptor. */
struct keg_file_operations {
	/* Into, and from, keg's memory; offset -1: where the file is. Bytes or a negative errno. */
	ssize_t (*read)(struct keg_task *task, struct keg_file *file, void *to, size_t length,
		int64_t offset);
	ssize_t (*write)(struct keg_task *task, struct keg_file *file, const void *from,
		size_t length, int64_t offset);
	int64_t (*seek)(struct keg_task *task, struct keg_file *file, int64_t offset, int whence);
	int (*stat)(struct keg_task *task, struct keg_file *file, struct stat *st);
	void (*release)(struct keg_file *file); /* of `state`; fd and path are keg_file_put()'s */
};

struct keg_file {
	_Atomic uint32_t references;
	_Atomic uint32_t numbers; /* that lead to it, in all tables */
	enum keg_file_kind kind;
	uint32_t type;       /* what fd is: S_IFREG, S_IFIFO …; 0: there is no fd */
	int fd;              /* the host's, O_CLOEXEC, owned; -1: none */
	_Atomic int flags;   /* open(2)'s, as the program gave them: access mode, O_APPEND … Of
				streams O_NONBLOCK is only here: others use their description too */
	bool writable_mount; /* what it was opened on may be changed */
	_Atomic bool sent;   /* to another process, by SCM_RIGHTS */
	bool timeouts;       /* SO_RCVTIMEO or SO_SNDTIMEO is set: no call on it is restarted */
	char *path;          /* canonical, in the sandbox; NULL: it has none. Owned */
	_Atomic uint32_t renames; /* of the mounts, by which the path led to it: of a directory */
	uint64_t most;            /* bytes that it may have, besides RLIMIT_FSIZE */
	const struct keg_file_operations *operations; /* NULL: all of it is the host's */
	void *state;                                  /* the operations' own */
	_Atomic(struct keg_locks *) locks;            /* where it may have locks of its own */
};

/* A file that a handler holds, until the block ends: KEG_HELD struct keg_file *file = … */
#define KEG_HELD __attribute__((cleanup(keg_file_cleanup)))

/* Takes over fd and path, also when it fails. */
int keg_file_create(enum keg_file_kind kind, int fd, int flags, char *path, struct keg_file **out);
void keg_file_hold(struct keg_file *file);
void keg_file_put(struct keg_file *file); /* NULL is allowed */
static inline void keg_file_cleanup(struct keg_file **file)
{
	keg_file_put(*file);
}
/* Whether O_NONBLOCK and its kin are the host's: not a stream's, which has other users, nor of what
 * keg makes up. */
static inline bool keg_file_has_host_flags(const struct keg_file *file)
{
	return file->fd >= 0 && file->kind != KEG_FILE_STREAM &&
	       !(file->operations && file->operations->read);
}
/* Those of poll(2)'s events that it may have: what is waited for by an eventfd is never writable,
 * as far as the program sees. */
static inline uint32_t keg_file_events(const struct keg_file *file, uint32_t events)
{
	return file->kind == KEG_FILE_PIDFD ? events & ~(uint32_t)KEG_WRITABLE_EVENTS : events;
}
/* F_SETFL: those in `mask` become `flags`. */
int keg_file_set_flags(struct keg_file *file, int mask, int flags);
/* Whether reading and writing it may wait for others. */
static inline bool keg_file_waits(const struct keg_file *file)
{
	return file->type != S_IFREG && file->type != S_IFDIR && file->type != S_IFBLK;
}

/*
 * Tables. The first of a sandbox is created, the others are copied from it or shared: they
 * count what is open in all of them, and have the record locks, together.
 */
int keg_files_create(struct keg_files **files);
int keg_files_copy(struct keg_files *from, struct keg_files **out); /* for fork */
struct keg_files *keg_files_share(struct keg_files *files);         /* CLONE_FILES */
bool keg_files_shared(struct keg_files *files);
void keg_files_release(struct keg_files *files); /* NULL is allowed */
void keg_files_exec(struct keg_files *files);    /* closes those with FD_CLOEXEC */

/* The lowest free number from `from` on; takes over a reference, also when it fails. `limit` is
 * RLIMIT_NOFILE: -EMFILE. -ENFILE the sandbox has too much open, -ENOMEM */
int keg_files_add(struct keg_files *files, struct keg_file *file, int from, bool close_on_exec,
	uint64_t limit);
/* dup2(2): closes what is there. Takes over a reference, also when it fails. `at`, -EBADF, -ENFILE,
 * -ENOMEM */
int keg_files_put_at(struct keg_files *files, struct keg_file *file, int at, bool close_on_exec);
/* Held: put it. NULL is -EBADF. */
struct keg_file *keg_files_get(struct keg_files *files, int number);
int keg_files_close(struct keg_files *files, int number);
int keg_files_close_range(struct keg_files *files, unsigned first, unsigned last, bool only_mark);
/* FD_CLOEXEC: 0 or 1, -EBADF; set < 0 only asks. */
int keg_files_cloexec(struct keg_files *files, int number, int set);
/* The number that a file which is added next gets. */
int keg_files_free(struct keg_files *files);
/* The first number in use from `from` on; -ENOENT none: for /proc/self/fd. */
int keg_files_next(struct keg_files *files, int from);
/* Whether one is of the sandbox's own, and of no use in another: signalfd, pidfd, terminal. */
bool keg_files_are_tied(struct keg_files *files);
struct keg_locks *keg_files_locks(struct keg_files *files);

/* For handlers: the task's file by the argument; NULL: return -EBADF. */
struct keg_file *keg_task_file(struct keg_task *task, uint64_t argument);
/* Adds a file that a handler made to the task's table: its number or a negative errno. Takes over
 * the reference, also when it fails. */
int keg_task_add_file(struct keg_task *task, struct keg_file *file, bool close_on_exec);
/* The same for a descriptor of the host's that has just been made. */
int keg_task_add_fd(
	struct keg_task *task, enum keg_file_kind kind, int fd, int flags, bool close_on_exec);
/* ---- file_path.c ---- */

/* Where an open file is now, in the sandbox. -ENOENT nowhere: `path` is where it was then, if it
 * had a path */
int keg_file_where(struct keg_task *task, struct keg_file *file, char path[PATH_MAX]);
/* The same for a directory that calls begin at. -ENOTDIR it is none */
int keg_file_directory(struct keg_task *task, struct keg_file *file, char path[PATH_MAX]);

/* How large a memfd may become. */
struct keg_user;
uint64_t keg_memfd_most(const struct keg_user *user);
/* What a call of the host's answered, as a handler returns it. */
int64_t keg_host_result(int64_t result);

#endif
