/* SPDX-License-Identifier: MIT */
/* The machine: made, started, asked, ended. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "kvm/uapi.h"
#include "machine.h"

static struct machine machine;

static int open_machine(void **state)
{
	(void)state;
	machine_open(&machine, NULL);
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

static void a_machine_knows_its_host_and_descriptor(void **state)
{
	(void)state;
	assert_ptr_equal(keg_vm_host(machine.vm), machine.host);
	assert_true(keg_vm_fd(machine.vm) >= 0);
	assert_true(fcntl(keg_vm_fd(machine.vm), F_GETFD) & FD_CLOEXEC);
	keg_vm_destroy(NULL);
}

static void a_type_that_kvm_does_not_know_is_refused(void **state)
{
	const struct keg_vm_config config = {.size = sizeof(config), .type = ~0UL};
	struct keg_vm *vm = (void *)1;

	(void)state;
	assert_fails(keg_vm_create(machine.host, &config, &vm), EINVAL, "KVM_CREATE_VM");
	assert_null(vm);
}

static void a_configuration_is_checked(void **state)
{
	struct keg_vm_config config = {.size = 1};
	struct keg_vm *vm;

	(void)state;
	assert_fails(keg_vm_create(machine.host, &config, &vm), EINVAL, "struct keg_vm_config");
	config.size = sizeof(config);
	config.kick_signal = 1000;
	assert_fails(keg_vm_create(machine.host, &config, &vm), EINVAL, "1000 is no signal");
	config.kick_signal = -1;
	assert_fails(keg_vm_create(machine.host, &config, &vm), EINVAL, "-1 is no signal");
	config.kick_signal = 0;
	config.dirty_ring_entries = 3;
	assert_fails(keg_vm_create(machine.host, &config, &vm), EINVAL, "not a power of two");
	config.dirty_ring_entries = 1U << 31;
	assert_true(keg_vm_create(machine.host, &config, &vm) < 0);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signo)
{
	(void)signo;
	alarms++;
}

/* KVM_CREATE_VM gives up with EINTR when a signal comes: nobody is to notice. */
static void signals_do_not_disturb_the_making_of_machines(void **state)
{
	struct sigaction action = {.sa_handler = count_alarm}, old;
	const struct itimerval fast = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &fast, NULL), 0);
	alarms = 0;
	for (int i = 0; i < 100 || alarms < 20; i++) {
		struct keg_vm *vm;

		assert_ok(keg_vm_create(machine.host, NULL, &vm));
		keg_vm_destroy(vm);
	}
	assert_int_equal(setitimer(ITIMER_REAL, &off, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
}

static void a_machine_answers_for_itself(void **state)
{
	(void)state;
	assert_int_equal(keg_vm_check_extension(machine.vm, KVM_CAP_USER_MEMORY),
		keg_host_check_extension(machine.host, KVM_CAP_USER_MEMORY));
	assert_true(keg_vm_check_extension(machine.vm, KVM_CAP_NR_MEMSLOTS) > 0);
	assert_int_equal(keg_vm_check_extension(machine.vm, 100000), 0);
}

static void the_raw_ioctl_is_there_for_the_rest(void **state)
{
	(void)state;
	assert_true(keg_vm_ioctl(machine.vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) > 0);
	/* KVM says ENOTTY or EINVAL to what it does not know. */
	assert_true(keg_vm_ioctl(machine.vm, _IO(KVMIO, 0xff), 0) < 0);
	assert_non_null(strstr(keg_error_message(), "ioctl 0xaeff on the machine"));
}

static void an_extension_that_cannot_be_enabled_is_refused(void **state)
{
	(void)state;
	assert_fails(keg_vm_enable_cap(machine.vm, 100000, 0, NULL), EINVAL, "KVM_ENABLE_CAP");
}

static void starting_twice_is_harmless(void **state)
{
	(void)state;
	assert_false(keg_vm_started(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
	assert_true(keg_vm_started(machine.vm));
	assert_ok(keg_vm_start(machine.vm));
}

/* ---- vCPU ids ---- */

static void ids_are_handed_out_from_zero_and_once(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(keg_vm_alloc_vcpu_id(machine.vm), i);
}

static void ids_end_where_kvm_says(void **state)
{
	int limit = keg_host_max_vcpu_id(machine.host);

	(void)state;
	for (int i = 0; i < limit; i++)
		assert_int_equal(keg_vm_alloc_vcpu_id(machine.vm), i);
	assert_fails(keg_vm_alloc_vcpu_id(machine.vm), ENOSPC, "vCPU ids");
}

static void *take_ids(void *argument)
{
	int *ids = argument;

	for (int i = 0; i < 16; i++)
		ids[i] = keg_vm_alloc_vcpu_id(machine.vm);
	return NULL;
}

static void ids_are_unique_whatever_thread_asks(void **state)
{
	enum { THREADS = 8, EACH = 16 };
	bool seen[THREADS * EACH] = {false};
	int ids[THREADS][EACH];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_ids, ids[i]), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < THREADS * EACH; i++) {
		int id = ids[i / EACH][i % EACH];

		assert_in_range(id, 0, THREADS * EACH - 1);
		assert_false(seen[id]);
		seen[id] = true;
	}
}

/* ---- Clocks, statistics, private pages ---- */

static void x86_has_a_clock_and_others_say_so(void **state)
{
	struct kvm_clock_data clock = {0};
	int rc = keg_vm_get_clock(machine.vm, &clock);

	(void)state;
	if (rc == -ENOTSUP)
		return;
	assert_ok(rc);
	clock.flags = 0;
	clock.clock += 1000000000;
	assert_ok(keg_vm_set_clock(machine.vm, &clock));
}

static void the_tsc_rate_is_set_where_kvm_can(void **state)
{
	int khz = keg_vm_get_tsc_khz(machine.vm);

	(void)state;
	if (keg_vm_check_extension(machine.vm, KVM_CAP_VM_TSC_CONTROL) == 0) {
		assert_int_equal(khz, -ENOTSUP);
		assert_fails(keg_vm_set_tsc_khz(machine.vm, 1000000), ENOTSUP, "TSC");
		return;
	}
	assert_true(khz > 0);
	assert_ok(keg_vm_set_tsc_khz(machine.vm, (uint32_t)khz));
}

static void statistics_come_from_a_descriptor(void **state)
{
	struct kvm_stats_header header;
	int fd = keg_vm_stats_fd(machine.vm);

	(void)state;
	if (fd == -ENOTSUP)
		skip();
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	assert_true(header.num_desc > 0);
	close(fd);
}

static void private_pages_must_be_aligned_and_below_4_gib(void **state)
{
	struct keg_vm *vm = machine.vm;

	(void)state;
	assert_fails(keg_vm_set_tss_address(vm, 0xfffbd001), EINVAL, "page-aligned");
	assert_fails(keg_vm_set_tss_address(vm, 0xfffff000), EINVAL, "below 4 GiB");
	assert_fails(keg_vm_set_identity_map_address(vm, 1ULL << 32), EINVAL, "below 4 GiB");
	if (!keg_host_has_tss_address(machine.host))
		return;
	assert_ok(keg_vm_set_identity_map_address(vm, 0xfffbc000));
	assert_ok(keg_vm_set_tss_address(vm, 0xfffbd000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_machine_knows_its_host_and_descriptor),
		TEST(a_type_that_kvm_does_not_know_is_refused),
		TEST(a_configuration_is_checked),
		TEST(signals_do_not_disturb_the_making_of_machines),
		TEST(a_machine_answers_for_itself),
		TEST(the_raw_ioctl_is_there_for_the_rest),
		TEST(an_extension_that_cannot_be_enabled_is_refused),
		TEST(starting_twice_is_harmless),
		TEST(ids_are_handed_out_from_zero_and_once),
		TEST(ids_end_where_kvm_says),
		TEST(ids_are_unique_whatever_thread_asks),
		TEST(x86_has_a_clock_and_others_say_so),
		TEST(the_tsc_rate_is_set_where_kvm_can),
		TEST(statistics_come_from_a_descriptor),
		TEST(private_pages_must_be_aligned_and_below_4_gib),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
