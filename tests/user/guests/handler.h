/* SPDX-License-Identifier: MIT */
/* A signal handler that notes what it is called with. */
#ifndef KEG_TESTS_GUESTS_HANDLER_H
#define KEG_TESTS_GUESTS_HANDLER_H

#include <signal.h>
#include <stdint.h>

#include "check.h"

static volatile sig_atomic_t count, last;
static volatile siginfo_t last_info; /* raise() is a leaf for the compiler, as if no handler ran */
static volatile uintptr_t handler_sp;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	char here;

	(void)context;
	count++;
	last = signo;
	last_info = *info;
	handler_sp = (uintptr_t)&here;
}

static inline void handle(int signo, int flags)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = flags | SA_SIGINFO};

	count = 0;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

#endif
