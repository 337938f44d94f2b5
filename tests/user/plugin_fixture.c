/* SPDX-License-Identifier: MIT */
/* The program that plugins' tests call. */
#include "plugin_fixture.h"

#include <signal.h>

static const char *plugin_program;
static struct keg_host *host;
struct keg_user *user;
struct keg_user_stop stop;

uint64_t symbol(const char *name)
{
	uint64_t at;

	assert_ok(keg_user_symbol(user, name, &at));
	return at;
}

void load(const char *const words[])
{
	const struct keg_user_config config = {
		.size = sizeof(config), .memory = 64 << 20, .kick_signal = SIGRTMIN};

	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind_empty(user, "/tmp", 0));
	assert_ok(keg_user_bind_system(user));
	assert_ok(keg_user_bind(user, plugin_program, NULL, 0));
	assert_ok(keg_user_load(user, plugin_program, words, NULL));
}

int start(void **state)
{
	(void)state;
	load((const char *const[]){"plugin", NULL});
	assert_ok(keg_user_run_to(user, symbol("rest"), &stop));
	assert_int_equal(stop.end, KEG_USER_REACHED);
	return 0;
}

int start_marked(void **state)
{
	start(state);
	assert_ok(keg_user_mark(user));
	return 0;
}

int end(void **state)
{
	(void)state;
	keg_user_destroy(user);
	user = NULL;
	return 0;
}

uint64_t call_of(struct keg_user *which, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t arguments[] = {a, b, c};
	struct keg_user_stop why;
	uint64_t function, result;

	assert_ok(keg_user_symbol(which, name, &function));
	assert_ok(keg_user_call(which, function, arguments, 3, 0, &result, &why));
	if (why.end != KEG_USER_RETURNED)
		fail_msg("%s: end %u, signal %d: %s", name, why.end, why.signal, why.what);
	return result;
}

uint64_t call(const char *name, uint64_t a)
{
	return call_of(user, name, a, 0, 0);
}

uint32_t end_of(const char *name, uint64_t a, uint64_t limit_ns)
{
	uint64_t result;

	assert_ok(keg_user_call(user, symbol(name), &a, 1, limit_ns, &result, &stop));
	return stop.end;
}

int plugin_main(int argc, char *argv[], int (*run)(void))
{
	int failed;

	require_kvm();
	if (argc != 2) {
		fprintf(stderr, "usage: %s PROGRAM\n", argv[0]);
		return 2;
	}
	plugin_program = realpath(argv[1], NULL);
	assert_ok(keg_kick_install(SIGRTMIN));
	assert_ok(keg_host_create(NULL, &host));
	failed = run();
	keg_host_destroy(host);
	return failed;
}
