/* SPDX-License-Identifier: MIT */
/* Running a vCPU: one KVM_RUN an exit, and nothing else on the way. */
#include <sys/ioctl.h>

#include "base/error.h"
#include "kvm/coalesced.h"
#include "kvm/vcpu.h"

/* KVM_RUN. EAGAIN is KVM's way to say that a waiting vCPU has been woken: go on. */
static int kvm_run(struct keg_vcpu *vcpu)
{
	int rc;

	keg_shared_regs_before_run(vcpu);
	do
		rc = ioctl(vcpu->fd, KVM_RUN, 0) < 0 ? -errno : 0;
	while (rc == -EAGAIN);
	keg_shared_regs_after_run(vcpu, rc);
	return rc;
}

/* KVM_RUN, unless a kick has come already. See kick.c for the order of things. */
static int kvm_run_unless_kicked(struct keg_vcpu *vcpu)
{
	int rc = -EINTR;

	vcpu->thread = pthread_self();
	atomic_store(&vcpu->running, true);
	if (atomic_load(&vcpu->kick) == KEG_KICK_NONE)
		rc = kvm_run(vcpu);
	atomic_store(&vcpu->running, false);
	if (atomic_load(&vcpu->kick) != KEG_KICK_NONE)
		keg_kick_settle(vcpu);
	return rc;
}

/*
 * KVM has refused registers from the shared area, and may have written its own over them by now:
 * all that it has not taken is forgotten, so that the next run does not depend on that.
 */
static int registers_refused(struct keg_vcpu *vcpu)
{
	uint64_t refused = vcpu->run->kvm_dirty_regs;

	vcpu->run->kvm_dirty_regs = 0;
	vcpu->shared.current = 0;
	return keg_fail(EINVAL, "KVM refuses the %s that were set on vCPU %u before the run",
		keg_arch_register_class(refused), vcpu->id);
}

static int run_failed(struct keg_vcpu *vcpu, int rc, struct keg_exit *exit)
{
	if ((rc == -EFAULT || rc == -EHWPOISON) &&
		vcpu->run->exit_reason == KVM_EXIT_MEMORY_FAULT) {
		keg_exit_decode(vcpu->run, exit);
		return 0;
	}
	if (rc == -EFAULT)
		return keg_fail(EFAULT,
			"vCPU %u touched guest memory behind which this process has none (any "
			"more), "
			"or may not write",
			vcpu->id);
	if (rc == -EINVAL && vcpu->run->kvm_dirty_regs)
		return registers_refused(vcpu);
	return keg_vm_request_failed(vcpu->vm, rc, "KVM_RUN");
}

int keg_vcpu_enter(struct keg_vcpu *vcpu, struct keg_exit *exit)
{
	int rc = kvm_run_unless_kicked(vcpu);

	if (keg_coalesced_pending(vcpu))
		keg_vcpu_drain_coalesced(vcpu);
	if (rc == 0) {
		keg_exit_decode(vcpu->run, exit);
		return 0;
	}
	if (rc != -EINTR)
		return run_failed(vcpu, rc, exit);
	exit->reason = keg_kick_take(vcpu) ? KEG_EXIT_KICKED : KEG_EXIT_INTR;
	return 0;
}

int keg_vcpu_run(struct keg_vcpu *vcpu, struct keg_exit *exit)
{
	return keg_vcpu_enter(vcpu, exit);
}

int keg_vcpu_complete(struct keg_vcpu *vcpu, struct keg_exit *exit)
{
	int rc;

	/* KVM finishes what is pending, sees immediate_exit and returns: no kick is needed for
	 * that. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
	rc = kvm_run(vcpu);
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
	if (rc == -EINTR)
		return 0;
	if (rc)
		return run_failed(vcpu, rc, exit);
	keg_exit_decode(vcpu->run, exit);
	return 1;
}

/* ---- Single steps ---- */

static int set_guest_debug(struct keg_vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	return keg_vcpu_request(vcpu, KVM_SET_GUEST_DEBUG, debug);
}

int keg_vcpu_set_guest_debug(struct keg_vcpu *vcpu, const struct kvm_guest_debug *debug)
{
	int rc = keg_vcpu_change(vcpu, KVM_SET_GUEST_DEBUG, debug);

	if (rc < 0)
		return rc;
	vcpu->debug = *debug;
	/* An exception is raised once, not again whenever stepping puts the settings back. */
	vcpu->debug.control &= ~(uint32_t)(KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP);
	return 0;
}

int keg_vcpu_step(struct keg_vcpu *vcpu, uint32_t count, uint32_t *left, struct keg_exit *exit)
{
	struct kvm_guest_debug debug = vcpu->debug;
	int rc, restored;

	debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP;
	rc = set_guest_debug(vcpu, &debug);
	if (rc < 0)
		return rc;
	while (count) {
		rc = keg_vcpu_run(vcpu, exit);
		if (rc || exit->reason != KEG_EXIT_DEBUG || !keg_arch_is_step(exit))
			break;
		count--;
	}
	restored = set_guest_debug(vcpu, &vcpu->debug);
	if (left)
		*left = count;
	if (!rc && !count)
		*exit = (struct keg_exit){.reason = KEG_EXIT_STEPPED};
	return rc ? rc : restored;
}
