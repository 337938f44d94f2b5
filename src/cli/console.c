/* SPDX-License-Identifier: MIT */
/* The console's thread: one poll loop over signals, keys, the time limit and the board's room. */
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "cli.h"
#include "console_keys.h"
#include "event.h"
#include "terminal.h"

static const uint64_t ns_per_second = 1000000000;
static const int taken_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH};

/* ---- Set-up ---- */

/* The signals that are ours; one that was ignored when the program began stays so: nohup(1). */
static void choose_signals(sigset_t *set)
{
	struct sigaction action;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(taken_signals) / sizeof(taken_signals[0]); i++) {
		if (sigaction(taken_signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(set, taken_signals[i]);
	}
}

static void close_all(struct console *console)
{
	const int fds[] = {console->signals, console->wake, console->timer, console->grace};

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	pthread_sigmask(SIG_SETMASK, &console->before, NULL);
}

int console_init(struct console *console)
{
	int rc;

	memset(console, 0, sizeof(*console));
	console->timer = console->grace = -1;
	console->input = STDIN_FILENO;
	console->terminal = isatty(STDIN_FILENO);
	choose_signals(&console->blocked);
	pthread_sigmask(SIG_BLOCK, &console->blocked, &console->before);
	/* A write to a pipe that nobody reads is an error like others. */
	signal(SIGPIPE, SIG_IGN);
	console->signals = signalfd(-1, &console->blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	console->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = console->signals < 0 || console->wake < 0
		     ? errno
		     : output_init(&console->output, console->wake);
	if (rc == 0)
		return 0;
	cli_error("cannot set the console up: %s", strerror(rc));
	close_all(console);
	return -1;
}

void console_fini(struct console *console)
{
	output_fini(&console->output);
	close_all(console);
}

/* ---- From the vCPUs' threads ---- */

void console_room(void *context)
{
	struct console *console = context;

	atomic_store(&console->room, true);
	event_set(console->wake);
}

void console_show(void *context, const void *bytes, size_t count)
{
	struct console *console = context;

	output_put(&console->output, bytes, count);
}

/* ---- Stopping ---- */

static void stop(struct console *console, enum console_stop why)
{
	if (console->stop == CONSOLE_RUNNING)
		console->stop = why;
	output_hurry(&console->output);
	keg_board_stop(console->board);
}

static int arm(int timer, uint64_t ns)
{
	const struct itimerspec when = {
		.it_value.tv_sec = (time_t)(ns / ns_per_second),
		.it_value.tv_nsec = (long)(ns % ns_per_second),
	};

	return timerfd_settime(timer, 0, &when, NULL);
}

/* The guest may power off by itself, for a while. False if it cannot be asked to. */
static bool press_power(struct console *console)
{
	if (console->grace < 0 || console->pressed || console->stop != CONSOLE_RUNNING)
		return false;
	if (keg_board_press_power(console->board) < 0)
		return false;
	console->pressed = true;
	return arm(console->grace, console->settings.grace_ns) == 0;
}

/* A second signal does not wait for the machine to end. */
static void end_by_signal(struct console *console, int signo)
{
	sigset_t set;

	if (console->stop == CONSOLE_STOP_SIGNAL) {
		terminal_leave();
		signal(signo, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, signo);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		raise(signo);
	}
	if (signo == SIGTERM && press_power(console))
		return;
	console->signo = signo;
	stop(console, CONSOLE_STOP_SIGNAL);
}

/* ---- Job control ---- */

/*
 * Takes the terminal, if the shell has given it to us. If not, asks for it as a process does that
 * reads in the background: SIGTTIN suspends us until SIGCONT comes, and then this is called again.
 */
static void take_terminal(struct console *console)
{
	if (console->stop != CONSOLE_RUNNING)
		return; /* what is ending reads no more */
	console->listening = terminal_foreground(console->input);
	if (!console->listening)
		raise(SIGTTIN);
	else if (terminal_enter(console->input) != 0)
		cli_error("cannot put the terminal into raw mode: %s", strerror(errno));
}

static void suspend(struct console *console)
{
	sigset_t set;

	terminal_leave();
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGTSTP); /* until SIGCONT */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (console->terminal)
		take_terminal(console);
}

static void resume(struct console *console)
{
	if (console->terminal && console->input >= 0)
		take_terminal(console);
}

/* Tells the guest how large the terminal is. */
static void resize(struct console *console)
{
	struct winsize size;

	if (console->settings.virtio && console->terminal &&
		ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)keg_board_resize_console(console->board, size.ws_col, size.ws_row);
}

static void take_signals(struct console *console)
{
	struct signalfd_siginfo info;

	while (read(console->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTSTP)
			suspend(console);
		else if (info.ssi_signo == SIGCONT)
			resume(console);
		else if (info.ssi_signo == SIGWINCH)
			resize(console);
		else
			end_by_signal(console, (int)info.ssi_signo);
	}
}

/* ---- The loop ---- */

static void take_wake(struct console *console)
{
	event_clear(console->wake);
	if (atomic_exchange(&console->room, false))
		console->room_wanted = false;
	console_feed(console);
}

static void write_output(struct console *console)
{
	if (output_write(&console->output) != 0)
		stop(console, CONSOLE_STOP_OUTPUT);
}

/* A pipe is read only when all before it was taken; keys always, since some are for keg. */
static bool wants_input(const struct console *console)
{
	if (console->input < 0)
		return false;
	return console->terminal ? console->listening : console->count == 0;
}

enum { SIGNALS, WAKE, TIMER, GRACE, INPUT, OUTPUT, FDS };

static void look(struct console *console, struct pollfd fds[FDS])
{
	if (fds[SIGNALS].revents)
		take_signals(console);
	if (fds[WAKE].revents)
		take_wake(console);
	if (fds[TIMER].revents) {
		fds[TIMER].fd = -1; /* once */
		stop(console, CONSOLE_STOP_TIME);
	}
	if (fds[GRACE].revents) {
		fds[GRACE].fd = -1;
		end_by_signal(console, SIGTERM);
	}
	if (fds[OUTPUT].revents)
		write_output(console);
	if (fds[INPUT].revents && wants_input(console) && console_read(console))
		stop(console, CONSOLE_STOP_KEYS);
}

/* Whether there is anything left to wait for. What the guest has written before its end is written
 * out, unless the end came from here: then only what can be written at once. */
static bool goes_on(struct console *console)
{
	struct pollfd fd = {.fd = console->output.fd, .events = POLLOUT};

	if (!atomic_load(&console->finish))
		return true;
	if (!output_waits(&console->output))
		return false;
	return console->stop == CONSOLE_RUNNING || poll(&fd, 1, 0) > 0;
}

static void *serve(void *context)
{
	struct console *console = context;
	struct pollfd fds[FDS] = {
		[SIGNALS] = {.fd = console->signals, .events = POLLIN},
		[WAKE] = {.fd = console->wake, .events = POLLIN},
		[TIMER] = {.fd = console->timer, .events = POLLIN},
		[GRACE] = {.fd = console->grace, .events = POLLIN},
		[INPUT] = {.events = POLLIN},
		[OUTPUT] = {.events = POLLOUT},
	};

	if (console->terminal)
		take_terminal(console);
	resize(console);
	while (goes_on(console)) {
		fds[INPUT].fd = wants_input(console) ? console->input : -1;
		fds[OUTPUT].fd = output_waits(&console->output) ? console->output.fd : -1;
		if (poll(fds, FDS, -1) >= 0) /* else EINTR */
			look(console, fds);
	}
	return NULL;
}

static int set_timers(struct console *console)
{
	const struct console_settings *settings = &console->settings;

	if (settings->limit_ns)
		console->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (settings->grace_ns)
		console->grace = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if ((settings->limit_ns && console->timer < 0) ||
		(settings->grace_ns && console->grace < 0))
		return -1;
	return settings->limit_ns ? arm(console->timer, settings->limit_ns) : 0;
}

int console_start(
	struct console *console, struct keg_board *board, const struct console_settings *settings)
{
	int rc;

	console->board = board;
	console->settings = *settings;
	if (set_timers(console) != 0) {
		cli_error("cannot set the time limit: %s", strerror(errno));
		return -1;
	}
	if (console->terminal)
		terminal_guard();
	rc = pthread_create(&console->thread, NULL, serve, console);
	if (rc) {
		cli_error("cannot make the console's thread: %s", strerror(rc));
		return -1;
	}
	console->started = true;
	return 0;
}

void console_finish(struct console *console)
{
	if (console->started) {
		atomic_store(&console->finish, true);
		event_set(console->wake);
		pthread_join(console->thread, NULL);
		console->started = false;
		/* A virtio console's thread is still there, and nobody makes room for it. */
		output_hurry(&console->output);
	}
	terminal_leave();
}
