/* SPDX-License-Identifier: MIT */
/* Doorbells: guest writes that signal an eventfd in place of an exit. */
#include <keg/irq.h>

#include "base/error.h"
#include "kvm/vm.h"

static int check_doorbell(struct keg_vm *vm, const struct keg_doorbell *bell)
{
	uint64_t last = bell->pio ? UINT16_MAX : UINT64_MAX;
	uint32_t bytes = bell->bytes;

	if (bytes > 8 || (bytes & (bytes - 1)) || (bell->pio && bytes > 4))
		return keg_fail(EINVAL, "a doorbell of %u bytes: must be 1, 2, 4%s", bytes,
			bell->pio ? "" : " or 8");
	if (bell->address > last || (bytes && bell->address > last - (bytes - 1)))
		return keg_fail(EINVAL, "a doorbell at %s 0x%llx: there is no such address",
			bell->pio ? "port" : "address", (unsigned long long)bell->address);
	if (bytes)
		return 0;
	if (bell->match)
		return keg_fail(EINVAL, "a doorbell that matches a value must have a length");
	return keg_vm_need(vm, KVM_CAP_IOEVENTFD_ANY_LENGTH, "doorbells of any length");
}

static int request(struct keg_vm *vm, const struct keg_doorbell *bell, uint32_t flags)
{
	struct kvm_ioeventfd event = {
		.datamatch = bell->value,
		.addr = bell->address,
		.len = bell->bytes,
		.fd = bell->fd,
		.flags = flags,
	};
	int rc = check_doorbell(vm, bell);

	if (rc)
		return rc;
	if (bell->pio)
		event.flags |= KVM_IOEVENTFD_FLAG_PIO;
	if (bell->match)
		event.flags |= KVM_IOEVENTFD_FLAG_DATAMATCH;
	return keg_vm_request(vm, KVM_IOEVENTFD, &event);
}

int keg_vm_add_doorbell(struct keg_vm *vm, const struct keg_doorbell *doorbell)
{
	return request(vm, doorbell, 0);
}

int keg_vm_remove_doorbell(struct keg_vm *vm, const struct keg_doorbell *doorbell)
{
	return request(vm, doorbell, KVM_IOEVENTFD_FLAG_DEASSIGN);
}
