/* SPDX-License-Identifier: MIT */
/* What tests of arm64 begin with: a machine, vCPUs, programs of words. */
#ifndef KEG_TESTS_ARCH_ARM64_FIXTURE_H
#define KEG_TESTS_ARCH_ARM64_FIXTURE_H

#include <errno.h>
#include <stdbool.h>

#include <keg/arm64.h>
#include <keg/irq.h>

#include "arch/arch.h"
#include "mem/fixture.h"
#include "mem/ioctls.h"

/* Setup: a vCPU that exists and nothing more, in a machine with guest_store() in its memory. */
static inline int open_uninitialised(void **state)
{
	struct machine *machine;

	ioctls_obey(NULL);
	open_machine(state);
	machine = *state;
	machine_load(machine, guest_store());
	assert_ok(keg_vcpu_create(machine->vm, NULL, &machine->vcpu));
	return 0;
}

/* Setup: the same with a vCPU at the program's beginning. */
static inline int open_vcpu(void **state)
{
	struct machine *machine;

	ioctls_obey(NULL);
	open_machine(state);
	machine = *state;
	machine_load(machine, guest_store());
	machine_add_vcpu(machine);
	return 0;
}

static inline struct keg_vcpu *vcpu_of(void **state)
{
	const struct machine *machine = *state;

	return machine->vcpu;
}

static inline uint64_t get_core(struct keg_vcpu *vcpu, uint64_t id)
{
	uint64_t value;

	assert_ok(keg_vcpu_get_one_reg(vcpu, id, &value, sizeof(value)));
	return value;
}

static inline void set_core(struct keg_vcpu *vcpu, uint64_t id, uint64_t value)
{
	assert_ok(keg_vcpu_set_one_reg(vcpu, id, &value, sizeof(value)));
}

/* Runs a guest to its next store to guest_mmio, and returns what it stored. */
static inline uint32_t run_to_store(struct keg_vcpu *vcpu)
{
	struct keg_exit exit;
	uint32_t value;

	assert_ok(keg_vcpu_run(vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(exit.mmio.address, guest_mmio);
	memcpy(&value, exit.mmio.data, sizeof(value));
	return value;
}

#define vcpu_test(name) cmocka_unit_test_setup_teardown(name, open_vcpu, close_machine)
#define uninitialised_test(name)                                                                   \
	cmocka_unit_test_setup_teardown(name, open_uninitialised, close_machine)

#endif
