/* SPDX-License-Identifier: MIT */
/* A vCPU: made under an id, run, finished, stepped. */
#include "testing.h"

#include <errno.h>
#include <sys/mman.h>

#include "kvm/uapi.h"
#include "machine.h"

static struct machine machine;

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

static int open_machine(void **state)
{
	(void)state;
	machine_open(&machine, NULL);
	return 0;
}

/* ---- Making ---- */

static int create_with_id(uint32_t id, struct keg_vcpu **vcpu)
{
	const struct keg_vcpu_config config = {
		.size = sizeof(config), .flags = KEG_VCPU_WITH_ID, .id = id};

	return keg_vcpu_create(machine.vm, &config, vcpu);
}

static void ids_count_from_zero(void **state)
{
	struct keg_vcpu *first, *second;

	(void)state;
	assert_ok(keg_vcpu_create(machine.vm, NULL, &first));
	assert_ok(keg_vcpu_create(machine.vm, NULL, &second));
	assert_int_equal(keg_vcpu_id(first), 0);
	assert_int_equal(keg_vcpu_id(second), 1);
	assert_ptr_equal(keg_vcpu_vm(first), machine.vm);
	assert_true(keg_vcpu_fd(first) >= 0);
	keg_vcpu_destroy(second);
	keg_vcpu_destroy(first);
	keg_vcpu_destroy(NULL);
}

static void an_id_can_be_chosen_and_is_skipped_later(void **state)
{
	struct keg_vcpu *chosen, *zero, *two, *again = (void *)1;

	(void)state;
	assert_ok(create_with_id(1, &chosen));
	assert_fails(create_with_id(1, &again), EEXIST, "vCPU id 1 is taken");
	assert_null(again);
	assert_ok(keg_vcpu_create(machine.vm, NULL, &zero));
	assert_ok(keg_vcpu_create(machine.vm, NULL, &two));
	assert_int_equal(keg_vcpu_id(chosen), 1);
	assert_int_equal(keg_vcpu_id(zero), 0);
	assert_int_equal(keg_vcpu_id(two), 2);
	keg_vcpu_destroy(two);
	keg_vcpu_destroy(zero);
	keg_vcpu_destroy(chosen);
}

static void an_id_stays_taken_when_its_vcpu_is_gone(void **state)
{
	struct keg_vcpu *vcpu;

	(void)state;
	assert_ok(create_with_id(0, &vcpu));
	keg_vcpu_destroy(vcpu);
	assert_fails(create_with_id(0, &vcpu), EEXIST, "is taken");
	assert_ok(keg_vcpu_create(machine.vm, NULL, &vcpu));
	assert_int_equal(keg_vcpu_id(vcpu), 1);
	keg_vcpu_destroy(vcpu);
}

static void an_id_that_was_used_behind_kegs_back_is_passed_over(void **state)
{
	struct keg_vcpu *vcpu;
	int fd = keg_vm_ioctl(machine.vm, KVM_CREATE_VCPU, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_ok(keg_vcpu_create(machine.vm, NULL, &vcpu));
	assert_int_equal(keg_vcpu_id(vcpu), 1);
	keg_vcpu_destroy(vcpu);
	close(fd);
}

static void an_id_beyond_kvms_is_refused(void **state)
{
	uint32_t limit = (uint32_t)keg_host_max_vcpu_id(machine.host);
	struct keg_vcpu *vcpu;

	(void)state;
	assert_fails(create_with_id(limit, &vcpu), EINVAL, "KVM allows 0 to");
	assert_fails(create_with_id(UINT32_MAX, &vcpu), EINVAL, "KVM allows 0 to");
}

static void a_configuration_is_checked(void **state)
{
	struct keg_vcpu_config config = {.size = 0};
	struct keg_vcpu *vcpu;

	(void)state;
	assert_fails(keg_vcpu_create(machine.vm, &config, &vcpu), EINVAL, "keg_vcpu_config");
	config.size = sizeof(config);
	config.flags = 0x80;
	assert_fails(keg_vcpu_create(machine.vm, &config, &vcpu), EINVAL, "unknown flags 0x80");
}

/* As many as KVM allows, but no more than keep this test short. */
static void vcpus_can_be_made_up_to_kvms_maximum(void **state)
{
	enum { ENOUGH = 1024 };
	int most = keg_host_max_vcpus(machine.host), made = 0;
	static struct keg_vcpu *vcpus[ENOUGH + 1];
	int limit = most < ENOUGH ? most : ENOUGH;

	(void)state;
	if (!allow_descriptors((unsigned int)limit + 64))
		skip();
	for (; made < limit; made++)
		assert_ok(keg_vcpu_create(machine.vm, NULL, &vcpus[made]));
	if (most <= ENOUGH)
		assert_fails(keg_vcpu_create(machine.vm, NULL, &vcpus[made]), ENOSPC, "vCPU");
	while (made--)
		keg_vcpu_destroy(vcpus[made]);
}

static void the_first_vcpu_starts_the_machine(void **state)
{
	(void)state;
	machine_load(&machine, guest_spin());
	assert_false(keg_vm_started(machine.vm));
	machine_add_vcpu(&machine);
	assert_true(keg_vm_started(machine.vm));
}

/* ---- Running ---- */

static void writes_exit_with_address_and_data(void **state)
{
	struct keg_exit exit;

	(void)state;
	machine_load(&machine, guest_store());
	machine_add_vcpu(&machine);
	for (uint32_t i = 1; i <= 100; i++) {
		uint32_t stored;

		assert_ok(keg_vcpu_run(machine.vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
		assert_true(exit.mmio.write);
		assert_int_equal(exit.mmio.address, guest_mmio);
		assert_int_equal(exit.mmio.bytes, 4);
		memcpy(&stored, exit.mmio.data, 4);
		assert_int_equal(stored, i);
	}
}

static void reads_are_answered_in_place(void **state)
{
	struct keg_exit exit;

	(void)state;
	machine_load(&machine, guest_echo());
	machine_add_vcpu(&machine);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t answer = i * 0x01010101, stored;

		assert_ok(keg_vcpu_run(machine.vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
		assert_false(exit.mmio.write);
		memcpy(exit.mmio.data, &answer, 4);
		assert_ok(keg_vcpu_run(machine.vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
		assert_int_equal(exit.mmio.address, guest_mmio + 16);
		memcpy(&stored, exit.mmio.data, 4);
		assert_int_equal(stored, answer);
	}
}

static void the_area_of_kvm_run_is_always_there(void **state)
{
	struct keg_exit exit;

	(void)state;
	machine_load(&machine, guest_store());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(keg_vcpu_kvm_run(machine.vcpu)->exit_reason, KVM_EXIT_MMIO);
	assert_ptr_equal(exit.mmio.data, keg_vcpu_kvm_run(machine.vcpu)->mmio.data);
}

/* The instruction that asked has been finished, and nothing after it has run. */
static void a_pending_read_can_be_completed_without_running_on(void **state)
{
	struct keg_exit exit;

	(void)state;
	machine_load(&machine, guest_echo());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	memset(exit.mmio.data, 0x5a, 4);
	assert_int_equal(keg_vcpu_complete(machine.vcpu, &exit), 0);
	assert_int_equal(keg_vcpu_complete(machine.vcpu, &exit), 0);
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_true(exit.mmio.write);
	assert_int_equal(exit.mmio.data[0], 0x5a);
}

static void lost_host_memory_is_told(void **state)
{
	const struct guest_code code = guest_spin();
	struct keg_exit exit;
	void *memory = mmap(
		NULL, MACHINE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct keg_region_config config = {
		.size = sizeof(config),
		.gpa = machine.memory,
		.bytes = MACHINE_BYTES,
		.backing = KEG_BACKING_CALLER,
		.host = memory,
	};

	(void)state;
	assert_true(memory != MAP_FAILED);
	memcpy((char *)memory + MACHINE_CODE, code.bytes, code.size);
	assert_ok(keg_mem_add(machine.mem, &config, NULL));
	machine_add_vcpu(&machine);
	assert_int_equal(munmap(memory, MACHINE_BYTES), 0);
	/* KVM may call it an internal error, when it was its emulator that could not read. */
	if (keg_vcpu_run(machine.vcpu, &exit) < 0)
		assert_fails(keg_vcpu_run(machine.vcpu, &exit), EFAULT, "touched guest memory");
	else
		assert_true(exit.reason == KEG_EXIT_INTERNAL_ERROR ||
			    exit.reason == KEG_EXIT_MEMORY_FAULT || exit.reason == KEG_EXIT_MMIO);
}

/* ---- Single steps ---- */

static void steps_are_counted(void **state)
{
	struct keg_exit exit;
	uint32_t left = 99;

	(void)state;
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_step(machine.vcpu, 10, &left, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_STEPPED);
	assert_int_equal(left, 0);
	assert_ok(keg_vcpu_step(machine.vcpu, 0, NULL, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_STEPPED);
}

static void an_exit_in_the_midst_of_steps_tells_how_many_are_left(void **state)
{
	struct keg_exit exit;
	uint32_t left = 0;

	(void)state;
	machine_load(&machine, guest_store());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_step(machine.vcpu, 1000, &left, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_in_range(left, 900, 999);
	/* Afterwards nothing steps any more. */
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(ids_count_from_zero),
		TEST(an_id_can_be_chosen_and_is_skipped_later),
		TEST(an_id_stays_taken_when_its_vcpu_is_gone),
		TEST(an_id_that_was_used_behind_kegs_back_is_passed_over),
		TEST(an_id_beyond_kvms_is_refused),
		TEST(a_configuration_is_checked),
		TEST(vcpus_can_be_made_up_to_kvms_maximum),
		TEST(the_first_vcpu_starts_the_machine),
		TEST(writes_exit_with_address_and_data),
		TEST(reads_are_answered_in_place),
		TEST(the_area_of_kvm_run_is_always_there),
		TEST(a_pending_read_can_be_completed_without_running_on),
		TEST(lost_host_memory_is_told),
		TEST(steps_are_counted),
		TEST(an_exit_in_the_midst_of_steps_tells_how_many_are_left),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
