/* SPDX-License-Identifier: MIT */
/*
 * That the benchmarks run and say what they found. Times are nobody's business here: only what
 * comes out the same on every host is asserted.
 */
#include <stdbool.h>
#include <sys/wait.h>

#include <jansson.h>

#include "testing.h"

static const char *program;

/* Runs the program with the options, its output in `output`. Returns its exit status. */
static int run(const char *options, char *output, size_t size)
{
	char command[512];
	size_t used;
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' %s 2>&1", program, options);
	pipe = popen(command, "r"); /* NOLINT(cert-env33-c): the test's own words */
	assert_non_null(pipe);
	used = fread(output, 1, size - 1, pipe);
	output[used] = 0;
	return WEXITSTATUS(pclose(pipe));
}

static json_t *measure(const char *options)
{
	static char output[256 << 10];
	json_error_t error;
	json_t *root;

	if (run(options, output, sizeof(output)))
		fail_msg("%s: %s", options, output);
	root = json_loads(output, 0, &error);
	if (!root)
		fail_msg("line %d: %s, in: %s", error.line, error.text, output);
	return root;
}

/* The figure of a side, a finite number that is not negative. */
static double figure(const json_t *row, const char *side, const char *name)
{
	const json_t *value = json_object_get(json_object_get(row, side), name);

	assert_true(json_is_number(value));
	assert_true(json_number_value(value) >= 0);
	return json_number_value(value);
}

static void check_side(const json_t *row, const char *side)
{
	assert_true(figure(row, side, "count") > 0);
	assert_true(figure(row, side, "p25") <= figure(row, side, "median"));
	assert_true(figure(row, side, "median") <= figure(row, side, "p75"));
	assert_true(figure(row, side, "p75") <= figure(row, side, "p99"));
}

static void check_row(const json_t *row)
{
	const json_t *floor = json_object_get(row, "floor");

	assert_true(json_string_length(json_object_get(row, "benchmark")) > 0);
	assert_true(json_string_length(json_object_get(row, "what")) > 0);
	check_side(row, "keg");
	if (!json_object_get(row, "peer"))
		return;
	check_side(row, "peer");
	assert_true(json_is_number(json_object_get(row, "ratio")));
	if (floor)
		assert_true(json_is_boolean(json_object_get(floor, "met")) ||
			    json_is_string(json_object_get(floor, "moot")));
}

static bool has_result(const json_t *rows, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "benchmark")), name) == 0)
			return true;
	}
	return false;
}

static void every_benchmark_measures_and_says_so_in_json(void **state)
{
	json_t *root = measure("--quick --json -");
	const json_t *host = json_object_get(root, "host");
	const json_t *rows = json_object_get(root, "results"), *row;
	char list[4096], *rest = list, *line;
	size_t i;

	(void)state;
	assert_true(json_is_string(json_object_get(host, "kernel")));
	assert_true(json_is_string(json_object_get(host, "kvm_module")));
	assert_true(json_is_string(json_object_get(host, "guest_kernel_code")));
	json_array_foreach(rows, i, row) check_row(row);
	assert_int_equal(run("--list", list, sizeof(list)), 0);
	while ((line = strsep(&rest, "\n")) && *line) {
		*strchr(line, ' ') = 0;
		if (!has_result(rows, line))
			fail_msg("%s: no result", line);
	}
	json_decref(root);
}

/* As by hand, that is: older kernels leave half of the ring free. */
static void coalesced_writes_exit_no_more_often_than_the_ring_needs(void **state)
{
	json_t *root = measure("--quick --only coalesced --json -");
	const json_t *rows = json_object_get(root, "results"), *row;
	int counted = 0;
	size_t i;

	(void)state;
	json_array_foreach(rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "unit")), "exits") != 0 ||
			strcmp(json_string_value(json_object_get(row, "against")), "bare ring") !=
				0)
			continue;
		assert_true(figure(row, "keg", "max") <= figure(row, "peer", "max"));
		counted++;
	}
	assert_int_equal(counted, 1);
	json_decref(root);
}

static void only_what_was_asked_for_is_measured(void **state)
{
	json_t *root = measure("--rounds 3 --only end --json -");
	const json_t *rows = json_object_get(root, "results");

	(void)state;
	assert_int_equal(json_array_size(rows), 1);
	assert_true(has_result(rows, "end"));
	assert_true(figure(json_array_get(rows, 0), "keg", "count") == 3);
	json_decref(root);
}

static void wrong_usage_ends_with_2(void **state)
{
	char output[4096];

	(void)state;
	assert_int_equal(run("--only nothing", output, sizeof(output)), 2);
	assert_non_null(strstr(output, "nothing"));
	assert_int_equal(run("--rounds 0", output, sizeof(output)), 2);
	assert_int_equal(run("--rounds 1x", output, sizeof(output)), 2);
	assert_int_equal(run("--wrong", output, sizeof(output)), 2);
	assert_int_equal(run("more", output, sizeof(output)), 2);
	assert_int_equal(run("--help", output, sizeof(output)), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_benchmark_measures_and_says_so_in_json),
		cmocka_unit_test(coalesced_writes_exit_no_more_often_than_the_ring_needs),
		cmocka_unit_test(only_what_was_asked_for_is_measured),
		cmocka_unit_test(wrong_usage_ends_with_2),
	};

	require_kvm();
	if (argc != 2)
		return EXIT_FAILURE;
	program = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
