/* SPDX-License-Identifier: MIT */
/* What libkeg says of a failure: keg_error_message() and the functions that fill it. */
#include "testing.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/error.h"

static void *first_message(void *message)
{
	strcpy(message, keg_error_message());
	return NULL;
}

static void message_is_empty_until_something_fails(void **state)
{
	char message[64] = "unset";
	pthread_t thread;

	(void)state;
	/* A fresh thread: whatever failed in this one is not its business. */
	keg_fail(EINVAL, "something failed here");
	assert_int_equal(pthread_create(&thread, NULL, first_message, message), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_string_equal(message, "");
}

static void failing_returns_the_negative_errno_and_notes_the_sentence(void **state)
{
	(void)state;
	assert_int_equal(keg_fail(ENOSPC, "all %d slots are taken", 32), -ENOSPC);
	assert_string_equal(keg_error_message(), "all 32 slots are taken");
}

static void failing_leaves_errno_alone(void **state)
{
	(void)state;
	errno = EPIPE;
	keg_fail(ENOSPC, "full");
	assert_int_equal(errno, EPIPE);
	keg_fail_errno(ENOSPC, "full");
	assert_int_equal(errno, EPIPE);
}

static void failing_with_an_errno_adds_what_the_system_calls_it(void **state)
{
	(void)state;
	assert_int_equal(keg_fail_errno(ENOENT, "opening %s", "/dev/kvm"), -ENOENT);
	assert_string_equal(keg_error_message(), "opening /dev/kvm: No such file or directory");
}

static void an_errno_that_nobody_knows_is_told_by_its_number(void **state)
{
	(void)state;
	assert_int_equal(keg_fail_errno(4000, "asking"), -4000);
	assert_string_equal(keg_error_message(), "asking: Unknown error 4000");
}

static void failing_within_puts_the_outer_task_in_front(void **state)
{
	int rc = keg_fail(EINVAL, "bad size");

	(void)state;
	assert_int_equal(keg_fail_within(rc, "region '%s'", "ram"), -EINVAL);
	assert_string_equal(keg_error_message(), "region 'ram': bad size");
	assert_int_equal(keg_fail_within(rc, "the board"), -EINVAL);
	assert_string_equal(keg_error_message(), "the board: region 'ram': bad size");
}

static void a_later_failure_replaces_the_message(void **state)
{
	(void)state;
	keg_fail(EINVAL, "a long first sentence");
	keg_fail(EINVAL, "second");
	assert_string_equal(keg_error_message(), "second");
}

static void an_endless_message_is_cut_and_stays_a_string(void **state)
{
	char flood[4096];

	(void)state;
	memset(flood, 'x', sizeof(flood) - 1);
	flood[sizeof(flood) - 1] = '\0';
	assert_int_equal(keg_fail(EINVAL, "%s", flood), -EINVAL);
	assert_int_equal(strlen(keg_error_message()), 511);
	assert_int_equal(keg_fail_errno(EINVAL, "%s", flood), -EINVAL);
	assert_int_equal(strlen(keg_error_message()), 511);
	assert_int_equal(keg_fail_within(-EINVAL, "%s", flood), -EINVAL);
	assert_int_equal(strlen(keg_error_message()), 511);
}

static void what_is_added_to_a_long_message_is_cut_where_it_ends(void **state)
{
	char long_task[501];

	(void)state;
	memset(long_task, 'x', sizeof(long_task) - 1);
	long_task[sizeof(long_task) - 1] = '\0';
	keg_fail(EINVAL, "0123456789");
	assert_int_equal(keg_fail_within(-EINVAL, "%s", long_task), -EINVAL);
	assert_int_equal(strlen(keg_error_message()), 511);
	assert_string_equal(keg_error_message() + 500, ": 012345678");
}

/* One thread's part in `threads_have_messages_of_their_own`. */
struct speaker {
	pthread_barrier_t *barrier;
	int number;
	bool kept;
};

static void *speak(void *argument)
{
	struct speaker *speaker = argument;
	char expected[32];

	snprintf(expected, sizeof(expected), "thread %d failed", speaker->number);
	keg_fail(EINVAL, "thread %d failed", speaker->number);
	pthread_barrier_wait(speaker->barrier); /* now all have failed */
	speaker->kept = strcmp(keg_error_message(), expected) == 0;
	return NULL;
}

static void threads_have_messages_of_their_own(void **state)
{
	enum { THREADS = 4 };
	struct speaker speakers[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t barrier;

	(void)state;
	assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
	for (int i = 0; i < THREADS; i++) {
		speakers[i] = (struct speaker){&barrier, i, false};
		assert_int_equal(pthread_create(&threads[i], NULL, speak, &speakers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_true(speakers[i].kept);
	}
	pthread_barrier_destroy(&barrier);
}

static void version_is_three_numbers(void **state)
{
	unsigned int major, minor, patch;
	char end;

	(void)state;
	assert_int_equal(sscanf(keg_version(), "%u.%u.%u%c", &major, &minor, &patch, &end), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_is_empty_until_something_fails),
		cmocka_unit_test(failing_returns_the_negative_errno_and_notes_the_sentence),
		cmocka_unit_test(failing_leaves_errno_alone),
		cmocka_unit_test(failing_with_an_errno_adds_what_the_system_calls_it),
		cmocka_unit_test(an_errno_that_nobody_knows_is_told_by_its_number),
		cmocka_unit_test(failing_within_puts_the_outer_task_in_front),
		cmocka_unit_test(a_later_failure_replaces_the_message),
		cmocka_unit_test(an_endless_message_is_cut_and_stays_a_string),
		cmocka_unit_test(what_is_added_to_a_long_message_is_cut_where_it_ends),
		cmocka_unit_test(threads_have_messages_of_their_own),
		cmocka_unit_test(version_is_three_numbers),
	};

	return cmocka_run_group_tests_name("base-error", tests, NULL, NULL);
}
