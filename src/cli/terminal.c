/* SPDX-License-Identifier: MIT */
/* The terminal's mode (termios(3)), and all the ways back to it. */
#include "terminal.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* One terminal in a process. `changed`, or about to be, is set last and cleared first. */
static struct {
	struct termios before;
	int fd;
	volatile sig_atomic_t changed;
} terminal;

static const int fatal_signals[] = {
	SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGTRAP, SIGSYS};

static void restore_and_die(int signo)
{
	terminal_leave();
	/* SA_RESETHAND has put the default back: this, or the fault again, ends the process. */
	raise(signo);
}

void terminal_guard(void)
{
	struct sigaction action = {
		.sa_handler = restore_and_die, .sa_flags = (int)SA_RESETHAND | SA_NODEFER};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(fatal_signals) / sizeof(fatal_signals[0]); i++)
		sigaction(fatal_signals[i], &action, NULL);
	atexit(terminal_leave);
}

bool terminal_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	/* A terminal that is not the session's own knows no background. */
	return group < 0 || group == getpgrp();
}

bool terminal_lend(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* In the background its mode is that of whoever has it now. */
		if (tcgetattr(fd, &terminal.before) != 0 || !terminal_foreground(fd))
			continue;
		terminal.fd = fd;
		terminal.changed = 1;
		return true;
	}
	return false;
}

int terminal_enter(int fd)
{
	struct termios mode;

	/* While it should be raw, what it is now may be the shell's doing: `before` is known
	 * already. */
	if (!terminal.changed && tcgetattr(fd, &terminal.before) != 0)
		return -1;
	terminal.fd = fd;
	mode = terminal.before;
	mode.c_iflag &=
		~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
	mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	mode.c_cflag &= ~(tcflag_t)(CSIZE | PARENB);
	mode.c_cflag |= CS8;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	terminal.changed = 1;
	if (tcsetattr(fd, TCSANOW, &mode) == 0)
		return 0;
	terminal.changed = 0;
	return -1;
}

void terminal_leave(void)
{
	sigset_t output, before;

	if (!terminal.changed)
		return;
	terminal.changed = 0;
	/* In the background the terminal is somebody else's, who has set it as he needs it. */
	if (!terminal_foreground(terminal.fd))
		return;
	sigemptyset(&output);
	sigaddset(&output, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &output, &before);
	tcsetattr(terminal.fd, TCSANOW, &terminal.before);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void terminal_keep(void)
{
	terminal.changed = 0;
}
