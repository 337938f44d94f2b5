/* SPDX-License-Identifier: MIT */
/* Runs that are bounded in time. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "machine.h"

static struct machine machine;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int start_spinning(void **state)
{
	(void)state;
	machine_start(&machine, guest_spin());
	return 0;
}

static int start_storing(void **state)
{
	(void)state;
	machine_start(&machine, guest_store());
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

static void a_run_lasts_as_long_as_it_may(void **state)
{
	(void)state;
	for (uint64_t ns = 1000; ns <= 16000000; ns *= 4) {
		uint64_t began = now();
		struct keg_exit exit;

		assert_ok(keg_vcpu_run_for(machine.vcpu, ns, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
		assert_true(now() - began >= ns);
	}
}

/* The timer may fire before the run has begun: such a run must end all the same. */
static void the_shortest_runs_end_too(void **state)
{
	(void)state;
	for (int i = 0; i < 2000; i++) {
		struct keg_exit exit;

		assert_ok(keg_vcpu_run_for(machine.vcpu, 1 + (uint64_t)i % 50, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
	}
}

static void no_time_at_all_only_completes_what_is_pending(void **state)
{
	struct keg_exit exit;

	(void)state;
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	for (int i = 0; i < 3; i++) {
		assert_ok(keg_vcpu_run_for(machine.vcpu, 0, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
	}
}

static void an_exit_comes_first(void **state)
{
	struct keg_exit exit;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_ok(keg_vcpu_run_for(machine.vcpu, UINT64_MAX / 4, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	}
}

/* A timer that was not needed does not shorten a later run. */
static void a_time_that_was_not_used_up_is_forgotten(void **state)
{
	struct keg_exit exit;

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_ok(keg_vcpu_run_for(machine.vcpu, 200000000, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
		assert_ok(keg_vcpu_run(machine.vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	}
}

static void a_kick_comes_before_the_time_is_up(void **state)
{
	struct keg_exit exit;

	(void)state;
	assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_ok(keg_vcpu_run_for(machine.vcpu, UINT64_MAX / 4, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_KICKED);
}

static void *run_briefly(void *argument)
{
	struct keg_exit *exit = argument;

	return keg_vcpu_run_for(machine.vcpu, 1000000, exit) ? (void *)1 : NULL;
}

static void another_thread_can_take_the_vcpu_over(void **state)
{
	struct keg_exit exit;

	(void)state;
	for (int i = 0; i < 10; i++) {
		pthread_t thread;
		void *failed;

		assert_int_equal(pthread_create(&thread, NULL, run_briefly, &exit), 0);
		assert_int_equal(pthread_join(thread, &failed), 0);
		assert_null(failed);
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
		assert_ok(keg_vcpu_run_for(machine.vcpu, 1000000, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
	}
}

static void it_needs_the_kick_signal(void **state)
{
	const struct keg_vm_config config = {.size = sizeof(config)};
	struct machine quiet;
	struct keg_exit exit;

	(void)state;
	machine_open(&quiet, &config);
	machine_load(&quiet, guest_spin());
	machine_add_vcpu(&quiet);
	assert_fails(keg_vcpu_run_for(quiet.vcpu, 1000, &exit), ENOTSUP, "kick_signal");
	machine_close(&quiet);
}

int main(void)
{
#define SPINNING(name) cmocka_unit_test_setup_teardown(name, start_spinning, close_machine)
#define STORING(name)  cmocka_unit_test_setup_teardown(name, start_storing, close_machine)
	const struct CMUnitTest tests[] = {
		SPINNING(a_run_lasts_as_long_as_it_may),
		SPINNING(the_shortest_runs_end_too),
		STORING(no_time_at_all_only_completes_what_is_pending),
		STORING(an_exit_comes_first),
		STORING(a_time_that_was_not_used_up_is_forgotten),
		SPINNING(a_kick_comes_before_the_time_is_up),
		SPINNING(another_thread_can_take_the_vcpu_over),
		SPINNING(it_needs_the_kick_signal),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
