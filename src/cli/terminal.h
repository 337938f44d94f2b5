/* SPDX-License-Identifier: MIT */
/* The terminal in another mode, and back in its own however the program ends. */
#ifndef KEG_CLI_TERMINAL_H
#define KEG_CLI_TERMINAL_H

#include <stdbool.h>

/*
 * Makes terminal_leave() happen at exit(3) and when a fault or abort(3) ends the program. Once,
 * before the first terminal_enter().
 */
void terminal_guard(void);

/* Whether this process may use the terminal now: its shell has not put it into the background. */
bool terminal_foreground(int fd);

/*
 * Lends the terminal that is a standard stream to others, who may change its mode, until
 * terminal_leave() or terminal_keep(). False: none is, or it is not this process's to lend, in the
 * background.
 */
bool terminal_lend(void);

/*
 * Raw mode: every key reaches the program as it is, Ctrl-C too, and none is echoed. What is written
 * is still processed, so that "\n" begins a new line. Again when it is raw already: somebody else
 * may have changed it since. 0, or -1 with errno.
 */
int terminal_enter(int fd);

/* Back to the mode before terminal_enter() or terminal_lend(); harmless when that has happened.
 * Also for signal handlers. */
void terminal_leave(void);

/* The mode stays as it is now: who had the terminal wants it so. */
void terminal_keep(void);

#endif
