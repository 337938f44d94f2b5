/* SPDX-License-Identifier: MIT */
/*
 * Devices that KVM itself emulates, and the attributes of devices, machines and vCPUs
 * (KVM API, "KVM_CREATE_DEVICE" and "KVM_SET_DEVICE_ATTR"): arm64's vGIC and its like.
 *
 * Threads: any thread at any time, except for keg_device_destroy().
 */
#ifndef KEG_DEVICE_H
#define KEG_DEVICE_H

#include <keg/vcpu.h>
#include <keg/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_device;

/* Makes a device of a KVM_DEV_TYPE_. *device borrows the machine.
 * -ENODEV KVM does not know the type here; -EEXIST the machine has one already */
KEG_API int keg_device_create(struct keg_vm *vm, uint32_t type, struct keg_device **device);

/* Closes the handle. NULL is allowed. The device itself lives on with its machine. */
KEG_API void keg_device_destroy(struct keg_device *device);

/* Whether KVM could make such a device in this machine. */
KEG_API bool keg_vm_has_device(struct keg_vm *vm, uint32_t type);

KEG_API int keg_device_fd(const struct keg_device *device);

/*
 * The attribute `attr` of `group`, whose value's type and size are the attribute's own. `value` may
 * be NULL where there is none. -ENXIO there is no such attribute; and what the attribute says.
 * ..._has_attr() returns 1 or 0.
 */
KEG_API int keg_device_set_attr(
	struct keg_device *device, uint32_t group, uint64_t attr, const void *value);
KEG_API int keg_device_get_attr(
	struct keg_device *device, uint32_t group, uint64_t attr, void *value);
KEG_API int keg_device_has_attr(struct keg_device *device, uint32_t group, uint64_t attr);

KEG_API int keg_vm_set_attr(struct keg_vm *vm, uint32_t group, uint64_t attr, const void *value);
KEG_API int keg_vm_get_attr(struct keg_vm *vm, uint32_t group, uint64_t attr, void *value);
KEG_API int keg_vm_has_attr(struct keg_vm *vm, uint32_t group, uint64_t attr);

KEG_API int keg_vcpu_set_attr(
	struct keg_vcpu *vcpu, uint32_t group, uint64_t attr, const void *value);
KEG_API int keg_vcpu_get_attr(struct keg_vcpu *vcpu, uint32_t group, uint64_t attr, void *value);
KEG_API int keg_vcpu_has_attr(struct keg_vcpu *vcpu, uint32_t group, uint64_t attr);

#ifdef __cplusplus
}
#endif

#endif
