/* SPDX-License-Identifier: MIT */
/* What a run has cost: tables for people, JSON for programs. */
#ifndef KEG_CLI_RUN_STATS_H
#define KEG_CLI_RUN_STATS_H

#include <keg/board.h>

#include "run_end.h"

struct run_stats {
	struct keg_board *board; /* borrowed */
	struct keg_board_stats totals;
	struct keg_device_stats *devices;
	size_t device_count;
	struct keg_unclaimed *unclaimed;
	size_t unclaimed_count;
	uint64_t start_ns; /* from the program's beginning to the guest's; 0 if it never began */
	uint64_t read_ns;  /* of that, reading the image and what goes with it */
};

/* Asks the board, after its run. 0, or -1 after a complaint. */
int run_stats_get(struct keg_board *board, uint64_t read_ns, struct run_stats *stats);
void run_stats_release(struct run_stats *stats);

/* To standard error. */
void run_stats_print(const struct run_stats *stats);
void run_stats_print_unclaimed(const struct run_stats *stats);

/* To the file, or to standard error if it is NULL. 0, or -1 after a complaint. */
int run_stats_json(const struct run_stats *stats, const struct run_end *end, const char *path);

#endif
