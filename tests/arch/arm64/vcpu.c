/* SPDX-License-Identifier: MIT */
/* A vCPU's initialisation, and its registers, one by one. */
#include "arch/arm64/fixture.h"

/* ---- Initialisation ---- */

static void the_preferred_target_has_no_features_on(void **state)
{
	const struct machine *machine = *state;
	struct kvm_vcpu_init init;

	memset(&init, 0xff, sizeof(init));
	assert_ok(keg_vm_get_preferred_target(machine->vm, &init));
	for (size_t i = 0; i < sizeof(init.features) / sizeof(init.features[0]); i++)
		assert_int_equal(init.features[i], 0);
}

static void a_vcpu_has_no_registers_before_it_is_initialised(void **state)
{
	struct keg_exit exit;
	uint64_t pc;

	assert_fails(
		keg_vcpu_get_one_reg(vcpu_of(state), KEG_ARM64_CORE_REG(regs.pc), &pc, sizeof(pc)),
		ENOEXEC, "KVM_GET_ONE_REG");
	assert_fails(keg_vcpu_run(vcpu_of(state), &exit), ENOEXEC, "KVM_RUN");
}

static void a_vcpu_is_initialised_with_the_preferred_target(void **state)
{
	assert_ok(keg_vcpu_init(vcpu_of(state), NULL));
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.pc)), 0);
}

static void a_vcpu_has_psci_unless_its_owner_says_otherwise(void **state)
{
	enum { PSCI_0_1 = 1 };
	const struct machine *machine = *state;
	struct kvm_vcpu_init init;

	assert_ok(keg_vcpu_init(machine->vcpu, NULL));
	assert_true(get_core(machine->vcpu, KVM_REG_ARM_PSCI_VERSION) > PSCI_0_1);
	assert_ok(keg_vm_get_preferred_target(machine->vm, &init));
	init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
	assert_ok(keg_vcpu_init(machine->vcpu, &init));
	assert_true(get_core(machine->vcpu, KVM_REG_ARM_PSCI_VERSION) > PSCI_0_1);
}

static void initialising_again_resets_the_registers(void **state)
{
	assert_ok(keg_vcpu_init(vcpu_of(state), NULL));
	set_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.pc), 0x40001000);
	set_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.regs[5]), 5);
	assert_ok(keg_vcpu_init(vcpu_of(state), NULL));
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.pc)), 0);
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.regs[5])), 0);
}

static void targets_and_features_that_kvm_does_not_know_are_refused(void **state)
{
	const struct machine *machine = *state;
	struct kvm_vcpu_init init;

	assert_ok(keg_vm_get_preferred_target(machine->vm, &init));
	init.target = 0xffff;
	assert_fails(keg_vcpu_init(machine->vcpu, &init), EINVAL, "KVM_ARM_VCPU_INIT");
	assert_ok(keg_vm_get_preferred_target(machine->vm, &init));
	init.features[0] = 1U << 31;
	assert_true(keg_vcpu_init(machine->vcpu, &init) < 0);
	assert_non_null(strstr(keg_error_message(), "KVM_ARM_VCPU_INIT"));
}

static void a_target_that_kvm_does_not_tell_is_not_taken(void **state)
{
	ioctls_fail_next(KVM_ARM_PREFERRED_TARGET, EIO);
	assert_fails(keg_vcpu_init(vcpu_of(state), NULL), EIO, "KVM_ARM_PREFERRED_TARGET");
	ioctls_fail_next(KVM_ARM_PREFERRED_TARGET, EIO);
	assert_fails(
		keg_arch_init_vcpu(vcpu_of(state), true, NULL), EIO, "KVM_ARM_PREFERRED_TARGET");
}

static void there_is_one_cpu_model(void **state)
{
	const struct machine *machine = *state;
	struct keg_cpu_model *model = (void *)1;

	assert_ok(keg_arch_create_cpu_model(machine->host, NULL, 1, NULL, &model));
	keg_arch_destroy_cpu_model(model);
	assert_ok(keg_arch_create_cpu_model(machine->host, "host", 1, NULL, &model));
	keg_arch_destroy_cpu_model(model);
	assert_fails(keg_arch_create_cpu_model(machine->host, "max", 1, NULL, &model), EINVAL,
		"there is no CPU model 'max'");
	assert_null(model);
}

/* ---- Registers ---- */

static void core_registers_are_read_as_they_were_set(void **state)
{
	static const uint64_t ids[] = {
		KEG_ARM64_CORE_REG(regs.regs[0]),
		KEG_ARM64_CORE_REG(regs.regs[15]),
		KEG_ARM64_CORE_REG(regs.regs[30]),
		KEG_ARM64_CORE_REG(regs.sp),
		KEG_ARM64_CORE_REG(regs.pc),
		KEG_ARM64_CORE_REG(sp_el1),
		KEG_ARM64_CORE_REG(elr_el1),
	};
	enum { COUNT = sizeof(ids) / sizeof(ids[0]) };

	for (uint64_t i = 0; i < COUNT; i++)
		set_core(vcpu_of(state), ids[i], 0x1122334455667700 + 16 * i);
	for (uint64_t i = 0; i < COUNT; i++)
		assert_int_equal(get_core(vcpu_of(state), ids[i]), 0x1122334455667700 + 16 * i);
}

static void registers_of_32_and_128_bits_are_read_as_they_were_set(void **state)
{
	const uint64_t v3 = KVM_REG_ARM64 | KVM_REG_SIZE_U128 | KVM_REG_ARM_CORE |
			    KVM_REG_ARM_CORE_REG(fp_regs.vregs[3]);
	const uint64_t fpsr = KVM_REG_ARM64 | KVM_REG_SIZE_U32 | KVM_REG_ARM_CORE |
			      KVM_REG_ARM_CORE_REG(fp_regs.fpsr);
	uint8_t set[16], got[16];
	uint32_t status = 0x1f;

	memset(set, 0xc3, sizeof(set));
	assert_ok(keg_vcpu_set_one_reg(vcpu_of(state), v3, set, sizeof(set)));
	assert_ok(keg_vcpu_get_one_reg(vcpu_of(state), v3, got, sizeof(got)));
	assert_memory_equal(got, set, sizeof(got));
	assert_ok(keg_vcpu_set_one_reg(vcpu_of(state), fpsr, &status, sizeof(status)));
	status = 0;
	assert_ok(keg_vcpu_get_one_reg(vcpu_of(state), fpsr, &status, sizeof(status)));
	assert_int_equal(status, 0x1f);
}

static void a_run_begins_with_the_registers_that_were_set(void **state)
{
	const uint64_t x2 = KEG_ARM64_CORE_REG(regs.regs[2]);

	assert_int_equal(run_to_store(vcpu_of(state)), 1);
	assert_int_equal(get_core(vcpu_of(state), x2), 1);
	set_core(vcpu_of(state), x2, 100);
	assert_int_equal(run_to_store(vcpu_of(state)), 101);
}

static void a_register_that_does_not_exist_is_refused_by_its_id(void **state)
{
	const uint64_t none = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | 0xfff0;
	uint64_t value = 0;

	assert_fails(keg_vcpu_get_one_reg(vcpu_of(state), none, &value, sizeof(value)), ENOENT,
		"vCPU 0 has no register 0x603000000010fff0");
	assert_fails(keg_vcpu_set_one_reg(vcpu_of(state), none, &value, sizeof(value)), ENOENT,
		"vCPU 0 has no register 0x603000000010fff0");
}

static size_t width_of(uint64_t id)
{
	return 1UL << ((id & KVM_REG_SIZE_MASK) >> KVM_REG_SIZE_SHIFT);
}

static void every_listed_register_can_be_read(void **state)
{
	uint8_t value[256];
	size_t count = 0;
	uint64_t *ids;
	bool pc = false;

	assert_fails(keg_vcpu_list_regs(vcpu_of(state), NULL, &count), E2BIG, "room for 0");
	assert_true(count > 0);
	ids = calloc(count, sizeof(*ids)); /* the exact size is enough */
	assert_non_null(ids);
	assert_ok(keg_vcpu_list_regs(vcpu_of(state), ids, &count));
	for (size_t i = 0; i < count; i++) {
		assert_ok(keg_vcpu_get_one_reg(vcpu_of(state), ids[i], value, width_of(ids[i])));
		pc = pc || ids[i] == KEG_ARM64_CORE_REG(regs.pc);
	}
	assert_true(pc);
	free(ids);
}

/* ---- Events ---- */

static void events_are_read_as_they_were_set(void **state)
{
	struct kvm_vcpu_events events;

	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	assert_int_equal(events.exception.serror_pending, 0);
	events.exception.serror_pending = 1;
	assert_ok(keg_vcpu_set_events(vcpu_of(state), &events));
	memset(&events, 0, sizeof(events));
	assert_ok(keg_vcpu_get_events(vcpu_of(state), &events));
	assert_int_equal(events.exception.serror_pending, 1);
}

static void events_that_kvm_refuses_are_told_by_the_requests_name(void **state)
{
	struct kvm_vcpu_events events = {0};

	ioctls_fail_next(KVM_GET_VCPU_EVENTS, EIO);
	assert_fails(keg_vcpu_get_events(vcpu_of(state), &events), EIO, "KVM_GET_VCPU_EVENTS");
	ioctls_fail_next(KVM_SET_VCPU_EVENTS, EIO);
	assert_fails(keg_vcpu_set_events(vcpu_of(state), &events), EIO, "KVM_SET_VCPU_EVENTS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uninitialised_test(the_preferred_target_has_no_features_on),
		uninitialised_test(a_vcpu_has_no_registers_before_it_is_initialised),
		uninitialised_test(a_vcpu_is_initialised_with_the_preferred_target),
		uninitialised_test(a_vcpu_has_psci_unless_its_owner_says_otherwise),
		uninitialised_test(initialising_again_resets_the_registers),
		uninitialised_test(targets_and_features_that_kvm_does_not_know_are_refused),
		uninitialised_test(a_target_that_kvm_does_not_tell_is_not_taken),
		uninitialised_test(there_is_one_cpu_model),
		vcpu_test(core_registers_are_read_as_they_were_set),
		vcpu_test(registers_of_32_and_128_bits_are_read_as_they_were_set),
		vcpu_test(a_run_begins_with_the_registers_that_were_set),
		vcpu_test(a_register_that_does_not_exist_is_refused_by_its_id),
		vcpu_test(every_listed_register_can_be_read),
		vcpu_test(events_are_read_as_they_were_set),
		vcpu_test(events_that_kvm_refuses_are_told_by_the_requests_name),
	};

	require_kvm();
	return cmocka_run_group_tests_name("arm64-vcpu", tests, NULL, NULL);
}
