/* SPDX-License-Identifier: MIT */
/* A sandbox ends whatever its program is doing: when the time is up, and when its first process is
 * over. That a test ends at all is what it tests. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include <keg/host.h>
#include <keg/user.h>
#include <keg/vcpu.h>

static const char *program;
static struct keg_host *host;

/* By which KVM is made to forget translations. */
static atomic_bool mprotect_fails;

int __real_mprotect(void *at, size_t bytes, int protection);
int __wrap_mprotect(void *at, size_t bytes, int protection);
int __wrap_mprotect(void *at, size_t bytes, int protection)
{
	if (!atomic_load(&mprotect_fails))
		return __real_mprotect(at, bytes, protection);
	errno = ENOMEM;
	return -1;
}

static void run(const char *what, uint64_t time_ns, struct keg_user_stop *stop)
{
	const char *const words[] = {program, what, NULL};
	const struct keg_user_config config = {.size = sizeof(config),
		.kick_signal = SIGRTMIN,
		.time_ns = time_ns,
		.processes = 40};
	struct keg_user *user;

	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind(user, program, NULL, 0));
	assert_ok(keg_user_load(user, program, words, NULL));
	atomic_store(&mprotect_fails, strcmp(what, "gives_memory_back") == 0);
	assert_ok(keg_user_run(user, stop));
	atomic_store(&mprotect_fails, false);
	print_message("%s: %u\n", what, stop->end);
	keg_user_destroy(user);
}

static void when_its_time_is_up(void **state)
{
	static const char *const programs[] = {"vfork_spins", "vfork_stops", "forks"};
	struct keg_user_stop stop;

	(void)state;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		run(programs[i], 200000000, &stop);
		assert_int_equal(stop.end, KEG_USER_TIME);
	}
}

static void when_threads_are_being_made(void **state)
{
	struct keg_user_stop stop;

	(void)state;
	run("leaves_threads", 0, &stop);
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 7);
}

static void with_processes_of_processes(void **state)
{
	struct keg_user_stop stop;

	(void)state;
	for (int i = 0; i < 5; i++) {
		run("leaves_processes", 0, &stop);
		assert_int_equal(stop.end, KEG_USER_EXITED);
		assert_int_equal(stop.status, 7);
	}
}

static void when_what_it_gave_back_could_still_be_reached(void **state)
{
	struct keg_user_stop stop;

	(void)state;
	run("gives_memory_back", 0, &stop);
	assert_int_equal(stop.end, KEG_USER_FAILED);
	assert_non_null(strstr(stop.what, "forget"));
}

static int set_up(void **state)
{
	(void)state;
	if (keg_kick_install(SIGRTMIN) < 0)
		return -1;
	return keg_host_create(NULL, &host);
}

static int tear_down(void **state)
{
	(void)state;
	keg_host_destroy(host);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_its_time_is_up),
		cmocka_unit_test(when_threads_are_being_made),
		cmocka_unit_test(with_processes_of_processes),
		cmocka_unit_test(when_what_it_gave_back_could_still_be_reached),
	};

	if (argc != 2)
		return 2;
	program = realpath(argv[1], NULL);
	require_kvm();
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
