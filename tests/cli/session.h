/* SPDX-License-Identifier: MIT */
/* The program on a terminal, with a shell's place in between: its job control can be tested. */
#ifndef KEG_TESTS_CLI_SESSION_H
#define KEG_TESTS_CLI_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

struct session {
	pid_t leader; /* stands for the shell */
	pid_t pid;    /* the program */
	int master;   /* what the user sees and types */
	int slave;    /* held open, so that the terminal outlives the program */
	int changes;  /* wait(2) statuses of the program, as they come */
	char seen[65536];
	size_t count;
};

void session_start(struct session *session, const char *const *words);
void session_type(struct session *session, const char *keys);

/* Waits until the text has come; what was before it is forgotten. */
void session_expect(struct session *session, const char *text);

/* Waits until the program stops or ends, and returns its wait(2) status. */
int session_wait(struct session *session);

/* Sends it a signal; and puts it into the terminal's background or foreground. */
void session_signal(struct session *session, int signo);
void session_foreground(struct session *session, bool foreground);

/* Whether the terminal is in raw mode now; and waits until it is or is not. */
bool session_is_raw(const struct session *session);
void session_await_raw(const struct session *session, bool raw);

/* Ends everything that is left. */
void session_end(struct session *session);

#endif
