/* SPDX-License-Identifier: MIT */
/* The PC: its memory, and how its parts are put together. */
#include "board/pc.h"

#include <stdlib.h>

#include <keg/irq.h>

#include "base/error.h"
#include "board/platform.h"

/* Large pages: each page that a guest touches first is an exit. */
static int add_region(struct keg_board *board, const char *name, keg_gpa gpa, uint64_t bytes)
{
	const struct keg_region_config config = {
		.size = sizeof(config),
		.gpa = gpa,
		.bytes = bytes,
		.backing = KEG_BACKING_ANONYMOUS,
		.flags = KEG_REGION_THP,
		.name = name,
	};

	return keg_mem_add(board->mem, &config, NULL);
}

static int add_memory(struct keg_board *board)
{
	uint64_t bytes = board->config.memory_bytes;
	uint64_t low = bytes < PC_HOLE_START ? bytes : PC_HOLE_START;
	int rc = add_region(board, "memory", 0, low);

	if (rc || low == bytes)
		return rc;
	return add_region(board, "memory above 4 GiB", PC_HOLE_END, bytes - low);
}

static int set_private_pages(struct keg_board *board)
{
	int rc = keg_host_check_extension(board->host, KVM_CAP_SET_TSS_ADDR);

	if (rc <= 0)
		return rc;
	rc = keg_vm_set_identity_map_address(board->vm, PC_IDENTITY_MAP);
	return rc < 0 ? rc : keg_vm_set_tss_address(board->vm, PC_TSS);
}

int keg_platform_create(struct keg_board *board)
{
	struct pc *pc;
	int rc = add_memory(board);

	if (!rc)
		rc = set_private_pages(board);
	if (rc)
		return rc;
	pc = calloc(1, sizeof(*pc));
	if (!pc)
		return keg_fail_errno(ENOMEM, "making a PC");
	pc->board = board;
	board->platform = pc;
	rc = keg_pc_lines_init(pc);
	if (!rc) {
		rc = keg_pc_devices_create(board);
		if (rc)
			keg_pc_lines_fini(pc);
	}
	if (rc) {
		free(pc);
		board->platform = NULL;
	}
	return rc;
}

int keg_platform_finish(struct keg_board *board)
{
	(void)board;
	return 0;
}

void keg_platform_destroy(struct keg_board *board)
{
	struct pc *pc = board->platform;

	if (!pc)
		return;
	keg_pc_devices_destroy(board);
	keg_pc_lines_fini(pc);
	free(pc);
}

bool keg_platform_handle(struct board_cpu *cpu, const struct keg_exit *exit)
{
	struct pc *pc = cpu->board->platform;

	if (exit->reason != KEG_EXIT_IOAPIC_EOI || !pc->lines.ioapic)
		return false;
	keg_ioapic_eoi(&pc->ioapic, exit->eoi.vector);
	return true;
}

int keg_platform_press_power(struct keg_board *board)
{
	struct pc *pc = board->platform;

	keg_power_press(&pc->power);
	return 0;
}

size_t keg_platform_console_input(struct keg_board *board, const void *bytes, size_t count)
{
	struct pc *pc = board->platform;

	return keg_uart_receive(&pc->uart.uart, bytes, count);
}
