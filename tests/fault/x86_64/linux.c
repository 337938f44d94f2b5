/* SPDX-License-Identifier: MIT */
/* Loading Linux: a bzImage in each compression, unpacked here or not, and a PVH kernel. */
#include <stdlib.h>
#include <string.h>

#include "../../boot/kernel.h"
#include "../../boot/pack.h"
#include "base/error.h"
#include "fault/fault.h"

enum { RAM = 32 << 20, INITRD = 4096 };

/* What kernel.c's own checks look through, which are not made here. */
unsigned char *fake_at(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes)
{
	(void)mem;
	(void)gpa;
	(void)bytes;
	abort();
}

static int add_ram(struct rig *rig)
{
	return keg_mem_add_ram(rig->mem, 0, RAM);
}

static int load(struct rig *rig, const void *image, size_t bytes, uint32_t flags)
{
	static const char initrd[INITRD];
	const struct keg_boot_config config = {
		.size = sizeof(config),
		.image = image,
		.image_bytes = bytes,
		.initrd = initrd,
		.initrd_bytes = INITRD,
		.command_line = "console=ttyS0",
		.flags = flags,
	};
	struct keg_boot_entry entry;

	return keg_boot_load(rig->mem, &config, &entry);
}

/* ---- Images ---- */

enum { PACKERS = 4 };

static struct {
	unsigned char *bytes;
	size_t count;
} packed[PACKERS];
static unsigned char pvh[KERNEL_BYTES], vmlinux[KERNEL_BYTES];

static void prepare(void)
{
	for (size_t i = 0; i < PACKERS && packers[i].name; i++)
		packed[i].bytes = kernel_make_usual(&packers[i], &packed[i].count);
	kernel_make_elf(pvh, NOTE_PVH);
	kernel_make_elf(vmlinux, NOTE_LINUX);
}

/* Compressions that are not built in are not there to fail. */
static int load_packed(struct rig *rig, size_t index, uint32_t flags)
{
	return packed[index].bytes ? load(rig, packed[index].bytes, packed[index].count, flags) : 0;
}

static int load_first(struct rig *rig)
{
	return load_packed(rig, 0, 0);
}

static int load_second(struct rig *rig)
{
	return load_packed(rig, 1, 0);
}

static int load_third(struct rig *rig)
{
	return load_packed(rig, 2, 0);
}

static int load_fourth(struct rig *rig)
{
	return load_packed(rig, 3, 0);
}

static int load_no_unpack(struct rig *rig)
{
	return load_packed(rig, 0, KEG_BOOT_NO_UNPACK);
}

static int load_pvh(struct rig *rig)
{
	return load(rig, pvh, sizeof(pvh), 0);
}

static int load_vmlinux(struct rig *rig)
{
	return load(rig, vmlinux, sizeof(vmlinux), 0);
}

static const struct fault_step linux_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("map", rig_create_mem, FAULT_SETUP),
	FAULT_STEP("ram", add_ram, FAULT_SETUP),
	FAULT_STEP("first packer", load_first, 0),
	FAULT_STEP("second packer", load_second, 0),
	FAULT_STEP("third packer", load_third, 0),
	FAULT_STEP("fourth packer", load_fourth, 0),
	FAULT_STEP("no unpacking", load_no_unpack, 0),
	FAULT_STEP("PVH", load_pvh, 0),
	FAULT_STEP("vmlinux", load_vmlinux, 0),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("linux", linux_steps, .prepare = prepare),
};

const struct fault_suite fault_linux = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
