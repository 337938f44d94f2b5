/* SPDX-License-Identifier: MIT */
/* keg run: guests, their input and output, and how each end is told. */
#include "program.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <jansson.h>

#include "guests.h"

/* The image of a guest in a file; the test is skipped where the architecture has no such guest. */
static const char *guest_file(const char *name)
{
	size_t size = 0;
	const void *bytes = guest_image(name, &size);

	if (!bytes)
		skip();
	return program_file(bytes, size);
}

static int remove_files(void **state)
{
	(void)state;
	program_remove_files();
	return 0;
}

/* ---- The guest that is built in ---- */

static void the_default_guest(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run");
	assert_has(outcome.out, "all tests passed");
	assert_has(outcome.out, "4 of 4");
	assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
	run_keg(&outcome, "run", "--cpus", "2", "--memory", "64M");
	assert_has(outcome.out, "all tests passed");
	assert_has(outcome.out, "2 of 2");
	assert_has(outcome.out, "64 MiB");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

static void statistics(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "--stats");
	assert_int_equal(outcome.status, 0);
	assert_has(outcome.err, "count");
	assert_has(outcome.err, "mmio");
	assert_has(outcome.err, "set-up");
	program_release(&outcome);
}

/* ---- Ends ---- */

/* Runs a guest that is expected to end with `status`, and to be told of with `sentence`. */
static void ends_with(const char *guest, int status, const char *sentence)
{
	struct outcome outcome;

	run_keg(&outcome, "run", "--kind=flat", guest_file(guest));
	if (sentence)
		assert_complaint(&outcome, status, sentence);
	else
		assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.status, status);
	program_release(&outcome);
}

static void power_off(void **state)
{
	(void)state;
	ends_with("power-off", 0, NULL);
}

static void debug_exit(void **state)
{
	(void)state;
	ends_with("debug-exit", 33, "status 33");
}

static void reset(void **state)
{
	(void)state;
	ends_with("reset", 6, "reset");
}

static void triple_fault(void **state)
{
	(void)state;
	ends_with("triple-fault", 10, "triple-faulted");
}

static void halted(void **state)
{
	(void)state;
	ends_with("halt", 8, "halted");
}

static void the_time_limit(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "-t", "0.2", "-k", "flat", guest_file("spin"));
	assert_int_equal(outcome.status, 124);
	assert_has(outcome.err, "keg: ended because the time of --timeout is up\n");
	program_release(&outcome);
}

/* Starts a guest that does not end by itself, with a pipe for its output. */
static pid_t start(const char *guest, int *output)
{
	const char *file = guest_file(guest);
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		program_exec(WORDS("run", "-k", "flat", file));
	}
	close(fds[1]);
	*output = fds[0];
	return pid;
}

static void signals(void **state)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	int output, status;
	char byte;
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		pid = start("spin", &output);
		assert_int_equal(read(output, &byte, 1), 1); /* it runs */
		assert_int_equal(kill(pid, numbers[i]), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		close(output);
	}
}

/* Nobody reads the pipe, it is full, and the guest's vCPU waits for room in it. */
static void a_signal_ends_a_guest_whose_output_is_stuck(void **state)
{
	int output, status;
	char byte;
	pid_t pid;

	(void)state;
	pid = start("talk", &output);
	assert_int_equal(read(output, &byte, 1), 1);
	usleep(300000); /* time to fill the pipe: if it is too short, the test tests less */
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	close(output);
}

static void output_that_nobody_reads(void **state)
{
	int output, status;
	char byte;
	pid_t pid;

	(void)state;
	pid = start("talk", &output);
	assert_int_equal(read(output, &byte, 1), 1);
	close(output);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
}

/* However fast the guest ends. */
static void output_that_is_lost(void **state)
{
	char command[512];
	int status;

	(void)state;
	snprintf(command, sizeof(command), "%s run --kind flat %s >/dev/full", program_path(),
		guest_file("power-off"));
	status = system(command);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
}

/* ---- Input ---- */

static void input_from_a_pipe(void **state)
{
	enum { COUNT = 1200 }; /* two reads, and far more than the port holds */
	char *input = malloc(COUNT + 2);
	struct outcome outcome;

	(void)state;
	assert_non_null(input);
	for (int i = 0; i < COUNT; i++)
		input[i] = (char)('A' + i % 26);
	strcpy(input + COUNT, "q");
	input[100] = '\001'; /* Ctrl-A is a byte like others here */
	input[101] = 'x';
	program_run(&outcome, input, 0, WORDS("run", "-k", "flat", guest_file("echo")));
	assert_int_equal(outcome.status, 0);
	assert_int_equal(strncmp(outcome.out, "ready\r\n", 7), 0);
	assert_string_equal(outcome.out + 7, input);
	program_release(&outcome);
	free(input);
}

static void an_image_from_standard_input(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "cat %s | %s run --kind flat - >/dev/null",
		guest_file("power-off"), program_path());
	assert_int_equal(system(command), 0);
}

/* ---- JSON ---- */

static void json_in_place_of_the_sentence(void **state)
{
	struct outcome outcome;
	json_error_t error;
	json_t *json;

	(void)state;
	run_keg(&outcome, "run", "--json", "-k", "flat", guest_file("halt"));
	assert_int_equal(outcome.status, 8);
	json = json_loads(outcome.err, 0, &error);
	if (!json)
		fail_msg("line %d: %s: %s", error.line, error.text, outcome.err);
	assert_string_equal(json_string_value(json_object_get(json, "end")), "halted");
	assert_int_equal(json_integer_value(json_object_get(json, "status")), 8);
	assert_true(json_integer_value(json_object_get(json, "run_ns")) > 0);
	assert_true(json_is_array(json_object_get(json, "exits")));
	assert_true(json_is_array(json_object_get(json, "devices")));
	assert_true(json_is_array(json_object_get(json, "notes")));
	assert_int_equal(json_array_size(json_object_get(json, "unclaimed")), 0);
	/* Reading the file is a part of it. */
	assert_true(json_integer_value(json_object_get(json, "start_ns")) >
		    json_integer_value(json_object_get(json, "read_ns")));
	json_decref(json);
	program_release(&outcome);
}

static void json_into_a_file(void **state)
{
	const char *file = program_file("", 0);
	struct outcome outcome;
	char option[128];
	json_t *json;

	(void)state;
	snprintf(option, sizeof(option), "--json=%s", file);
	run_keg(&outcome, "run", option);
	assert_int_equal(outcome.status, 0);
	json = json_load_file(file, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "end")), "power-off");
	json_decref(json);
	program_release(&outcome);
	run_keg(&outcome, "run", "--json=/nonexistent/file");
	assert_int_equal(outcome.status, 4);
	assert_has(outcome.err, "cannot write /nonexistent/file");
	program_release(&outcome);
}

/* ---- Errors of the library's ---- */

static void what_the_library_refuses(void **state)
{
	const char *text = program_file("no ELF, whatever --kind says", 28);
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "--kind", "elf64", text);
	assert_complaint(&outcome, 4, "ELF");
	program_release(&outcome);
	run_keg(&outcome, "run", "--cpus", "65535", text);
	assert_complaint(&outcome, 4, "vCPUs");
	program_release(&outcome);
}

/* As many queues as there may be take more files than are allowed at first. */
static void many_queues(void **state)
{
	static char image[4096];
	const char *file = program_file(image, sizeof(image));
	struct rlimit limit, little;
	struct outcome outcome;
	char disk[96];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (!guest_board_has_disks || limit.rlim_max < 1024) {
		print_message("SKIP: no disks on this board, or no files for their queues\n");
		skip();
	}
	little = limit;
	little.rlim_cur = 64;
	snprintf(disk, sizeof(disk), "%s,queues=64", file);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &little), 0);
	run_keg(&outcome, "run", "--disk", disk);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_default_guest, remove_files),
		cmocka_unit_test_teardown(many_queues, remove_files),
		cmocka_unit_test_teardown(statistics, remove_files),
		cmocka_unit_test_teardown(power_off, remove_files),
		cmocka_unit_test_teardown(debug_exit, remove_files),
		cmocka_unit_test_teardown(reset, remove_files),
		cmocka_unit_test_teardown(triple_fault, remove_files),
		cmocka_unit_test_teardown(halted, remove_files),
		cmocka_unit_test_teardown(the_time_limit, remove_files),
		cmocka_unit_test_teardown(signals, remove_files),
		cmocka_unit_test_teardown(
			a_signal_ends_a_guest_whose_output_is_stuck, remove_files),
		cmocka_unit_test_teardown(output_that_nobody_reads, remove_files),
		cmocka_unit_test_teardown(output_that_is_lost, remove_files),
		cmocka_unit_test_teardown(input_from_a_pipe, remove_files),
		cmocka_unit_test_teardown(an_image_from_standard_input, remove_files),
		cmocka_unit_test_teardown(json_in_place_of_the_sentence, remove_files),
		cmocka_unit_test_teardown(json_into_a_file, remove_files),
		cmocka_unit_test_teardown(what_the_library_refuses, remove_files),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
