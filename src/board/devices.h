/* SPDX-License-Identifier: MIT */
/* A board's devices, in one table that serves making and releasing them. */
#ifndef KEG_BOARD_DEVICES_H
#define KEG_BOARD_DEVICES_H

#include "board/board.h"

struct board_device {
	const char *name;
	bool ports; /* on the bus of ports; else on that of memory */
	uint64_t start, size;
	const struct keg_bus_ops *ops;
	size_t offset; /* of the device's structure in the platform's */
	/* NULL: nothing to make, or to release (also of a device with several regions). */
	int (*init)(struct keg_board *board, void *device);
	void (*fini)(void *device);
	/* Whether this board has it; NULL: every board does. */
	bool (*wanted)(const struct keg_board *board);
};

/* Makes all, or none. */
int keg_board_devices_create(
	struct keg_board *board, const struct board_device *devices, size_t count);
void keg_board_devices_destroy(
	struct keg_board *board, const struct board_device *devices, size_t count);

/* The callbacks that every board's devices have. The context is the board. */
void keg_board_console_output(void *context, const void *bytes, size_t count);
void keg_board_console_ready(void *context);
void keg_board_power_off(void *context);
void keg_board_reset(void *context);

#endif
