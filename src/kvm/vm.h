/* SPDX-License-Identifier: MIT */
/* The machine, from within. */
#ifndef KEG_KVM_VM_H
#define KEG_KVM_VM_H

#include <stdatomic.h>
#include <sys/types.h>

#include <keg/vm.h>

#include "kvm/host.h"

enum keg_irqchip_kind {
	KEG_IRQCHIP_NONE,
	KEG_IRQCHIP_FULL,
	KEG_IRQCHIP_SPLIT,
	KEG_IRQCHIP_ADOPTED,
};

/* The interrupt controller that was declared, and how much of it the kernel has by now. */
struct keg_irqchip {
	enum keg_irqchip_kind kind;
	uint32_t pins; /* of a split one */
	bool made;
	bool pit;
	uint32_t pit_flags;
	bool pit_made;
};

struct keg_vm {
	struct keg_host *host;
	int fd;
	pid_t pid; /* the process that made it: KVM serves no other */
	int kick_signal;
	uint32_t dirty_ring_entries;
	_Atomic(uint32_t) vcpu_count; /* how many KVM has made, those that have ended too */

	/* Guards starting and `irqchip`. */
	pthread_mutex_t lock;
	atomic_bool started;
	struct keg_irqchip irqchip;
	/* What the memory map does when the machine starts. */
	int (*start_memory)(void *map);
	void *memory;

	/* Guards vCPU ids, and `slots` while it is made. */
	pthread_mutex_t tables_lock;
	struct keg_attachment slots;
	uint64_t *ids; /* a bit for each vCPU id, set when it is taken */
	uint32_t id_count;
	uint32_t next_id;

	/* One vCPU at a time empties the ring of coalesced writes. */
	pthread_mutex_t ring_lock;
};

/* A typed request: see keg_host_request(). A machine of another process is told in words. */
#define keg_vm_request(vm, request, arg)                                                           \
	keg_vm_request_named(vm, request, #request, (uintptr_t)(arg))
int keg_vm_request_named(struct keg_vm *vm, unsigned long request, const char *name, uintptr_t arg);

/* What a failed request on the machine, or on something made from it, comes to. */
int(keg_vm_request_failed)(struct keg_vm *vm, int rc, const char *name) __attribute__((cold));

/* As in base/error.h: for the analyzer. */
#ifdef __clang_analyzer__
#define keg_vm_request_failed(vm, rc, name) ((keg_vm_request_failed)(vm, rc, name), -EINVAL)
#endif

/*
 * 0 if the machine has an extension, else -ENOTSUP: asked before requests that only it brings, for
 * where KVM does not know them it may say EINVAL, which tells nothing.
 */
int keg_vm_need(struct keg_vm *vm, int extension, const char *what);

/* Makes what was declared of the interrupt controller. Called with the lock held. */
int keg_irqchip_start(struct keg_vm *vm);

/* vCPU ids: takes one of the caller's choice, or gives one back that KVM has not seen. */
int keg_vm_take_vcpu_id(struct keg_vm *vm, uint32_t id);
void keg_vm_return_vcpu_id(struct keg_vm *vm, uint32_t id);

#endif
