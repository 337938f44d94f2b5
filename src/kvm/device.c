/* SPDX-License-Identifier: MIT */
/* Devices that KVM emulates, and attributes. */
#include <keg/device.h>

#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "kvm/vcpu.h"
#include "kvm/vm.h"

struct keg_device {
	struct keg_vm *vm;
	int fd;
};

int keg_device_create(struct keg_vm *vm, uint32_t type, struct keg_device **result)
{
	struct kvm_create_device create = {.type = type};
	struct keg_device *device;
	int rc;

	*result = NULL;
	device = calloc(1, sizeof(*device));
	if (!device)
		return keg_fail_errno(ENOMEM, "making a device");
	rc = keg_vm_request(vm, KVM_CREATE_DEVICE, &create);
	if (rc < 0) {
		free(device);
		return rc;
	}
	device->vm = vm;
	device->fd = (int)create.fd;
	*result = device;
	return 0;
}

void keg_device_destroy(struct keg_device *device)
{
	if (!device)
		return;
	close(device->fd);
	free(device);
}

bool keg_vm_has_device(struct keg_vm *vm, uint32_t type)
{
	struct kvm_create_device create = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};

	return keg_ioctl(vm->fd, KVM_CREATE_DEVICE, (uintptr_t)&create) >= 0;
}

int keg_device_fd(const struct keg_device *device)
{
	return device->fd;
}

/* The three things that can be done with an attribute, on any descriptor that has some. */
struct attribute_request {
	unsigned long number;
	const char *name;
};
static const struct attribute_request set_attr = {KVM_SET_DEVICE_ATTR, "KVM_SET_DEVICE_ATTR"};
static const struct attribute_request get_attr = {KVM_GET_DEVICE_ATTR, "KVM_GET_DEVICE_ATTR"};
static const struct attribute_request has_attr = {KVM_HAS_DEVICE_ATTR, "KVM_HAS_DEVICE_ATTR"};

static int transfer(struct keg_vm *vm, int fd, const struct attribute_request *request,
	uint32_t group, uint64_t attr, const void *value)
{
	struct kvm_device_attr argument = {
		.group = group, .attr = attr, .addr = (uint64_t)(uintptr_t)value};
	int rc = keg_ioctl(fd, request->number, (uintptr_t)&argument);

	if (rc >= 0)
		return 0;
	if (rc == -ENXIO)
		return keg_fail(ENXIO, "%s: there is no attribute %llu in group %u", request->name,
			(unsigned long long)attr, group);
	return keg_vm_request_failed(vm, rc, request->name);
}

static int has(struct keg_vm *vm, int fd, uint32_t group, uint64_t attr)
{
	struct kvm_device_attr argument = {.group = group, .attr = attr};
	int rc = keg_ioctl(fd, has_attr.number, (uintptr_t)&argument);

	/* What has no attributes at all may say EINVAL. */
	if (rc == -ENXIO || rc == -ENOTTY || rc == -EINVAL)
		return 0;
	return rc < 0 ? keg_vm_request_failed(vm, rc, has_attr.name) : 1;
}

#define ATTRIBUTES_OF(type, machine)                                                               \
	int keg_##type##_set_attr(                                                                 \
		struct keg_##type *type, uint32_t group, uint64_t attr, const void *value)         \
	{                                                                                          \
		return transfer(machine, type->fd, &set_attr, group, attr, value);                 \
	}                                                                                          \
	int keg_##type##_get_attr(                                                                 \
		struct keg_##type *type, uint32_t group, uint64_t attr, void *value)               \
	{                                                                                          \
		return transfer(machine, type->fd, &get_attr, group, attr, value);                 \
	}                                                                                          \
	int keg_##type##_has_attr(struct keg_##type *type, uint32_t group, uint64_t attr)          \
	{                                                                                          \
		return has(machine, type->fd, group, attr);                                        \
	}

ATTRIBUTES_OF(device, device->vm)
ATTRIBUTES_OF(vm, vm)
ATTRIBUTES_OF(vcpu, vcpu->vm)
