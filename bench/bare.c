/* SPDX-License-Identifier: MIT */
/* A machine of bare ioctls. */
#include "bare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

int bare_ioctl(int fd, unsigned long request, const char *name, uintptr_t arg)
{
	int rc;

	do
		rc = ioctl(fd, request, arg);
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		bench_die("%s: %s", name, strerror(errno));
	return rc;
}

void bare_open(struct bare_host *host)
{
	host->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (host->fd < 0)
		bench_die("/dev/kvm: %s", strerror(errno));
	host->run_bytes = (size_t)BARE_IOCTL(host->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	host->sync_regs = BARE_IOCTL(host->fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
	host->coalesced_page = BARE_IOCTL(host->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
}

void bare_close(struct bare_host *host)
{
	close(host->fd);
}

static void *map(size_t bytes, int flags, int fd)
{
	void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (area == MAP_FAILED)
		bench_die("mapping %zu bytes: %s", bytes, strerror(errno));
	return area;
}

void bare_create(const struct bare_host *host, const struct guest *guest, enum bare_irqchip irqchip,
	struct bare_machine *machine)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = GUEST_MEMORY_START, .memory_size = GUEST_MEMORY};

	machine->vm = BARE_IOCTL(host->fd, KVM_CREATE_VM, 0);
	machine->memory = map(GUEST_MEMORY, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
	memcpy(machine->memory + guest->offset, guest->begin, (size_t)(guest->end - guest->begin));
	if (irqchip == BARE_IRQCHIP_FIRST)
		BARE_IOCTL(machine->vm, KVM_CREATE_IRQCHIP, 0);
	region.userspace_addr = (uintptr_t)machine->memory;
	BARE_IOCTL(machine->vm, KVM_SET_USER_MEMORY_REGION, &region);
	if (irqchip == BARE_IRQCHIP_LAST)
		BARE_IOCTL(machine->vm, KVM_CREATE_IRQCHIP, 0);
	machine->vcpu = BARE_IOCTL(machine->vm, KVM_CREATE_VCPU, 0);
	machine->run_bytes = host->run_bytes;
	machine->run = map(host->run_bytes, MAP_SHARED, machine->vcpu);
	bare_enter(host, machine, GUEST_MEMORY_START + guest->offset);
}

void bare_destroy(struct bare_machine *machine)
{
	munmap(machine->run, machine->run_bytes);
	close(machine->vcpu);
	munmap(machine->memory, GUEST_MEMORY);
	close(machine->vm);
}

uint32_t bare_run(struct bare_machine *machine)
{
	BARE_IOCTL(machine->vcpu, KVM_RUN, 0);
	return machine->run->exit_reason;
}
