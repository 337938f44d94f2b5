/* SPDX-License-Identifier: MIT */
/* What a run says of a program that was ended by a fault, or by a signal. */
#include "testing.h"

#include <signal.h>

#include <keg/host.h>
#include <keg/user.h>
#include <keg/vcpu.h>

static const char *program;
static struct keg_host *host;

static void run(const char *what, struct keg_user_stop *stop)
{
	const char *const words[] = {program, what, NULL};
	const struct keg_user_config config = {.size = sizeof(config), .kick_signal = SIGRTMIN};
	struct keg_user *user;

	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind(user, program, NULL, 0));
	assert_ok(keg_user_load(user, program, words, NULL));
	assert_ok(keg_user_run(user, stop));
	print_message("%s: %s\n", what, stop->what);
	assert_int_equal(stop->end, KEG_USER_KILLED);
	assert_true(stop->rip > 0 && stop->rsp > 0);
	assert_int_equal(stop->rsp, stop->registers[4]);
	keg_user_destroy(user);
}

/* A fault: how it is told. */
static void expect(
	const char *what, int signo, unsigned vector, uint64_t address, const char *const words[3])
{
	struct keg_user_stop stop;

	run(what, &stop);
	assert_int_equal(stop.signal, signo);
	assert_int_equal(stop.vector, vector);
	assert_int_equal(stop.address, address);
	for (int i = 0; i < 3 && words[i]; i++) {
		if (!strstr(stop.what, words[i]))
			fail_msg("\"%s\" lacks \"%s\"", stop.what, words[i]);
	}
}

#define WORDS(...)                                                                                 \
	(const char *const[3])                                                                     \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}

static void page_faults(void **state)
{
	(void)state;
	expect("read_null", SIGSEGV, 14, 0x10,
		WORDS("read of 0x10", "crash+0x", "nothing is mapped"));
	expect("write_constant", SIGSEGV, 14, 0x10000000,
		WORDS("write to 0x10000000", "crash+0x", "not writable"));
	expect("run_data", SIGSEGV, 14, 0x10000000,
		WORDS("jump to 0x10000000", "at 0x10000000", "not executable"));
}

static void other_exceptions(void **state)
{
	(void)state;
	expect("divide", SIGFPE, 0, 0, WORDS("division by zero", "crash+0x"));
	expect("illegal", SIGILL, 6, 0, WORDS("invalid instruction", "crash+0x"));
	expect("privileged", SIGSEGV, 13, 0, WORDS("general protection", "crash+0x"));
}

static void signals(void **state)
{
	(void)state;
	expect("terminate", SIGTERM, 0, 0, WORDS("SIGTERM"));
	expect("abort", SIGABRT, 0, 0, WORDS("SIGABRT"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_faults),
		cmocka_unit_test(other_exceptions),
		cmocka_unit_test(signals),
	};

	if (argc != 2)
		return 2;
	program = realpath(argv[1], NULL);
	require_kvm();
	if (keg_kick_install(SIGRTMIN) || keg_host_create(NULL, &host))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
