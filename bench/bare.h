/* SPDX-License-Identifier: MIT */
/*
 * The other arm: what a careful C programmer writes without a library, in the best order he knows,
 * with the same memory and the same guest.
 */
#ifndef KEG_BENCH_BARE_H
#define KEG_BENCH_BARE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "guest.h"

/* Opened once, outside all that is measured. */
struct bare_host {
	int fd;
	size_t run_bytes;   /* of the area that a vCPU shares */
	int sync_regs;      /* KVM_CAP_SYNC_REGS: the classes of registers in it */
	int coalesced_page; /* KVM_CAP_COALESCED_MMIO */
};

struct bare_machine {
	int vm;
	int vcpu;
	uint8_t *memory;
	struct kvm_run *run;
	size_t run_bytes;
};

enum bare_irqchip {
	BARE_NO_IRQCHIP,
	BARE_IRQCHIP_LAST,  /* after the memory: the best order */
	BARE_IRQCHIP_FIRST, /* before it: the order of most examples */
};

void bare_open(struct bare_host *host);
void bare_close(struct bare_host *host);

/* A machine with GUEST_MEMORY bytes and one vCPU that stands at the guest's beginning. */
void bare_create(const struct bare_host *host, const struct guest *guest, enum bare_irqchip irqchip,
	struct bare_machine *machine);
void bare_destroy(struct bare_machine *machine);

/* KVM_RUN, until something exits. Returns the reason. */
uint32_t bare_run(struct bare_machine *machine);

/* ioctl(2) that must succeed, EINTR retried. */
int bare_ioctl(int fd, unsigned long request, const char *name, uintptr_t arg);
#define BARE_IOCTL(fd, request, arg) bare_ioctl(fd, request, #request, (uintptr_t)(arg))

/* Puts the vCPU at `address`; ARCH/bare.c. */
void bare_enter(const struct bare_host *host, struct bare_machine *machine, uint64_t address);

#endif
