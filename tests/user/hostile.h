/* SPDX-License-Identifier: MIT */
/* What hostile programs must not change: the place that they are given, and what is beside it. */
#ifndef KEG_TESTS_USER_HOSTILE_H
#define KEG_TESTS_USER_HOSTILE_H

#include "testing.h"

#include <limits.h>

enum { HOSTILE_STREAMS = 4, HOSTILE_FDS = 1024 };

struct hostile_place {
	char folder[64]; /* rw, ro and canary are in it; only the first two are the program's */
	char writable[96], readable[96], canary[96];
	int streams[HOSTILE_STREAMS]; /* a pipe where nothing comes, a file twice, a terminal */
	int pipe, terminal;           /* the other ends */
	char said[4096];              /* what the last one wrote to the file, its end */
	char fds[HOSTILE_FDS][64];    /* what each descriptor of this process's is */
	size_t threads;
};

void hostile_prepare(struct hostile_place *place);
void hostile_remove(struct hostile_place *place);
/* Empties what the last one has left, and remembers what must not change. */
void hostile_before(struct hostile_place *place);
/* Fails if it has. */
void hostile_after(struct hostile_place *place);

#endif
