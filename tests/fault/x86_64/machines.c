/* SPDX-License-Identifier: MIT */
/* PCs with all that a PC can have, by PCI and by MMIO: made, set up as a driver does, and run. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "board/board.h"
#include "fault/fault.h"

enum { MEMORY = 16 << 20, DISK = 1 << 20 };

static char image[64];

static void print(void *context, const void *bytes, size_t count)
{
	(void)context;
	(void)bytes;
	(void)count;
}

/* Before other things end: the disks go with the board. */
static void end(struct rig *rig)
{
	keg_board_destroy(rig->board);
	rig->board = NULL;
	unlink(image);
}

static int make_image(struct rig *rig)
{
	int fd;

	strcpy(image, "/var/tmp/keg-fault-XXXXXX");
	rig->end = end;
	fd = mkostemp(image, O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, DISK)) {
		perror("fault: an image");
		exit(EXIT_FAILURE);
	}
	close(fd);
	return 0;
}

static int create(struct rig *rig, uint32_t flags, const char *cpu_model)
{
	const struct guest_code code = rig_power_off();
	const struct keg_boot_config boot = {
		.size = sizeof(boot),
		.kind = KEG_IMAGE_FLAT,
		.image = code.bytes,
		.image_bytes = code.size,
	};
	const struct keg_disk_config disk = {
		.size = sizeof(disk), .path = image, .flags = KEG_DISK_READONLY, .queues = 1};
	const struct keg_disk_config scratch = {
		.size = sizeof(scratch), .path = image, .flags = KEG_DISK_SCRATCH, .queues = 1};
	const struct keg_net_config net = {.size = sizeof(net), .kind = KEG_NET_USER};
	const struct keg_port_config port = {.size = sizeof(port), .name = "a", .output = print};
	const struct keg_disk_config *const disks[] = {&disk, &scratch};
	const struct keg_net_config *const nets[] = {&net};
	const struct keg_port_config *const ports[] = {&port, &port};
	const struct keg_board_config config = {
		.size = sizeof(config),
		.memory_bytes = MEMORY,
		.cpus = 2,
		.kick_signal = rig->kick_signal,
		.boot = &boot,
		.flags = flags | KEG_BOARD_LIST_UNCLAIMED | KEG_BOARD_TEST_DEVICES,
		.cpu_model = cpu_model,
		.disks = disks,
		.disk_count = 2,
		.nets = nets,
		.net_count = 1,
		.ports = ports,
		.port_count = 2,
	};

	return keg_board_create(rig->host, &config, &rig->board);
}

static int create_pci(struct rig *rig)
{
	return create(rig, 0, "max,-rdrand");
}

static int create_mmio(struct rig *rig)
{
	return create(rig, KEG_BOARD_SPLIT_IRQCHIP | KEG_BOARD_MMIO, "host,-rdseed");
}

/* ---- As a driver does ---- */

/* Where board/pc.h has them; the last device, the entropy device. */
enum { ECAM = 0xe0000000, SLOT = 5, TABLE = 0x8000, VECTORS = 2, MMIO = 0xe8004000 };

static uint32_t read_config(struct rig *rig, uint32_t offset, uint32_t bytes)
{
	uint32_t value = 0;

	keg_bus_read(rig->board->memory, ECAM + (SLOT << 15) + offset, &value, bytes);
	return value;
}

static void write_config(struct rig *rig, uint32_t offset, uint32_t value, uint32_t bytes)
{
	keg_bus_write(rig->board->memory, ECAM + (SLOT << 15) + offset, &value, bytes);
}

/* MSI-X on, and each vector unmasked (PCI 3.0, section 6.8.2). */
static int enable_msix(struct rig *rig)
{
	uint32_t capability = read_config(rig, 0x34, 1);
	uint64_t bar = read_config(rig, 0x10, 4) & ~15U;

	while (capability && read_config(rig, capability, 1) != 0x11)
		capability = read_config(rig, capability + 1, 1);
	if (!capability)
		return RIG_WRONG("there is no MSI-X");
	write_config(rig, 0x04, 7, 2);
	for (uint32_t i = 0; i < VECTORS; i++) {
		const uint64_t words[] = {0xfee00000, 0x40 + i};

		keg_bus_write(rig->board->memory, bar + TABLE + 16 * i, &words[0], 8);
		keg_bus_write(rig->board->memory, bar + TABLE + 16 * i + 8, &words[1], 8);
	}
	write_config(rig, capability + 2, 0x8000, 2);
	return 0;
}

static void write_register(struct rig *rig, uint32_t offset, uint32_t value)
{
	keg_bus_write(rig->board->memory, MMIO + offset, &value, 4);
}

/* To DRIVER_OK, with a queue of 8 at 8 MiB (virtio 1.2, section 4.2.3). */
static int start_mmio(struct rig *rig)
{
	static const struct {
		uint32_t offset, value;
	} writes[] = {
		{0x070, 0},
		{0x070, 3},
		{0x024, 1},
		{0x020, 1}, /* VERSION_1 */
		{0x070, 11},
		{0x030, 0},
		{0x038, 8},
		{0x080, 0x800000},
		{0x090, 0x801000},
		{0x0a0, 0x802000},
		{0x044, 1},
		{0x070, 15},
		{0x050, 0},
	};
	uint32_t status = 0;

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		write_register(rig, writes[i].offset, writes[i].value);
	keg_bus_read(rig->board->memory, MMIO + 0x070, &status, 4);
	if (status == 15)
		return 0;
	if (!(status & 0x40))
		return RIG_WRONG("a status of 0x%x", status);
	return keg_fail(EIO, "the device needs a reset");
}

/* ---- As a program does ---- */

static int use(struct rig *rig)
{
	struct keg_device_stats stats;
	struct keg_unclaimed unclaimed;
	uint8_t byte;
	int rc = keg_board_press_power(rig->board);

	if (!rc)
		rc = (int)keg_board_port_input(rig->board, 0, "x", 1);
	if (rc >= 0)
		rc = keg_board_resize_console(rig->board, 80, 25);
	if (!rc)
		rc = keg_board_get_device_stats(rig->board, 4, &stats);
	if (!rc && strcmp(stats.name, "entropy") != 0)
		rc = RIG_WRONG("the last device is %s", stats.name);
	keg_bus_read(rig->board->ports, 0x1234, &byte, 1);
	if (!rc)
		rc = keg_board_get_unclaimed(rig->board, 0, &unclaimed);
	keg_board_note(rig->board, 0);
	return rc;
}

static int run(struct rig *rig)
{
	struct keg_board_result result;
	int rc = keg_board_run(rig->board, &result);

	if (!rc && result.end != KEG_END_POWER_OFF)
		return keg_fail(ECANCELED, "the board ended otherwise: %s", result.message);
	return rc;
}

static const struct fault_step pci_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("image", make_image, FAULT_SETUP),
	FAULT_STEP("create", create_pci, 0),
	/* What cannot be signalled is noted. */
	FAULT_STEP("MSI-X", enable_msix, FAULT_FORGIVING),
	FAULT_STEP("use", use, FAULT_FORGIVING),
	FAULT_STEP("run", run, FAULT_NOT_AGAIN | FAULT_FORGIVING),
};

static const struct fault_step mmio_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("image", make_image, FAULT_SETUP),
	FAULT_STEP("create", create_mmio, 0),
	FAULT_STEP("start", start_mmio, FAULT_FORGIVING),
	FAULT_STEP("use", use, FAULT_FORGIVING),
	FAULT_STEP("run", run, FAULT_NOT_AGAIN | FAULT_FORGIVING),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO(
		"pc-pci", pci_steps, .threads = true, .sealed = true, .brief = true, .large = true),
	FAULT_SCENARIO("pc-mmio", mmio_steps, .threads = true, .sealed = true, .brief = true,
		.large = true),
};

const struct fault_suite fault_machines = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
