/* SPDX-License-Identifier: MIT */
/* Where guests begin, and how large their address space is. */
#include "arch/arm64/fixture.h"

#include <elf.h>

/* ---- What the architecture is ---- */

static void images_are_64_bit_and_entered_in_the_one_mode_there_is(void **state)
{
	(void)state;
	assert_int_equal(keg_arch_elf_machine(true), EM_AARCH64);
	assert_int_equal(keg_arch_elf_machine(false), 0);
	assert_int_equal(keg_arch_default_mode(KEG_IMAGE_ELF64), KEG_ENTRY_LONG);
	assert_int_equal(keg_arch_default_mode(KEG_IMAGE_FLAT), KEG_ENTRY_LONG);
	assert_true(keg_arch_has_mode(KEG_ENTRY_LONG));
	assert_false(keg_arch_has_mode(KEG_ENTRY_REAL));
	assert_false(keg_arch_has_mode(KEG_ENTRY_PROTECTED));
}

static void memory_begins_at_1_gib_and_flat_images_512_kib_above(void **state)
{
	(void)state;
	assert_int_equal(keg_arch_memory_start(), 0x40000000);
	assert_int_equal(keg_arch_flat_load_address(), 0x40080000);
}

static void nothing_is_put_into_memory(void **state)
{
	const struct machine *machine = *state;
	struct keg_boot_entry entry = {.mode = KEG_ENTRY_LONG, .low = 0x1000, .high = 0x2000};

	assert_ok(keg_arch_prepare_entry(machine->mem, &entry));
	assert_int_equal(entry.low, 0x1000);
	assert_int_equal(entry.high, 0x2000);
}

/* ---- Where a vCPU begins ---- */

static void a_vcpu_begins_where_its_entry_says(void **state)
{
	const struct keg_boot_entry entry = {
		.mode = KEG_ENTRY_LONG, .pc = 0x40080000, .stack = 0x40090000, .args = {1, 2}};
	uint64_t pc;

	assert_ok(keg_arch_enter(vcpu_of(state), &entry));
	assert_ok(keg_arch_get_pc(vcpu_of(state), &pc));
	assert_int_equal(pc, 0x40080000);
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(sp_el1)), 0x40090000);
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.regs[0])), 1);
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.regs[1])), 2);
	/* EL1h, with debug, SError, IRQ and FIQ masked (Arm ARM, C5.2). */
	assert_int_equal(get_core(vcpu_of(state), KEG_ARM64_CORE_REG(regs.pstate)), 0x3c5);
}

static void an_entry_that_kvm_refuses_is_an_error(void **state)
{
	const struct keg_boot_entry entry = {.mode = KEG_ENTRY_LONG, .pc = 0x40080000};
	uint64_t pc;

	ioctls_fail_next(KVM_SET_ONE_REG, EIO);
	assert_fails(keg_arch_enter(vcpu_of(state), &entry), EIO, "KVM_SET_ONE_REG");
	ioctls_fail_next(KVM_GET_ONE_REG, EIO);
	assert_fails(keg_arch_get_pc(vcpu_of(state), &pc), EIO, "KVM_GET_ONE_REG");
}

/* ---- The loop that measures ---- */

static void the_counting_loop_counts(void **state)
{
	const struct machine *machine = *state;
	const struct keg_arch_loop loop = keg_arch_counting_loop();
	uint64_t rounds = 0;
	struct keg_exit exit;

	assert_ok(
		keg_mem_write(machine->mem, machine->memory + MACHINE_CODE, loop.code, loop.bytes));
	for (int i = 0; i < 50 && !rounds; i++) { /* an emulated host may need some time */
		assert_ok(keg_vcpu_run_for(machine->vcpu, 10000000, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
		assert_ok(keg_arch_loop_count(machine->vcpu, &rounds));
	}
	assert_true(rounds > 0);
	keg_arch_host_loop(1000); /* it ends */
}

/* ---- The size of the address space ---- */

static const uint64_t mib = 1 << 20;

/* A machine whose guest-physical addresses have so many bits; false where the host has fewer. */
static bool open_with_bits(struct machine *machine, unsigned long bits)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .type = KVM_VM_TYPE_ARM_IPA_SIZE(bits)};
	struct keg_host *host;
	int most;

	assert_ok(keg_host_create(NULL, &host));
	most = keg_host_check_extension(host, KVM_CAP_ARM_VM_IPA_SIZE);
	keg_host_destroy(host);
	if (most < (int)bits)
		return false;
	machine_open(machine, &config);
	return true;
}

static void assert_last_address(unsigned long bits, unsigned long type_bits)
{
	const keg_gpa end = 1ULL << bits;
	struct machine machine;

	if (!open_with_bits(&machine, type_bits)) {
		print_message("SKIPPED: this host has no %lu bits of guest addresses\n", bits);
		skip();
	}
	assert_ok(keg_vm_start(machine.vm));
	assert_ok(keg_mem_add_ram(machine.mem, end - mib, mib));
	assert_fails(keg_mem_add_ram(machine.mem, end, mib), EINVAL,
		"beyond the guest's physical addresses");
	machine_close(&machine);
}

static void a_machine_has_40_bits_of_addresses_unless_told_otherwise(void **state)
{
	(void)state;
	assert_last_address(40, 0);
}

static void a_machine_has_as_many_bits_of_addresses_as_its_type_says(void **state)
{
	(void)state;
	assert_last_address(36, 36);
}

static void more_bits_of_addresses_than_the_host_has_are_refused(void **state)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .type = KVM_VM_TYPE_ARM_IPA_SIZE(64)};
	const struct machine *machine = *state;
	struct keg_vm *vm;

	assert_fails(keg_vm_create(machine->host, &config, &vm), EINVAL, "KVM_CREATE_VM");
	assert_null(vm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_64_bit_and_entered_in_the_one_mode_there_is),
		cmocka_unit_test(memory_begins_at_1_gib_and_flat_images_512_kib_above),
		vcpu_test(nothing_is_put_into_memory),
		vcpu_test(a_vcpu_begins_where_its_entry_says),
		vcpu_test(an_entry_that_kvm_refuses_is_an_error),
		vcpu_test(the_counting_loop_counts),
		cmocka_unit_test(a_machine_has_40_bits_of_addresses_unless_told_otherwise),
		cmocka_unit_test(a_machine_has_as_many_bits_of_addresses_as_its_type_says),
		vcpu_test(more_bits_of_addresses_than_the_host_has_are_refused),
	};

	require_kvm();
	return cmocka_run_group_tests_name("arm64-entry", tests, NULL, NULL);
}
