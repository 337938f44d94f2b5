/* SPDX-License-Identifier: MIT */
/* The rest of a vCPU's state: FPU, XSAVE, XCRs, debug registers, time-stamp counter. */
#include "arch/x86_64/fixture.h"

/* Now, and after a run. */
static void for_both_lives(void **state, void (*check)(struct keg_vcpu *vcpu))
{
	check(vcpu_of(state));
	run_to_store(vcpu_of(state));
	check(vcpu_of(state));
}

/* ---- FPU ---- */

static void fill_xmm(struct kvm_fpu *fpu, uint8_t first)
{
	for (unsigned int i = 0; i < sizeof(fpu->xmm); i++)
		((uint8_t *)fpu->xmm)[i] = (uint8_t)(first + i);
}

static void check_fpu(struct keg_vcpu *vcpu)
{
	static uint8_t first = 1;
	struct kvm_fpu set, got;

	assert_ok(keg_vcpu_get_fpu(vcpu, &set));
	set.fcw = 0x27f;
	set.fsw = 0x3800;
	set.mxcsr = 0x1fa0;
	fill_xmm(&set, first);
	memset(set.fpr, first++, sizeof(set.fpr));
	assert_ok(keg_vcpu_set_fpu(vcpu, &set));
	assert_ok(keg_vcpu_get_fpu(vcpu, &got));
	assert_int_equal(got.fcw, 0x27f);
	assert_int_equal(got.fsw, 0x3800);
	assert_int_equal(got.mxcsr, 0x1fa0);
	assert_memory_equal(got.xmm, set.xmm, sizeof(got.xmm));
	for (int i = 0; i < 8; i++) /* of 16 bytes each, the register has 10 */
		assert_memory_equal(got.fpr[i], set.fpr[i], 10);
}

static void floating_point_registers_are_read_as_they_were_set(void **state)
{
	for_both_lives(state, check_fpu);
}

static void floating_point_registers_are_kept_through_a_run(void **state)
{
	struct kvm_fpu set, got;

	assert_ok(keg_vcpu_get_fpu(vcpu_of(state), &set));
	fill_xmm(&set, 7);
	assert_ok(keg_vcpu_set_fpu(vcpu_of(state), &set));
	run_to_store(vcpu_of(state));
	assert_ok(keg_vcpu_get_fpu(vcpu_of(state), &got));
	assert_memory_equal(got.xmm, set.xmm, sizeof(got.xmm));
}

/* ---- XSAVE ---- */

/* The area's layout (SDM volume 1, 13.4): legacy region, then the header. */
enum { XSAVE_XMM = 160, XSAVE_HEADER = 512, XSTATE_X87 = 1, XSTATE_SSE = 2 };

static void the_xsave_area_has_4_kib_at_least(void **state)
{
	assert_true(keg_vcpu_xsave_size(vcpu_of(state)) >= 4096);
}

static void check_xsave(struct keg_vcpu *vcpu)
{
	size_t bytes = (size_t)keg_vcpu_xsave_size(vcpu);
	uint8_t *set = calloc(1, bytes), *got = calloc(1, bytes);
	const uint64_t components = XSTATE_X87 | XSTATE_SSE;
	struct kvm_fpu fpu;

	assert_ok(keg_vcpu_get_xsave(vcpu, set, bytes));
	memset(set + XSAVE_XMM, 0x3c, 16 * 16);
	memcpy(set + XSAVE_HEADER, &components, sizeof(components));
	assert_ok(keg_vcpu_set_xsave(vcpu, set, bytes));
	assert_ok(keg_vcpu_get_xsave(vcpu, got, bytes));
	assert_memory_equal(got + XSAVE_XMM, set + XSAVE_XMM, 16 * 16);
	assert_ok(keg_vcpu_get_fpu(vcpu, &fpu)); /* which is a part of it */
	assert_memory_equal(fpu.xmm, set + XSAVE_XMM, sizeof(fpu.xmm));
	free(set);
	free(got);
}

static void the_xsave_area_is_read_as_it_was_set(void **state)
{
	for_both_lives(state, check_xsave);
}

static void a_buffer_of_another_size_than_the_xsave_area_is_refused(void **state)
{
	struct keg_vcpu *vcpu = vcpu_of(state);
	size_t bytes = (size_t)keg_vcpu_xsave_size(vcpu);
	uint8_t *area = calloc(1, bytes + 1);
	char words[64];

	snprintf(words, sizeof(words), "vCPU 0's XSAVE area has %zu bytes", bytes);
	assert_fails(keg_vcpu_get_xsave(vcpu, area, bytes - 1), E2BIG, words);
	assert_ok(keg_vcpu_get_xsave(vcpu, area, bytes + 1)); /* more room is no harm */
	assert_fails(keg_vcpu_set_xsave(vcpu, area, bytes - 1), EINVAL, words);
	assert_fails(keg_vcpu_set_xsave(vcpu, area, bytes + 1), EINVAL, words);
	assert_ok(keg_vcpu_set_xsave(vcpu, area, bytes));
	free(area);
}

static void an_xsave_area_beyond_4_kib_is_transferred_whole(void **state)
{
	enum { LARGE = 3 * 4096 };
	uint8_t *area = calloc(1, LARGE);

	if (keg_host_check_extension(keg_vm_host(keg_vcpu_vm(vcpu_of(state))), KVM_CAP_XSAVE2) <= 0)
		skip();
	ioctls_answer_extension(KVM_CAP_XSAVE2, LARGE);
	ioctls_forget();
	assert_int_equal(keg_vcpu_xsave_size(vcpu_of(state)), LARGE);
	assert_fails(keg_vcpu_get_xsave(vcpu_of(state), area, 4096), E2BIG, "12288 bytes");
	assert_ok(keg_vcpu_get_xsave(vcpu_of(state), area, LARGE));
	assert_int_equal(ioctls_made(KVM_GET_XSAVE2), 1);
	assert_int_equal(ioctls_made(KVM_GET_XSAVE), 0);
	assert_ok(keg_vcpu_set_xsave(vcpu_of(state), area, LARGE));
	free(area);
}

static void the_xsave_area_of_a_kvm_that_does_not_answer_has_no_size(void **state)
{
	uint8_t area[8];

	ioctls_answer_extension(KVM_CAP_XSAVE2, -EIO);
	assert_fails(keg_vcpu_xsave_size(vcpu_of(state)), EIO, "KVM_CHECK_EXTENSION");
	assert_fails(keg_vcpu_get_xsave(vcpu_of(state), area, 8), EIO, "KVM_CHECK_EXTENSION");
	assert_fails(keg_vcpu_set_xsave(vcpu_of(state), area, 8), EIO, "KVM_CHECK_EXTENSION");
}

/* ---- XCRs ---- */

static void check_xcrs(struct keg_vcpu *vcpu)
{
	struct kvm_xcrs xcrs;

	for (uint64_t value = 3; value == 3 || value == 1; value -= 2) { /* SSE, and without */
		xcrs = (struct kvm_xcrs){.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = value}};
		assert_ok(keg_vcpu_set_xcrs(vcpu, &xcrs));
		memset(&xcrs, 0xff, sizeof(xcrs));
		assert_ok(keg_vcpu_get_xcrs(vcpu, &xcrs));
		assert_int_equal(xcrs.nr_xcrs, 1);
		assert_int_equal(xcrs.xcrs[0].xcr, 0);
		assert_int_equal(xcrs.xcrs[0].value, value);
	}
}

static void extended_control_registers_are_read_as_they_were_set(void **state)
{
	for_both_lives(state, check_xcrs);
}

static void an_xcr0_without_x87_is_refused(void **state)
{
	const struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0] = {.xcr = 0, .value = 0}};

	assert_fails(keg_vcpu_set_xcrs(vcpu_of(state), &xcrs), EINVAL, "KVM_SET_XCRS");
}

/* ---- Debug registers ---- */

static void check_debug_regs(struct keg_vcpu *vcpu)
{
	const struct kvm_debugregs set = {
		.db = {0x51000, 0x52000, 0x53000, 0x54000}, .dr6 = 0xffff0ff1, .dr7 = 0x401};
	struct kvm_debugregs got;

	assert_ok(keg_vcpu_set_debug_regs(vcpu, &set));
	assert_ok(keg_vcpu_get_debug_regs(vcpu, &got));
	assert_memory_equal(got.db, set.db, sizeof(got.db));
	assert_int_equal(got.dr6, set.dr6);
	assert_int_equal(got.dr7, set.dr7);
}

static void debug_registers_are_read_as_they_were_set(void **state)
{
	for_both_lives(state, check_debug_regs);
}

static void debug_registers_beyond_32_bits_are_refused(void **state)
{
	const struct kvm_debugregs set = {.dr6 = 0xffff0ff0, .dr7 = 1ULL << 32};

	assert_fails(keg_vcpu_set_debug_regs(vcpu_of(state), &set), EINVAL, "KVM_SET_DEBUGREGS");
}

/* ---- The time-stamp counter's rate ---- */

static void the_time_stamp_counter_has_a_rate_that_can_be_set_again(void **state)
{
	int khz = keg_vcpu_get_tsc_khz(vcpu_of(state));

	assert_true(khz > 0);
	assert_ok(keg_vcpu_set_tsc_khz(vcpu_of(state), (uint32_t)khz));
	assert_int_equal(keg_vcpu_get_tsc_khz(vcpu_of(state)), khz);
}

static void another_rate_is_taken_where_the_host_scales_and_refused_elsewhere(void **state)
{
	uint32_t half = (uint32_t)keg_vcpu_get_tsc_khz(vcpu_of(state)) / 2;

	if (keg_vm_check_extension(keg_vcpu_vm(vcpu_of(state)), KVM_CAP_TSC_CONTROL) > 0) {
		assert_ok(keg_vcpu_set_tsc_khz(vcpu_of(state), half));
		assert_int_equal(keg_vcpu_get_tsc_khz(vcpu_of(state)), half);
		return;
	}
	assert_fails(keg_vcpu_set_tsc_khz(vcpu_of(state), half), ENOTSUP,
		"vCPU 0: this host cannot scale the time-stamp counter");
}

static void a_rate_that_a_scaling_host_refuses_is_told_in_kvms_words(void **state)
{
	ioctls_fail_next(KVM_GET_TSC_KHZ, EIO);
	assert_fails(keg_vcpu_get_tsc_khz(vcpu_of(state)), EIO, "KVM_GET_TSC_KHZ");
	ioctls_answer_extension(KVM_CAP_TSC_CONTROL, 1);
	assert_fails(keg_vcpu_set_tsc_khz(vcpu_of(state), 1), EINVAL, "KVM_SET_TSC_KHZ");
}

/* ---- Refusals ---- */

static void what_kvm_refuses_is_told_by_the_requests_name(void **state)
{
	struct keg_vcpu *vcpu = vcpu_of(state);
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs;
	struct kvm_fpu fpu;

	ioctls_fail_next(KVM_GET_XSAVE, EIO);
	assert_fails(keg_vcpu_get_fpu(vcpu, &fpu), EIO, "KVM_GET_XSAVE: Input/output error");
	ioctls_fail_next(KVM_GET_XSAVE, EIO);
	assert_fails(keg_vcpu_set_fpu(vcpu, &fpu), EIO, "KVM_GET_XSAVE");
	ioctls_fail_next(KVM_GET_XCRS, EIO);
	assert_fails(keg_vcpu_get_xcrs(vcpu, &xcrs), EIO, "KVM_GET_XCRS");
	ioctls_fail_next(KVM_GET_DEBUGREGS, ENOTTY);
	assert_fails(keg_vcpu_get_debug_regs(vcpu, &debug), ENOTSUP,
		"KVM_GET_DEBUGREGS: this KVM does not have it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vcpu_test(floating_point_registers_are_read_as_they_were_set),
		vcpu_test(floating_point_registers_are_kept_through_a_run),
		vcpu_test(the_xsave_area_has_4_kib_at_least),
		vcpu_test(the_xsave_area_is_read_as_it_was_set),
		vcpu_test(a_buffer_of_another_size_than_the_xsave_area_is_refused),
		vcpu_test(an_xsave_area_beyond_4_kib_is_transferred_whole),
		vcpu_test(the_xsave_area_of_a_kvm_that_does_not_answer_has_no_size),
		vcpu_test(extended_control_registers_are_read_as_they_were_set),
		vcpu_test(an_xcr0_without_x87_is_refused),
		vcpu_test(debug_registers_are_read_as_they_were_set),
		vcpu_test(debug_registers_beyond_32_bits_are_refused),
		vcpu_test(the_time_stamp_counter_has_a_rate_that_can_be_set_again),
		vcpu_test(another_rate_is_taken_where_the_host_scales_and_refused_elsewhere),
		vcpu_test(a_rate_that_a_scaling_host_refuses_is_told_in_kvms_words),
		vcpu_test(what_kvm_refuses_is_told_by_the_requests_name),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-state", tests, NULL, NULL);
}
