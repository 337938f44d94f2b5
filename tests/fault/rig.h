/* SPDX-License-Identifier: MIT */
/* What scenarios work on: everything that libkeg makes, each made by a step, all ended in order. */
#ifndef KEG_TESTS_FAULT_RIG_H
#define KEG_TESTS_FAULT_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include <keg/keg.h>

#include "guest_code.h"

enum { RIG_REGIONS = 8, RIG_VCPUS = 2, RIG_PAGE = 4096, RIG_RAM = 1 << 20, RIG_CODE = 0x1000 };

struct rig {
	/* Made by steps, ended by rig_end(). */
	struct keg_host *host;
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_region *regions[RIG_REGIONS];
	struct keg_vcpu *vcpus[RIG_VCPUS];
	struct keg_device *device;
	struct keg_board *board;
	struct keg_bus *bus;
	int event, resample, stats; /* -1: not made */
	/* Ends what a scenario's own steps have made, before the rest; or NULL. */
	void (*end)(struct rig *rig);

	/* Notes of steps. */
	struct keg_slot slot;
	uint64_t words[64];
	bool refused; /* the first vCPU's registers: they are to be set again */

	/* The harness's own. */
	int file;        /* RIG_RAM bytes */
	uint8_t *memory; /* RIG_RAM bytes */
	int kick_signal; /* installed */
};

/* Before and after a run: what of the rig is not libkeg's. */
void rig_prepare(struct rig *rig);
void rig_release(struct rig *rig);

/* Ends all that steps have made, children first. */
void rig_end(struct rig *rig);

/* Where a guest's memory begins. */
keg_gpa rig_memory_start(void);

/* ---- Steps that many scenarios begin with ---- */

int rig_open_host(struct rig *rig);
int rig_create_vm(struct rig *rig);
int rig_create_mem(struct rig *rig);
int rig_add_ram(struct rig *rig);    /* RIG_RAM bytes where memory begins */
int rig_load_store(struct rig *rig); /* guest_store() in it */
int rig_load_spin(struct rig *rig);
int rig_load_touch(struct rig *rig);
int rig_create_vcpu(struct rig *rig); /* the first */
int rig_init_vcpu(struct rig *rig);   /* and enters the guest */
int rig_run(struct rig *rig);         /* until an exit that no signal brings */

/* Before and after a run: KVM may refuse what was set, which is forgotten then. */
int rig_before_run(struct rig *rig);
void rig_after_run(struct rig *rig, int rc);

/* ---- What differs between architectures: ARCH/rig.c ---- */

/* An interrupt controller, of which arm64 makes the whole when there are vCPUs. */
int rig_declare_irqchip(struct rig *rig);
int rig_finish_irqchip(struct rig *rig);
uint32_t rig_irq_line(void);   /* for keg_vm_set_irq_line() */
uint32_t rig_irqchip_id(void); /* for a route */

/* A register of 64 bits, by its id. */
extern const uint64_t rig_register;

/* Guests that power the board off, and halt for good; entered as flat images. */
struct guest_code rig_power_off(void);
struct guest_code rig_halt(void);

/* What no failure may come to: always a finding. */
#define RIG_WRONG(...) keg_fail(EPROTO, __VA_ARGS__)

/* A step that must end with this error is well when it has: else what is wrong. */
int rig_expect(int rc, int error);

#endif
