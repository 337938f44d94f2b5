/* SPDX-License-Identifier: MIT */
/* Which addresses nobody claims: a list of the first ones that the guest tried. */
#ifndef KEG_BOARD_UNCLAIMED_H
#define KEG_BOARD_UNCLAIMED_H

#include <pthread.h>

#include <keg/board.h>

enum { BOARD_UNCLAIMED = 256 };

struct board_unclaimed {
	pthread_mutex_t lock;
	size_t count;
	struct keg_unclaimed list[BOARD_UNCLAIMED];
};

/* Begins to watch a board's buses. Harmless to end when it never began. */
int keg_board_unclaimed_begin(struct keg_board *board);
void keg_board_unclaimed_end(struct keg_board *board);

#endif
