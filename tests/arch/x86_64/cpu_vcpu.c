/* SPDX-License-Identifier: MIT */
/* vCPUs of a CPU model: KVM takes what the model says, and the guest sees it. */
#include "arch/x86_64/fixture.h"

#include <keg/irq.h>

#include "arch/arch.h"
#include "arch/x86_64/cpu_sources.h"

enum { MSR_MTRR_DEF_TYPE = 0x2ff, MSR_PAT = 0x277, MSR_MISC_ENABLE = 0x1a0 };

static struct keg_notes notes;

static int open_notes(void **state)
{
	(void)state;
	return keg_notes_init(&notes);
}

static int close_notes(void **state)
{
	(void)state;
	keg_notes_fini(&notes);
	return 0;
}

/* A machine with an interrupt controller and no vCPU yet; with no notes. */
static int open_with_irqchip(void **state)
{
	ioctls_obey(NULL);
	keg_notes_fini(&notes);
	assert_ok(keg_notes_init(&notes));
	(void)open_machine(state);
	assert_ok(keg_vm_create_irqchip(((struct machine *)*state)->vm));
	return 0;
}

static struct keg_cpu_model *model_of(struct machine *machine, const char *text, uint32_t count)
{
	struct keg_cpu_model *model;

	assert_ok(keg_arch_create_cpu_model(machine->host, text, count, &notes, &model));
	return model;
}

/* `count` vCPUs of a model, the last of them in `machine`, or all if there is room for them. */
static void add(struct machine *machine, const char *text, uint32_t count, struct keg_vcpu **vcpus)
{
	struct keg_cpu_model *model = model_of(machine, text, count);

	for (uint32_t i = 0; i < count; i++) {
		assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpus[i]));
		assert_ok(keg_arch_init_vcpu(vcpus[i], i == 0, model));
	}
	keg_arch_destroy_cpu_model(model);
}

static void drop(struct keg_vcpu **vcpus, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		keg_vcpu_destroy(vcpus[i]);
}

/* What KVM has of a vCPU's leaves. */
static void get_leaves(struct keg_vcpu *vcpu, struct keg_leaves *leaves)
{
	leaves->count = KEG_LEAVES_MOST;
	assert_ok(keg_vcpu_get_cpuid(vcpu, leaves->entries, &leaves->count));
}

static uint64_t msr_of(struct keg_vcpu *vcpu, uint32_t index)
{
	struct kvm_msr_entry msr = {.index = index};

	assert_ok(keg_vcpu_get_msrs(vcpu, &msr, 1));
	return msr.data;
}

/* ---- What KVM takes ---- */

static void kvm_takes_the_leaves_of_any_number_of_vcpus(void **state)
{
	static const uint32_t counts[] = {1, 2, 8, 64};
	struct keg_vcpu *vcpus[64];
	struct keg_leaves leaves;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		uint32_t last = counts[i] - 1;
		void *machine;

		open_with_irqchip(&machine);
		add(machine, "max", counts[i], vcpus);
		get_leaves(vcpus[last], &leaves);
		assert_int_equal(keg_leaves_find(&leaves, 1, 0)->ebx >> 24, last);
		if (keg_leaves_highest(&leaves, 0) >= 0xb) {
			assert_int_equal(keg_leaves_find(&leaves, 0xb, 1)->edx, last);
			assert_int_equal(keg_leaves_find(&leaves, 0xb, 1)->ebx, counts[i]);
		}
		drop(vcpus, counts[i]);
		close_machine(&machine);
	}
}

static void the_timer_that_needs_no_calibration_is_the_irqchips(void **state)
{
	struct machine *machine = *state;
	struct keg_leaves leaves;
	struct keg_vcpu *vcpu;
	void *plain;

	if (keg_host_check_extension(machine->host, KVM_CAP_TSC_DEADLINE_TIMER) <= 0)
		skip();
	add(machine, "host", 1, &vcpu);
	get_leaves(vcpu, &leaves);
	assert_true(keg_leaves_has_name(&leaves, "tsc_deadline_timer"));
	keg_vcpu_destroy(vcpu);

	open_machine(&plain);
	add(plain, "host", 1, &vcpu);
	get_leaves(vcpu, &leaves);
	assert_false(keg_leaves_has_name(&leaves, "tsc_deadline_timer"));
	keg_vcpu_destroy(vcpu);
	close_machine(&plain);
}

static void the_rates_that_are_told_are_kvms(void **state)
{
	const struct kvm_cpuid_entry2 *timing;
	struct keg_leaves leaves;
	struct keg_vcpu *vcpu;

	add(*state, NULL, 1, &vcpu);
	get_leaves(vcpu, &leaves);
	timing = keg_leaves_find(&leaves, 0x40000010, 0);
	assert_non_null(timing);
	assert_true(timing->eax > 0);
	assert_int_equal(timing->eax, keg_vcpu_get_tsc_khz(vcpu));
	assert_true(keg_leaves_highest(&leaves, 0x40000000) >= 0x40000010);
	keg_vcpu_destroy(vcpu);
}

static void a_rate_that_kvm_does_not_know_is_not_told(void **state)
{
	struct keg_leaves leaves;
	struct keg_vcpu *vcpu;

	ioctls_fail_next(KVM_GET_TSC_KHZ, EIO);
	add(*state, NULL, 1, &vcpu);
	get_leaves(vcpu, &leaves);
	assert_null(keg_leaves_find(&leaves, 0x40000010, 0));
	assert_non_null(strstr(keg_notes_get(&notes, 0), "does not tell the rate of the TSC"));
	keg_vcpu_destroy(vcpu);
}

static void each_further_vcpu_takes_two_requests(void **state)
{
	struct machine *machine = *state;
	struct keg_cpu_model *model = model_of(machine, "host", 2);
	struct keg_vcpu *vcpus[2];

	for (int i = 0; i < 2; i++)
		assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpus[i]));
	assert_ok(keg_arch_init_vcpu(vcpus[0], true, model));
	ioctls_forget();
	assert_ok(keg_arch_init_vcpu(vcpus[1], false, model));
	assert_true(ioctls_made(0) <= 2);
	assert_int_equal(ioctls_made(KVM_SET_CPUID2), 1);
	keg_arch_destroy_cpu_model(model);
	drop(vcpus, 2);
}

static void a_model_that_cannot_be_asked_for_fails(void **state)
{
	struct machine *machine = *state;
	struct keg_cpu_model *model = (void *)1;

	ioctls_fail_next(KVM_GET_SUPPORTED_CPUID, EIO);
	assert_fails(keg_arch_create_cpu_model(machine->host, NULL, 1, &notes, &model), EIO,
		"KVM_GET_SUPPORTED_CPUID");
	assert_null(model);
	assert_fails(keg_arch_create_cpu_model(machine->host, "guest", 1, &notes, &model), EINVAL,
		"host and max");
	assert_null(model);
}

static void without_a_model_kvm_is_asked_for_nothing_else(void **state)
{
	struct machine *machine = *state;
	struct keg_vcpu *vcpu;

	assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpu));
	assert_ok(keg_arch_init_vcpu(vcpu, true, NULL)); /* the host's lists are kept */
	ioctls_forget();
	assert_ok(keg_arch_init_vcpu(vcpu, true, NULL));
	assert_int_equal(ioctls_made(KVM_SET_CPUID2), 1);
	assert_int_equal(ioctls_made(KVM_SET_MSRS) + ioctls_made(KVM_GET_MSRS), 0);
	assert_int_equal(ioctls_made(KVM_GET_TSC_KHZ), 0);
	keg_vcpu_destroy(vcpu);
}

static void max_is_made_where_kvm_emulates_nothing(void **state)
{
	struct machine *machine = *state;

	ioctls_fail_next(KVM_GET_EMULATED_CPUID, ENOTTY);
	keg_arch_destroy_cpu_model(model_of(machine, "max", 1));
}

/* ---- MSRs ---- */

static void memory_is_write_back(void **state)
{
	struct keg_leaves leaves;
	struct keg_vcpu *vcpus[2];

	add(*state, "host", 2, vcpus);
	get_leaves(vcpus[1], &leaves);
	if (keg_leaves_has_name(&leaves, "mtrr") && !keg_notes_get(&notes, 0)) {
		for (int i = 0; i < 2; i++)
			assert_int_equal(msr_of(vcpus[i], MSR_MTRR_DEF_TYPE), 0x806);
	}
	/* As after a reset (SDM volume 3A, "PAT Table After Reset"). */
	assert_int_equal(msr_of(vcpus[0], MSR_PAT), 0x0007040600070406);
	drop(vcpus, 2);
}

static void an_msr_that_kvm_refuses_is_noted_once_for_all(void **state)
{
	const struct ioctl_rule refuse = {.request = KVM_SET_MSRS, .answer = 0};
	struct keg_vcpu *vcpus[2];

	ioctls_obey(&refuse);
	ioctls_forget();
	add(*state, "host", 2, vcpus);
	assert_int_equal(ioctls_made(KVM_SET_MSRS), 2); /* all of them, then each */
	ioctls_obey(NULL);
	assert_string_equal(keg_notes_get(&notes, 0),
		"KVM refuses 0x806 for MSR 0x2ff (IA32_MTRR_DEF_TYPE); it stays as it is");
	drop(vcpus, 2);
}

static void an_error_that_is_no_refusal_is_one(void **state)
{
	struct machine *machine = *state;
	struct keg_cpu_model *model = model_of(machine, "host", 1);
	struct keg_vcpu *vcpu;

	assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpu));
	ioctls_fail_next(KVM_SET_MSRS, EIO);
	assert_fails(keg_arch_init_vcpu(vcpu, true, model), EIO, "KVM_SET_MSRS");
	ioctls_fail_next(KVM_SET_CPUID2, EIO);
	assert_fails(keg_arch_init_vcpu(vcpu, true, model), EIO, "KVM_SET_CPUID2");
	keg_arch_destroy_cpu_model(model);
	keg_vcpu_destroy(vcpu);
}

/* The host may be AMD's: the model is made up, the vCPU is not. */
static void intels_fast_strings_are_on(void **state)
{
	struct keg_cpu_source source = intel_like();
	struct machine *machine = *state;
	struct keg_cpu_model *model = calloc(1, sizeof(*model));
	struct keg_vcpu *vcpu;

	assert_non_null(model);
	assert_ok(keg_cpu_model_make(&source, "host", 1, &notes, model));
	assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpu));
	keg_cpu_model_find_msrs(model, vcpu);
	assert_ok(keg_cpu_model_set_msrs(model, vcpu));
	if (!keg_notes_get(&notes, 0))
		assert_true(msr_of(vcpu, MSR_MISC_ENABLE) & 1);

	model->msr_count = 0;
	ioctls_fail_next(KVM_GET_MSRS, EIO);
	keg_cpu_model_find_msrs(model, vcpu);
	assert_string_equal(keg_notes_get(&notes, 0),
		"KVM does not tell MSR 0x1a0 (IA32_MISC_ENABLE); it stays as it is");
	free(model);
	keg_vcpu_destroy(vcpu);
}

/* ---- What the guest sees ---- */

/* clang-format off */
static const uint8_t store_id_of_leaf_1[] = {
	0xb8, 0x01, 0x00, 0x00, 0x00,       /* 1: mov $1, %eax */
	0x0f, 0xa2,                         /*    cpuid */
	0xc1, 0xeb, 0x18,                   /*    shr $24, %ebx */
	0x89, 0xd8,                         /*    mov %ebx, %eax */
	0xa3, 0x00, 0x00, 0x00, 0xd0,       /*    mov %eax, guest_mmio */
	0xeb, 0xed,                         /*    jmp 1b */
};

static const uint8_t store_cores_of_leaf_b[] = {
	0xb8, 0x0b, 0x00, 0x00, 0x00,       /* 1: mov $0xb, %eax */
	0xb9, 0x01, 0x00, 0x00, 0x00,       /*    mov $1, %ecx */
	0x0f, 0xa2,                         /*    cpuid */
	0x89, 0xd8,                         /*    mov %ebx, %eax */
	0xc1, 0xe2, 0x10,                   /*    shl $16, %edx */
	0x09, 0xd0,                         /*    or %edx, %eax */
	0xa3, 0x00, 0x00, 0x00, 0xd0,       /*    mov %eax, guest_mmio */
	0xeb, 0xe6,                         /*    jmp 1b */
};

static const uint8_t store_rate[] = {
	0xb8, 0x10, 0x00, 0x00, 0x40,       /* 1: mov $0x40000010, %eax */
	0x0f, 0xa2,                         /*    cpuid */
	0xa3, 0x00, 0x00, 0x00, 0xd0,       /*    mov %eax, guest_mmio */
	0xeb, 0xf2,                         /*    jmp 1b */
};
/* clang-format on */

/* Four vCPUs at a program, and no interrupt controller: all of them run at once. */
enum { RUNNING = 4 };

static void run_four(const void *code, size_t bytes,
	void (*check)(struct keg_vcpu *vcpu, uint32_t i, uint32_t got))
{
	const struct keg_boot_entry entry = {
		.kind = KEG_IMAGE_ELF32, .mode = KEG_ENTRY_PROTECTED, .pc = MACHINE_CODE};
	struct keg_vcpu *vcpus[RUNNING];
	void *machine;

	ioctls_obey(NULL);
	open_machine(&machine);
	machine_load(machine, (struct guest_code){code, bytes});
	add(machine, "host", RUNNING, vcpus);
	for (uint32_t i = 0; i < RUNNING; i++) {
		assert_ok(keg_arch_enter(vcpus[i], &entry));
		check(vcpus[i], i, run_to_store(vcpus[i]));
	}
	drop(vcpus, RUNNING);
	close_machine(&machine);
}

static void is_own_number(struct keg_vcpu *vcpu, uint32_t i, uint32_t got)
{
	(void)vcpu;
	assert_int_equal(got, i);
}

static void is_own_number_among_four(struct keg_vcpu *vcpu, uint32_t i, uint32_t got)
{
	struct keg_leaves leaves;

	get_leaves(vcpu, &leaves);
	if (keg_leaves_highest(&leaves, 0) >= 0xb)
		assert_int_equal(got, i << 16 | RUNNING);
}

static void is_the_rate(struct keg_vcpu *vcpu, uint32_t i, uint32_t got)
{
	(void)i;
	assert_int_equal(got, keg_vcpu_get_tsc_khz(vcpu));
}

static void a_guest_finds_its_apic_id(void **state)
{
	(void)state;
	run_four(store_id_of_leaf_1, sizeof(store_id_of_leaf_1), is_own_number);
	run_four(store_cores_of_leaf_b, sizeof(store_cores_of_leaf_b), is_own_number_among_four);
}

static void a_guest_finds_the_rate_of_its_tsc(void **state)
{
	(void)state;
	run_four(store_rate, sizeof(store_rate), is_the_rate);
}

#define irqchip_test(name) cmocka_unit_test_setup_teardown(name, open_with_irqchip, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kvm_takes_the_leaves_of_any_number_of_vcpus),
		irqchip_test(the_timer_that_needs_no_calibration_is_the_irqchips),
		irqchip_test(the_rates_that_are_told_are_kvms),
		irqchip_test(a_rate_that_kvm_does_not_know_is_not_told),
		irqchip_test(each_further_vcpu_takes_two_requests),
		irqchip_test(a_model_that_cannot_be_asked_for_fails),
		irqchip_test(without_a_model_kvm_is_asked_for_nothing_else),
		irqchip_test(max_is_made_where_kvm_emulates_nothing),
		irqchip_test(memory_is_write_back),
		irqchip_test(an_msr_that_kvm_refuses_is_noted_once_for_all),
		irqchip_test(an_error_that_is_no_refusal_is_one),
		irqchip_test(intels_fast_strings_are_on),
		cmocka_unit_test(a_guest_finds_its_apic_id),
		cmocka_unit_test(a_guest_finds_the_rate_of_its_tsc),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, open_notes, close_notes);
}
