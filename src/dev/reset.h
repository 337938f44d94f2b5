/* SPDX-License-Identifier: MIT */
/*
 * The PC's two ways to reset itself: the chipset's reset control register, and the keyboard
 * controller's output port. There is no keyboard.
 *
 * Threads: any thread at any time. `request` is called in the vCPU's thread.
 */
#ifndef KEG_DEV_RESET_H
#define KEG_DEV_RESET_H

#include <stdatomic.h>

#include <keg/bus.h>

/* What a reset of the machine is asked of. */
struct keg_reset_line {
	void (*request)(void *context);
	void *context;
};

/* The reset control register: one port, 0xcf9 on a PC (Intel ICH9 data sheet, RST_CNT). */
struct keg_reset {
	struct keg_reset_line line;
	_Atomic uint8_t control;
};

extern const struct keg_bus_ops keg_reset_ops;

/*
 * What is left of an 8042: two ports of one byte, data at 0x60 and command and status at 0x64. The
 * output port can be read and written, because guests open the A20 gate through it.
 */
struct keg_i8042 {
	struct keg_reset_line line;
	atomic_bool output_full; /* the output port's value waits at the data port */
	atomic_bool expects_output_port;
};

extern const struct keg_bus_ops keg_i8042_data_ops;
extern const struct keg_bus_ops keg_i8042_command_ops;

#endif
