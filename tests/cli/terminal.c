/* SPDX-License-Identifier: MIT */
/* keg run on a terminal: its keys, and the terminal's mode after every kind of end. */
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

#include "guests.h"
#include "program.h"
#include "session.h"

static const char *guest_file(const char *name)
{
	size_t size = 0;
	const void *bytes = guest_image(name, &size);

	return bytes ? program_file(bytes, size) : NULL;
}

/* A session in which the guest has said that it is ready. */
static void start(struct session *session, const char *guest)
{
	const char *file = guest_file(guest);

	if (!file)
		skip();
	session_start(session, WORDS("run", "--kind", "flat", file));
	session_expect(session, "ready");
	session_await_raw(session, true);
}

static void assert_exit(int wait_status, int status)
{
	if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != status)
		fail_msg("wait status 0x%x, not exit status %d", wait_status, status);
}

static void assert_dead(int wait_status, int signo)
{
	if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != signo)
		fail_msg("wait status 0x%x, not signal %d", wait_status, signo);
}

static void assert_stopped(int wait_status, int signo)
{
	if (!WIFSTOPPED(wait_status) || WSTOPSIG(wait_status) != signo)
		fail_msg("wait status 0x%x, not stopped by signal %d", wait_status, signo);
}

static void finish(struct session *session)
{
	assert_false(session_is_raw(session));
	session_end(session);
	program_remove_files();
}

/* ---- Keys ---- */

static void keys_reach_the_guest(void **state)
{
	struct session session;

	(void)state;
	start(&session, "echo");
	session_type(&session, "hello");
	session_expect(&session, "hello");
	session_type(&session, "\003\032\034z"); /* Ctrl-C, Ctrl-Z, Ctrl-backslash */
	session_expect(&session, "\003\032\034z");
	session_type(&session, "q");
	assert_exit(session_wait(&session), 0);
	finish(&session);
}

static void ctrl_a_x_ends(void **state)
{
	struct session session;

	(void)state;
	start(&session, "spin");
	session_type(&session, "\001x");
	session_expect(&session, "keg: ended by Ctrl-A x\r\n");
	assert_exit(session_wait(&session), 14);
	finish(&session);
}

/* The guest never reads: its port is full, and so is what waits for it. */
static void ctrl_a_x_ends_a_deaf_guest(void **state)
{
	struct session session;
	char keys[1025];

	(void)state;
	memset(keys, 'k', 1024);
	keys[1024] = 0;
	start(&session, "spin");
	for (int i = 0; i < 8; i++) {
		session_type(&session, keys);
		/* The terminal's own buffer holds 4095 bytes: wait until they were read. */
		session_type(&session, "\001c");
		session_expect(&session, "this help");
	}
	session_type(&session, "\001x");
	assert_exit(session_wait(&session), 14);
	finish(&session);
}

/* The terminal is the virtio console, which this guest has no driver for: its serial port is not
 * seen, keys wait, and sizes are told to nobody. */
static void ctrl_a_x_ends_a_virtio_console(void **state)
{
	const char *file = guest_file("spin");
	struct session session;

	(void)state;
#ifndef __x86_64__
	print_message("SKIP: this board has no virtio console\n");
	skip();
#endif
	if (!file)
		skip();
	session_start(&session, WORDS("run", "--console", "virtio", "--kind", "flat", file));
	session_await_raw(&session, true);
	session_type(&session, "keys");
	session_signal(&session, SIGWINCH);
	session_type(&session, "\001x");
	session_expect(&session, "keg: ended by Ctrl-A x\r\n");
	assert_exit(session_wait(&session), 14);
	finish(&session);
}

static void ctrl_a_sends_itself(void **state)
{
	struct session session;

	(void)state;
	start(&session, "echo");
	session_type(&session, "1\001a2\001\0013");
	session_expect(&session, "1\0012\0013");
	session_type(&session, "q");
	assert_exit(session_wait(&session), 0);
	finish(&session);
}

static void ctrl_a_c_helps(void **state)
{
	struct session session;

	(void)state;
	start(&session, "echo");
	session_type(&session, "\001c");
	session_expect(&session, "keg: Ctrl-A x");
	session_type(&session, "q");
	assert_exit(session_wait(&session), 0);
	finish(&session);
}

/* ---- Ends ---- */

static void ends_by_the_guest_restore_the_terminal(void **state)
{
	static const struct {
		const char *guest;
		int status;
	} ends[] = {{"power-off", 0}, {"debug-exit", 33}, {"reset", 6}, {"triple-fault", 10},
		{"halt", 8}};
	struct session session;

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *file = guest_file(ends[i].guest);

		if (!file)
			continue; /* this architecture has no such end */
		session_start(&session, WORDS("run", "--kind", "flat", file));
		assert_exit(session_wait(&session), ends[i].status);
		finish(&session);
	}
}

static void signals_restore_the_terminal(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGABRT};
	struct session session;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		start(&session, "spin");
		session_signal(&session, signals[i]);
		assert_dead(session_wait(&session), signals[i]);
		finish(&session);
	}
}

static void the_time_limit_restores_the_terminal(void **state)
{
	const char *file = guest_file("spin");
	struct session session;

	(void)state;
	if (!file)
		skip();
	session_start(&session, WORDS("run", "--timeout", "0.3", "--kind", "flat", file));
	session_expect(&session, "time of --timeout is up");
	assert_exit(session_wait(&session), 124);
	finish(&session);
}

/* ---- Job control ---- */

static void suspending_gives_the_terminal_back(void **state)
{
	struct session session;

	(void)state;
	start(&session, "echo");
	session_signal(&session, SIGTSTP);
	assert_stopped(session_wait(&session), SIGTSTP);
	assert_false(session_is_raw(&session));
	session_signal(&session, SIGCONT);
	session_await_raw(&session, true);
	session_type(&session, "again");
	session_expect(&session, "again");
	session_type(&session, "q");
	assert_exit(session_wait(&session), 0);
	finish(&session);
}

/* SIGSTOP cannot be caught: meanwhile the shell sets the terminal to its own mode. */
static void a_stop_without_notice_is_survived(void **state)
{
	struct session session;
	struct termios mode;

	(void)state;
	start(&session, "echo");
	session_signal(&session, SIGSTOP);
	assert_stopped(session_wait(&session), SIGSTOP);
	assert_int_equal(tcgetattr(session.slave, &mode), 0);
	mode.c_lflag |= ICANON | ECHO | ISIG;
	assert_int_equal(tcsetattr(session.slave, TCSANOW, &mode), 0);
	session_signal(&session, SIGCONT);
	session_await_raw(&session, true);
	session_signal(&session, SIGTERM);
	assert_dead(session_wait(&session), SIGTERM);
	finish(&session);
}

static void the_background_may_not_read(void **state)
{
	struct session session;

	(void)state;
	start(&session, "echo");
	session_signal(&session, SIGTSTP);
	assert_stopped(session_wait(&session), SIGTSTP);
	session_foreground(&session, false);
	session_signal(&session, SIGCONT);
	assert_stopped(session_wait(&session), SIGTTIN);
	assert_false(session_is_raw(&session));
	session_foreground(&session, true);
	session_signal(&session, SIGCONT);
	session_await_raw(&session, true);
	session_type(&session, "fgq");
	session_expect(&session, "fgq");
	assert_exit(session_wait(&session), 0);
	finish(&session);
}

static void a_background_job_can_be_ended(void **state)
{
	struct session session;

	(void)state;
	start(&session, "spin");
	session_signal(&session, SIGSTOP);
	assert_stopped(session_wait(&session), SIGSTOP);
	session_foreground(&session, false);
	session_signal(&session, SIGTERM);
	session_signal(&session, SIGCONT);
	/* It may be told to stop for its input before it hears of the end. */
	for (;;) {
		int status = session_wait(&session);

		if (WIFSIGNALED(status)) {
			assert_dead(status, SIGTERM);
			break;
		}
		if (WIFSTOPPED(status))
			session_signal(&session, SIGCONT);
	}
	session_end(&session);
	program_remove_files();
}

/* ---- Colours ---- */

static void colours_are_for_terminals(void **state)
{
	struct session session;

	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	session_start(&session, WORDS("info", "--brief", "--no-measure"));
	session_expect(&session, "\033[1mKVM at /dev/kvm\033[0m");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
	setenv("NO_COLOR", "1", 1);
	session_start(&session, WORDS("info", "--brief", "--no-measure"));
	session_expect(&session, "KVM at /dev/kvm\r\n  access          open to this user");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_reach_the_guest),
		cmocka_unit_test(ctrl_a_x_ends),
		cmocka_unit_test(ctrl_a_x_ends_a_deaf_guest),
		cmocka_unit_test(ctrl_a_x_ends_a_virtio_console),
		cmocka_unit_test(ctrl_a_sends_itself),
		cmocka_unit_test(ctrl_a_c_helps),
		cmocka_unit_test(ends_by_the_guest_restore_the_terminal),
		cmocka_unit_test(signals_restore_the_terminal),
		cmocka_unit_test(the_time_limit_restores_the_terminal),
		cmocka_unit_test(suspending_gives_the_terminal_back),
		cmocka_unit_test(a_stop_without_notice_is_survived),
		cmocka_unit_test(the_background_may_not_read),
		cmocka_unit_test(a_background_job_can_be_ended),
		cmocka_unit_test(colours_are_for_terminals),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
