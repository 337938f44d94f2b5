/* SPDX-License-Identifier: MIT */
/* keg exec: signals, and a terminal with its job control. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "program.h"
#include "session.h"

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

static void assert_stopped(int wait_status)
{
	if (!WIFSTOPPED(wait_status))
		fail_msg("wait status 0x%x, not a stop", wait_status);
}

static void start(struct session *session, const char *word)
{
	session_start(session, WORDS("exec", "--", EXEC_GUEST, word));
	session_expect(session, "ready");
}

/* ---- Signals of other processes ---- */

static void signals_kill_the_program(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM};
	struct session session;

	(void)state;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		start(&session, "sleep");
		session_signal(&session, signals[i]);
		assert_dead(session_wait(&session), signals[i]);
		session_end(&session);
	}
}

static void signals_reach_its_handlers(void **state)
{
	struct session session;

	(void)state;
	start(&session, "signals");
	session_signal(&session, SIGTERM);
	session_expect(&session, "got 15\r\n");
	session_signal(&session, SIGHUP);
	session_expect(&session, "got 1\r\n");
	session_signal(&session, SIGUSR1);
	session_expect(&session, "got 10\r\n");
	session_type(&session, "\004");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
}

/* ---- The terminal ---- */

static void keys_are_signals(void **state)
{
	struct session session;

	(void)state;
	start(&session, "signals");
	session_expect(&session, " 1\r\n"); /* it is a terminal */
	session_type(&session, "\003");
	session_expect(&session, "got 2\r\n");
	session_type(&session, "line\n");
	session_expect(&session, "read 5\r\n");
	session_type(&session, "\034");
	assert_dead(session_wait(&session), SIGQUIT);
	session_end(&session);
	start(&session, "sleep");
	session_type(&session, "\003");
	assert_dead(session_wait(&session), SIGINT);
	session_end(&session);
}

static void sizes_reach_the_program(void **state)
{
	const struct winsize size = {.ws_row = 50, .ws_col = 132};
	struct session session;

	(void)state;
	start(&session, "signals");
	assert_int_equal(ioctl(session.master, TIOCSWINSZ, &size), 0);
	session_expect(&session, "columns 132\r\n");
	session_type(&session, "\004");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
}

static void who_is_killed_leaves_it_as_it_was(void **state)
{
	struct session session;

	(void)state;
	start(&session, "sleep-raw");
	assert_true(session_is_raw(&session));
	session_signal(&session, SIGTERM);
	assert_dead(session_wait(&session), SIGTERM);
	assert_false(session_is_raw(&session));
	session_end(&session);
	session_start(&session, WORDS("exec", "--time", "1", "--", EXEC_GUEST, "sleep-raw"));
	session_await_raw(&session, true);
	assert_exit(session_wait(&session), 124);
	assert_false(session_is_raw(&session));
	session_end(&session);
}

/* A pager behind a pipe, say, which still runs. */
static void what_another_program_has_set_stays(void **state)
{
	struct session session;
	struct termios mode;

	(void)state;
	start(&session, "sleep");
	assert_int_equal(tcgetattr(session.slave, &mode), 0);
	cfmakeraw(&mode);
	assert_int_equal(tcsetattr(session.slave, TCSANOW, &mode), 0);
	session_signal(&session, SIGTERM);
	assert_dead(session_wait(&session), SIGTERM);
	assert_true(session_is_raw(&session));
	session_end(&session);
}

/* Its settings are what it was run for. */
static void who_ends_by_itself_leaves_it_as_it_set_it(void **state)
{
	struct session session;

	(void)state;
	session_start(&session, WORDS("exec", "--", EXEC_GUEST, "raw"));
	assert_exit(session_wait(&session), 0);
	assert_true(session_is_raw(&session));
	session_end(&session);
}

/* Else keg would have to wait for ever to say something. */
static void output_is_not_suspended(void **state)
{
	struct session session;

	(void)state;
	session_start(&session, WORDS("exec", "--trace", "--", EXEC_GUEST, "suspend"));
	session_expect(&session, "ready");
	session_expect(&session, "write(1");
	session_signal(&session, SIGTERM);
	assert_dead(session_wait(&session), SIGTERM);
	session_end(&session);
}

/* It is its shell's, or another program's, by then. */
static void in_the_background_it_is_left_alone(void **state)
{
	struct session session;

	(void)state;
	start(&session, "sleep-raw");
	session_foreground(&session, false);
	session_signal(&session, SIGTERM);
	assert_dead(session_wait(&session), SIGTERM);
	assert_true(session_is_raw(&session));
	session_end(&session);
}

/* ---- Job control ---- */

static void a_stopped_program_stops_keg(void **state)
{
	struct session session;

	(void)state;
	start(&session, "signals");
	session_type(&session, "\032");
	assert_stopped(session_wait(&session));
	session_signal(&session, SIGCONT);
	session_expect(&session, "got 18\r\n");
	session_signal(&session, SIGTSTP);
	assert_stopped(session_wait(&session));
	session_signal(&session, SIGCONT);
	session_expect(&session, "got 18\r\n");
	session_type(&session, "\004");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
	/* It may stop itself. */
	start(&session, "stop");
	assert_stopped(session_wait(&session));
	session_signal(&session, SIGCONT);
	session_expect(&session, "on 0\r\n");
	assert_exit(session_wait(&session), 5);
	session_end(&session);
}

static void a_stopped_program_can_be_killed(void **state)
{
	struct session session;

	(void)state;
	start(&session, "sleep");
	session_type(&session, "\032");
	assert_stopped(session_wait(&session));
	session_signal(&session, SIGTERM);
	session_signal(&session, SIGCONT);
	assert_dead(session_wait(&session), SIGTERM);
	session_end(&session);
}

/* Reading there would take the shell's keys. */
static void the_background_may_not_read(void **state)
{
	struct session session;

	(void)state;
	start(&session, "signals");
	session_type(&session, "\032");
	assert_stopped(session_wait(&session));
	session_foreground(&session, false);
	session_signal(&session, SIGCONT);
	assert_stopped(session_wait(&session));
	session_foreground(&session, true);
	session_signal(&session, SIGCONT);
	session_type(&session, "line\n");
	session_expect(&session, "read 5\r\n");
	session_type(&session, "\004");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
}

/* All of a pipe stops, and all of it goes on. */
static void a_pipe_is_stopped_as_a_whole(void **state)
{
	struct session session;

	(void)state;
	session_start(&session, WORDS("exec", "--ro", "/usr", "--ro", "/bin", "--", "/bin/sh", "-c",
					"cat | cat; echo end"));
	session_type(&session, "one\n");
	session_expect(&session, "one\r\none\r\n");
	session_type(&session, "\032");
	assert_stopped(session_wait(&session));
	session_signal(&session, SIGCONT);
	session_type(&session, "two\n");
	session_expect(&session, "two\r\ntwo\r\n");
	session_type(&session, "\004");
	session_expect(&session, "end\r\n");
	assert_exit(session_wait(&session), 0);
	session_end(&session);
}

/* A shell in the sandbox has jobs of its own: keg goes on when it stops one of them. */
static void a_shell_in_it_has_jobs(void **state)
{
	struct session session;

	(void)state;
	session_start(&session, WORDS("exec", "--ro", "/usr", "--ro", "/bin", "--env",
					"PS1=prompt ", "--env", "ENV=", "--", "/bin/dash", "-i"));
	session_expect(&session, "prompt ");
	session_type(&session, "cat\n");
	session_expect(&session, "cat\r\n");
	session_type(&session, "line\n");
	session_expect(&session, "line\r\nline\r\n");
	session_type(&session, "\003");
	session_expect(&session, "prompt ");
	session_type(&session, "echo status $?\n");
	session_expect(&session, "status 130\r\n");
	session_expect(&session, "prompt ");
	session_type(&session, "cat\n");
	session_expect(&session, "cat\r\n");
	session_type(&session, "more\n");
	session_expect(&session, "more\r\nmore\r\n");
	session_type(&session, "\032");
	session_expect(&session, "Stopped");
	session_expect(&session, "prompt ");
	session_type(&session, "fg\n");
	session_expect(&session, "fg\r\ncat\r\n");
	session_type(&session, "again\n");
	session_expect(&session, "again\r\nagain\r\n");
	session_type(&session, "\004");
	session_expect(&session, "prompt ");
	session_type(&session, "exit 3\n");
	assert_exit(session_wait(&session), 3);
	session_end(&session);
}

/* Jobs of the sandbox's in its background: one that would read stops, and so does one that would
 * change the terminal; one that writes does if the terminal says so. */
static void jobs_in_the_background_stop(void **state)
{
	struct session session;

	(void)state;
	session_start(&session, WORDS("exec", "--ro", "/usr", "--ro", "/bin", "--env",
					"PS1=prompt ", "--env", "ENV=", "--", "/bin/dash", "-i"));
	session_expect(&session, "prompt ");
	session_type(&session, "cat & wait\n");
	session_expect(&session, "Stopped (tty input)");
	session_expect(&session, "prompt ");
	session_type(&session, "fg\n");
	session_expect(&session, "fg\r\ncat\r\n");
	session_type(&session, "mine\n");
	session_expect(&session, "mine\r\nmine\r\n");
	session_type(&session, "\004");
	session_expect(&session, "prompt ");
	session_type(&session, "stty tostop & wait\n");
	session_expect(&session, "Stopped (tty output)");
	session_expect(&session, "prompt ");
	session_type(&session, "fg; echo loud & wait\n");
	session_expect(&session, "Stopped (tty output)");
	session_expect(&session, "prompt ");
	session_type(&session, "fg\n");
	session_expect(&session, "\r\nloud\r\n");
	session_expect(&session, "prompt ");
	session_type(&session, "exit 4\n");
	assert_exit(session_wait(&session), 4);
	session_end(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_kill_the_program),
		cmocka_unit_test(signals_reach_its_handlers),
		cmocka_unit_test(keys_are_signals),
		cmocka_unit_test(sizes_reach_the_program),
		cmocka_unit_test(who_is_killed_leaves_it_as_it_was),
		cmocka_unit_test(what_another_program_has_set_stays),
		cmocka_unit_test(who_ends_by_itself_leaves_it_as_it_set_it),
		cmocka_unit_test(output_is_not_suspended),
		cmocka_unit_test(in_the_background_it_is_left_alone),
		cmocka_unit_test(a_stopped_program_stops_keg),
		cmocka_unit_test(a_stopped_program_can_be_killed),
		cmocka_unit_test(the_background_may_not_read),
		cmocka_unit_test(a_pipe_is_stopped_as_a_whole),
		cmocka_unit_test(a_shell_in_it_has_jobs),
		cmocka_unit_test(jobs_in_the_background_stop),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
