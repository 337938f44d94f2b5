/* SPDX-License-Identifier: MIT */
/* Interrupts into the machine: lines, routes, messages, and eventfds that raise them. */
#include <keg/irq.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kvm/vm.h"

int keg_vm_set_irq_line(struct keg_vm *vm, uint32_t irq, bool high)
{
	struct kvm_irq_level level = {.irq = irq, .level = high};
	int rc = keg_ioctl(vm->fd, KVM_IRQ_LINE, (uintptr_t)&level);

	if (rc >= 0)
		return 0;
	if (!keg_vm_started(vm))
		return keg_fail(-rc,
			"interrupt line 0x%x: the machine has not started, and its interrupt "
			"controller "
			"is made then: call keg_vm_start()",
			irq);
	return keg_vm_request_failed(vm, rc, "KVM_IRQ_LINE");
}

int keg_vm_set_gsi_routes(
	struct keg_vm *vm, const struct kvm_irq_routing_entry *entries, size_t count)
{
	struct kvm_irq_routing *routing;
	int rc;

	if (count > UINT32_MAX)
		return keg_fail(EINVAL, "%zu interrupt routes: too many for KVM", count);
	routing = calloc(1, sizeof(*routing) + count * sizeof(*entries));
	if (!routing)
		return keg_fail_errno(ENOMEM, "setting %zu interrupt routes", count);
	routing->nr = (uint32_t)count;
	if (count)
		memcpy(routing->entries, entries, count * sizeof(*entries));
	rc = keg_vm_request(vm, KVM_SET_GSI_ROUTING, routing);
	free(routing);
	return rc;
}

static int signal_msi(struct keg_vm *vm, struct kvm_msi *msi, uint64_t address, uint32_t data)
{
	int rc;

	msi->address_lo = (uint32_t)address;
	msi->address_hi = (uint32_t)(address >> 32);
	msi->data = data;
	rc = keg_vm_request(vm, KVM_SIGNAL_MSI, msi);
	return rc > 0 ? 1 : rc;
}

int keg_vm_signal_msi(struct keg_vm *vm, uint64_t address, uint32_t data)
{
	struct kvm_msi msi = {.flags = 0};

	return signal_msi(vm, &msi, address, data);
}

int keg_vm_signal_msi_from(struct keg_vm *vm, uint64_t address, uint32_t data, uint32_t device_id)
{
	struct kvm_msi msi = {.flags = KVM_MSI_VALID_DEVID, .devid = device_id};

	return signal_msi(vm, &msi, address, data);
}

int keg_vm_add_irqfd(struct keg_vm *vm, uint32_t gsi, int fd, int resample_fd)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)fd, .gsi = gsi};

	if (resample_fd != -1) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = (uint32_t)resample_fd;
	}
	return keg_vm_request(vm, KVM_IRQFD, &irqfd);
}

int keg_vm_remove_irqfd(struct keg_vm *vm, uint32_t gsi, int fd)
{
	struct kvm_irqfd irqfd = {.fd = (uint32_t)fd, .gsi = gsi, .flags = KVM_IRQFD_FLAG_DEASSIGN};

	return keg_vm_request(vm, KVM_IRQFD, &irqfd);
}
