/* SPDX-License-Identifier: MIT */
/* keg exec: what --trace and --stats print, in words and as JSON. */
#include "program.h"

#include <signal.h>

#include <jansson.h>

#define exec(outcome, ...) run_keg(outcome, "exec", __VA_ARGS__)

static int remove_files(void **state)
{
	(void)state;
	program_remove_files();
	return 0;
}

static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	assert_non_null(file);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
	fclose(file);
	return text;
}

static void a_trace_in_words(void **state)
{
	const char *path = program_file("", 0);
	struct outcome outcome;
	char option[128], *text;

	(void)state;
	exec(&outcome, "--trace", "--", "/bin/echo", "hello");
	assert_string_equal(outcome.out, "hello\n");
	assert_has(outcome.err, "2 write(1, \"hello\\n\", 6) = 6\n");
	assert_has(outcome.err, "/ld.so.cache\", O_RDONLY|O_CLOEXEC");
	assert_has(outcome.err, "2 exit_group(0) = ?\n");
	program_release(&outcome);
	snprintf(option, sizeof(option), "--trace=%s", path);
	exec(&outcome, option, "--deny", "uname", "--", EXEC_GUEST, "uname");
	assert_string_equal(outcome.err, "");
	text = read_whole(path);
	assert_has(text, "= -1 EPERM (Operation not permitted) [not served]\n");
	assert_has(text, "exit_group(1) = ?\n");
	free(text);
	program_release(&outcome);
}

/* A line's member, which has to be there. */
static json_t *member(const json_t *line, const char *name)
{
	json_t *value = json_object_get(line, name);

	if (!value)
		fail_msg("there is no \"%s\"", name);
	return value;
}

/* Every line is an object of its own; returns how many. */
static size_t check_lines(char *text, const char *wanted, bool *found)
{
	size_t count = 0;

	*found = false;
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), count++) {
		json_error_t error;
		json_t *root = json_loads(line, JSON_REJECT_DUPLICATES, &error);

		if (!root)
			fail_msg("%s: %s", error.text, line);
		assert_true(json_integer_value(member(root, "pid")) >= 2);
		assert_true(json_integer_value(member(root, "tid")) >= 2);
		assert_true(json_is_integer(member(root, "number")));
		assert_true(json_is_string(member(root, "call")));
		assert_true(json_real_value(member(root, "at")) > 0);
		assert_true(json_real_value(member(root, "seconds")) >= 0);
		assert_true(json_is_boolean(member(root, "served")));
		assert_int_equal(json_array_size(member(root, "arguments")), 6);
		assert_true(json_is_integer(member(root, "result")) ||
			    json_is_null(member(root, "result")));
		if (strcmp(json_string_value(member(root, "text")), wanted) == 0)
			*found = true;
		json_decref(root);
	}
	return count;
}

static void a_trace_as_json(void **state)
{
	const char *path = program_file("", 0);
	struct outcome outcome;
	char option[128], *text;
	bool found;

	(void)state;
	snprintf(option, sizeof(option), "--trace=%s", path);
	exec(&outcome, option, "--json", "--", "/bin/sh", "-c", "echo \"\xff\\\"\"; (exit 3)");
	assert_int_equal(outcome.status, 3);
	assert_string_equal(outcome.err, "");
	text = read_whole(path);
	assert_true(check_lines(text, "write(1, \"\\xff\\\"\\n\", 3) = 3", &found) > 20);
	assert_true(found);
	free(text);
	program_release(&outcome);
}

/* The program has run: its status stays, and what was lost is told of. */
static void a_trace_that_cannot_be_written(void **state)
{
	struct outcome outcome;

	(void)state;
	exec(&outcome, "--trace=/dev/full", "--", "/bin/echo", "hello");
	assert_string_equal(outcome.out, "hello\n");
	assert_string_equal(outcome.err, "keg: --trace: No space left on device\n");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

static void statistics_in_words(void **state)
{
	struct outcome outcome;

	(void)state;
	exec(&outcome, "--stats", "--", "/bin/sh", "-c", "exit 7");
	assert_int_equal(outcome.status, 7);
	assert_has(outcome.err, "keg: exited with status 7\n");
	assert_has(outcome.err, "system call\n");
	assert_has(outcome.err, "  exit_group\n");
	assert_has(outcome.err, "1, with 1 thread\n");
	program_release(&outcome);
	exec(&outcome, "-s", "--", "/bin/sh", "-c", "kill -TERM $$");
	assert_has(outcome.err, "keg: killed by signal 15 (Terminated)\n");
	assert_int_equal(outcome.signo, SIGTERM);
	program_release(&outcome);
	exec(&outcome, "-s", "--deny", "uname", "--", EXEC_GUEST, "uname");
	assert_has(outcome.err, "  uname (refused)\n");
	program_release(&outcome);
}

/* The count of a call by its name; fails where there is none. */
static json_int_t count_of(const json_t *root, const char *name, const char *what)
{
	const json_t *call;
	size_t i;

	json_array_foreach(member(root, "calls"), i, call)
	{
		if (strcmp(json_string_value(member(call, "name")), name) == 0)
			return json_integer_value(member(call, what));
	}
	fail_msg("no call is named %s", name);
	return 0;
}

static void statistics_as_json(void **state)
{
	struct outcome outcome;
	json_t *root;

	(void)state;
	exec(&outcome, "--stats", "--json", "--deny", "uname", "--", EXEC_GUEST, "uname");
	root = json_loads(outcome.err, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(json_string_value(member(root, "end")), "exited");
	assert_int_equal(json_integer_value(member(root, "status")), 1);
	assert_int_equal(json_integer_value(member(root, "signal")), 0);
	assert_int_equal(json_integer_value(member(root, "processes")), 1);
	assert_int_equal(json_integer_value(member(root, "threads")), 1);
	assert_int_equal(json_integer_value(member(root, "memory_limit")), 4LL << 30);
	assert_true(json_integer_value(member(root, "memory_highest")) > 0);
	assert_true(json_integer_value(member(root, "exits")) >=
		    json_integer_value(member(root, "syscalls")));
	assert_true(json_is_integer(member(root, "faults")));
	assert_true(json_real_value(member(root, "seconds")) > 0);
	assert_true(json_real_value(member(root, "start_seconds")) > 0);
	assert_int_equal(count_of(root, "uname", "calls"), 1);
	assert_int_equal(count_of(root, "uname", "refused"), 1);
	assert_int_equal(count_of(root, "exit_group", "refused"), 0);
	json_decref(root);
	program_release(&outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_trace_in_words, remove_files),
		cmocka_unit_test_teardown(a_trace_as_json, remove_files),
		cmocka_unit_test(a_trace_that_cannot_be_written),
		cmocka_unit_test(statistics_in_words),
		cmocka_unit_test(statistics_as_json),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
