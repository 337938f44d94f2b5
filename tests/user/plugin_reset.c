/* SPDX-License-Identifier: MIT */
/* A program's marked state: all that a call can do to it is taken back, its end included. */
#include "plugin_fixture.h"

#include <pthread.h>
#include <signal.h>

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

static int run(void)
{
	const struct CMUnitTest tests[] = {
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
		MARKED(a_call_and_reset_is_one_exit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char *argv[])
{
	return plugin_main(argc, argv, run);
}
