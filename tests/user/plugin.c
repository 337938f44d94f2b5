/* SPDX-License-Identifier: MIT */
/* Programs as functions: run to a point, called, cloned, offered functions. */
#include "plugin_fixture.h"

#include <pthread.h>

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

static int run(void)
{
	const struct CMUnitTest tests[] = {
		FREE(a_program_runs_to_a_point_and_on),
		FREE(a_point_that_is_not_reached_is_no_trouble),
		cmocka_unit_test_teardown(a_child_runs_past_the_point, end),
		FREE(functions_are_called),
		FREE(calls_do_not_disturb_the_program),
		FREE(the_host_offers_functions),
		FREE(returns_are_not_forged),
		FREE(clones_go_their_own_ways),
		MARKED(clones_work_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char *argv[])
{
	return plugin_main(argc, argv, run);
}
