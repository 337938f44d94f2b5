/* SPDX-License-Identifier: MIT */
/* The devices that every PC has, and those for test suites. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "board/devices.h"
#include "board/pc.h"

static struct pc *pc_of(struct keg_board *board)
{
	return board->platform;
}

/* ---- Serial port, clock ---- */

static int init_uart(struct keg_board *board, void *device)
{
	const struct keg_console console = {
		.output = keg_board_console_output,
		.input_ready = keg_board_console_ready,
		.context = board,
	};
	struct pc *pc = pc_of(board);
	const struct keg_irq irq = keg_pc_input_connect(pc, &pc->uart_input, PC_GSI_UART);

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

/* ---- Ways to end ---- */

static int init_i8042(struct keg_board *board, void *device)
{
	struct keg_i8042 *i8042 = device;

	i8042->line = (struct keg_reset_line){.request = keg_board_reset, .context = board};
	return 0;
}

static uint64_t power_clock(void *context)
{
	(void)context;
	return keg_board_now();
}

static int init_power(struct keg_board *board, void *device)
{
	struct pc *pc = pc_of(board);
	const struct keg_power_config config = {
		.off = keg_board_power_off,
		.now = power_clock,
		.context = board,
		.sci = keg_pc_input_connect(pc, &pc->sci_input, PC_GSI_SCI),
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
	keg_board_end(context, KEG_END_DEBUG_EXIT, status, message);
}

static int init_debug_exit(struct keg_board *board, void *device)
{
	struct keg_debug_exit *debug_exit = device;

	*debug_exit = (struct keg_debug_exit){.end = end_with_status, .context = board};
	return 0;
}

/* A kernel that saves a dump by itself says so, and goes on to do it. */
static void panicked(void *context, uint32_t events)
{
	if (events & KEG_PVPANIC_PANICKED)
		keg_board_end(context, KEG_END_PANIC, 0, "the guest's kernel panicked");
}

static int init_pvpanic(struct keg_board *board, void *device)
{
	struct keg_pvpanic *pvpanic = device;

	*pvpanic = (struct keg_pvpanic){.event = panicked, .context = board};
	return 0;
}

/* ---- PCI, I/O APIC ---- */

static int init_pci(struct keg_board *board, void *device)
{
	static const struct keg_pci_window window = {
		.memory_start = PC_PCI_MEMORY_START,
		.memory_end = PC_PCI_MEMORY_END,
		.port_start = PC_PORT_PCI_START,
		.port_end = PC_PORT_PCI_END,
	};
	const struct keg_bus_region reset = {
		.name = "reset control",
		.start = 0xcf9,
		.size = 1,
		.ops = &keg_reset_ops,
		.device = &pc_of(board)->reset,
	};
	int rc = keg_pci_init(device, board->ports, board->memory, &window);

	return rc ? rc : keg_pci_put_beneath(device, &reset);
}

static void fini_pci(void *device)
{
	keg_pci_fini(device);
}

static bool has_pci(const struct keg_board *board)
{
	return !(board->config.flags & KEG_BOARD_MMIO);
}

static bool has_no_pci(const struct keg_board *board)
{
	return !has_pci(board);
}

static bool has_ioapic(const struct keg_board *board)
{
	return board->config.flags & KEG_BOARD_SPLIT_IRQCHIP;
}

/* ---- For test suites ---- */

static int init_testdev(struct keg_board *board, void *device)
{
	struct pc *pc = pc_of(board);
	struct keg_testdev_config config = {.context = board};

	for (uint32_t gsi = 0; gsi < KEG_TESTDEV_LINES; gsi++)
		config.lines[gsi] = keg_pc_input_connect(pc, &pc->test_inputs[gsi], gsi);
	return keg_testdev_init(device, &config);
}

static void fini_testdev(void *device)
{
	keg_testdev_fini(device);
}

static bool has_testdev(const struct keg_board *board)
{
	return board->config.flags & KEG_BOARD_TEST_DEVICES;
}

/* ---- The table ---- */

#define DEVICE(name, ports, start, size, ops, member, init, fini, wanted)                          \
	{                                                                                          \
		name, ports, start, size, ops, offsetof(struct pc, member), init, fini, wanted     \
	}

/* A device of several regions is made with the first. */
static const struct board_device devices[] = {
	DEVICE("serial port", true, 0x3f8, KEG_UART16550_SIZE, &keg_uart_ops, uart, init_uart,
		fini_uart, NULL),
	DEVICE("clock", true, 0x70, KEG_CMOS_SIZE, &keg_cmos_ops, cmos, init_cmos, fini_cmos, NULL),
	DEVICE("keyboard data", true, 0x60, 1, &keg_i8042_data_ops, i8042, init_i8042, NULL, NULL),
	DEVICE("keyboard command", true, 0x64, 1, &keg_i8042_command_ops, i8042, NULL, NULL, NULL),
	/* Its port lies within PCI's. */
	DEVICE("reset control", true, 0xcf9, 1, &keg_reset_ops, reset, NULL, NULL, has_no_pci),
	DEVICE("power control", true, PC_PORT_PM, KEG_POWER_SIZE, &keg_power_ops, power, init_power,
		fini_power, NULL),
	DEVICE("panic", true, PC_PORT_PVPANIC, KEG_PVPANIC_SIZE, &keg_pvpanic_ops, pvpanic,
		init_pvpanic, NULL, NULL),
	DEVICE("debug exit", true, 0xf4, KEG_DEBUG_EXIT_SIZE, &keg_debug_exit_ops, debug_exit,
		init_debug_exit, NULL, NULL),
	DEVICE("PCI configuration", true, KEG_PCI_PORTS, KEG_PCI_PORTS_SIZE, &keg_pci_port_ops, pci,
		init_pci, fini_pci, has_pci),
	DEVICE("PCI ECAM", false, PC_ECAM, KEG_PCI_ECAM_BYTES, &keg_pci_ecam_ops, pci, NULL, NULL,
		has_pci),
	/* Made with the lines: pc_lines.c. */
	DEVICE("I/O APIC", false, PC_IOAPIC, KEG_IOAPIC_SIZE, &keg_ioapic_ops, ioapic, NULL, NULL,
		has_ioapic),
	DEVICE("test ports", true, 0xe0, KEG_TESTDEV_PORTS_SIZE, &keg_testdev_ports_ops, testdev,
		init_testdev, fini_testdev, has_testdev),
	DEVICE("test lines", true, PC_PORT_TEST_LINES, KEG_TESTDEV_LINES_SIZE,
		&keg_testdev_lines_ops, testdev, NULL, NULL, has_testdev),
	DEVICE("test memory", false, PC_TEST_MEMORY, KEG_TESTDEV_MEMORY_SIZE,
		&keg_testdev_memory_ops, testdev, NULL, NULL, has_testdev),
};
enum { DEVICES = sizeof(devices) / sizeof(devices[0]) };

int keg_pc_devices_create(struct keg_board *board)
{
	/* With a region of its own, or beneath PCI's. */
	pc_of(board)->reset.line =
		(struct keg_reset_line){.request = keg_board_reset, .context = board};
	return keg_board_devices_create(board, devices, DEVICES);
}

void keg_pc_devices_destroy(struct keg_board *board)
{
	keg_board_devices_destroy(board, devices, DEVICES);
}
