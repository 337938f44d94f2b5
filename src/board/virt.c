/* SPDX-License-Identifier: MIT */
/* The arm64 board: its memory, GICv3 and PL011. PSCI in KVM does power-off, reset and other CPUs.
 */
#include <stdlib.h>

#include <keg/arm64.h>
#include <keg/irq.h>

#include "base/error.h"
#include "board/devices.h"
#include "board/platform.h"
#include "board/virtio.h"
#include "dev/pl011.h"

struct virt {
	struct keg_pl011 uart;
	struct keg_device *gic;
};

static const keg_gpa memory_start = 1ULL << 30;
static const keg_gpa gic_distributor = 0x08000000;
static const keg_gpa gic_redistributor = 0x080a0000;

enum { REDISTRIBUTOR_BYTES = 2 << 16 };
enum { UART_SPI = 33, UART_ADDRESS = 0x09000000, UART_BYTES = KEG_PL011_SIZE };

static void set_uart_irq(void *context, bool high)
{
	struct keg_board *board = context;

	(void)keg_vm_set_irq_line(board->vm, keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, UART_SPI), high);
}

static int init_uart(struct keg_board *board, void *device)
{
	const struct keg_console console = {
		.output = keg_board_console_output,
		.input_ready = keg_board_console_ready,
		.context = board,
	};
	const struct keg_irq irq = {.set = set_uart_irq, .context = board};

	return keg_pl011_init(device, &console, &irq);
}

static void fini_uart(void *device)
{
	struct keg_pl011 *uart = device;

	keg_uart_fini(&uart->uart);
}

static const struct board_device devices[] = {
	{"serial port", false, UART_ADDRESS, UART_BYTES, &keg_uart_ops, offsetof(struct virt, uart),
		init_uart, fini_uart, NULL},
};
enum { DEVICES = sizeof(devices) / sizeof(devices[0]) };

/* Each vCPU's redistributor takes two frames of 64 KiB, up to the serial port. */
static int check_cpus(uint32_t cpus)
{
	const uint32_t most = (uint32_t)((UART_ADDRESS - gic_redistributor) / REDISTRIBUTOR_BYTES);

	if (cpus > most)
		return keg_fail(EINVAL,
			"a board of %u vCPUs: there is room for the interrupts of %u", cpus, most);
	return 0;
}

int keg_platform_create(struct keg_board *board)
{
	struct virt *virt;
	int rc = check_cpus(board->config.cpus);

	if (!rc)
		rc = keg_mem_add_ram(board->mem, memory_start, board->config.memory_bytes);
	if (rc)
		return rc;
	virt = calloc(1, sizeof(*virt));
	if (!virt)
		return keg_fail_errno(ENOMEM, "making a board");
	board->platform = virt;
	rc = keg_board_devices_create(board, devices, DEVICES);
	if (rc) {
		free(virt);
		board->platform = NULL;
	}
	return rc;
}

/* Linux on this board comes with device trees: until then it has the serial port only. */
int keg_platform_attach(struct keg_board *board, struct board_virtio *virtio, size_t index)
{
	(void)board;
	(void)index;
	return keg_fail(ENOTSUP, "this board has no place for %s yet", virtio->name);
}

void keg_platform_detach(struct keg_board *board, struct board_virtio *virtio)
{
	(void)board;
	(void)virtio;
}

bool keg_platform_wants_entropy(const struct keg_board *board)
{
	(void)board;
	return false;
}

int keg_platform_describe(struct keg_board *board, struct keg_boot_config *boot)
{
	(void)board;
	(void)boot;
	return 0;
}

bool keg_platform_handle(struct board_cpu *cpu, const struct keg_exit *exit)
{
	(void)cpu;
	(void)exit;
	return false;
}

int keg_platform_press_power(struct keg_board *board)
{
	(void)board;
	return keg_fail(ENOTSUP, "this board has no power button");
}

/* A GICv3 wants to know all vCPUs before it is initialised. */
int keg_platform_finish(struct keg_board *board)
{
	const struct keg_gicv3_config config = {
		.size = sizeof(config),
		.distributor = gic_distributor,
		.redistributor = gic_redistributor,
	};
	struct virt *virt = board->platform;

	return keg_vm_create_gicv3(board->vm, &config, &virt->gic);
}

void keg_platform_destroy(struct keg_board *board)
{
	struct virt *virt = board->platform;

	if (!virt)
		return;
	keg_board_devices_destroy(board, devices, DEVICES);
	keg_device_destroy(virt->gic);
	free(virt);
}

size_t keg_platform_console_input(struct keg_board *board, const void *bytes, size_t count)
{
	struct virt *virt = board->platform;

	return keg_uart_receive(&virt->uart.uart, bytes, count);
}
