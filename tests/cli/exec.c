/* SPDX-License-Identifier: MIT */
/* keg exec: how programs end, what they are given, and what is said of what cannot be. */
#include "program.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define exec(outcome, ...)  run_keg(outcome, "exec", __VA_ARGS__)
#define guest(outcome, ...) exec(outcome, "--", EXEC_GUEST, __VA_ARGS__)

static int remove_files(void **state)
{
	(void)state;
	program_remove_files();
	return 0;
}

/* ---- Ends ---- */

static void a_status_is_the_programs_own(void **state)
{
	struct outcome outcome;

	(void)state;
	exec(&outcome, "--", "/bin/echo", "hello", "--help", "world");
	assert_string_equal(outcome.out, "hello --help world\n");
	assert_string_equal(outcome.err, "");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
	/* PATH is looked through, and "--" may be left out. */
	exec(&outcome, "sh", "-c", "echo out; echo err >&2; exit 7");
	assert_string_equal(outcome.out, "out\n");
	assert_string_equal(outcome.err, "err\n");
	assert_int_equal(outcome.status, 7);
	program_release(&outcome);
}

/* A shell says itself what it was: keg adds nothing. */
static void keg_dies_of_the_programs_signal(void **state)
{
	const int signals[] = {SIGTERM, SIGKILL, SIGUSR1, SIGSEGV, SIGABRT, SIGRTMIN + 3};
	struct outcome outcome;
	char script[64];

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		snprintf(script, sizeof(script), "kill -%d $$; sleep 10", signals[i]);
		exec(&outcome, "--", "/bin/sh", "-c", script);
		assert_string_equal(outcome.err, "");
		assert_int_equal(outcome.signo, signals[i]);
		program_release(&outcome);
	}
}

/* As after nohup(1). */
static void what_is_ignored_outside_is_ignored_inside(void **state)
{
	struct outcome outcome;

	(void)state;
	signal(SIGHUP, SIG_IGN);
	exec(&outcome, "--", "/bin/sh", "-c",
		"kill -HUP $$; echo still here; /bin/sh -c 'kill -HUP $$; echo here, too'");
	signal(SIGHUP, SIG_DFL);
	assert_string_equal(outcome.err, "");
	assert_string_equal(outcome.out, "still here\nhere, too\n");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

static void a_fault_is_told_of_in_one_line(void **state)
{
	static const struct {
		const char *word;
		int signo;
		const char *said;
	} faults[] = {
		{"null", SIGSEGV, "read of 0x0 at 0x"},
		{"ill", SIGILL, "invalid instruction at 0x"},
		{"trap", SIGTRAP, "breakpoint at 0x"},
		{"divide", SIGFPE, "division by zero at 0x"},
		{"bus", SIGBUS, "end of the file"},
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		guest(&outcome, faults[i].word);
		assert_complaint(&outcome, 128 + faults[i].signo, faults[i].said);
		assert_int_equal(outcome.signo, faults[i].signo);
		assert_has(outcome.err, "exec-guest+0x");
		program_release(&outcome);
	}
}

static void limits(void **state)
{
	struct outcome outcome;

	(void)state;
	exec(&outcome, "--time", "0.2", "--", EXEC_GUEST, "spin");
	assert_complaint(&outcome, 124, "--time is up");
	program_release(&outcome);
	exec(&outcome, "--memory", "16M", "--", EXEC_GUEST, "hog");
	assert_complaint(&outcome, 128 + SIGKILL, "--memory is used up");
	assert_int_equal(outcome.signo, SIGKILL);
	program_release(&outcome);
	exec(&outcome, "--processes", "1", "--", "/bin/sh", "-c", "(exit 3); echo $?");
	assert_has(outcome.err, "fork");
	program_release(&outcome);
	exec(&outcome, "--files", "7", "--", "/bin/sh", "-c", "ulimit -n");
	assert_string_equal(outcome.out, "7\n");
	program_release(&outcome);
}

static void what_cannot_be_run(void **state)
{
	const char *text = program_file("hello", 5), *script = program_file("#!/nonexistent\n", 15);
	struct outcome outcome;

	(void)state;
	exec(&outcome, "--", "/nonexistent/program");
	assert_complaint(&outcome, 127, "/nonexistent/program: No such file");
	program_release(&outcome);
	exec(&outcome, "--", "no-such-program");
	assert_complaint(&outcome, 127, "no program 'no-such-program' in the folders of PATH");
	program_release(&outcome);
	exec(&outcome, "--", "");
	assert_complaint(&outcome, 127, "no program '' in the folders of PATH");
	program_release(&outcome);
	exec(&outcome, "--", "/");
	assert_complaint(&outcome, 126, "not a regular file");
	program_release(&outcome);
	exec(&outcome, "--", text);
	assert_complaint(&outcome, 126, "cannot be executed: Permission denied");
	program_release(&outcome);
	assert_int_equal(chmod(text, 0700), 0);
	exec(&outcome, "--", text);
	assert_complaint(&outcome, 126, "neither an ELF program nor a script");
	program_release(&outcome);
	assert_int_equal(chmod(script, 0700), 0);
	exec(&outcome, "--", script);
	assert_complaint(&outcome, 126, "/nonexistent");
	program_release(&outcome);
	exec(&outcome, "--no-defaults", "--", "/bin/true");
	assert_complaint(&outcome, 127, "--no-defaults shows only what");
	program_release(&outcome);
}

/* What only the sandbox can tell; what the options' table can is in exec_usage.c. */
static void wrong_values(void **state)
{
	static const struct {
		const char *words[3];
		const char *complaint;
	} wrong[] = {
		{{"--memory", "5"}, "16 MiB to 4 TiB"},
		{{"--memory", "1M"}, "16 MiB to 4 TiB"},
		{{"--bind", "/usr"}, "HOST=GUEST, such as"},
		{{"--bind", "/usr=data"}, "absolute"},
		{{"--bind", "/nonexistent=/data"}, "No such file"},
		{{"--ro", "/nonexistent"}, "--ro /nonexistent: "},
		{{"--rw", "/nonexistent"}, "--rw /nonexistent: "},
		{{"--tmpfs", "scratch"}, "no absolute path"},
		{{"--tmpfs", "/scratch=much"}, "'much' is no size such as 512M"},
		{{"--cwd", "/nonexistent"}, "working directory /nonexistent: No such file"},
		{{"--cwd", "/proc/version"}, "Not a directory"},
		{{"--allow", "nosuchcall"}, "no system call 'nosuchcall'"},
		{{"--deny", "read,nosuchcall"}, "no system call 'nosuchcall'"},
		{{"--trace=/nonexistent/file"}, "--trace=/nonexistent/file: No such file"},
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *words[] = {"exec", wrong[i].words[0], "--", "/bin/true", NULL, NULL};

		if (wrong[i].words[1])
			memcpy(words + 2, ((const char *[]){wrong[i].words[1], "--", "/bin/true"}),
				3 * sizeof(*words));
		program_run(&outcome, NULL, 0, words);
		assert_complaint(&outcome, 125, wrong[i].complaint);
		program_release(&outcome);
	}
}

/* ---- Streams ---- */

static void standard_input_is_the_programs(void **state)
{
	struct outcome outcome;

	(void)state;
	program_run(&outcome, "a line\nno newline", 0, WORDS("exec", "--", "/bin/cat"));
	assert_string_equal(outcome.out, "a line\nno newline");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

/* The exit status of a shell's command in which $KEG is the program. */
static int shell(const char *command)
{
	int status;

	setenv("KEG", program_path(), 1);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void streams_that_are_closed_are_closed_in_it(void **state)
{
	(void)state;
	assert_int_equal(shell("$KEG exec -- /bin/cat <&- 2>/dev/null"), 1);
	assert_int_equal(shell("$KEG exec -- /bin/echo x >&- 2>/dev/null"), 1);
	assert_int_equal(shell("$KEG exec -- /bin/sh -c 'exec 5>&2' 2>&-"), 2);
	assert_int_equal(shell("$KEG exec -- /bin/sh -c 'exec 5</dev/null 6</proc/self/stat'"), 0);
	assert_int_equal(shell("test $($KEG exec -- /bin/echo x | wc -l) = 1"), 0);
	/* Whom nobody reads any more is told so by SIGPIPE. */
	assert_int_equal(
		shell("$KEG exec --ro /usr --ro /bin -- /usr/bin/yes | head -n 1 >/dev/null"), 0);
}

/* ---- Environment ---- */

static void assert_line(const char *text, const char *line, bool there)
{
	char whole[256], ended[65536];

	snprintf(ended, sizeof(ended), "\n%s", text);
	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if ((strstr(ended, whole) != NULL) != there)
		fail_msg("%s %s: %s", line, there ? "is missing" : "is there", text);
}

static void variables(void **state)
{
	struct outcome outcome;

	(void)state;
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("TERM", "dumb", 1);
	setenv("KEG_TEST_SECRET", "s", 1);
	guest(&outcome, "environment");
	assert_string_equal(outcome.out, "PATH=/usr/bin:/bin\nTERM=dumb\n");
	program_release(&outcome);
	exec(&outcome, "--env", "A=1", "-e", "B=", "-eA=2", "--env", "KEG_TEST_SECRET", "--env",
		"KEG_TEST_UNSET", "--", EXEC_GUEST, "environment");
	assert_line(outcome.out, "A=2", true);
	assert_line(outcome.out, "A=1", false);
	assert_line(outcome.out, "B=", true);
	assert_line(outcome.out, "KEG_TEST_SECRET=s", true);
	assert_true(strstr(outcome.out, "UNSET") == NULL);
	program_release(&outcome);
	exec(&outcome, "--env-all", "--env", "TERM=vt100", "--", EXEC_GUEST, "environment");
	assert_line(outcome.out, "KEG_TEST_SECRET=s", true);
	assert_line(outcome.out, "TERM=vt100", true);
	assert_line(outcome.out, "TERM=dumb", false);
	program_release(&outcome);
	exec(&outcome, "--no-defaults", "--ro", EXEC_GUEST, "--", EXEC_GUEST, "environment");
	assert_string_equal(outcome.out, "");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

/* ---- What it may do ---- */

static void the_network(void **state)
{
	struct outcome outcome;

	(void)state;
	guest(&outcome, "socket");
	assert_int_equal(outcome.status, EAFNOSUPPORT);
	program_release(&outcome);
	exec(&outcome, "--net", "none", "--", EXEC_GUEST, "socket");
	assert_int_equal(outcome.status, EAFNOSUPPORT);
	program_release(&outcome);
	exec(&outcome, "--net=host", "--", EXEC_GUEST, "socket");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

static void calls_can_be_refused(void **state)
{
	struct outcome outcome;

	(void)state;
	guest(&outcome, "uname");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
	exec(&outcome, "--deny", "ptrace,uname", "--", EXEC_GUEST, "uname");
	assert_int_equal(outcome.status, EPERM);
	program_release(&outcome);
	/* What a static program of glibc's begins with; write and exit_group were enough else. */
	exec(&outcome, "--allow", "write,exit_group,brk,arch_prctl,mprotect", "--allow", "uname",
		"--", EXEC_GUEST, "uname");
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
	exec(&outcome, "--allow", "write,exit_group,brk,arch_prctl,mprotect", "--", EXEC_GUEST,
		"uname");
	assert_int_equal(outcome.status, EPERM);
	program_release(&outcome);
	exec(&outcome, "--allow", "all", "--deny", "uname", "--", EXEC_GUEST, "uname");
	assert_int_equal(outcome.status, EPERM);
	program_release(&outcome);
}

/* What tells the time by itself is not there then. */
static void clocks_can_be_refused(void **state)
{
	static const struct {
		const char *call, *asks;
		int status;
	} tries[] = {
		{"uname", "clock", 0},
		{"uname", "gettimeofday", 0},
		{"clock_gettime", "clock", EPERM},
		{"gettimeofday", "gettimeofday", EPERM},
		{"time", "clock", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct outcome outcome;

		exec(&outcome, "--deny", tries[i].call, "--", EXEC_GUEST, tries[i].asks);
		assert_int_equal(outcome.status, tries[i].status);
		program_release(&outcome);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_status_is_the_programs_own),
		cmocka_unit_test(keg_dies_of_the_programs_signal),
		cmocka_unit_test(what_is_ignored_outside_is_ignored_inside),
		cmocka_unit_test(a_fault_is_told_of_in_one_line),
		cmocka_unit_test(limits),
		cmocka_unit_test_teardown(what_cannot_be_run, remove_files),
		cmocka_unit_test(wrong_values),
		cmocka_unit_test(standard_input_is_the_programs),
		cmocka_unit_test(streams_that_are_closed_are_closed_in_it),
		cmocka_unit_test(variables),
		cmocka_unit_test(the_network),
		cmocka_unit_test(calls_can_be_refused),
		cmocka_unit_test(clocks_can_be_refused),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
