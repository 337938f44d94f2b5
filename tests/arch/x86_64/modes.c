/* SPDX-License-Identifier: MIT */
/* Ready-made processor modes, proved by programs that do something else in each. */
#include "arch/x86_64/fixture.h"

enum { TABLE = 0x10000, RFLAGS_RESERVED = 1 << 1 };

/*
 * In 64-bit mode 0x48 is a prefix, elsewhere it decrements once more; `out` has 2 bytes in 16-bit
 * code and 4 elsewhere. So what comes out of port 0x10 tells the mode.
 */
static const uint8_t which_mode[] = {
	0x31, 0xc0,       /* xor %eax, %eax */
	0x48, 0xff, 0xc8, /* dec %rax; or dec %eax twice */
	0xe7, 0x10,       /* out %eax, $0x10 */
};

/* Puts the machine's status word out (SDM volume 2, SMSW): bit 0 is CR0.PE. */
static const uint8_t status_word[] = {
	0x0f, 0x01, 0xe0, /* smsw %eax */
	0xe7, 0x10,       /* out %eax, $0x10 */
};

static void load(void **state, keg_gpa gpa, const void *code, size_t bytes)
{
	const struct machine *machine = *state;

	assert_ok(keg_mem_write(machine->mem, gpa, code, bytes));
}

/* Runs from `rip` to the `out`, and returns what came out, of `*bytes` bytes. */
static uint32_t run_to_port(struct keg_vcpu *vcpu, uint64_t rip, unsigned int *bytes)
{
	const struct kvm_regs regs = {.rip = rip, .rflags = RFLAGS_RESERVED};
	struct keg_exit exit;
	uint32_t value = 0;

	assert_ok(keg_vcpu_set_regs(vcpu, &regs));
	assert_ok(keg_vcpu_run(vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_IO);
	assert_int_equal(exit.io.port, 0x10);
	*bytes = exit.io.bytes;
	memcpy(&value, exit.io.data, exit.io.bytes);
	return value;
}

static void enter_long_mode(void **state)
{
	const struct machine *machine = *state;

	assert_ok(keg_x86_identity_map(machine->mem, TABLE, 4 << 20));
	assert_ok(keg_vcpu_enter_long_mode(machine->vcpu, TABLE));
}

/* ---- Which mode it is ---- */

static void real_mode_is_16_bit_and_unprotected(void **state)
{
	unsigned int bytes;

	load(state, 0x2000, which_mode, sizeof(which_mode));
	assert_ok(keg_vcpu_enter_real_mode(vcpu_of(state), 0));
	assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), 0xfffe);
	assert_int_equal(bytes, 2);
	load(state, 0x3000, status_word, sizeof(status_word));
	assert_int_equal(run_to_port(vcpu_of(state), 0x3000, &bytes) & 1, 0);
}

static void protected_mode_is_32_bit_and_protected(void **state)
{
	unsigned int bytes;

	load(state, 0x2000, which_mode, sizeof(which_mode));
	assert_ok(keg_vcpu_enter_protected_mode(vcpu_of(state)));
	assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), 0xfffffffe);
	assert_int_equal(bytes, 4);
	load(state, 0x3000, status_word, sizeof(status_word));
	assert_int_equal(run_to_port(vcpu_of(state), 0x3000, &bytes) & 1, 1);
}

static void long_mode_is_64_bit(void **state)
{
	unsigned int bytes;

	load(state, 0x2000, which_mode, sizeof(which_mode));
	enter_long_mode(state);
	assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), 0xffffffff);
	assert_int_equal(bytes, 4);
}

static void a_vcpu_goes_from_mode_to_mode(void **state)
{
	unsigned int bytes;

	load(state, 0x2000, which_mode, sizeof(which_mode));
	for (int i = 0; i < 2; i++) {
		enter_long_mode(state);
		assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), 0xffffffff);
		assert_ok(keg_vcpu_enter_real_mode(vcpu_of(state), 0));
		assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), 0xfffe);
		assert_ok(keg_vcpu_enter_protected_mode(vcpu_of(state)));
		assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), 0xfffffffe);
	}
}

/* ---- Segments ---- */

static void real_mode_has_all_segments_at_its_base(void **state)
{
	static const uint8_t code[] = {
		0xa1, 0x00, 0x05, /*       mov 0x500, %ax */
		0xe7, 0x10,       /*       out %ax, $0x10 */
		0x8c, 0xc8,       /*       mov %cs, %ax */
		0xe7, 0x10,       /*       out %ax, $0x10 */
	};
	const uint16_t data = 0x4321;
	struct keg_exit exit;
	unsigned int bytes;
	uint16_t selector;

	load(state, 0x30100, code, sizeof(code));
	load(state, 0x30500, &data, sizeof(data));
	assert_ok(keg_vcpu_enter_real_mode(vcpu_of(state), 0x3000));
	assert_int_equal(run_to_port(vcpu_of(state), 0x100, &bytes), data);
	assert_ok(keg_vcpu_run(vcpu_of(state), &exit));
	memcpy(&selector, exit.io.data, sizeof(selector));
	assert_int_equal(selector, 0x3000);
}

/* Reads 4 bytes from `address`, in 32-bit and 64-bit code alike, and puts them out. */
static void assert_reads(void **state, uint32_t address)
{
	uint8_t code[] = {
		0xbb, 0, 0, 0, 0, /* mov $address, %ebx */
		0x8b, 0x03,       /* mov (%rbx), %eax */
		0xe7, 0x10,       /* out %eax, $0x10 */
	};
	const uint32_t data = 0xcafe1234;
	unsigned int bytes;

	memcpy(code + 1, &address, sizeof(address));
	load(state, 0x2000, code, sizeof(code));
	load(state, address, &data, sizeof(data));
	assert_int_equal(run_to_port(vcpu_of(state), 0x2000, &bytes), data);
}

static void protected_mode_reaches_4_gib_without_offset(void **state)
{
	const struct machine *machine = *state;
	const uint32_t high = 0xc0000000;

	assert_ok(keg_mem_add_ram(machine->mem, high, PAGE));
	assert_ok(keg_vcpu_enter_protected_mode(machine->vcpu));
	assert_reads(state, 0x40004);
	assert_reads(state, high + 8);
}

static void long_mode_reaches_what_its_tables_map(void **state)
{
	const struct machine *machine = *state;

	assert_ok(keg_mem_add_ram(machine->mem, 3 << 20, PAGE));
	enter_long_mode(state);
	assert_reads(state, 0x40004);
	assert_reads(state, (3 << 20) + 8);
}

/* ---- What the registers are ---- */

static void long_mode_is_privilege_level_0_with_paging(void **state)
{
	struct kvm_sregs sregs;

	enter_long_mode(state);
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_int_equal(sregs.cr3, TABLE);
	assert_int_equal(sregs.cs.selector & 3, 0);
	assert_int_equal(sregs.cs.dpl, 0);
	assert_int_equal(sregs.cs.l, 1);
	assert_int_equal(sregs.cs.db, 0);
	assert_true(sregs.cr0 & 1U << 31);
}

static void a_mode_cannot_be_entered_when_registers_cannot_be_read(void **state)
{
	ioctls_fail_next(KVM_GET_SREGS, EIO);
	assert_fails(keg_vcpu_enter_real_mode(vcpu_of(state), 0), EIO, "KVM_GET_SREGS");
	ioctls_fail_next(KVM_GET_SREGS, EIO);
	assert_fails(keg_vcpu_enter_protected_mode(vcpu_of(state)), EIO, "KVM_GET_SREGS");
	ioctls_fail_next(KVM_GET_SREGS, EIO);
	assert_fails(keg_vcpu_enter_long_mode(vcpu_of(state), TABLE), EIO, "KVM_GET_SREGS");
}

#define plain_test(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, open_vcpu_without_shared_page, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		shared_and_not(real_mode_is_16_bit_and_unprotected),
		shared_and_not(protected_mode_is_32_bit_and_protected),
		shared_and_not(long_mode_is_64_bit),
		shared_and_not(a_vcpu_goes_from_mode_to_mode),
		vcpu_test(real_mode_has_all_segments_at_its_base),
		vcpu_test(protected_mode_reaches_4_gib_without_offset),
		vcpu_test(long_mode_reaches_what_its_tables_map),
		vcpu_test(long_mode_is_privilege_level_0_with_paging),
		plain_test(a_mode_cannot_be_entered_when_registers_cannot_be_read),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-modes", tests, NULL, NULL);
}
