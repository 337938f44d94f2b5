/* SPDX-License-Identifier: MIT */
/* Runs one of the programs in tests/user/guests in a sandbox: it tests itself, and says "ok" for
 * each thing that is as it shall be. */
#include "testing.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>

#include <keg/host.h>
#include <keg/user.h>
#include <keg/vcpu.h>

static const char *program;
static bool network;

static void it_is_content(void **state)
{
	const char *const words[] = {program, NULL};
	const struct keg_user_config config = {.size = sizeof(config), .kick_signal = SIGRTMIN};
	struct keg_host *host;
	struct keg_user *user;
	struct keg_user_stop stop;
	char said[65536];
	ssize_t length;
	int output[2];

	(void)state;
	assert_ok(keg_kick_install(config.kick_signal));
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	assert_ok(keg_host_create(NULL, &host));
	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind_system(user));
	assert_ok(keg_user_set_network(user, network));
	assert_ok(keg_user_bind_empty(user, "/tmp", 0));
	assert_ok(keg_user_bind(user, program, NULL, 0));
	assert_ok(keg_user_set_stream(user, 1, output[1]));
	assert_ok(keg_user_set_stream(user, 2, output[1]));
	assert_ok(keg_user_load(user, program, words, NULL));
	assert_ok(keg_user_run(user, &stop));
	keg_user_destroy(user);
	keg_host_destroy(host);
	close(output[1]);
	length = read(output[0], said, sizeof(said) - 1);
	close(output[0]);
	said[length > 0 ? length : 0] = '\0';
	print_message("%s", said);
	if (stop.end != KEG_USER_EXITED)
		fail_msg("it ended by %u, signal %d: %s", stop.end, stop.signal, stop.what);
	assert_int_equal(stop.status, 0);
	assert_non_null(strstr(said, "ok "));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_content)};

	char path[PATH_MAX];

	/* The sandbox wants to know where it is, wherever this is run. */
	if (argc < 2 || !realpath(argv[1], path))
		return 2;
	program = path;
	network = argc > 2 && strcmp(argv[2], "network") == 0;
	require_kvm();
	return cmocka_run_group_tests_name(program, tests, NULL, NULL);
}
