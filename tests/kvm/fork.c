/* SPDX-License-Identifier: MIT */
/* A machine does not survive fork(2): the child is told so, and can clean up and make another. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "machine.h"

/* Each step that is not as it should be has a status of its own. */
static int child(struct machine *machine)
{
	struct machine own;
	struct keg_vcpu *vcpu;
	struct keg_exit exit;

	if (keg_vcpu_run(machine->vcpu, &exit) != -EIO)
		return 2;
	if (!strstr(keg_error_message(), "does not survive fork"))
		return 3;
	if (keg_vcpu_create(machine->vm, NULL, &vcpu) != -EIO)
		return 4;
	if (!strstr(keg_error_message(), "make a new one"))
		return 5;
	machine_close(machine);
	machine_start(&own, guest_store());
	if (keg_vcpu_run(own.vcpu, &exit) || exit.reason != KEG_EXIT_MMIO)
		return 6;
	machine_close(&own);
	return 0;
}

static void a_child_gets_a_clear_error_and_closes_cleanly(void **state)
{
	struct machine machine;
	struct keg_exit exit;
	int status;
	pid_t pid;

	(void)state;
	machine_start(&machine, guest_store());
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child(&machine));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	/* The parent's machine has not noticed. */
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	machine_close(&machine);
}

/* Timers have small numbers, which begin anew in a child. */
static int child_with_timer(struct machine *machine)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct itimerspec left;
	timer_t own;

	if (timer_create(CLOCK_MONOTONIC, &event, &own))
		return 2;
	machine_close(machine);
	return timer_gettime(own, &left) ? 3 : 0;
}

static void a_child_keeps_its_own_timers(void **state)
{
	struct machine machine;
	struct keg_exit exit;
	int status;
	pid_t pid;

	(void)state;
	machine_start(&machine, guest_store());
	assert_ok(keg_vcpu_run_for(machine.vcpu, 1000000000, &exit));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child_with_timer(&machine));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	machine_close(&machine);
}

static void a_thousand_machines_live_at_once(void **state)
{
	const int count = be_quick() ? 100 : 1000;
	int before = open_descriptors();
	struct machine *machines = calloc((size_t)count, sizeof(*machines));
	struct keg_exit exit;

	(void)state;
	assert_non_null(machines);
	/* Three descriptors each: the host, the machine, the vCPU; and statistics may want one. */
	if (!allow_descriptors((unsigned int)count * 4 + 64))
		skip();
	for (int i = 0; i < count; i++)
		machine_start(&machines[i], guest_store());
	for (int i = 0; i < count; i++) {
		assert_ok(keg_vcpu_run(machines[i].vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	}
	for (int i = 0; i < count; i++)
		machine_close(&machines[i]);
	free(machines);
	assert_int_equal(open_descriptors(), before);
	print_message("%d machines\n", count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_gets_a_clear_error_and_closes_cleanly),
		cmocka_unit_test(a_child_keeps_its_own_timers),
		cmocka_unit_test(a_thousand_machines_live_at_once),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
