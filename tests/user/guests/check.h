/* SPDX-License-Identifier: MIT */
/* What the programs that are run in a sandbox have in common: they say "ok" for each thing. */
#ifndef KEG_TESTS_GUESTS_CHECK_H
#define KEG_TESTS_GUESTS_CHECK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ends the program: what is said reaches whoever reads its output, even from a signal's handler. */
#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(1, "not ok: %s:%d: %s (errno %d)\n", __FILE__, __LINE__,           \
				#condition, errno);                                                \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

struct check {
	const char *name;
	void (*run)(void);
};

/* All of them, or those that are named. */
static inline int check_all(const struct check *checks, char **names)
{
	for (; checks->name; checks++) {
		char **name = names + 1;

		while (*name && strcmp(*name, checks->name))
			name++;
		if (names[1] && !*name)
			continue;
		checks->run();
		dprintf(1, "ok %s\n", checks->name);
	}
	return 0;
}

#endif
