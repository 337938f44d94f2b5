/* SPDX-License-Identifier: MIT */
/* Machines that are used again: as good as new, whoever had them before. */
#include "bare.h"

#include <pthread.h>

enum { BITS = KEG_PTE_PRESENT | KEG_PTE_USER | KEG_PTE_WRITE };

/* Ends the machine, and makes another; the code is mapped in it. */
static bool renew(struct bare *bare)
{
	struct keg_machine *before = bare->machine;

	keg_cpu_destroy(bare->cpu);
	keg_machine_destroy(bare->machine);
	assert_ok(keg_machine_create(bare->host, bare->pages, &bare->lore, &bare->machine));
	assert_ok(keg_cpu_create(bare->machine, &bare->cpu));
	assert_ok(keg_machine_map(bare->machine, BARE_CODE_AT, bare->code, 1, BITS));
	return bare->machine == before;
}

BARE_CODE(touch, "mov (%rbx), %rax; mov $1, %eax; syscall");
BARE_CODE(dirty, "movups (%rbx), %xmm5; mov $-1, %r8; mov $1, %eax; syscall");
BARE_CODE(clean, "xor %eax, %eax; ptest %xmm5, %xmm5; setz %al; mov %fs:0x500000, %rdi; syscall");

static void forgets_the_program(void **state)
{
	struct bare bare;
	keg_page other;

	(void)state;
	bare_start(&bare, code_dirty);
	memset(bare_data(&bare), 0x33, 64);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	bare.cpu->regs.fs_base = 0x1000;
	bare_expect_syscall(&bare, 1);
	bare_load(&bare, code_touch);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	bare_expect_syscall(&bare, 1);

	assert_true(renew(&bare));
	assert_int_equal(keg_machine_next(bare.machine, 0, KEG_USER_TOP), BARE_CODE_AT);
	assert_int_equal(keg_machine_next(bare.machine, BARE_CODE_AT + KEG_PAGE, KEG_USER_TOP),
		KEG_USER_TOP);
	assert_int_equal(bare.cpu->regs.r8, 0);
	bare_load(&bare, code_touch);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	bare_expect_exception(&bare, 14, 4);

	/* What is mapped there now is what is seen. */
	assert_int_equal(keg_pages_take(bare.pages, 1, false, &other), 0);
	assert_ok(keg_machine_map(bare.machine, BARE_DATA_AT, other, 1, BITS));
	*(uint64_t *)keg_pages_at(bare.pages, other) = 4711;
	bare_load(&bare, code_clean);
	bare_expect_syscall(&bare, 1);
	assert_int_equal(bare.cpu->regs.rdi, 4711);
	bare_close(&bare);
}

static void serves_many_programs(void **state)
{
	struct keg_pages_usage first, last;
	struct bare bare;

	(void)state;
	bare_start(&bare, code_touch);
	for (uint64_t i = 0; i < 50; i++) {
		keg_page page;

		assert_int_equal(keg_pages_take(bare.pages, 1, false, &page), 0);
		*(uint64_t *)keg_pages_at(bare.pages, page) = i;
		assert_ok(keg_machine_map(bare.machine, (i + 1) << 33, page, 1, BITS));
		bare_load(&bare, code_touch);
		bare.cpu->regs.rbx = (i + 1) << 33;
		bare_expect_syscall(&bare, 1);
		bare_load(&bare, code_touch);
		bare.cpu->regs.rbx = i << 33; /* the program's before */
		bare_expect_exception(&bare, 14, 4);
		assert_true(renew(&bare));
		keg_pages_release(bare.pages, page, 1);
		keg_pages_usage(bare.pages, i ? &last : &first);
	}
	assert_int_equal(last.used, first.used);
	bare_close(&bare);
}

static void *run_elsewhere(void *argument)
{
	struct bare *bare = argument;

	for (int i = 0; i < 3; i++) {
		bare_load(bare, code_touch);
		bare->cpu->regs.rbx = BARE_CODE_AT;
		bare_expect_syscall(bare, 1);
	}
	return NULL;
}

static void goes_from_thread_to_thread(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	run_elsewhere(&bare);
	for (int i = 0; i < 5; i++) {
		pthread_t thread;

		assert_true(renew(&bare));
		assert_int_equal(pthread_create(&thread, NULL, run_elsewhere, &bare), 0);
		pthread_join(thread, NULL);
	}
	assert_int_not_equal(atomic_load(&bare.lore.vcpus), KEG_VCPUS_UNKNOWN);
	/* Where KVM minds, new ones are made. */
	atomic_store(&bare.lore.vcpus, KEG_VCPUS_STAY);
	assert_true(renew(&bare));
	assert_int_not_equal(bare.cpu->index, 0);
	run_elsewhere(&bare);
	bare_close(&bare);
}

static void keeps_a_few(void **state)
{
	struct keg_machine *machines[KEG_IDLE_MACHINES + 2];
	struct bare bare;

	(void)state;
	bare_open(&bare);
	for (int i = 0; i < KEG_IDLE_MACHINES + 2; i++)
		assert_ok(keg_machine_create(bare.host, bare.pages, &bare.lore, &machines[i]));
	for (int i = 0; i < KEG_IDLE_MACHINES + 2; i++)
		keg_machine_destroy(machines[i]);
	for (int i = 0; i < KEG_IDLE_MACHINES; i++)
		assert_non_null(atomic_load(&bare.lore.idle[i]));
	keg_machine_lore_fini(&bare.lore);
	for (int i = 0; i < KEG_IDLE_MACHINES; i++)
		assert_null(atomic_load(&bare.lore.idle[i]));
	bare_close(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgets_the_program),
		cmocka_unit_test(serves_many_programs),
		cmocka_unit_test(goes_from_thread_to_thread),
		cmocka_unit_test(keeps_a_few),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
