/* SPDX-License-Identifier: MIT */
/*
 * The guest's console on standard input and output, and what may end a run from outside: keys,
 * signals, the time limit. One thread waits for all of them.
 */
#ifndef KEG_CLI_CONSOLE_H
#define KEG_CLI_CONSOLE_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keg/board.h>

#include "output.h"

/* Who ended the run. */
enum console_stop {
	CONSOLE_RUNNING, /* nobody here */
	CONSOLE_STOP_KEYS,
	CONSOLE_STOP_SIGNAL,
	CONSOLE_STOP_TIME,
	CONSOLE_STOP_OUTPUT, /* standard output cannot be written */
};

enum { CONSOLE_PENDING = 4096 };

struct console_settings {
	uint64_t limit_ns; /* the run may last, or 0 */
	uint64_t grace_ns; /* between the power button and the end; 0: SIGTERM ends it at once */
	bool virtio;       /* the terminal is port 0 of the virtio console, not the serial port */
};

struct console {
	struct keg_board *board;
	pthread_t thread;
	bool started;

	/* The thread's own until it has ended. */
	int input;        /* -1 when there is no more */
	bool terminal;    /* it is one: raw mode, and keys that are keg's */
	bool listening;   /* the terminal is ours to read */
	bool prefix;      /* Ctrl-A was typed */
	bool room_wanted; /* the guest has not taken everything yet */
	char pending[CONSOLE_PENDING];
	size_t count; /* of what waits in `pending` */
	enum console_stop stop;
	int signo;    /* CONSOLE_STOP_SIGNAL */
	bool pressed; /* the power button */

	struct console_settings settings;
	int signals;      /* signalfd */
	int timer, grace; /* timerfds, or -1 */
	int wake;         /* eventfd: look at the flags, and at the output */
	sigset_t blocked, before;
	atomic_bool room, finish;
	struct output output;
};

/*
 * Blocks the signals that end or suspend a run, in this thread and those it will make. To be called
 * before the board is made. 0, or -1 after a complaint.
 */
int console_init(struct console *console);

/* For struct keg_board_config, with the console as the context. */
void console_show(void *context, const void *bytes, size_t count);
void console_room(void *context);

/* Begins to serve the board. */
int console_start(
	struct console *console, struct keg_board *board, const struct console_settings *settings);

/* Ends the thread and gives the terminal back. Harmless when it never started. */
void console_finish(struct console *console);

/* Gives everything else back. Blocked signals may then end the process. */
void console_fini(struct console *console);

#endif
