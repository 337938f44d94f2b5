/* SPDX-License-Identifier: MIT */
/* Where guests begin, and what they find there. */
#include "arch/x86_64/fixture.h"

#include <elf.h>

#include "arch/arch.h"

/* What the page tables of an entry in long mode take: they map 4 GiB. */
enum { TABLES = 6 * PAGE };

static struct keg_mem *mem_of(void **state)
{
	const struct machine *machine = *state;

	return machine->mem;
}

/* ---- What the architecture is ---- */

static void images_are_for_this_architecture_and_its_predecessor(void **state)
{
	(void)state;
	assert_int_equal(keg_arch_elf_machine(true), EM_X86_64);
	assert_int_equal(keg_arch_elf_machine(false), EM_386);
}

static void images_have_the_mode_of_their_kind(void **state)
{
	(void)state;
	assert_int_equal(keg_arch_default_mode(KEG_IMAGE_ELF64), KEG_ENTRY_LONG);
	assert_int_equal(keg_arch_default_mode(KEG_IMAGE_FLAT), KEG_ENTRY_LONG);
	assert_int_equal(keg_arch_default_mode(KEG_IMAGE_ELF32), KEG_ENTRY_PROTECTED);
	assert_int_equal(keg_arch_default_mode(KEG_IMAGE_MULTIBOOT), KEG_ENTRY_PROTECTED);
	assert_true(keg_arch_has_mode(KEG_ENTRY_REAL));
	assert_true(keg_arch_has_mode(KEG_ENTRY_PROTECTED));
	assert_true(keg_arch_has_mode(KEG_ENTRY_LONG));
	assert_false(keg_arch_has_mode(KEG_ENTRY_AUTO));
}

static void memory_begins_at_0_and_flat_images_at_1_mib(void **state)
{
	(void)state;
	assert_int_equal(keg_arch_memory_start(), 0);
	assert_int_equal(keg_arch_flat_load_address(), 1 << 20);
}

/* ---- What is put into memory ---- */

static void modes_without_paging_need_nothing_in_memory(void **state)
{
	struct keg_boot_entry entry = {.mode = KEG_ENTRY_PROTECTED, .low = 0x2000, .high = 0x3000};

	assert_ok(keg_arch_prepare_entry(mem_of(state), &entry));
	entry.mode = KEG_ENTRY_REAL;
	assert_ok(keg_arch_prepare_entry(mem_of(state), &entry));
	assert_int_equal(entry.low, 0x2000);
	assert_int_equal(entry.high, 0x3000);
	assert_int_equal(entry.page_table, 0);
}

static void page_tables_are_put_above_the_image(void **state)
{
	struct keg_boot_entry entry = {.mode = KEG_ENTRY_LONG, .low = 0x2000, .high = 0x3001};

	assert_ok(keg_arch_prepare_entry(mem_of(state), &entry));
	assert_int_equal(entry.page_table, 0x4000);
	assert_int_equal(entry.low, 0x2000);
	assert_int_equal(entry.high, 0x4000 + TABLES);
}

static void page_tables_that_have_a_place_stay_there(void **state)
{
	struct keg_boot_entry entry = {
		.mode = KEG_ENTRY_LONG, .page_table = 0x10000, .low = 0x1000, .high = 0x40000};

	assert_int_equal(keg_arch_tables_bytes(KEG_ENTRY_LONG), TABLES);
	assert_int_equal(keg_arch_tables_bytes(KEG_ENTRY_PROTECTED), 0);
	assert_ok(keg_arch_prepare_entry(mem_of(state), &entry));
	assert_int_equal(entry.page_table, 0x10000);
	assert_int_equal(entry.low, 0x1000);
	assert_int_equal(entry.high, 0x40000);
}

static void page_tables_are_put_below_an_image_at_the_end_of_memory(void **state)
{
	struct keg_boot_entry entry = {
		.mode = KEG_ENTRY_LONG, .low = 0x80123, .high = MACHINE_BYTES - PAGE};

	assert_ok(keg_arch_prepare_entry(mem_of(state), &entry));
	assert_int_equal(entry.page_table, 0x80000 - TABLES);
	assert_int_equal(entry.low, 0x80000 - TABLES);
	assert_int_equal(entry.high, MACHINE_BYTES - PAGE);
}

static void page_tables_that_fit_nowhere_are_refused(void **state)
{
	static const struct {
		keg_gpa low, high;
	} images[] = {
		{TABLES - 1, MACHINE_BYTES}, /* all of memory */
		{TABLES, MACHINE_BYTES},     /* page 0 stays free */
		{PAGE, 4ULL << 30},          /* to the end of what they map */
		{PAGE, UINT64_MAX},          /* to the end of the address space */
	};

	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct keg_boot_entry entry = {
			.mode = KEG_ENTRY_LONG, .low = images[i].low, .high = images[i].high};

		assert_fails(keg_arch_prepare_entry(mem_of(state), &entry), EFAULT,
			"no room for 24576 bytes of page tables");
		assert_int_equal(entry.high, images[i].high);
	}
}

/* ---- Where a vCPU begins ---- */

static void a_vcpu_begins_where_its_entry_says(void **state)
{
	const struct keg_boot_entry entry = {.kind = KEG_IMAGE_ELF64,
		.mode = KEG_ENTRY_LONG,
		.pc = 0x123456,
		.page_table = 0x4000,
		.stack = 0x8ff0,
		.args = {1, 2}};
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint64_t pc;

	assert_ok(keg_arch_enter(vcpu_of(state), &entry));
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_int_equal(regs.rip, 0x123456);
	assert_int_equal(regs.rsp, 0x8ff0);
	assert_int_equal(regs.rdi, 1);
	assert_int_equal(regs.rsi, 2);
	assert_int_equal(regs.rflags, 2); /* interrupts off */
	assert_int_equal(sregs.cr3, 0x4000);
	assert_ok(keg_arch_get_pc(vcpu_of(state), &pc));
	assert_int_equal(pc, 0x123456);
}

static void a_multiboot_image_finds_its_arguments_in_eax_and_ebx(void **state)
{
	const struct keg_boot_entry entry = {.kind = KEG_IMAGE_MULTIBOOT,
		.mode = KEG_ENTRY_PROTECTED,
		.pc = 0x100000,
		.args = {0x2badb002, 0x9500}};
	struct kvm_regs regs;

	assert_ok(keg_arch_enter(vcpu_of(state), &entry));
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_int_equal(regs.rax, 0x2badb002);
	assert_int_equal(regs.rbx, 0x9500);
	assert_int_equal(regs.rdi, 0);
}

static void a_linux_kernel_finds_its_own_descriptors(void **state)
{
	static const enum keg_entry_mode modes[] = {KEG_ENTRY_LONG, KEG_ENTRY_PROTECTED};
	struct keg_boot_entry entry = {.kind = KEG_IMAGE_BZIMAGE,
		.pc = 0x100000,
		.page_table = 0x4000,
		.args = {0, 0x9000},
		.gdt = 0xa000};
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	for (size_t i = 0; i < 2; i++) {
		entry.mode = modes[i];
		assert_ok(keg_arch_enter(vcpu_of(state), &entry));
		assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
		assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
		assert_int_equal(regs.rsi, 0x9000);
		assert_int_equal(sregs.gdt.base, 0xa000);
		assert_int_equal(sregs.gdt.limit, 31);
		assert_int_equal(sregs.cs.selector, 0x10);
		assert_int_equal(sregs.cs.l, modes[i] == KEG_ENTRY_LONG);
		assert_int_equal(sregs.ds.selector, 0x18);
		assert_int_equal(sregs.es.selector, 0x18);
		assert_int_equal(sregs.ss.selector, 0x18);
	}
}

static void a_pvh_kernel_finds_its_start_info_in_ebx_and_a_task(void **state)
{
	const struct keg_boot_entry entry = {.kind = KEG_IMAGE_PVH,
		.mode = KEG_ENTRY_PROTECTED,
		.pc = 0x100000,
		.args = {0, 0x9000}};
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	assert_ok(keg_arch_enter(vcpu_of(state), &entry));
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_int_equal(regs.rbx, 0x9000);
	assert_int_equal(regs.rsi, 0);
	assert_int_equal(sregs.cr0 & ~UINT64_C(0x10), 1); /* PE; ET cannot be cleared */
	assert_int_equal(sregs.cr4, 0);
	assert_int_equal(sregs.tr.base, 0);
	assert_int_equal(sregs.tr.limit, 0x67);
	assert_int_equal(sregs.tr.type, 11);
}

static void real_mode_begins_in_the_segment_of_its_64_kib(void **state)
{
	const struct keg_boot_entry entry = {.mode = KEG_ENTRY_REAL, .pc = 0x5432a};
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	assert_ok(keg_arch_enter(vcpu_of(state), &entry));
	assert_ok(keg_vcpu_get_regs(vcpu_of(state), &regs));
	assert_ok(keg_vcpu_get_sregs(vcpu_of(state), &sregs));
	assert_int_equal(sregs.cs.base, 0x50000);
	assert_int_equal(sregs.cs.selector, 0x5000);
	assert_int_equal(regs.rip, 0x432a);
}

static void entries_that_cannot_be_are_refused(void **state)
{
	struct keg_boot_entry entry = {.mode = KEG_ENTRY_REAL, .pc = 0x100000};

	assert_fails(keg_arch_enter(vcpu_of(state), &entry), EINVAL,
		"real mode begins below 1 MiB, not at 0x100000");
	entry.mode = (enum keg_entry_mode)99;
	assert_fails(keg_arch_enter(vcpu_of(state), &entry), EINVAL, "no entry mode 99");
}

static void a_program_counter_that_cannot_be_read_is_0(void **state)
{
	uint64_t pc = 42;

	ioctls_fail_next(KVM_GET_REGS, EIO);
	assert_fails(keg_arch_get_pc(vcpu_of(state), &pc), EIO, "KVM_GET_REGS");
	assert_int_equal(pc, 0);
}

/* ---- Features ---- */

static const struct kvm_cpuid_entry2 *find_leaf(
	const struct kvm_cpuid_entry2 *leaves, size_t count, uint32_t function)
{
	for (size_t i = 0; i < count; i++) {
		if (leaves[i].function == function)
			return &leaves[i];
	}
	return NULL;
}

static void each_vcpu_finds_its_own_number_in_its_leaves(void **state)
{
	enum { ROOM = 256, CPUS = 3, HTT = 1 << 28 };
	struct machine *machine = *state;
	struct kvm_cpuid_entry2 leaves[ROOM];
	const struct kvm_cpuid_entry2 *leaf;
	struct keg_cpu_model *model;
	struct keg_vcpu *vcpu;
	size_t count = ROOM;

	assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpu));
	assert_ok(keg_arch_create_cpu_model(machine->host, NULL, CPUS, NULL, &model));
	assert_ok(keg_arch_init_vcpu(vcpu, false, model));
	keg_arch_destroy_cpu_model(model);
	assert_ok(keg_vcpu_get_cpuid(vcpu, leaves, &count));
	leaf = find_leaf(leaves, count, 1);
	assert_non_null(leaf);
	assert_int_equal(leaf->ebx >> 24, 1);
	assert_in_range(leaf->ebx >> 16 & 0xff, CPUS, CPUS + 1); /* Intel's are numbers of ids */
	assert_true(leaf->edx & HTT);
	leaf = find_leaf(leaves, count, 0xb);
	if (leaf) /* not every host has it */
		assert_int_equal(leaf->edx, 1);
	keg_vcpu_destroy(vcpu);
}

static void a_vcpu_alone_has_no_siblings(void **state)
{
	enum { ROOM = 256 };
	struct kvm_cpuid_entry2 leaves[ROOM];
	const struct kvm_cpuid_entry2 *leaf;
	size_t count = ROOM;

	assert_ok(keg_vcpu_get_cpuid(vcpu_of(state), leaves, &count));
	leaf = find_leaf(leaves, count, 1);
	assert_non_null(leaf);
	assert_int_equal(leaf->ebx >> 24, 0);
	assert_int_equal(leaf->ebx >> 16 & 0xff, 1); /* HTT is not looked at: some KVMs set it */
}

/* ---- The loop that measures ---- */

static void the_counting_loop_counts(void **state)
{
	const struct machine *machine = *state;
	const struct keg_arch_loop loop = keg_arch_counting_loop();
	const struct keg_boot_entry entry = {
		.mode = KEG_ENTRY_LONG, .pc = 0x2000, .page_table = TABLES};
	uint64_t rounds = 0;
	struct keg_exit exit;

	assert_ok(keg_x86_identity_map(machine->mem, TABLES, 1 << 20));
	assert_ok(keg_mem_write(machine->mem, 0x2000, loop.code, loop.bytes));
	assert_ok(keg_arch_enter(machine->vcpu, &entry));
	for (int i = 0; i < 50 && !rounds; i++) { /* an emulated host may need some time */
		assert_ok(keg_vcpu_run_for(machine->vcpu, 10000000, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
		assert_ok(keg_arch_loop_count(machine->vcpu, &rounds));
	}
	assert_true(rounds > 0);
	keg_arch_host_loop(1000); /* it ends */
}

static void a_count_that_cannot_be_read_is_0(void **state)
{
	uint64_t rounds = 42;

	ioctls_fail_next(KVM_GET_REGS, EIO);
	assert_fails(keg_arch_loop_count(vcpu_of(state), &rounds), EIO, "KVM_GET_REGS");
	assert_int_equal(rounds, 0);
}

#define plain_test(name)                                                                           \
	cmocka_unit_test_setup_teardown(name, open_vcpu_without_shared_page, close_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_are_for_this_architecture_and_its_predecessor),
		cmocka_unit_test(images_have_the_mode_of_their_kind),
		cmocka_unit_test(memory_begins_at_0_and_flat_images_at_1_mib),
		vcpu_test(modes_without_paging_need_nothing_in_memory),
		vcpu_test(page_tables_are_put_above_the_image),
		vcpu_test(page_tables_that_have_a_place_stay_there),
		vcpu_test(page_tables_are_put_below_an_image_at_the_end_of_memory),
		vcpu_test(page_tables_that_fit_nowhere_are_refused),
		vcpu_test(a_vcpu_begins_where_its_entry_says),
		vcpu_test(a_multiboot_image_finds_its_arguments_in_eax_and_ebx),
		vcpu_test(a_linux_kernel_finds_its_own_descriptors),
		vcpu_test(a_pvh_kernel_finds_its_start_info_in_ebx_and_a_task),
		vcpu_test(real_mode_begins_in_the_segment_of_its_64_kib),
		vcpu_test(entries_that_cannot_be_are_refused),
		plain_test(a_program_counter_that_cannot_be_read_is_0),
		vcpu_test(each_vcpu_finds_its_own_number_in_its_leaves),
		vcpu_test(a_vcpu_alone_has_no_siblings),
		vcpu_test(the_counting_loop_counts),
		plain_test(a_count_that_cannot_be_read_is_0),
	};

	require_kvm();
	return cmocka_run_group_tests_name("x86-entry", tests, NULL, NULL);
}
