/* SPDX-License-Identifier: MIT */
/* What tests of a vCPU's state begin with: a vCPU in a machine, with the shared page or without. */
#ifndef KEG_TESTS_ARCH_X86_64_FIXTURE_H
#define KEG_TESTS_ARCH_X86_64_FIXTURE_H

#include <errno.h>
#include <stdbool.h>

#include <keg/x86.h>

#include "mem/fixture.h"
#include "mem/ioctls.h"

/* MSRs (SDM volume 4, table 2-2). */
enum {
	MSR_TSC = 0x10,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176
};
#define MSR_EFER  0xc0000080U
#define MSR_LSTAR 0xc0000082U

/* *state is a struct machine with a vCPU at the beginning of a program. */
static inline int open_program(void **state, struct guest_code code)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	machine_start(machine, code);
	*state = machine;
	return 0;
}

/* A vCPU at guest_store(). Its registers go through the shared page where KVM has it. */
static inline int open_vcpu(void **state)
{
	ioctls_obey(NULL);
	return open_program(state, guest_store());
}

/* The same, on a KVM that seems to have no shared page: registers go by system calls. */
static inline int open_vcpu_without_shared_page(void **state)
{
	int rc;

	ioctls_answer_extension(KVM_CAP_SYNC_REGS, 0);
	rc = open_program(state, guest_store());
	ioctls_obey(NULL);
	return rc;
}

static inline struct keg_vcpu *vcpu_of(void **state)
{
	const struct machine *machine = *state;

	return machine->vcpu;
}

/* Runs guest_store() to its next store, and returns what it stored. */
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

/* A test on both kinds of KVM. */
#define shared_and_not(name)                                                                       \
	{#name " (shared page)", name, open_vcpu, close_machine, NULL},                            \
	{                                                                                          \
#name " (system calls)", name, open_vcpu_without_shared_page, close_machine, NULL  \
	}

#endif
