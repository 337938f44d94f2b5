/* SPDX-License-Identifier: MIT */
/* A machine's extensions, clocks, statistics and coalesced I/O. */
#include <fcntl.h>
#include <string.h>

#include "base/error.h"
#include "kvm/vm.h"

int keg_vm_check_extension(struct keg_vm *vm, int extension)
{
	int rc = keg_ioctl(vm->fd, KVM_CHECK_EXTENSION, (uintptr_t)extension);

	/* Kernels without KVM_CAP_CHECK_EXTENSION_VM do not know the question here. */
	if (rc == -ENOTTY || rc == -EINVAL)
		return keg_host_check_extension(vm->host, extension);
	return rc < 0 ? keg_vm_request_failed(vm, rc, "KVM_CHECK_EXTENSION") : rc;
}

int keg_vm_need(struct keg_vm *vm, int extension, const char *what)
{
	int rc = keg_vm_check_extension(vm, extension);

	if (rc < 0)
		return rc;
	return rc ? 0 : keg_fail(ENOTSUP, "this KVM has no %s", what);
}

int keg_vm_enable_cap(struct keg_vm *vm, uint32_t cap, uint32_t flags, const uint64_t args[4])
{
	struct kvm_enable_cap enable = {.cap = cap, .flags = flags};

	if (args)
		memcpy(enable.args, args, sizeof(enable.args));
	return keg_vm_request(vm, KVM_ENABLE_CAP, &enable);
}

/* ---- Coalesced I/O ---- */

static int check_zone(uint64_t start, uint64_t size)
{
	if (size == 0 || size > UINT32_MAX)
		return keg_fail(EINVAL, "coalescing %llu bytes: KVM takes 1 to 4294967295",
			(unsigned long long)size);
	if (start > UINT64_MAX - (size - 1))
		return keg_fail(EINVAL, "coalescing 0x%llx bytes at 0x%llx: beyond 2^64",
			(unsigned long long)size, (unsigned long long)start);
	return 0;
}

int keg_vm_coalesce_mmio(struct keg_vm *vm, keg_gpa start, uint64_t size)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = start, .size = (uint32_t)size};
	int rc = check_zone(start, size);

	return rc ? rc : keg_vm_request(vm, KVM_REGISTER_COALESCED_MMIO, &zone);
}

int keg_vm_uncoalesce_mmio(struct keg_vm *vm, keg_gpa start, uint64_t size)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = start, .size = (uint32_t)size};
	int rc = check_zone(start, size);

	return rc ? rc : keg_vm_request(vm, KVM_UNREGISTER_COALESCED_MMIO, &zone);
}

int keg_vm_coalesce_mmio_range(struct keg_vm *vm, struct keg_gpa_range range)
{
	return keg_vm_coalesce_mmio(vm, range.start, range.size);
}

int keg_vm_uncoalesce_mmio_range(struct keg_vm *vm, struct keg_gpa_range range)
{
	return keg_vm_uncoalesce_mmio(vm, range.start, range.size);
}

static int check_ports(struct keg_vm *vm, uint16_t port, uint32_t count)
{
	if (count == 0 || count > 0x10000U - port)
		return keg_fail(EINVAL, "coalescing %u ports from 0x%x on: there are 65536", count,
			(unsigned int)port);
	return keg_vm_need(vm, KVM_CAP_COALESCED_PIO, "coalesced ports");
}

int keg_vm_coalesce_pio(struct keg_vm *vm, uint16_t port, uint32_t count)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = port, .size = count, .pio = 1};
	int rc = check_ports(vm, port, count);

	return rc ? rc : keg_vm_request(vm, KVM_REGISTER_COALESCED_MMIO, &zone);
}

int keg_vm_uncoalesce_pio(struct keg_vm *vm, uint16_t port, uint32_t count)
{
	struct kvm_coalesced_mmio_zone zone = {.addr = port, .size = count, .pio = 1};
	int rc = check_ports(vm, port, count);

	return rc ? rc : keg_vm_request(vm, KVM_UNREGISTER_COALESCED_MMIO, &zone);
}

/* ---- Clocks and statistics ---- */

int keg_vm_get_clock(struct keg_vm *vm, struct kvm_clock_data *clock)
{
	int rc = keg_vm_need(vm, KVM_CAP_ADJUST_CLOCK, "kvmclock");

	return rc ? rc : keg_vm_request(vm, KVM_GET_CLOCK, clock);
}

int keg_vm_set_clock(struct keg_vm *vm, const struct kvm_clock_data *clock)
{
	int rc = keg_vm_need(vm, KVM_CAP_ADJUST_CLOCK, "kvmclock");

	return rc ? rc : keg_vm_request(vm, KVM_SET_CLOCK, clock);
}

int keg_vm_get_tsc_khz(struct keg_vm *vm)
{
	int rc = keg_vm_need(vm, KVM_CAP_VM_TSC_CONTROL, "TSC rate for machines");

	return rc ? rc : keg_vm_request(vm, KVM_GET_TSC_KHZ, 0);
}

int keg_vm_set_tsc_khz(struct keg_vm *vm, uint32_t khz)
{
	int rc = keg_vm_need(vm, KVM_CAP_VM_TSC_CONTROL, "TSC rate for machines");

	return rc ? rc : keg_vm_request(vm, KVM_SET_TSC_KHZ, khz);
}

int keg_vm_stats_fd(struct keg_vm *vm)
{
	int rc = keg_vm_need(vm, KVM_CAP_BINARY_STATS_FD, "statistics of machines");

	if (rc)
		return rc;
	rc = keg_vm_request(vm, KVM_GET_STATS_FD, 0);
	/* KVM's other descriptors are close-on-exec; this one is not. */
	if (rc >= 0)
		(void)fcntl(rc, F_SETFD, FD_CLOEXEC);
	return rc;
}

/* ---- x86: where KVM keeps pages of its own ---- */

static int check_private_pages(const char *what, keg_gpa address, uint64_t pages)
{
	if (address & 0xfff || address > (1ULL << 32) - pages * 4096)
		return keg_fail(EINVAL, "%s at 0x%llx: must be page-aligned and end below 4 GiB",
			what, (unsigned long long)address);
	return 0;
}

int keg_vm_set_tss_address(struct keg_vm *vm, keg_gpa address)
{
	int rc = check_private_pages("the task state segment's three pages", address, 3);

	return rc ? rc : keg_vm_request(vm, KVM_SET_TSS_ADDR, address);
}

int keg_vm_set_identity_map_address(struct keg_vm *vm, keg_gpa address)
{
	__u64 value = address;
	int rc = check_private_pages("the identity map's page", address, 1);

	return rc ? rc : keg_vm_request(vm, KVM_SET_IDENTITY_MAP_ADDR, &value);
}
