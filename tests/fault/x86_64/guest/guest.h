/* SPDX-License-Identifier: MIT */
/*
 * A program in a sandbox whose host's calls fail: by areas, named on its command line, of a few
 * system calls each. It ends with 0 if all went well; what it may not do it need not.
 */
#ifndef KEG_TESTS_FAULT_GUEST_H
#define KEG_TESTS_FAULT_GUEST_H

#include <unistd.h>

/* Else the program has failed, which it says by where. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			_exit(__LINE__ % 251 + 1);                                                 \
	} while (0)

void halfway(void); /* where a host may stop it */
void guest_files(void), guest_locks(void), guest_paths(void), guest_events(void);
void guest_memory(void), guest_mapped(void), guest_much(void);
void guest_fork(void), guest_few(void), guest_execute(void), guest_threads(void),
	guest_signals(void);
void guest_timers(void);
void guest_polls(void), guest_sockets(void), guest_network(void), guest_system(void),
	guest_terminals(void);

#endif
