/* SPDX-License-Identifier: MIT */
/* How a run ended: the exit status of `keg run`, and the sentence about it. */
#ifndef KEG_CLI_RUN_END_H
#define KEG_CLI_RUN_END_H

#include <keg/board.h>

#include "console.h"

/*
 * Odd numbers are the guest's, which it hands out through the debug-exit port; so keg's are even.
 * Of a signal that ended the run, `keg run` dies as other programs do.
 */
enum run_status {
	RUN_POWER_OFF = 0,
	RUN_USAGE = 2,
	RUN_FAILED = 4, /* keg itself, or this machine's KVM */
	RUN_RESET = 6,
	RUN_HALTED = 8,
	RUN_TRIPLE_FAULT = 10,
	RUN_KVM_FAULT = 12,
	RUN_KEYS = 14, /* Ctrl-A x */
	RUN_PANIC = 16,
	RUN_TIMEOUT = 124, /* as timeout(1) has it */
};

struct run_end {
	const char *name; /* a word for programs: "power-off" */
	int status;
	int signo;         /* by which the process is to die in place of exiting, or 0 */
	char message[320]; /* one sentence */
};

/* Puts what the board and the console say together. */
void run_end_of(
	const struct keg_board_result *result, const struct console *console, struct run_end *end);

/* The end of a run in which keg_board_run() failed: its message. */
void run_end_failed(struct run_end *end);

/* Dies of the end's signal, if there is one; else returns its status. */
int run_end_exit(const struct run_end *end);

#endif
