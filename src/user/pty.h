/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals (pty(7)): of the sandbox's own, numbered by it, the host's kernel has none of
 * them. What is typed and printed goes through a line (line.h) of keg's; signals of the terminal's
 * are keg's to its processes. What is printed goes through a pair of the host's sockets, so that
 * poll(2) and its kin see on both sides what there is: the bytes themselves to the master, and for
 * the slave, who reads them from the line, one byte as long as there is something to be read.
 *
 * Locks: all of a terminal is under user->lock; nobody blocks with it.
 */
#ifndef KEG_USER_PTY_H
#define KEG_USER_PTY_H

#include <asm/termbits.h>
#include <linux/termios.h>
#include <stdbool.h>

#include "user/files.h"
#include "user/line.h"
#include "user/terminal.h"

#define KEG_PTYS_MOST 128 /* in a sandbox */

struct keg_pty {
	struct keg_user *user;
	struct keg_pty *next;
	uint32_t references; /* files */
	int number;          /* of /dev/pts */
	bool locked;         /* TIOCSPTLCK: nobody can open the slave */
	bool readable;       /* the slave: the byte that says so is in its socket */
	int master_fd;       /* the master's, which has it; -1: it is closed */
	int slave_fd;        /* where slaves' are duplicated from; -1: the last was closed */
	uint32_t slaves;     /* open ones */
	uint32_t waiting;    /* tasks that wait for user->changed */
	struct winsize size;
	struct keg_terminal terminal;
	struct keg_line line;
	bool owned; /* somebody has set the next two */
	gid_t group;
	mode_t mode;
	bool packet;           /* packet mode */
	bool packet_stopped;   /* in which it was told that nothing is printed */
	uint8_t packet_status; /* TIOCPKT_…: what has happened, and was not told yet */
	uint8_t echo[1024];    /* printed of what is typed, and not yet sent */
	size_t echo_count;
};

/* What an open file is of it. */
struct keg_pty_end {
	struct keg_pty *pty;
	bool master;
};

/* /dev/ptmx, and /dev/pts/NUMBER by its name (path is taken over). -ENOSPC, -ENOMEM, -ENFILE; -EIO
 * it is locked, -ENXIO there is none (any more) */
int keg_pty_open_master(struct keg_task *task, int flags, char *path, struct keg_file **file);
int keg_pty_open_slave(struct keg_task *task, int number, int flags, struct keg_file **file);

/* An end of one, and its number; NULL: the file is none. */
struct keg_pty_end *keg_pty_end_of(const struct keg_file *file);
struct keg_terminal *keg_pty_terminal_of(const struct keg_process *process);
/* The number of the process's controlling terminal; -1: it is none of these. */
int keg_pty_own_number(struct keg_task *task);
/* The first number in use from `from` on; -1: none. Lock held. */
int keg_pty_next(const struct keg_user *user, int from);
/* The one with that number; lock held. NULL: there is none */
struct keg_pty *keg_pty_find(const struct keg_user *user, int number);

/* pty_owner.c: what stat(2) says of a slave; the number that it has by that, -1: it is none; and
 * chmod(2) or chown(2) of it, UINT32_MAX for what stays. -EPERM another user's */
void keg_pty_stat(struct keg_user *user, int number, struct stat *st);
int keg_pty_number(const struct stat *st);
int keg_pty_change(
	struct keg_task *task, const struct stat *was, uint32_t uid, uint32_t gid, uint32_t mode);

/* A process ends: it may be a session's leader, whose terminal is nobody's then. Lock held. */
void keg_pty_process_ends(struct keg_process *process);

/* Whether the master is closed; lock held, as for what follows. */
bool keg_pty_is_gone(const struct keg_pty_end *end);
/* After the line has changed: makes the slave's socket readable or not, sends what was echoed, and
 * calls those who wait. */
void keg_pty_settle(struct keg_pty *pty);
/* What was printed and is not read yet is nothing any more. */
void keg_pty_discard(struct keg_pty *pty);

/* pty_io.c: what the files of both ends do. */
ssize_t keg_pty_read_master(struct keg_task *, struct keg_file *, void *, size_t, int64_t);
ssize_t keg_pty_write_master(struct keg_task *, struct keg_file *, const void *, size_t, int64_t);
ssize_t keg_pty_read_slave(struct keg_task *, struct keg_file *, void *, size_t, int64_t);
ssize_t keg_pty_write_slave(struct keg_task *, struct keg_file *, const void *, size_t, int64_t);

/* pty_packet.c: packet mode; lock held, but for reading. What a read begins with: true, and what
 * there is to tell, TIOCPKT_DATA if nothing; false in no such mode. */
bool keg_pty_packet_read(struct keg_pty *pty, uint8_t *header);
void keg_pty_packet_set(struct keg_pty *pty, bool on);
void keg_pty_packet_tell(struct keg_pty *pty, uint8_t what); /* TIOCPKT_… */
void keg_pty_packet_settle(struct keg_pty *pty);             /* printing has stopped, or goes on */
void keg_pty_packet_flow(struct keg_pty *pty, const struct termios2 *before);

/* pty_control.c: ioctl(2) of one; KEG_NO_REQUEST: it is no request of a pseudo terminal's only. */
#define KEG_NO_REQUEST (-515)
int64_t keg_pty_ioctl(
	struct keg_task *task, struct keg_file *file, uint32_t number, uint64_t argument);

#endif
