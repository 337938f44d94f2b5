/* SPDX-License-Identifier: MIT */
/* A kind of board: what pc.c and virt.c each implement. The build takes the one that fits. */
#ifndef KEG_BOARD_PLATFORM_H
#define KEG_BOARD_PLATFORM_H

#include "board/board.h"

/* Declares memory and interrupt controller, and puts devices on the buses. Before vCPUs are made.
 */
int keg_platform_create(struct keg_board *board);

/* Connects a virtio device, the `index`-th, to the guest; and the opposite. */
struct board_virtio;
int keg_platform_attach(struct keg_board *board, struct board_virtio *virtio, size_t index);
void keg_platform_detach(struct keg_board *board, struct board_virtio *virtio);

/* Whether the board has an entropy device. */
bool keg_platform_wants_entropy(const struct keg_board *board);

/*
 * Writes into guest memory what a kernel reads of the machine, whose devices are all there, and
 * tells the loader where it is. What it points `boot` to stays the platform's.
 */
int keg_platform_describe(struct keg_board *board, struct keg_boot_config *boot);

/* What needs the vCPUs to exist. */
int keg_platform_finish(struct keg_board *board);

/* Releases the devices; after the vCPUs. Harmless if keg_platform_create() failed. */
void keg_platform_destroy(struct keg_board *board);

/* Handles an exit that is the platform's own; false if it is not. */
struct board_cpu;
bool keg_platform_handle(struct board_cpu *cpu, const struct keg_exit *exit);

/* Presses the power button. -ENOTSUP */
int keg_platform_press_power(struct keg_board *board);

/* Input for the serial port: how many bytes there was room for. */
size_t keg_platform_console_input(struct keg_board *board, const void *bytes, size_t count);

#endif
