/* SPDX-License-Identifier: MIT */
/* What scenarios work on. */
#include "fault/rig.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arch.h"
#include "base/error.h"

void rig_prepare(struct rig *rig)
{
	*rig = (struct rig){.event = -1, .resample = -1, .stats = -1, .kick_signal = SIGRTMIN};
	rig->file = memfd_create("rig", MFD_CLOEXEC);
	rig->memory = aligned_alloc(RIG_PAGE, RIG_RAM);
	if (rig->file < 0 || !rig->memory || ftruncate(rig->file, RIG_RAM) ||
		keg_kick_install(rig->kick_signal)) {
		perror("fault: preparing");
		exit(EXIT_FAILURE);
	}
}

void rig_release(struct rig *rig)
{
	free(rig->memory);
	close(rig->file);
}

keg_gpa rig_memory_start(void)
{
	return keg_arch_memory_start();
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void rig_end(struct rig *rig)
{
	if (rig->end)
		rig->end(rig);
	keg_board_destroy(rig->board);
	for (int i = 0; i < RIG_VCPUS; i++)
		keg_vcpu_destroy(rig->vcpus[i]);
	keg_device_destroy(rig->device);
	keg_bus_destroy(rig->bus);
	keg_mem_destroy(rig->mem);
	keg_vm_destroy(rig->vm);
	keg_host_destroy(rig->host);
	close_if_open(rig->event);
	close_if_open(rig->resample);
	close_if_open(rig->stats);
}

int rig_open_host(struct rig *rig)
{
	return keg_host_create(NULL, &rig->host);
}

int rig_create_vm(struct rig *rig)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .kick_signal = rig->kick_signal};

	return keg_vm_create(rig->host, &config, &rig->vm);
}

int rig_create_mem(struct rig *rig)
{
	return keg_mem_create(rig->vm, &rig->mem);
}

int rig_add_ram(struct rig *rig)
{
	return keg_mem_add_ram(rig->mem, keg_arch_memory_start(), RIG_RAM);
}

static int load(struct rig *rig, struct guest_code code)
{
	return keg_mem_write(rig->mem, keg_arch_memory_start() + RIG_CODE, code.bytes, code.size);
}

int rig_load_store(struct rig *rig)
{
	return load(rig, guest_store());
}

int rig_load_spin(struct rig *rig)
{
	return load(rig, guest_spin());
}

int rig_load_touch(struct rig *rig)
{
	return load(rig, guest_touch());
}

int rig_create_vcpu(struct rig *rig)
{
	return keg_vcpu_create(rig->vm, NULL, &rig->vcpus[0]);
}

static int enter(struct rig *rig)
{
	const struct keg_boot_entry entry = {
		.kind = KEG_IMAGE_ELF32,
		.mode = keg_arch_default_mode(KEG_IMAGE_ELF32),
		.pc = keg_arch_memory_start() + RIG_CODE,
	};

	return keg_boot_enter(rig->vcpus[0], &entry);
}

int rig_init_vcpu(struct rig *rig)
{
	int rc = keg_arch_init_vcpu(rig->vcpus[0], true, NULL);

	return rc ? rc : enter(rig);
}

int rig_before_run(struct rig *rig)
{
	bool refused = rig->refused;

	rig->refused = false;
	return refused ? enter(rig) : 0;
}

void rig_after_run(struct rig *rig, int rc)
{
	rig->refused = rc == -EINVAL;
}

int rig_run(struct rig *rig)
{
	struct keg_exit exit;
	int rc = rig_before_run(rig);

	if (rc)
		return rc;
	do
		rc = keg_vcpu_run(rig->vcpus[0], &exit);
	while (!rc && exit.reason == KEG_EXIT_INTR);
	rig_after_run(rig, rc);
	if (!rc && exit.reason != KEG_EXIT_MMIO)
		return keg_fail(EPROTO, "an exit %u from the guest", exit.reason);
	return rc;
}

int rig_expect(int rc, int error)
{
	if (rc == -error)
		return 0;
	return rc < 0 ? rc : keg_fail(EPROTO, "success, and not the error %d", error);
}
