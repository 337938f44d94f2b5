/* SPDX-License-Identifier: MIT */
/*
 * Stopping a vCPU from another thread.
 *
 * A kicker marks the kick, sets immediate_exit, and looks whether the vCPU is running; the vCPU
 * says that it is running, and looks whether there is a kick. Both are sequentially consistent, so
 * at least one sees the other: either the run does not begin, or it is interrupted by the signal,
 * or KVM finds immediate_exit. enum keg_kick_state says who may touch what.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "kvm/run_timer.h"
#include "kvm/vcpu.h"

int keg_kick_install(int signo)
{
	struct sigaction action = {
		.sa_sigaction = keg_on_kick_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction old;

	if (signo <= 0 || sigaction(signo, NULL, &old))
		return keg_fail(EINVAL, "%d is no signal that can be handled", signo);
	if ((old.sa_flags & SA_SIGINFO) && old.sa_sigaction == keg_on_kick_signal)
		return 0;
	if ((old.sa_flags & SA_SIGINFO) || (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN))
		return keg_fail(EBUSY,
			"the program has a handler for signal %d; choose another, "
			"such as SIGRTMIN",
			signo);
	sigemptyset(&action.sa_mask);
	if (sigaction(signo, &action, NULL))
		return keg_fail(EINVAL, "%d is no signal that can be handled", signo);
	return 0;
}

int keg_vcpu_kick(struct keg_vcpu *vcpu)
{
	uint32_t none = KEG_KICK_NONE, sent = KEG_KICK_SENT;
	int signo = vcpu->vm->kick_signal;

	/* If there is a kick already, this one is the same. */
	if (atomic_compare_exchange_strong(&vcpu->kick, &none, KEG_KICK_SENDING)) {
		__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_RELAXED);
		if (atomic_load(&vcpu->running) && signo) {
			/* It lives: a run does not return while a kick is being sent. */
			pthread_kill(vcpu->thread, signo);
			sent = KEG_KICK_SIGNALLED;
		}
		atomic_store(&vcpu->kick, sent);
	}
	return signo ? 0
		     : keg_fail(ENOTSUP,
			       "the machine has no kick signal: only the next run returns");
}

/*
 * Waits for the other thread to be through with its kick. It is about to be, on another processor:
 * giving this one up at once could cost a whole time slice.
 */
static void await_sent(struct keg_vcpu *vcpu)
{
	const int patience = 1 << 14;

	for (int i = 0; atomic_load(&vcpu->kick) == KEG_KICK_SENDING; i++) {
		if (i >= patience)
			sched_yield();
	}
}

void keg_kick_settle(struct keg_vcpu *vcpu)
{
	uint32_t signalled = KEG_KICK_SIGNALLED;

	await_sent(vcpu);
	/* A signal that is pending for this thread is delivered when a system call returns: any, so
	 * one that does nothing. */
	if (atomic_compare_exchange_strong(&vcpu->kick, &signalled, KEG_KICK_SENT))
		(void)getppid();
}

bool keg_kick_take(struct keg_vcpu *vcpu)
{
	if (atomic_load(&vcpu->kick) == KEG_KICK_NONE)
		return false;
	keg_kick_settle(vcpu);
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_RELAXED);
	atomic_store(&vcpu->kick, KEG_KICK_NONE);
	return true;
}
