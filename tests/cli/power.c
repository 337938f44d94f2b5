/* SPDX-License-Identifier: MIT */
/* SIGTERM, which presses the power button of a guest that may be asked to end by itself. */
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "guests.h"
#include "program.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A guest that loops for ever and knows no power button; it has said that it runs. */
static pid_t start(const char *grace)
{
	size_t size = 0;
	const void *bytes = guest_image("spin", &size);
	int fds[2];
	char byte;
	pid_t pid;

	if (!bytes)
		skip();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		program_exec(
			WORDS("run", "--grace", grace, "-k", "flat", program_file(bytes, size)));
	}
	close(fds[1]);
	do {
		assert_int_equal(read(fds[0], &byte, 1), 1);
	} while (byte != '\n');
	close(fds[0]); /* it writes no more */
	return pid;
}

static void assert_ends_by(pid_t pid, int signo)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signo);
}

static void the_guest_is_given_time(void **state)
{
	pid_t pid;
	uint64_t before;

	(void)state;
#ifndef __x86_64__
	print_message("SKIP: this board has no power button\n");
	skip();
#endif
	pid = start("0.3");
	before = now_ms();
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_ends_by(pid, SIGTERM);
	assert_true(now_ms() - before >= 300);
}

/* Waits until the program has fetched the signal: two of a kind that wait are one. */
static void await_taken(pid_t pid, int signo)
{
	unsigned long long pending;
	char path[64], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	do {
		pending = 0;
		file = fopen(path, "re");
		assert_non_null(file);
		while (fgets(line, sizeof(line), file))
			sscanf(line, "ShdPnd: %llx", &pending);
		fclose(file);
		sched_yield();
	} while (pending >> (signo - 1) & 1);
}

/* The grace would last longer than the test may. */
static void the_second_signal_ends_it(void **state)
{
	static const int second[] = {SIGTERM, SIGINT};

	(void)state;
	for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++) {
		pid_t pid = start("1000");

		assert_int_equal(kill(pid, SIGTERM), 0);
		await_taken(pid, SIGTERM);
		assert_int_equal(kill(pid, second[i]), 0);
		assert_ends_by(pid, second[i]);
	}
}

static void only_sigterm_asks(void **state)
{
	pid_t pid = start("1000");

	(void)state;
	assert_int_equal(kill(pid, SIGHUP), 0);
	assert_ends_by(pid, SIGHUP);
}

static int remove_files(void **state)
{
	(void)state;
	program_remove_files();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(the_guest_is_given_time, remove_files),
		cmocka_unit_test_teardown(the_second_signal_ends_it, remove_files),
		cmocka_unit_test_teardown(only_sigterm_asks, remove_files),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
