/* SPDX-License-Identifier: MIT */
/* A kind of board: what pc.c and virt.c each implement. The build takes the one that fits. */
#ifndef KEG_BOARD_PLATFORM_H
#define KEG_BOARD_PLATFORM_H

#include "board/board.h"

/* Declares memory and interrupt controller, and puts devices on the buses. Before vCPUs are made.
 */
int platform_create(struct keg_board *board);

/* What needs the vCPUs to exist. */
int platform_finish(struct keg_board *board);

/* Releases the devices; after the vCPUs. Harmless if platform_create() failed. */
void platform_destroy(struct keg_board *board);

/* Input for the serial port: how many bytes there was room for. */
size_t platform_console_input(struct keg_board *board, const void *bytes, size_t count);

#endif
