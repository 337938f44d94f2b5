/* SPDX-License-Identifier: MIT */
/* Kicks: none is lost, none is left over. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "machine.h"

static struct machine machine;

static int start_machine(void **state)
{
	(void)state;
	machine_start(&machine, guest_spin());
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

static void a_kick_before_the_run_ends_it_at_once(void **state)
{
	struct keg_exit exit;

	(void)state;
	assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_KICKED);
}

static void kicks_that_nobody_has_taken_count_as_one(void **state)
{
	struct keg_exit exit;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_KICKED);
	/* No kick is left: only the time ends this. */
	assert_ok(keg_vcpu_run_for(machine.vcpu, 2000000, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
}

static void a_kick_waits_for_its_run_while_a_read_is_completed(void **state)
{
	struct keg_exit exit;

	(void)state;
	assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_int_equal(keg_vcpu_complete(machine.vcpu, &exit), 0);
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_KICKED);
}

static atomic_bool stop;
static atomic_uint foreign_signals;

/* A thread that runs the vCPU until it is kicked. */
static void *run_until_kicked(void *argument)
{
	struct keg_exit *exit = argument;

	do {
		if (keg_vcpu_run(machine.vcpu, exit) < 0)
			return (void *)keg_error_message();
		if (exit->reason == KEG_EXIT_INTR)
			atomic_fetch_add(&foreign_signals, 1);
	} while (exit->reason == KEG_EXIT_INTR);
	return NULL;
}

static void a_running_guest_is_interrupted(void **state)
{
	struct keg_exit exit;
	pthread_t thread;
	void *message;

	(void)state;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(pthread_create(&thread, NULL, run_until_kicked, &exit), 0);
		if (i % 2)
			sched_yield();
		assert_ok(keg_vcpu_kick(machine.vcpu));
		assert_int_equal(pthread_join(thread, &message), 0);
		assert_null(message);
		assert_int_equal(exit.reason, KEG_EXIT_KICKED);
	}
}

static void on_other_signal(int signo)
{
	(void)signo;
}

/* A signal that is not keg's is told as such, and is no kick. */
static void a_foreign_signal_is_told_apart(void **state)
{
	struct sigaction action = {.sa_handler = on_other_signal};
	struct keg_exit exit;
	pthread_t thread;
	void *message;

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
	atomic_store(&foreign_signals, 0);
	assert_int_equal(pthread_create(&thread, NULL, run_until_kicked, &exit), 0);
	while (atomic_load(&foreign_signals) == 0) {
		assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
		sched_yield();
	}
	assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_int_equal(pthread_join(thread, &message), 0);
	assert_null(message);
	assert_int_equal(exit.reason, KEG_EXIT_KICKED);
}

static void without_a_signal_only_the_next_run_is_reached(void **state)
{
	const struct keg_vm_config config = {.size = sizeof(config)};
	struct machine quiet;
	struct keg_exit exit;

	(void)state;
	machine_open(&quiet, &config);
	machine_load(&quiet, guest_spin());
	machine_add_vcpu(&quiet);
	assert_fails(keg_vcpu_kick(quiet.vcpu), ENOTSUP, "only the next run returns");
	assert_ok(keg_vcpu_run(quiet.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_KICKED);
	machine_close(&quiet);
}

static void a_signal_that_the_program_handles_is_not_taken(void **state)
{
	struct sigaction action = {.sa_handler = on_other_signal};

	(void)state;
	assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
	assert_fails(keg_kick_install(SIGUSR2), EBUSY, "signal 12");
	assert_fails(keg_kick_install(SIGKILL), EINVAL, "9 is no signal that can be");
	assert_fails(keg_kick_install(0), EINVAL, "no signal");
	assert_fails(keg_kick_install(9999), EINVAL, "no signal");
	assert_ok(keg_kick_install(machine_kick_signal()));
}

/* ---- A million kicks ---- */

enum { KICKERS = 2 };

static uint64_t kicks_wanted(void)
{
	return be_quick() ? 20000 : 1000000;
}

static atomic_ullong kicks_begun; /* about to be sent */
static atomic_ullong kicks_done;  /* keg_vcpu_kick() has returned */
static atomic_ullong answered;    /* kicks that had begun when a kicked run returned */

static void *kick_often(void *argument)
{
	uint64_t each = *(const uint64_t *)argument;

	for (uint64_t i = 0; i < each; i++) {
		atomic_fetch_add(&kicks_begun, 1);
		keg_vcpu_kick(machine.vcpu);
		atomic_fetch_add(&kicks_done, 1);
		/* Now and then, wait until it was answered, so that runs go on between. */
		if (i % 64 == 0) {
			unsigned long long mine = atomic_load(&kicks_done);

			while (atomic_load(&answered) < mine && !atomic_load(&stop))
				sched_yield();
		}
	}
	return NULL;
}

struct tally {
	uint64_t kicked, others;
	bool failed;
};

static void *run_and_count(void *argument)
{
	struct tally *tally = argument;

	while (!atomic_load(&stop)) {
		struct keg_exit exit;

		if (keg_vcpu_run(machine.vcpu, &exit) < 0) {
			tally->failed = true;
			atomic_store(&stop, true);
		} else if (exit.reason == KEG_EXIT_KICKED) {
			/* Whatever had begun before is answered by this, or by a later one. */
			tally->kicked++;
			atomic_store(&answered, atomic_load(&kicks_begun));
		} else {
			tally->others++;
		}
	}
	return NULL;
}

/*
 * Nothing is lost: every kicker that waits for an answer gets one. Nothing is left over: no run
 * returns for another reason than a kick, there are no more answers than kicks, and in the end a
 * run goes on until its time is up.
 */
static void a_million_kicks_are_neither_lost_nor_left_over(void **state)
{
	uint64_t each = kicks_wanted() / KICKERS;
	pthread_t runner, kickers[KICKERS];
	struct tally tally = {0};
	struct keg_exit exit;

	(void)state;
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&runner, NULL, run_and_count, &tally), 0);
	for (int i = 0; i < KICKERS; i++)
		assert_int_equal(pthread_create(&kickers[i], NULL, kick_often, &each), 0);
	for (int i = 0; i < KICKERS; i++)
		assert_int_equal(pthread_join(kickers[i], NULL), 0);
	assert_false(tally.failed);
	atomic_store(&stop, true);
	assert_ok(keg_vcpu_kick(machine.vcpu));
	assert_int_equal(pthread_join(runner, NULL), 0);
	assert_int_equal(atomic_load(&kicks_done), each * KICKERS);
	assert_int_equal(tally.others, 0);
	assert_in_range(tally.kicked, 1, each * KICKERS + 1);
	print_message("%llu kicks, %llu runs answered them\n", (unsigned long long)(each * KICKERS),
		(unsigned long long)tally.kicked);
	/* The last kick may have come after the runner's last look. */
	assert_ok(keg_vcpu_run_for(machine.vcpu, 2000000, &exit));
	if (exit.reason == KEG_EXIT_KICKED)
		assert_ok(keg_vcpu_run_for(machine.vcpu, 2000000, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_TIMEOUT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(a_kick_before_the_run_ends_it_at_once),
		TEST(kicks_that_nobody_has_taken_count_as_one),
		TEST(a_kick_waits_for_its_run_while_a_read_is_completed),
		TEST(a_running_guest_is_interrupted),
		TEST(a_foreign_signal_is_told_apart),
		TEST(without_a_signal_only_the_next_run_is_reached),
		TEST(a_signal_that_the_program_handles_is_not_taken),
		TEST(a_million_kicks_are_neither_lost_nor_left_over),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
