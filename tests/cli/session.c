/* SPDX-License-Identifier: MIT */
/* A pseudo-terminal, a session leader, and the program as its job. */
#include "session.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include "program.h"

static pid_t leader_job;

/* In the leader: who may use the terminal. */
static void give_terminal(int signo)
{
	tcsetpgrp(STDIN_FILENO, signo == SIGUSR1 ? leader_job : getpgrp());
}

static _Noreturn void lead(int changes, const char *const *words)
{
	sigset_t output;
	int status;

	setsid();
	ioctl(STDIN_FILENO, TIOCSCTTY, 0);
	signal(SIGHUP, SIG_IGN);
	/* A leader in the background may hand the terminal out. */
	sigemptyset(&output);
	sigaddset(&output, SIGTTOU);
	sigprocmask(SIG_BLOCK, &output, NULL);
	leader_job = fork();
	if (leader_job == 0) {
		signal(SIGHUP, SIG_DFL);
		setpgid(0, 0);
		tcsetpgrp(STDIN_FILENO, getpgrp());
		sigprocmask(SIG_UNBLOCK, &output, NULL);
		close(changes);
		program_exec(words);
	}
	signal(SIGUSR1, give_terminal);
	signal(SIGUSR2, give_terminal);
	if (write(changes, &leader_job, sizeof(leader_job)) < 0)
		_exit(1);
	/* Not WCONTINUED: a job that ends or stops again at once is never seen going on. */
	do {
		while (waitpid(leader_job, &status, WUNTRACED) < 0)
			;
		if (write(changes, &status, sizeof(status)) < 0)
			_exit(1);
	} while (WIFSTOPPED(status));
	_exit(0);
}

void session_start(struct session *session, const char *const *words)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	int changes[2];

	memset(session, 0, sizeof(*session));
	assert_int_equal(openpty(&session->master, &session->slave, NULL, NULL, &size), 0);
	fcntl(session->master, F_SETFD, FD_CLOEXEC);
	assert_int_equal(pipe(changes), 0);
	session->leader = fork();
	assert_true(session->leader >= 0);
	if (session->leader == 0) {
		for (int fd = 0; fd < 3; fd++)
			dup2(session->slave, fd);
		close(session->slave);
		close(changes[0]);
		lead(changes[1], words);
	}
	close(changes[1]);
	session->changes = changes[0];
	assert_int_equal(read(session->changes, &session->pid, sizeof(pid_t)), sizeof(pid_t));
}

void session_type(struct session *session, const char *keys)
{
	assert_int_equal(write(session->master, keys, strlen(keys)), strlen(keys));
}

void session_expect(struct session *session, const char *text)
{
	struct pollfd fd = {.fd = session->master, .events = POLLIN};
	char *found;
	ssize_t count;

	while (!(found = memmem(session->seen, session->count, text, strlen(text)))) {
		if (session->count > sizeof(session->seen) / 2)
			session->count = 0;
		if (poll(&fd, 1, PROGRAM_SECONDS * 1000) <= 0)
			fail_msg("\"%s\" does not come; before: \"%.*s\"", text,
				(int)session->count, session->seen);
		count = read(session->master, session->seen + session->count,
			sizeof(session->seen) - session->count);
		assert_true(count > 0);
		session->count += (size_t)count;
	}
	found += strlen(text);
	session->count -= (size_t)(found - session->seen);
	memmove(session->seen, found, session->count);
}

/* Nobody else empties the terminal while this waits: an unread one would block the program. */
static void read_meanwhile(struct session *session)
{
	char bytes[4096];

	if (read(session->master, bytes, sizeof(bytes)) < 0)
		return;
}

int session_wait(struct session *session)
{
	int status = 0;

	for (;;) {
		struct pollfd fds[] = {{.fd = session->changes, .events = POLLIN},
			{.fd = session->master, .events = POLLIN}};

		if (poll(fds, 2, PROGRAM_SECONDS * 1000) <= 0)
			fail_msg("keg neither ends nor stops");
		if (fds[0].revents)
			break;
		read_meanwhile(session);
	}
	assert_int_equal(read(session->changes, &status, sizeof(status)), sizeof(status));
	return status;
}

void session_signal(struct session *session, int signo)
{
	assert_int_equal(kill(session->pid, signo), 0);
}

void session_foreground(struct session *session, bool foreground)
{
	pid_t wanted = foreground ? session->pid : session->leader;

	assert_int_equal(kill(session->leader, foreground ? SIGUSR1 : SIGUSR2), 0);
	while (tcgetpgrp(session->master) != wanted)
		usleep(1000);
}

bool session_is_raw(const struct session *session)
{
	struct termios mode;

	assert_int_equal(tcgetattr(session->slave, &mode), 0);
	return !(mode.c_lflag & (ICANON | ECHO | ISIG));
}

/* No event tells of a terminal's mode: it has to be looked at. */
void session_await_raw(const struct session *session, bool raw)
{
	for (int i = 0; session_is_raw(session) != raw; i++) {
		if (i == PROGRAM_SECONDS * 1000)
			fail_msg("the terminal is %s raw mode", raw ? "not in" : "still in");
		usleep(1000);
	}
}

void session_end(struct session *session)
{
	kill(session->pid, SIGKILL);
	kill(session->leader, SIGKILL);
	waitpid(session->leader, NULL, 0);
	close(session->master);
	close(session->slave);
	close(session->changes);
}
