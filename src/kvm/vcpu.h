/* SPDX-License-Identifier: MIT */
/* The vCPU, from within. */
#ifndef KEG_KVM_VCPU_H
#define KEG_KVM_VCPU_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <keg/vcpu.h>

#include "kvm/vm.h"

/*
 * How far a kick has come. Only the thread that takes it from NONE to SENDING may touch
 * immediate_exit and send the signal; only the vCPU's thread takes it back to NONE, and clears
 * immediate_exit before it does. So no kick is lost, and none is left over.
 */
enum keg_kick_state {
	KEG_KICK_NONE,
	KEG_KICK_SENDING,
	KEG_KICK_SENT,      /* without a signal: the vCPU was not running */
	KEG_KICK_SIGNALLED, /* a signal is on its way to the vCPU's thread, or has arrived */
};

/* Registers in the shared area (KVM_CAP_SYNC_REGS): bits as in kvm_valid_regs. */
struct keg_shared_regs {
	uint64_t supported;
	uint64_t wanted;  /* what the next run is asked to leave there */
	uint64_t current; /* what is there and true */
	uint64_t read;    /* what somebody has read in this period of so many runs */
	uint32_t runs;    /* of the period */
	bool ran;         /* at least once */
	/* The vCPU may wait to be started: until then KVM takes nothing from there. */
	bool waiting;
};

struct keg_vcpu {
	struct keg_vm *vm;
	int fd;
	uint32_t id;
	struct kvm_run *run;
	size_t run_bytes;

	_Atomic(uint32_t) kick; /* enum keg_kick_state */
	atomic_bool running;
	pthread_t thread; /* whose it is while it is running */

	struct keg_shared_regs shared;
	struct kvm_guest_debug debug; /* what the owner set */

	timer_t timer;        /* of keg_vcpu_run_for(), for the thread timer_tid */
	pid_t timer_tid;      /* 0: there is none */
	uint64_t timer_began; /* and which of all that had this id: see run_timer.c */

	struct kvm_coalesced_mmio_ring *ring; /* NULL: KVM does not coalesce */
	keg_coalesced_handler *coalesced_handler;
	void *coalesced_context;

	struct kvm_dirty_gfn *dirty; /* NULL: no ring of dirty pages */
	uint32_t dirty_next;
};

/* A typed request. Registers that are held back are given to the kernel first. */
#define keg_vcpu_request(vcpu, request, arg)                                                       \
	keg_vcpu_request_named(vcpu, request, #request, (uintptr_t)(arg))
int keg_vcpu_request_named(
	struct keg_vcpu *vcpu, unsigned long request, const char *name, uintptr_t arg);

/* The same for a request that changes state: what the shared area holds is true no longer. */
#define keg_vcpu_change(vcpu, request, arg)                                                        \
	keg_vcpu_change_named(vcpu, request, #request, (uintptr_t)(arg))
int keg_vcpu_change_named(
	struct keg_vcpu *vcpu, unsigned long request, const char *name, uintptr_t arg);

/* The request alone. */
#define keg_vcpu_request_only(vcpu, request, arg)                                                  \
	keg_vcpu_request_only_named(vcpu, request, #request, (uintptr_t)(arg))
int keg_vcpu_request_only_named(
	struct keg_vcpu *vcpu, unsigned long request, const char *name, uintptr_t arg);

/* ---- Shared registers ---- */

/* Whether `bit` of the shared area can be read now; notes that somebody wants it. */
bool keg_shared_regs_read(struct keg_vcpu *vcpu, uint64_t bit);

/* Whether `bit` may be written to the shared area, for the next run; it will be if so. */
bool keg_shared_regs_write(struct keg_vcpu *vcpu, uint64_t bit);

/* Gives what was written there to the kernel by system calls. 0 or a negative errno. */
int keg_shared_regs_flush(struct keg_vcpu *vcpu);

/* Before KVM_RUN, and after it returned `rc`. */
void keg_shared_regs_before_run(struct keg_vcpu *vcpu);
void keg_shared_regs_after_run(struct keg_vcpu *vcpu, int rc);

/* ---- Running ---- */

/* Runs once, as keg_vcpu_run() does, but tells why a run was interrupted: see run.c. */
int keg_vcpu_enter(struct keg_vcpu *vcpu, struct keg_exit *exit);

/* Takes a kick that has come, and makes the vCPU ready for the next one. False if none has. */
bool keg_kick_take(struct keg_vcpu *vcpu);

/* After a run: lets a kick that is being sent arrive, so that its signal troubles nobody later. */
void keg_kick_settle(struct keg_vcpu *vcpu);

/* The timer's end: run_timer.c. */
void keg_run_timer_destroy(struct keg_vcpu *vcpu);

/* kvm_run's exit, typed. */
void keg_exit_decode(struct kvm_run *run, struct keg_exit *exit);

/* ---- What this layer needs of the architecture; implemented in src/arch ---- */

/* Gives the classes `dirty` of the shared area to the kernel by system calls. */
int keg_arch_flush_registers(struct keg_vcpu *vcpu, uint64_t dirty);

/* The names of register classes, for messages: "special registers". */
const char *keg_arch_register_class(uint64_t bits);

/* KVM_EXIT_DEBUG's details. */
void keg_arch_decode_debug(const struct kvm_run *run, struct keg_exit *exit);

/* Whether a debug exit tells of a completed single step, not of a breakpoint. */
bool keg_arch_is_step(const struct keg_exit *exit);

#endif
