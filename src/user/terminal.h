/* SPDX-License-Identifier: MIT */
/*
 * What a terminal is to processes: whose controlling terminal it is, and who is in its foreground
 * (termios(3), credentials(7)). There is the one that the program was given, which is the host's
 * and of which the host knows nothing of that; and there are pseudo terminals (pty.h).
 *
 * All of it with user->lock held, but for what is said to take it.
 */
#ifndef KEG_USER_TERMINAL_H
#define KEG_USER_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct keg_file;
struct keg_process;
struct keg_task;
struct keg_user;

struct keg_terminal {
	pid_t session;    /* whose it is; 0: nobody's */
	pid_t foreground; /* a group of that session; 0: none */
};

/* Whether it is the process's controlling terminal. */
bool keg_terminal_is_own(const struct keg_terminal *terminal, const struct keg_process *process);
/* The process's controlling terminal; NULL: it has none. */
struct keg_terminal *keg_terminal_of(const struct keg_process *process);
/* TIOCSCTTY. -EPERM the process leads no session, or has a terminal, or it is another's */
int keg_terminal_take(struct keg_terminal *terminal, const struct keg_process *process);
/* TIOCNOTTY, or the end of a session's leader: who is in the foreground hears of it. */
void keg_terminal_leave(
	struct keg_terminal *terminal, const struct keg_process *process, bool ends);
/* TIOCSPGRP. -ENOTTY, -EINVAL, -EPERM no group of the session; else as keg_terminal_check() */
int keg_terminal_set_group(struct keg_terminal *terminal, struct keg_task *task, pid_t group);
/* Whether a task may read (SIGTTIN) from it, or change it (SIGTTOU): 0; its group is in the
 * background and is told: KEG_RESTART; -EIO nobody could tell it to go on. */
int keg_terminal_check(const struct keg_terminal *terminal, struct keg_task *task, int signo);
/* The same, of a file that may be the terminal which the program was given; 0 if it is none.
 * SIGTTOU for what changes it. Takes user->lock. */
int64_t keg_terminal_check_given(struct keg_task *task, const struct keg_file *file, int signo);
/* The same for writing to it: the background may, unless the terminal is set to TOSTOP. */
int64_t keg_terminal_check_output(struct keg_task *task, const struct keg_file *file);
/* A signal of the terminal's to the group in its foreground. */
void keg_terminal_signal(const struct keg_terminal *terminal, struct keg_user *user, int signo);
/* Nobody is there any more: SIGHUP and SIGCONT to the leader and to the foreground. */
void keg_terminal_hang_up(struct keg_terminal *terminal, struct keg_user *user);

#endif
