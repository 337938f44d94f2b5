/* SPDX-License-Identifier: MIT */
/*
 * The floating-point registers, which are a part of the XSAVE area. KVM_SET_FPU does not say in
 * that area that they are in use: what it sets before the guest has used them is lost in the next
 * run. Nor does it, or KVM_GET_FPU, transfer MXCSR. So both go through the whole area.
 */
#include <keg/x86.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kvm/vcpu.h"

/* The area's beginning (SDM volume 1, 10.5.1, 13.4.1 and 13.4.2). */
struct xsave_area {
	uint16_t fcw, fsw;
	uint8_t ftw, reserved;
	uint16_t fop;
	uint64_t ip, dp;
	uint32_t mxcsr, mxcsr_mask;
	uint8_t st[8][16];
	uint8_t xmm[16][16];
	uint8_t unused[96];
	uint64_t in_use; /* XSTATE_BV */
};
_Static_assert(offsetof(struct xsave_area, in_use) == 512, "the header follows 512 bytes");

enum { STATE_X87 = 1 << 0, STATE_SSE = 1 << 1 };

/* The area of a vCPU as it is now, for free(). */
static int read_area(struct keg_vcpu *vcpu, struct xsave_area **result, size_t *bytes)
{
	int rc = keg_vcpu_xsave_size(vcpu);
	void *area;

	*result = NULL;
	if (rc < 0)
		return rc;
	*bytes = (size_t)rc;
	area = calloc(1, *bytes);
	if (!area)
		return keg_fail_errno(ENOMEM, "vCPU %u's XSAVE area", vcpu->id);
	rc = keg_vcpu_get_xsave(vcpu, area, *bytes);
	if (rc) {
		free(area);
		return rc;
	}
	*result = area;
	return 0;
}

int keg_vcpu_get_fpu(struct keg_vcpu *vcpu, struct kvm_fpu *fpu)
{
	struct xsave_area *area;
	size_t bytes;
	int rc = read_area(vcpu, &area, &bytes);

	if (rc)
		return rc;
	*fpu = (struct kvm_fpu){
		.fcw = area->fcw,
		.fsw = area->fsw,
		.ftwx = area->ftw,
		.last_opcode = area->fop,
		.last_ip = area->ip,
		.last_dp = area->dp,
		.mxcsr = area->mxcsr,
	};
	memcpy(fpu->fpr, area->st, sizeof(fpu->fpr));
	memcpy(fpu->xmm, area->xmm, sizeof(fpu->xmm));
	free(area);
	return 0;
}

int keg_vcpu_set_fpu(struct keg_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct xsave_area *area;
	size_t bytes;
	int rc = read_area(vcpu, &area, &bytes);

	if (rc)
		return rc;
	area->fcw = fpu->fcw;
	area->fsw = fpu->fsw;
	area->ftw = fpu->ftwx;
	area->fop = fpu->last_opcode;
	area->ip = fpu->last_ip;
	area->dp = fpu->last_dp;
	area->mxcsr = fpu->mxcsr;
	memcpy(area->st, fpu->fpr, sizeof(fpu->fpr));
	memcpy(area->xmm, fpu->xmm, sizeof(fpu->xmm));
	area->in_use |= STATE_X87 | STATE_SSE;
	rc = keg_vcpu_set_xsave(vcpu, area, bytes);
	free(area);
	return rc;
}
