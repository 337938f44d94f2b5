/* SPDX-License-Identifier: MIT */
/* The PC, from within: where everything is, and what its parts know of each other. */
#ifndef KEG_BOARD_PC_H
#define KEG_BOARD_PC_H

#include "board/board.h"
#include "board/msi.h"
#include "board/routes.h"
#include "dev/cmos.h"
#include "dev/debug_exit.h"
#include "dev/ioapic.h"
#include "dev/pci.h"
#include "dev/power.h"
#include "dev/pvpanic.h"
#include "dev/reset.h"
#include "dev/testdev.h"
#include "dev/uart16550.h"

/*
 * Guest-physical addresses. Memory goes up to the hole in which devices, I/O APIC and local APICs
 * are, and on after 4 GiB.
 */
#define PC_HOLE_START       UINT64_C(0xc0000000)
#define PC_HOLE_END         UINT64_C(0x100000000)
#define PC_ACPI_START       UINT64_C(0xe0000) /* where a PC's firmware would be */
#define PC_ACPI_BYTES       UINT64_C(0x20000)
#define PC_PCI_MEMORY_START UINT64_C(0xc0000000)
#define PC_PCI_MEMORY_END   UINT64_C(0xe0000000)
#define PC_ECAM             UINT64_C(0xe0000000)
#define PC_VIRTIO_MMIO      UINT64_C(0xe8000000) /* one page for each device */
#define PC_VIRTIO_MMIO_SIZE UINT64_C(0x1000)
#define PC_IOAPIC           UINT64_C(0xfec00000)
#define PC_TEST_MEMORY      UINT64_C(0xff000000)
/* Where KVM puts pages of its own on Intel's processors. */
#define PC_IDENTITY_MAP UINT64_C(0xfffbc000)
#define PC_TSS          UINT64_C(0xfffbd000)

/* Ports. */
enum {
	PC_PORT_PVPANIC = 0x505,
	PC_PORT_PM = 0x600,
	PC_PORT_TEST_LINES = 0x2000,
	PC_PORT_PCI_START = 0xc000, /* for BARs */
	PC_PORT_PCI_END = 0x10000,
};

/* Interrupts (GSIs). Those from 16 on are shared by devices: number 16 + slot % 8. */
enum {
	PC_GSI_UART = 4,
	PC_GSI_SCI = 9,
	PC_GSI_PCI = 16,
	PC_GSI_PCI_COUNT = 8,
	PC_GSIS = 24,
};

/* Interrupt lines: each is high while any of its inputs is. */
struct pc_lines {
	struct keg_board *board;
	pthread_mutex_t lock;
	uint32_t high[PC_GSIS];    /* how many inputs are high */
	struct keg_ioapic *ioapic; /* of a split irqchip; else NULL: the lines are KVM's */
};

/* An input of a line: what a device's struct keg_irq leads to. */
struct pc_input {
	struct pc_lines *lines;
	uint32_t gsi;
	bool high;
};

struct pc {
	struct keg_board *board;
	struct pc_lines lines;
	struct board_routes routes;
	struct keg_ioapic ioapic;
	struct pc_input uart_input, sci_input;
	struct pc_input test_inputs[KEG_TESTDEV_LINES];
	struct keg_uart16550 uart;
	struct keg_cmos cmos;
	struct keg_i8042 i8042;
	struct keg_reset reset;
	struct keg_power power;
	struct keg_pvpanic pvpanic;
	struct keg_debug_exit debug_exit;
	struct keg_testdev testdev;
	struct keg_pci_bus pci;
};

/* pc_lines.c */
int keg_pc_lines_init(struct pc *pc);
void keg_pc_lines_fini(struct pc *pc);
struct keg_irq keg_pc_input_connect(struct pc *pc, struct pc_input *input, uint32_t gsi);

/* pc_devices.c: the devices that every PC has. */
int keg_pc_devices_create(struct keg_board *board);
void keg_pc_devices_destroy(struct keg_board *board);

/* pc_virtio.c: where the `index`-th virtio device is. */
uint32_t keg_pc_virtio_gsi(size_t index);

static inline uint8_t pc_virtio_slot(size_t index)
{
	return (uint8_t)(index + 1);
}

static inline keg_gpa pc_virtio_mmio(size_t index)
{
	return PC_VIRTIO_MMIO + index * PC_VIRTIO_MMIO_SIZE;
}

#endif
