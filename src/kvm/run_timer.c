/* SPDX-License-Identifier: MIT */
/*
 * Runs that are bounded in time: a POSIX timer sends the kick signal to the vCPU's own thread.
 *
 * The signal may come before KVM_RUN has begun, where an empty handler would lose it. So the
 * handler sets immediate_exit of the run that this thread has timed. It runs in that thread, which
 * is the one that clears it.
 */
#include "kvm/run_timer.h"

#include <signal.h>
#include <unistd.h>

#include "base/error.h"
#include "kvm/interruptible.h"
#include "kvm/vcpu.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid /* glibc before 2.38 does not name it */
#endif

static const uint64_t ns_per_second = 1000000000;

/* Initial-exec: a handler must not allocate thread-local storage. */
static _Thread_local struct kvm_run *timed_run __attribute__((tls_model("initial-exec")));

/* When this thread first timed a run: with its id, what no other thread has ever been. */
static _Thread_local uint64_t thread_began;

static uint64_t began(void)
{
	struct timespec now;

	if (!thread_began) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		thread_began = (uint64_t)now.tv_sec * ns_per_second + (uint64_t)now.tv_nsec;
	}
	return thread_began;
}

static void set_immediate_exit(struct kvm_run *run, uint8_t value)
{
	__atomic_store_n(&run->immediate_exit, value, __ATOMIC_RELAXED);
}

void keg_on_kick_signal(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	if (timed_run)
		set_immediate_exit(timed_run, 1);
	keg_interruptible_leave(context);
}

void keg_run_timer_destroy(struct keg_vcpu *vcpu)
{
	/* A child of fork(2) has no timers but its own, which may have the same number. */
	if (vcpu->timer_tid && getpid() == vcpu->vm->pid)
		timer_delete(vcpu->timer);
	vcpu->timer_tid = 0;
}

/* The timer of this thread: made anew when another thread has taken the vCPU over. */
static int need_timer(struct keg_vcpu *vcpu)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID};
	pid_t tid = gettid();

	/* A thread's id alone is used again when it has ended; its timers reach nobody. */
	if (vcpu->timer_tid == tid && vcpu->timer_began == began())
		return 0;
	keg_run_timer_destroy(vcpu);
	event.sigev_signo = vcpu->vm->kick_signal;
	event.sigev_notify_thread_id = tid;
	if (timer_create(CLOCK_MONOTONIC, &event, &vcpu->timer))
		return keg_fail_errno(errno, "making a timer for vCPU %u", vcpu->id);
	vcpu->timer_tid = tid;
	vcpu->timer_began = began();
	return 0;
}

static int run_timed(struct keg_vcpu *vcpu, uint64_t ns, struct keg_exit *exit)
{
	const struct itimerspec limit = {.it_value = {.tv_sec = (time_t)(ns / ns_per_second),
						 .tv_nsec = (long)(ns % ns_per_second)}};
	struct itimerspec left;
	int rc;

	timed_run = vcpu->run;
	rc = timer_settime(vcpu->timer, 0, &limit, NULL) ? -errno : 0;
	if (rc) {
		timed_run = NULL;
		return keg_fail_errno(-rc, "setting vCPU %u's timer", vcpu->id);
	}
	rc = keg_vcpu_enter(vcpu, exit);
	/* This system call also delivers the signal, if the time has run out only now. */
	if (timer_settime(vcpu->timer, 0, &(const struct itimerspec){.it_value = {0}}, &left))
		left = limit;
	timed_run = NULL;
	set_immediate_exit(vcpu->run, 0);
	if (!rc && exit->reason == KEG_EXIT_INTR && !left.it_value.tv_sec && !left.it_value.tv_nsec)
		exit->reason = KEG_EXIT_TIMEOUT;
	return rc;
}

int keg_vcpu_run_for(struct keg_vcpu *vcpu, uint64_t ns, struct keg_exit *exit)
{
	int rc;

	if (!vcpu->vm->kick_signal)
		return keg_fail(ENOTSUP, "a bounded run needs the machine's kick signal: set "
					 "kick_signal in struct keg_vm_config");
	if (ns == 0) {
		rc = keg_vcpu_complete(vcpu, exit);
		if (rc == 0)
			*exit = (struct keg_exit){.reason = KEG_EXIT_TIMEOUT};
		return rc < 0 ? rc : 0;
	}
	rc = need_timer(vcpu);
	return rc ? rc : run_timed(vcpu, ns, exit);
}
