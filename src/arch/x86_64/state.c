/* SPDX-License-Identifier: MIT */
/* The rest of a vCPU's state: a system call each. */
#include <keg/x86.h>

#include "base/error.h"
#include "kvm/vcpu.h"

/* A request that fills a structure, and one that takes it. */
#define STATE(name, type, request)                                                                 \
	int keg_vcpu_get_##name(struct keg_vcpu *vcpu, type *value)                                \
	{                                                                                          \
		int rc = keg_vcpu_request(vcpu, KVM_GET_##request, value);                         \
                                                                                                   \
		return rc < 0 ? rc : 0;                                                            \
	}                                                                                          \
	int keg_vcpu_set_##name(struct keg_vcpu *vcpu, const type *value)                          \
	{                                                                                          \
		int rc = keg_vcpu_change(vcpu, KVM_SET_##request, value);                          \
                                                                                                   \
		return rc < 0 ? rc : 0;                                                            \
	}

STATE(xcrs, struct kvm_xcrs, XCRS)
STATE(debug_regs, struct kvm_debugregs, DEBUGREGS)
STATE(lapic, struct kvm_lapic_state, LAPIC)

/* ---- XSAVE ---- */

int keg_vcpu_xsave_size(struct keg_vcpu *vcpu)
{
	int size = keg_vm_check_extension(vcpu->vm, KVM_CAP_XSAVE2);

	if (size < 0)
		return size;
	return size > (int)sizeof(struct kvm_xsave) ? size : (int)sizeof(struct kvm_xsave);
}

int keg_vcpu_get_xsave(struct keg_vcpu *vcpu, void *area, size_t bytes)
{
	int size = keg_vcpu_xsave_size(vcpu);
	int rc;

	if (size < 0)
		return size;
	if (bytes < (size_t)size)
		return keg_fail(E2BIG,
			"vCPU %u's XSAVE area has %d bytes, and there is room for %zu", vcpu->id,
			size, bytes);
	/* KVM_GET_XSAVE fills 4 KiB, whatever the area's size. */
	rc = size > (int)sizeof(struct kvm_xsave) ? keg_vcpu_request(vcpu, KVM_GET_XSAVE2, area)
						  : keg_vcpu_request(vcpu, KVM_GET_XSAVE, area);
	return rc < 0 ? rc : 0;
}

int keg_vcpu_set_xsave(struct keg_vcpu *vcpu, const void *area, size_t bytes)
{
	int size = keg_vcpu_xsave_size(vcpu);

	if (size < 0)
		return size;
	if (bytes != (size_t)size)
		return keg_fail(EINVAL, "vCPU %u's XSAVE area has %d bytes, not %zu", vcpu->id,
			size, bytes);
	/* KVM_SET_XSAVE reads as many bytes as KVM_CAP_XSAVE2 tells. */
	return keg_vcpu_change(vcpu, KVM_SET_XSAVE, area);
}

/* ---- Time-stamp counter, address translation ---- */

int keg_vcpu_get_tsc_khz(struct keg_vcpu *vcpu)
{
	return keg_vcpu_request(vcpu, KVM_GET_TSC_KHZ, 0);
}

int keg_vcpu_set_tsc_khz(struct keg_vcpu *vcpu, uint32_t khz)
{
	int rc = keg_ioctl(vcpu->fd, KVM_SET_TSC_KHZ, khz);
	int scales;

	if (rc >= 0)
		return 0;
	/* One of these is what a host that cannot scale says; but others may say it too. */
	if (rc == -EINVAL || rc == -EPERM) {
		scales = keg_vm_check_extension(vcpu->vm, KVM_CAP_TSC_CONTROL);
		if (scales < 0)
			return scales;
		if (scales == 0)
			return keg_fail(ENOTSUP,
				"vCPU %u: this host cannot scale the time-stamp counter to %u kHz",
				vcpu->id, khz);
	}
	return keg_vm_request_failed(vcpu->vm, rc, "KVM_SET_TSC_KHZ");
}

int keg_vcpu_translate(struct keg_vcpu *vcpu, struct kvm_translation *translation)
{
	int rc = keg_vcpu_request(vcpu, KVM_TRANSLATE, translation);

	return rc < 0 ? rc : translation->valid != 0;
}
