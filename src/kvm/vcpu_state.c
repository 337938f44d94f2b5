/* SPDX-License-Identifier: MIT */
/* A vCPU's interrupts, and the state that all architectures have. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kvm/vcpu.h"

/* ---- Interrupts ---- */

int keg_vcpu_nmi(struct keg_vcpu *vcpu)
{
	return keg_vcpu_change(vcpu, KVM_NMI, 0);
}

int keg_vcpu_smi(struct keg_vcpu *vcpu)
{
	int rc = keg_vm_need(vcpu->vm, KVM_CAP_X86_SMM, "system-management mode");

	return rc ? rc : keg_vcpu_change(vcpu, KVM_SMI, 0);
}

int keg_vcpu_interrupt(struct keg_vcpu *vcpu, uint8_t vector)
{
	struct kvm_interrupt interrupt = {.irq = vector};

	if (vcpu->vm->irqchip.made && vcpu->vm->irqchip.kind == KEG_IRQCHIP_FULL)
		return keg_fail(ENXIO,
			"vCPU %u: the interrupt controller in the kernel injects "
			"interrupts: use keg_vm_set_irq_line()",
			vcpu->id);
	if (!keg_vcpu_ready_for_interrupt(vcpu))
		return keg_fail(EAGAIN,
			"vCPU %u cannot take interrupt %u now: call keg_vcpu_request_irq_window()",
			vcpu->id, vector);
	return keg_vcpu_change(vcpu, KVM_INTERRUPT, &interrupt);
}

void keg_vcpu_request_irq_window(struct keg_vcpu *vcpu, bool wanted)
{
	vcpu->run->request_interrupt_window = wanted;
}

bool keg_vcpu_ready_for_interrupt(const struct keg_vcpu *vcpu)
{
	return vcpu->run->ready_for_interrupt_injection;
}

int keg_vcpu_set_signal_mask(struct keg_vcpu *vcpu, const void *mask)
{
	/* The kernel's set of signals, 64 bits, is the beginning of the C library's. */
	enum { KERNEL_SIGSET_BYTES = 8 };
	union {
		struct kvm_signal_mask mask;
		unsigned char bytes[sizeof(struct kvm_signal_mask) + KERNEL_SIGSET_BYTES];
	} argument = {.mask.len = KERNEL_SIGSET_BYTES};

	if (!mask)
		return keg_vcpu_request(vcpu, KVM_SET_SIGNAL_MASK, 0);
	memcpy(argument.bytes + offsetof(struct kvm_signal_mask, sigset), mask,
		KERNEL_SIGSET_BYTES);
	return keg_vcpu_request(vcpu, KVM_SET_SIGNAL_MASK, &argument);
}

/* ---- State ---- */

int keg_vcpu_get_mp_state(struct keg_vcpu *vcpu, uint32_t *state)
{
	struct kvm_mp_state mp;
	int rc = keg_vcpu_request(vcpu, KVM_GET_MP_STATE, &mp);

	if (rc < 0)
		return rc;
	*state = mp.mp_state;
	return 0;
}

int keg_vcpu_set_mp_state(struct keg_vcpu *vcpu, uint32_t state)
{
	struct kvm_mp_state mp = {.mp_state = state};

	vcpu->shared.waiting = true; /* it may be from now on */
	return keg_vcpu_change(vcpu, KVM_SET_MP_STATE, &mp);
}

/* ---- One register at a time ---- */

static int check_one_reg(const struct keg_vcpu *vcpu, uint64_t id, size_t bytes)
{
	size_t width = 1UL << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);

	if (width == bytes)
		return 0;
	return keg_fail(EINVAL, "vCPU %u's register 0x%llx has %zu bytes, not %zu", vcpu->id,
		(unsigned long long)id, width, bytes);
}

/* A KVM that has no such requests at all may call them invalid, as it does a wrong register. */
static int one_reg_request_failed(struct keg_vcpu *vcpu, int rc, const char *request)
{
	if (rc == -EINVAL && keg_vm_check_extension(vcpu->vm, KVM_CAP_ONE_REG) == 0)
		return keg_fail(ENOTSUP, "%s: this KVM does not have it", request);
	return keg_vm_request_failed(vcpu->vm, rc, request);
}

static int one_reg_failed(struct keg_vcpu *vcpu, uint64_t id, int rc, const char *request)
{
	if (rc == -ENOENT)
		return keg_fail(
			ENOENT, "vCPU %u has no register 0x%llx", vcpu->id, (unsigned long long)id);
	return one_reg_request_failed(vcpu, rc, request);
}

int keg_vcpu_get_one_reg(struct keg_vcpu *vcpu, uint64_t id, void *value, size_t bytes)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
	int rc = check_one_reg(vcpu, id, bytes);

	if (rc)
		return rc;
	rc = keg_shared_regs_flush(vcpu);
	if (rc < 0)
		return rc;
	rc = keg_ioctl(vcpu->fd, KVM_GET_ONE_REG, (uintptr_t)&reg);
	return rc < 0 ? one_reg_failed(vcpu, id, rc, "KVM_GET_ONE_REG") : 0;
}

int keg_vcpu_set_one_reg(struct keg_vcpu *vcpu, uint64_t id, const void *value, size_t bytes)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)value};
	int rc = check_one_reg(vcpu, id, bytes);

	if (rc)
		return rc;
	rc = keg_shared_regs_flush(vcpu);
	if (rc < 0)
		return rc;
	vcpu->shared.current = 0;
	rc = keg_ioctl(vcpu->fd, KVM_SET_ONE_REG, (uintptr_t)&reg);
	return rc < 0 ? one_reg_failed(vcpu, id, rc, "KVM_SET_ONE_REG") : 0;
}

/* KVM_GET_REG_LIST says E2BIG with the right count, or fills the list. */
static int read_reg_list(struct keg_vcpu *vcpu, struct kvm_reg_list **result)
{
	struct kvm_reg_list count = {.n = 0};
	struct kvm_reg_list *list;
	int rc = keg_ioctl(vcpu->fd, KVM_GET_REG_LIST, (uintptr_t)&count);

	if (rc < 0 && rc != -E2BIG)
		return one_reg_request_failed(vcpu, rc, "KVM_GET_REG_LIST");
	list = calloc(1, sizeof(*list) + count.n * sizeof(list->reg[0]));
	if (!list)
		return keg_fail_errno(ENOMEM, "listing vCPU %u's registers", vcpu->id);
	list->n = count.n;
	rc = keg_vcpu_request(vcpu, KVM_GET_REG_LIST, list);
	if (rc < 0) {
		free(list);
		return rc;
	}
	*result = list;
	return 0;
}

int keg_vcpu_list_regs(struct keg_vcpu *vcpu, uint64_t *ids, size_t *count)
{
	struct kvm_reg_list *list = NULL;
	size_t room = *count;
	int rc = read_reg_list(vcpu, &list);

	if (rc)
		return rc;
	*count = list->n;
	if (list->n > room)
		rc = keg_fail(E2BIG, "vCPU %u has %zu registers, and there is room for %zu",
			vcpu->id, *count, room);
	else
		memcpy(ids, list->reg, list->n * sizeof(*ids));
	free(list);
	return rc;
}
