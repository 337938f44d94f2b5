/* SPDX-License-Identifier: MIT */
/* Programs as functions: called, brought back to a state, cloned, offered functions. The program is
 * guests/plugin.c. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <keg/keg.h>

static const char *program;
static struct keg_host *host;
static struct keg_user *user;
static struct keg_user_stop stop;

static uint64_t symbol(const char *name)
{
	uint64_t at;

	assert_ok(keg_user_symbol(user, name, &at));
	return at;
}

static void load(const char *const words[])
{
	const struct keg_user_config config = {
		.size = sizeof(config), .memory = 64 << 20, .kick_signal = SIGRTMIN};

	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind_empty(user, "/tmp", 0));
	assert_ok(keg_user_bind_system(user));
	assert_ok(keg_user_bind(user, program, NULL, 0));
	assert_ok(keg_user_load(user, program, words, NULL));
}

/* Loads the program and runs it to `rest`. */
static int start(void **state)
{
	(void)state;
	load((const char *const[]){"plugin", NULL});
	assert_ok(keg_user_run_to(user, symbol("rest"), &stop));
	assert_int_equal(stop.end, KEG_USER_REACHED);
	return 0;
}

static int start_marked(void **state)
{
	start(state);
	assert_ok(keg_user_mark(user));
	return 0;
}

static int end(void **state)
{
	(void)state;
	keg_user_destroy(user);
	user = NULL;
	return 0;
}

static uint64_t call_of(
	struct keg_user *which, const char *name, uint64_t a, uint64_t b, uint64_t c)
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

static uint64_t call(const char *name, uint64_t a)
{
	return call_of(user, name, a, 0, 0);
}

/* One that does not return. */
static uint32_t end_of(const char *name, uint64_t a, uint64_t limit_ns)
{
	uint64_t result;

	assert_ok(keg_user_call(user, symbol(name), &a, 1, limit_ns, &result, &stop));
	return stop.end;
}

static void a_program_runs_to_a_point_and_on(void **state)
{
	(void)state;
	assert_int_equal(stop.rip, symbol("rest"));
	/* It is there already. */
	assert_ok(keg_user_run_to(user, symbol("rest"), &stop));
	assert_int_equal(stop.end, KEG_USER_REACHED);
	assert_ok(keg_user_run(user, &stop));
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 7);
	assert_fails(keg_user_run_to(user, 0x400000, &stop), EINVAL, "has ended");
}

static void a_point_that_is_not_reached_is_no_trouble(void **state)
{
	(void)state;
	assert_fails(keg_user_run_to(user, 16, &stop), EFAULT, "nothing is at 0x10");
	assert_ok(keg_user_run_to(user, symbol("count"), &stop));
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 7);
}

/* What a fork copies is not the point's. */
static void a_child_runs_past_the_point(void **state)
{
	(void)state;
	load((const char *const[]){"plugin", "fork", NULL});
	assert_ok(keg_user_run_to(user, symbol("landing"), &stop));
	assert_int_equal(stop.end, KEG_USER_REACHED);
	assert_ok(keg_user_run(user, &stop));
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 5);
}

static void functions_are_called(void **state)
{
	const uint64_t six[] = {1, 2, 3, 4, 5, 6, 7};
	uint64_t result = 0;

	(void)state;
	assert_ok(keg_user_call(user, symbol("join"), six, 6, 0, &result, &stop));
	assert_int_equal(stop.end, KEG_USER_RETURNED);
	assert_int_equal(result, 0x060504030201);
	assert_fails(
		keg_user_call(user, symbol("join"), six, 7, 0, &result, &stop), EINVAL, "7 arg");
	assert_int_equal(call("stack_alignment", 0), 1);
	assert_int_equal(call("count", 0), 1);
	assert_int_equal(call("count", 0), 2);
}

static void calls_do_not_disturb_the_program(void **state)
{
	(void)state;
	call("set_vector", 55);
	assert_int_equal(call("get_vector", 0), 55);
	assert_ok(keg_user_run(user, &stop));
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 7);
}

static void a_reset_brings_memory_back(void **state)
{
	uint64_t first;

	(void)state;
	first = call("big", 0);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(call("count", 0), 1);
		assert_ok(keg_user_reset(user));
		assert_int_equal(call("big", 0), first);
		assert_int_not_equal(call("big", 0), first);
		assert_ok(keg_user_reset(user));
	}
}

static void a_reset_brings_registers_back(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		call("set_vector", 55);
		call("set_base", 0x5000);
		assert_int_equal(call("get_base", 0), 0x5000);
		assert_ok(keg_user_reset(user));
		assert_int_equal(call("get_vector", 0), 0x1234567);
		assert_int_equal(call("get_base", 0), 0);
		assert_ok(keg_user_reset(user));
	}
	call("set_vector", 55);
	assert_ok(keg_user_reset(user));
	/* The program itself goes on with them too. */
	assert_ok(keg_user_run(user, &stop));
	assert_int_equal(stop.status, 7);
	/* And has ended then, but not for good. */
	assert_ok(keg_user_run(user, &stop));
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_ok(keg_user_reset(user));
	assert_int_equal(call("count", 0), 1);
}

static void a_reset_brings_mappings_back(void **state)
{
	const uint64_t at = 0x10000000;
	uint64_t heap, buffer;

	(void)state;
	heap = call("break_at", 0);
	assert_int_equal(call("map_at", at), at);
	assert_int_equal(call("grow_heap", 0), heap + 4096);
	assert_ok(keg_user_allocate(user, 10000, &buffer));
	assert_ok(keg_user_write(user, buffer + 9000, "x", 1));
	assert_ok(keg_user_reset(user));
	assert_int_equal(call("break_at", 0), heap);
	assert_fails(keg_user_write(user, buffer, "x", 1), EFAULT, "0x");
	assert_int_equal(call("map_at", at), at);
	/* What it runs in. */
	assert_int_equal(end_of("unmap", symbol("unmap") & ~0xfffull, 0), KEG_USER_KILLED);
	assert_ok(keg_user_reset(user));
	assert_int_equal(call("count", 0), 1);
}

static void a_reset_brings_files_and_signals_back(void **state)
{
	uint64_t fd;

	(void)state;
	fd = call("open_root", 0);
	assert_in_range(fd, 0, 100);
	assert_int_equal(call("change_directory", 0), 0);
	call("handle", 0);
	assert_int_equal(call("raise_it", 0), 1000 + SIGUSR1);
	assert_ok(keg_user_reset(user));
	assert_int_equal(call("close_file", fd), EBADF);
	assert_int_equal(call("handler_of", 0), 0);
	assert_int_equal(call("directory_length", 0), 1);
	assert_int_equal(call("open_root", 0), fd);
}

static void what_ends_is_brought_back(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		uint64_t first = call("big", 0);

		assert_int_equal(end_of("crash", 0x123, 0), KEG_USER_KILLED);
		assert_int_equal(stop.signal, SIGSEGV);
		assert_int_equal(stop.vector, 14);
		assert_int_equal(stop.address, 0x123);
		assert_fails(keg_user_call(user, 1, NULL, 0, 0, &first, &stop), EINVAL, "ended");
		assert_ok(keg_user_reset(user));
		assert_int_equal(end_of("leave", 3, 0), KEG_USER_EXITED);
		assert_int_equal(stop.status, 3);
		assert_ok(keg_user_reset(user));
		assert_int_equal(end_of("eat", 0, 0), KEG_USER_MEMORY);
		assert_ok(keg_user_reset(user));
		assert_int_equal(end_of("raise_it", 0, 0), KEG_USER_KILLED);
		assert_int_equal(stop.signal, SIGUSR1);
		assert_ok(keg_user_reset(user));
		assert_int_equal(call("count", 0), 1);
		assert_ok(keg_user_reset(user));
	}
}

static void what_loops_is_stopped(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(end_of("loop", 0, 20000000), KEG_USER_TIME);
		assert_ok(keg_user_reset(user));
		assert_int_equal(call("count", 0), 1);
		assert_ok(keg_user_reset(user));
	}
	assert_int_equal(end_of("stop_self", 0, 20000000), KEG_USER_TIME);
	assert_ok(keg_user_reset(user));
	/* A limit that is not reached. */
	assert_int_equal(end_of("count", 0, 1000000000000), KEG_USER_RETURNED);
}

static void *interrupt(void *context)
{
	(void)context;
	usleep(20000);
	keg_user_interrupt(user);
	return NULL;
}

static void a_call_is_interrupted(void **state)
{
	pthread_t other;

	(void)state;
	assert_int_equal(pthread_create(&other, NULL, interrupt, NULL), 0);
	assert_int_equal(end_of("loop", 0, 0), KEG_USER_INTERRUPTED);
	pthread_join(other, NULL);
	assert_ok(keg_user_reset(user));
	assert_int_equal(call("count", 0), 1);
}

static void threads_and_children_end_with_a_reset(void **state)
{
	struct keg_user *clone;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(call("thread", 0), 0);
		assert_fails(keg_user_mark(user), EBUSY, "2 threads");
		assert_in_range(call("child", 0), 3, 1000);
		assert_ok(keg_user_reset(user));
		assert_int_equal(call("count", 0), 1);
		assert_ok(keg_user_reset(user));
	}
	assert_int_equal(call("thread", 0), 0);
	assert_int_equal(end_of("crash", 0x123, 0), KEG_USER_KILLED);
	assert_ok(keg_user_reset(user));
	assert_ok(keg_user_mark(user));
	assert_int_equal(call("thread", 0), 0);
	assert_ok(keg_user_clone(user, &clone));
	keg_user_destroy(clone);
}

static void what_is_marked_executes_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(call("execute", 0), EPERM);
	assert_ok(keg_user_reset(user));
}

static void what_was_not_marked_is_not_reset(void **state)
{
	(void)state;
	assert_fails(keg_user_reset(user), EINVAL, "no mark");
	assert_int_equal(end_of("crash", 0x123, 0), KEG_USER_KILLED);
	assert_fails(keg_user_mark(user), EINVAL, "has ended");
	assert_fails(keg_user_reset(user), EINVAL, "has ended");
}

struct heard {
	uint64_t arguments[6];
	char text[8];
	uint64_t at;
};

static int64_t listen_to(void *context, struct keg_user *of, const uint64_t arguments[6])
{
	struct heard *heard = context;
	struct keg_user_stop nested;
	uint64_t result;

	memcpy(heard->arguments, arguments, sizeof(heard->arguments));
	assert_ok(keg_user_read(of, arguments[0], heard->text, sizeof(heard->text)));
	assert_ok(keg_user_write(of, arguments[0], "answer", 7));
	assert_fails(keg_user_call(of, 1, NULL, 0, 0, &result, &nested), EBUSY, "running");
	assert_fails(keg_user_reset(of), EBUSY, "running");
	return -77;
}

static void the_host_offers_functions(void **state)
{
	struct heard heard;
	char text[8];

	(void)state;
	assert_fails(keg_user_offer(user, 256, listen_to, NULL), EINVAL, "256");
	assert_ok(keg_user_offer(user, 255, listen_to, &heard));
	assert_ok(keg_user_allocate(user, 100, &heard.at));
	assert_ok(keg_user_write(user, heard.at, "request", 8));
	assert_int_equal(call_of(user, "host", KEG_USER_HOST_CALL + 255, heard.at, 2), -77);
	assert_string_equal(heard.text, "request");
	assert_int_equal(heard.arguments[1], 2);
	assert_int_equal(heard.arguments[5], 6);
	assert_ok(keg_user_read(user, heard.at, text, sizeof(text)));
	assert_string_equal(text, "answer");
	assert_int_equal(call_of(user, "host", KEG_USER_HOST_CALL + 254, heard.at, 2), -ENOSYS);
	assert_ok(keg_user_free(user, heard.at, 100));
	assert_fails(keg_user_read(user, heard.at, text, 8), EFAULT, "reading 8 bytes");
}

/* keg's own return from a call means nothing elsewhere. */
static void returns_are_not_forged(void **state)
{
	(void)state;
	assert_int_equal(call("forge", KEG_USER_HOST_CALL + 256), -ENOSYS);
	assert_int_equal(call("forge", KEG_USER_HOST_CALL + 257), -ENOSYS);
	assert_int_equal(call("forge", KEG_USER_HOST_CALL - 1), -ENOSYS);
}

static void clones_go_their_own_ways(void **state)
{
	struct keg_user *clone, *second;

	(void)state;
	call("count", 0);
	assert_ok(keg_user_clone(user, &clone));
	assert_ok(keg_user_clone(clone, &second));
	assert_int_equal(call("count", 0), 2);
	assert_int_equal(call("count", 0), 3);
	assert_int_equal(call_of(clone, "count", 0, 0, 0), 2);
	keg_user_destroy(user);
	user = NULL;
	assert_int_equal(call_of(second, "count", 0, 0, 0), 2);
	assert_int_equal(call_of(clone, "get_vector", 0, 0, 0), 0x1234567);
	keg_user_destroy(second);
	assert_int_equal(call_of(clone, "count", 0, 0, 0), 3);
	assert_ok(keg_user_run(clone, &stop));
	assert_int_equal(stop.status, 7);
	keg_user_destroy(clone);
}

enum { CLONES = 4 };

static void *work(void *context)
{
	struct keg_user *clone = context;

	for (int i = 0; i < (be_quick() ? 20 : 100); i++) {
		if (call_of(clone, "count", 0, 0, 0) != 1)
			return "a count is wrong";
		call_of(clone, "big", 0, 0, 0);
		if (keg_user_reset(clone))
			return "no reset";
	}
	return NULL;
}

static void clones_work_at_once(void **state)
{
	struct keg_user *clones[CLONES];
	pthread_t threads[CLONES];

	(void)state;
	call("count", 0); /* the clones are of the marked state all the same */
	for (int i = 0; i < CLONES; i++)
		assert_ok(keg_user_clone(user, &clones[i]));
	for (int i = 0; i < CLONES; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, clones[i]), 0);
	for (int i = 0; i < CLONES; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
		keg_user_destroy(clones[i]);
	}
	assert_int_equal(call("count", 0), 1);
}

/* A thousand calls and resets that only compute: one KVM_RUN each. */
static void a_call_and_reset_is_one_exit(void **state)
{
	struct keg_user_stats before = {.size = sizeof(before)}, after = before;
	uint64_t function = symbol("count");
	const int times = 100;

	(void)state;
	for (int i = 0; i < 10 + times; i++) {
		uint64_t result;

		if (i == 10)
			assert_ok(keg_user_stats(user, &before));
		assert_ok(keg_user_call(user, function, NULL, 0, 0, &result, &stop));
		assert_int_equal(result, 1);
		assert_ok(keg_user_reset(user));
	}
	assert_ok(keg_user_stats(user, &after));
	assert_in_range(after.exits - before.exits, times, times + times / 10);
	assert_int_equal(after.faults, before.faults);
}

int main(int argc, char *argv[])
{
#define FREE(name)   cmocka_unit_test_setup_teardown(name, start, end)
#define MARKED(name) cmocka_unit_test_setup_teardown(name, start_marked, end)
	const struct CMUnitTest tests[] = {
		FREE(a_program_runs_to_a_point_and_on),
		FREE(a_point_that_is_not_reached_is_no_trouble),
		cmocka_unit_test_teardown(a_child_runs_past_the_point, end),
		FREE(functions_are_called),
		FREE(calls_do_not_disturb_the_program),
		MARKED(a_reset_brings_memory_back),
		MARKED(a_reset_brings_registers_back),
		MARKED(a_reset_brings_mappings_back),
		MARKED(a_reset_brings_files_and_signals_back),
		MARKED(what_ends_is_brought_back),
		MARKED(what_loops_is_stopped),
		MARKED(a_call_is_interrupted),
		MARKED(threads_and_children_end_with_a_reset),
		MARKED(what_is_marked_executes_nothing_else),
		FREE(what_was_not_marked_is_not_reset),
		FREE(the_host_offers_functions),
		FREE(returns_are_not_forged),
		FREE(clones_go_their_own_ways),
		MARKED(clones_work_at_once),
		MARKED(a_call_and_reset_is_one_exit),
	};
	int failed;

	require_kvm();
	if (argc != 2) {
		fprintf(stderr, "usage: test-user-plugin PROGRAM\n");
		return 2;
	}
	program = argv[1];
	assert_ok(keg_kick_install(SIGRTMIN));
	assert_ok(keg_host_create(NULL, &host));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keg_host_destroy(host);
	return failed;
}
