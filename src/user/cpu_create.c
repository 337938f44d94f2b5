/* SPDX-License-Identifier: MIT */
/*
 * A machine's vCPUs: made when a thread needs one, given back when it ends, and used again. KVM
 * never gives a vCPU's number back, and making one costs more than anything else here.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arch/x86_64/cpu_model.h"
#include "base/error.h"
#include "user/machine_inside.h"

/* APM volume 2, 6.1.1: what SYSCALL needs to know. SYSRET's selectors are here for form's sake. */
enum {
	MSR_STAR = 0xc0000081,
	MSR_LSTAR = 0xc0000082,
	MSR_SFMASK = 0xc0000084,
	/* Cleared on entry: as Linux has it, TF, IF, DF, IOPL, NT and AC. */
	SFMASK = 0x47700,
};

int keg_cpu_set_syscall_msrs(struct keg_cpu_inside *inside)
{
	const struct kvm_msr_entry msrs[] = {
		{.index = MSR_LSTAR, .data = keg_entry_syscall(inside->open)},
		{.index = MSR_STAR, .data = 0x23ull << 48 | (uint64_t)KEG_KERNEL_CS << 32},
		{.index = MSR_SFMASK, .data = SFMASK},
	};

	return keg_vcpu_set_msrs(inside->cpu.vcpu, msrs, sizeof(msrs) / sizeof(msrs[0]));
}

/* The state that a program begins with: all 0, at CPL 3. */
static void reset(struct keg_cpu_inside *inside)
{
	struct keg_cpu *cpu = &inside->cpu;

	memset(&cpu->regs, 0, sizeof(cpu->regs));
	keg_entry_sregs(inside, &inside->sregs);
	cpu->at_user = true;
	cpu->bases_changed = true; /* the special registers are to be set */
	cpu->runs = 0;
	inside->kicked = false;
	inside->fresh = true;
}

/* Of a program that is no more: its states, and what was to be injected. */
static int forget_program(struct keg_cpu_inside *inside)
{
	const struct kvm_vcpu_events none = {.flags = 0};
	int rc = keg_cpu_reset_xstate(&inside->cpu);

	if (!rc)
		rc = keg_vcpu_set_events(inside->cpu.vcpu, &none);
	if (!rc)
		inside->used = false;
	return rc;
}

static int set_features(struct keg_cpu_inside *inside)
{
	const struct keg_cpu_features *features = &inside->cpu.machine->features;
	const struct keg_leaves *leaves = inside->cpu.machine->leaves;
	struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = features->xcr0};
	int rc = keg_vcpu_set_cpuid(inside->cpu.vcpu, leaves->entries, leaves->count);

	if (!rc && features->sets_xcr0)
		rc = keg_vcpu_set_xcrs(inside->cpu.vcpu, &xcrs);
	return rc;
}

/* No vCPU waits for another to start it, as all but the first do where there are local APICs. */
static int make_runnable(struct keg_cpu_inside *inside)
{
	if (!inside->cpu.machine->local_apics || inside->cpu.vcpu->id == 0)
		return 0;
	return keg_vcpu_set_mp_state(inside->cpu.vcpu, KVM_MP_STATE_RUNNABLE);
}

static int set_up(struct keg_cpu_inside *inside)
{
	struct keg_vcpu *vcpu = inside->cpu.vcpu;
	int rc = set_features(inside);

	if (!rc)
		rc = make_runnable(inside);
	if (rc)
		return rc;
	/* Each exit needs both. */
	vcpu->shared.wanted = vcpu->shared.read = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
	vcpu->shared.wanted &= vcpu->shared.supported;
	vcpu->shared.waiting = false;
	rc = keg_tsc_share(inside);
	return rc ? rc : keg_cpu_set_syscall_msrs(inside);
}

/* Makes the vCPU with the next number; lock held. */
static int make(struct keg_machine *machine, struct keg_cpu_inside **made)
{
	struct keg_cpu_inside *inside;
	int rc;

	if (machine->cpu_count == KEG_CPUS_MOST)
		return keg_fail(EAGAIN, "a process has at most %d threads", KEG_CPUS_MOST);
	inside = calloc(1, sizeof(*inside));
	if (!inside)
		return keg_fail_errno(ENOMEM, "making a vCPU");
	inside->cpu.machine = machine;
	inside->cpu.index = machine->cpu_count;
	inside->open = machine->open_page != 0;
	rc = keg_entry_add_cpu(machine, inside->cpu.index);
	if (!rc)
		rc = keg_vcpu_create(machine->vm, NULL, &inside->cpu.vcpu);
	if (!rc)
		rc = set_up(inside);
	if (rc) {
		keg_vcpu_destroy(inside->cpu.vcpu);
		free(inside);
		return rc;
	}
	inside->next = machine->cpus;
	machine->cpus = inside;
	machine->cpu_count++;
	*made = inside;
	return 0;
}

/* One that may be used again, lock held: where KVM minds that another thread runs it, as long as
 * new ones can be had, only one that has not run. */
static struct keg_cpu_inside *find_idle(struct keg_machine *machine)
{
	bool any = atomic_load(&machine->lore->vcpus) != KEG_VCPUS_STAY ||
		   machine->cpu_count == KEG_CPUS_MOST;
	struct keg_cpu_inside *inside = machine->cpus;

	while (inside && !(inside->idle && (any || !inside->used)))
		inside = inside->next;
	return inside;
}

int keg_cpu_create(struct keg_machine *machine, struct keg_cpu **cpu)
{
	struct keg_cpu_inside *inside;
	int rc = 0;

	*cpu = NULL;
	pthread_mutex_lock(&machine->lock);
	inside = find_idle(machine);
	if (inside)
		inside->idle = false;
	else
		rc = make(machine, &inside);
	pthread_mutex_unlock(&machine->lock);
	if (rc)
		return rc;
	if (inside->used) {
		rc = forget_program(inside);
		if (rc) {
			keg_cpu_destroy(&inside->cpu);
			return rc;
		}
	}
	reset(inside);
	*cpu = &inside->cpu;
	return 0;
}

void keg_cpu_destroy(struct keg_cpu *cpu)
{
	if (!cpu)
		return;
	pthread_mutex_lock(&cpu->machine->lock);
	keg_cpu_inside(cpu)->idle = true;
	pthread_mutex_unlock(&cpu->machine->lock);
}

/*
 * KVM may wait for a grace period, for milliseconds, when another thread than the last one runs a
 * vCPU (Linux before 6.12 does). The first that moves is timed, in a run that ends where it began.
 */
static int time_move(struct keg_cpu_inside *inside)
{
	const int64_t slow_ns = 1000000;
	struct timespec before, after;
	struct keg_exit exit;
	int64_t took;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &before);
	rc = keg_vcpu_complete(inside->cpu.vcpu, &exit);
	clock_gettime(CLOCK_MONOTONIC, &after);
	if (rc < 0)
		return rc;
	took = (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec;
	atomic_store(&inside->cpu.machine->lore->vcpus,
		took < slow_ns ? KEG_VCPUS_MOVE : KEG_VCPUS_STAY);
	return 0;
}

int keg_cpu_settle(struct keg_cpu_inside *inside)
{
	pid_t tid = gettid();
	bool moves = inside->tid && inside->tid != tid;

	inside->fresh = false;
	inside->tid = tid;
	if (moves && atomic_load(&inside->cpu.machine->lore->vcpus) == KEG_VCPUS_UNKNOWN)
		return time_move(inside);
	return 0;
}

void keg_cpus_fini(struct keg_machine *machine)
{
	while (machine->cpus) {
		struct keg_cpu_inside *inside = machine->cpus;

		machine->cpus = inside->next;
		keg_vcpu_destroy(inside->cpu.vcpu);
		free(inside);
	}
}
