/* SPDX-License-Identifier: MIT */
/* What a run has cost: a table for people, JSON for programs. */
#ifndef KEG_CLI_RUN_STATS_H
#define KEG_CLI_RUN_STATS_H

#include <keg/board.h>

#include "run_end.h"

/* To standard error. */
void run_stats_print(const struct keg_board_stats *stats);

/* To the file, or to standard error if it is NULL. 0, or -1 after a complaint. */
int run_stats_json(
	const struct keg_board_stats *stats, const struct run_end *end, const char *path);

#endif
