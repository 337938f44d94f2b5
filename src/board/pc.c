/* SPDX-License-Identifier: MIT */
/* The PC: its memory, interrupt controllers and devices. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <keg/irq.h>

#include "base/error.h"
#include "board/devices.h"
#include "board/platform.h"
#include "dev/cmos.h"
#include "dev/debug_exit.h"
#include "dev/power.h"
#include "dev/reset.h"
#include "dev/uart16550.h"

struct pc {
	struct keg_uart16550 uart;
	struct keg_cmos cmos;
	struct keg_i8042 i8042;
	struct keg_reset reset;
	struct keg_power power;
	struct keg_debug_exit debug_exit;
};

/* Memory goes up to the hole in which local APICs, I/O APIC and devices are, and on after 4 GiB. */
static const uint64_t hole_start = 3ULL << 30;
static const uint64_t hole_end = 4ULL << 30;

/* Where KVM puts pages of its own on Intel's processors: where a PC's firmware would be. */
static const keg_gpa identity_map_address = 0xfffbc000;
static const keg_gpa tss_address = 0xfffbd000;

enum { UART_IRQ = 4, SCI_IRQ = 9 };

/* ---- Devices ---- */

static void set_uart_irq(void *context, bool high)
{
	struct keg_board *board = context;

	(void)keg_vm_set_irq_line(board->vm, UART_IRQ, high);
}

static int init_uart(struct keg_board *board, void *device)
{
	const struct keg_console console = {
		.output = board_console_output,
		.input_ready = board_console_ready,
		.context = board,
	};
	const struct keg_irq irq = {.set = set_uart_irq, .context = board};

	return keg_uart16550_init(device, &console, &irq);
}

static void fini_uart(void *device)
{
	struct keg_uart16550 *uart = device;

	keg_uart_fini(&uart->uart);
}

static uint64_t wall_clock(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int init_cmos(struct keg_board *board, void *device)
{
	const struct keg_cmos_clock clock = {.now = wall_clock};

	(void)board;
	return keg_cmos_init(device, &clock);
}

static void fini_cmos(void *device)
{
	keg_cmos_fini(device);
}

static int init_i8042(struct keg_board *board, void *device)
{
	struct keg_i8042 *i8042 = device;

	i8042->line = (struct keg_reset_line){.request = board_reset, .context = board};
	return 0;
}

static int init_reset(struct keg_board *board, void *device)
{
	struct keg_reset *reset = device;

	reset->line = (struct keg_reset_line){.request = board_reset, .context = board};
	return 0;
}

static uint64_t power_clock(void *context)
{
	(void)context;
	return board_now();
}

static void set_sci(void *context, bool high)
{
	struct keg_board *board = context;

	(void)keg_vm_set_irq_line(board->vm, SCI_IRQ, high);
}

static int init_power(struct keg_board *board, void *device)
{
	const struct keg_power_config config = {
		.off = board_power_off,
		.now = power_clock,
		.context = board,
		.sci = {.set = set_sci, .context = board},
	};

	return keg_power_init(device, &config);
}

static void fini_power(void *device)
{
	keg_power_fini(device);
}

static void end_with_status(void *context, uint32_t status)
{
	char message[64];

	snprintf(message, sizeof(message), "the guest ended with status %" PRIu32, status);
	board_end(context, KEG_END_DEBUG_EXIT, status, message);
}

static int init_debug_exit(struct keg_board *board, void *device)
{
	struct keg_debug_exit *debug_exit = device;

	*debug_exit = (struct keg_debug_exit){.end = end_with_status, .context = board};
	return 0;
}

#define PORTS(name, start, size, ops, member, init, fini)                                          \
	{                                                                                          \
		name, true, start, size, ops, offsetof(struct pc, member), init, fini              \
	}

static const struct board_device devices[] = {
	PORTS("serial port", 0x3f8, KEG_UART16550_SIZE, &keg_uart_ops, uart, init_uart, fini_uart),
	PORTS("clock", 0x70, KEG_CMOS_SIZE, &keg_cmos_ops, cmos, init_cmos, fini_cmos),
	PORTS("keyboard data", 0x60, 1, &keg_i8042_data_ops, i8042, init_i8042, NULL),
	PORTS("keyboard command", 0x64, 1, &keg_i8042_command_ops, i8042, NULL, NULL),
	PORTS("reset control", 0xcf9, 1, &keg_reset_ops, reset, init_reset, NULL),
	PORTS("power management", 0x600, KEG_POWER_SIZE, &keg_power_ops, power, init_power,
		fini_power),
	PORTS("debug exit", 0xf4, KEG_DEBUG_EXIT_SIZE, &keg_debug_exit_ops, debug_exit,
		init_debug_exit, NULL),
};
enum { DEVICES = sizeof(devices) / sizeof(devices[0]) };

/* ---- The machine ---- */

static int add_memory(struct keg_board *board)
{
	uint64_t bytes = board->config.memory_bytes;
	uint64_t low = bytes < hole_start ? bytes : hole_start;
	int rc = keg_mem_add_ram(board->mem, 0, low);

	if (rc || low == bytes)
		return rc;
	return keg_mem_add_ram(board->mem, hole_end, bytes - low);
}

static int set_private_pages(struct keg_board *board)
{
	int rc = keg_host_check_extension(board->host, KVM_CAP_SET_TSS_ADDR);

	if (rc <= 0)
		return rc;
	rc = keg_vm_set_identity_map_address(board->vm, identity_map_address);
	return rc < 0 ? rc : keg_vm_set_tss_address(board->vm, tss_address);
}

int platform_create(struct keg_board *board)
{
	struct pc *pc;
	int rc = add_memory(board);

	if (!rc)
		rc = set_private_pages(board);
	if (!rc)
		rc = keg_vm_create_irqchip(board->vm);
	if (!rc)
		rc = keg_vm_create_pit(board->vm, 0);
	if (rc)
		return rc;
	pc = calloc(1, sizeof(*pc));
	if (!pc)
		return keg_fail_errno(ENOMEM, "making a PC");
	board->platform = pc;
	rc = board_devices_create(board, devices, DEVICES);
	if (rc) {
		free(pc);
		board->platform = NULL;
	}
	return rc;
}

int platform_finish(struct keg_board *board)
{
	(void)board;
	return 0;
}

void platform_destroy(struct keg_board *board)
{
	if (!board->platform)
		return;
	board_devices_destroy(board, devices, DEVICES);
	free(board->platform);
}

size_t platform_console_input(struct keg_board *board, const void *bytes, size_t count)
{
	struct pc *pc = board->platform;

	return keg_uart_receive(&pc->uart.uart, bytes, count);
}
