/* SPDX-License-Identifier: MIT */
/* The reset control register and the keyboard controller's reset. */
#include "dev/reset.h"

#include <stdbool.h>

static void request(const struct keg_reset_line *line)
{
	line->request(line->context);
}

/* ---- The reset control register: Intel ICH9 data sheet, RST_CNT ---- */

enum {
	RESET_CPU = 1 << 2,   /* resets when it goes from 0 to 1 */
	RESET_CONTROL = 0x0e, /* SYS_RST, RST_CPU, FULL_RST */
};

static uint64_t reset_read(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_reset *reset = device;

	(void)offset;
	(void)bytes;
	return atomic_load(&reset->control);
}

static void reset_write(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_reset *reset = device;
	uint8_t control = value & RESET_CONTROL;
	uint8_t before = atomic_exchange(&reset->control, control);

	(void)offset;
	(void)bytes;
	if (control & ~before & RESET_CPU)
		request(&reset->line);
}

const struct keg_bus_ops keg_reset_ops = {reset_read, reset_write};

/* ---- The 8042: IBM PC AT Technical Reference, "Keyboard Controller" ---- */

enum {
	STATUS_OUTPUT_FULL = 1 << 0,

	COMMAND_READ_OUTPUT_PORT = 0xd0,
	COMMAND_WRITE_OUTPUT_PORT = 0xd1,
	COMMAND_PULSE = 0xf0, /* bits 0 to 3: which lines of the output port not to pulse */
	COMMAND_PULSE_MASK = 0xf0,

	OUTPUT_NO_RESET = 1 << 0, /* low resets */
	OUTPUT_A20 = 1 << 1,
};

/* A20 is always open. */
static uint64_t data_read(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_i8042 *i8042 = device;

	(void)offset;
	(void)bytes;
	return atomic_exchange(&i8042->output_full, false) ? OUTPUT_NO_RESET | OUTPUT_A20 : 0;
}

static void data_write(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_i8042 *i8042 = device;

	(void)offset;
	(void)bytes;
	if (atomic_exchange(&i8042->expects_output_port, false) && !(value & OUTPUT_NO_RESET))
		request(&i8042->line);
}

/* Never busy; and besides the output port's value there is nothing to be read. */
static uint64_t status_read(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_i8042 *i8042 = device;

	(void)offset;
	(void)bytes;
	return atomic_load(&i8042->output_full) ? STATUS_OUTPUT_FULL : 0;
}

static void command_write(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_i8042 *i8042 = device;

	(void)offset;
	(void)bytes;
	atomic_store(&i8042->expects_output_port, value == COMMAND_WRITE_OUTPUT_PORT);
	if (value == COMMAND_READ_OUTPUT_PORT)
		atomic_store(&i8042->output_full, true);
	if ((value & COMMAND_PULSE_MASK) == COMMAND_PULSE && !(value & OUTPUT_NO_RESET))
		request(&i8042->line);
}

const struct keg_bus_ops keg_i8042_data_ops = {data_read, data_write};
const struct keg_bus_ops keg_i8042_command_ops = {status_read, command_write};
