/* SPDX-License-Identifier: MIT */
/* Pseudo terminals as a program finds them: pty(7). */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"

static int master, slave;
static char slave_name[64];

static void open_pair(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(master >= 0 && grantpt(master) == 0);
	CHECK(ptsname_r(master, slave_name, sizeof(slave_name)) == 0);
	CHECK(open(slave_name, O_RDWR | O_NOCTTY) < 0 && errno == EIO);
	CHECK(unlockpt(master) == 0);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
}

static void close_pair(void)
{
	close(slave);
	close(master);
}

static short events_of(int fd)
{
	struct pollfd wanted = {fd, POLLIN | POLLOUT, 0};

	CHECK(poll(&wanted, 1, 0) >= 0);
	return wanted.revents;
}

static void says(int fd, const char *text)
{
	char got[256] = "";
	size_t done = 0, length = strlen(text);

	while (done < length) {
		ssize_t n = read(fd, got + done, sizeof(got) - 1 - done);

		CHECK(n > 0);
		done += (size_t)n;
	}
	CHECK(strcmp(got, text) == 0);
}

static void types(const char *text)
{
	CHECK(write(master, text, strlen(text)) == (ssize_t)strlen(text));
}

static void set(tcflag_t off, tcflag_t on)
{
	struct termios termios;

	CHECK(tcgetattr(slave, &termios) == 0);
	termios.c_lflag = (termios.c_lflag & ~off) | on;
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0);
}

static void names_and_numbers(void)
{
	struct stat by_name, by_file;
	struct dirent *entry;
	int number = -1, fd;
	bool found = false;
	DIR *directory;
	char name[64];

	open_pair();
	CHECK(isatty(master) && isatty(slave) && ioctl(master, TIOCGPTN, &number) == 0);
	CHECK(ioctl(slave, TIOCGPTN, &number) < 0 && errno == ENOTTY);
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	CHECK(strcmp(name, slave_name) == 0);
	CHECK(ttyname_r(slave, name, sizeof(name)) == 0 && strcmp(name, slave_name) == 0);
	CHECK(stat(name, &by_name) == 0 && fstat(slave, &by_file) == 0);
	CHECK(S_ISCHR(by_name.st_mode) && by_name.st_ino == by_file.st_ino);
	CHECK(by_file.st_rdev == makedev(136, number) && by_name.st_rdev == by_file.st_rdev);
	directory = opendir("/dev/pts");
	while (directory && (entry = readdir(directory)))
		found = found || atoi(entry->d_name) == number;
	CHECK(directory && found);
	closedir(directory);
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	CHECK(fd >= 0 && ttyname_r(fd, name, sizeof(name)) == 0 && strcmp(name, slave_name) == 0);
	close(fd);
	close_pair();
	CHECK(open(slave_name, O_RDWR | O_NOCTTY) < 0);
	CHECK(open("/dev/pts/12345", O_RDWR | O_NOCTTY) < 0 && errno == ENOENT);
}

/* As mesg(1) and those who log somebody in do. */
static void owners(void)
{
	struct stat st;

	open_pair();
	CHECK(stat(slave_name, &st) == 0 && st.st_uid == geteuid());
	CHECK(chown(slave_name, geteuid(), 5) == 0 && fchmod(slave, 0600) == 0);
	CHECK(fstat(slave, &st) == 0 && st.st_gid == 5 && (st.st_mode & 07777) == 0600);
	CHECK(chmod(slave_name, 0622) == 0 && fchown(slave, (uid_t)-1, 7) == 0);
	CHECK(stat(slave_name, &st) == 0 && st.st_gid == 7 && (st.st_mode & 07777) == 0622);
	CHECK(chown(slave_name, geteuid() + 1, 5) == -1 && errno == EPERM);
	close_pair();
	open_pair();
	CHECK(fstat(slave, &st) == 0 && (st.st_mode & 07777) == 0620);
	close_pair();
}

static void lines(void)
{
	int count;

	open_pair();
	CHECK(events_of(slave) == POLLOUT && events_of(master) == POLLOUT);
	types("on");
	CHECK(events_of(slave) == POLLOUT);
	types("x\x7f"
	      "e\nrest");
	CHECK(events_of(slave) == (POLLIN | POLLOUT));
	CHECK(ioctl(slave, FIONREAD, &count) == 0 && count == 4);
	says(slave, "one\n");
	CHECK(events_of(slave) == POLLOUT);
	says(master, "onx\b \be\r\nrest");
	types("\x15"
	      "a\x16\x03\x17word\x04");
	says(slave, "word");
	CHECK(tcflush(master, TCIOFLUSH) == 0);
	types("\x04");
	CHECK(read(slave, &count, sizeof(count)) == 0);
	CHECK(write(slave, "a\nb", 3) == 3);
	says(master, "a\r\nb");
	close_pair();
}

static void single_bytes(void)
{
	struct termios termios;
	char byte;

	open_pair();
	CHECK(tcgetattr(slave, &termios) == 0);
	cfmakeraw(&termios);
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0);
	types("\r\x03");
	says(slave, "\r\x03");
	CHECK(fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
	CHECK(read(slave, &byte, 1) < 0 && errno == EAGAIN);
	CHECK(fcntl(master, F_SETFL, O_NONBLOCK) == 0);
	CHECK(read(master, &byte, 1) < 0 && errno == EAGAIN);
	CHECK(fcntl(slave, F_SETFL, 0) == 0);
	termios.c_cc[VMIN] = 0;
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0 && read(slave, &byte, 1) == 0);
	termios.c_cc[VTIME] = 1;
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0 && read(slave, &byte, 1) == 0);
	termios.c_cc[VMIN] = 3;
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0);
	types("ab");
	says(slave, "ab");
	CHECK(write(slave, "\n", 1) == 1);
	says(master, "\n");
	close_pair();
}

/* A master that nobody reads from, and a slave that nobody does. */
static void full(void)
{
	static char text[65536];
	ssize_t sum = 0, n;

	open_pair();
	memset(text, 'x', sizeof(text));
	set(ICANON | ECHO, 0);
	CHECK(fcntl(master, F_SETFL, O_NONBLOCK) == 0 && fcntl(slave, F_SETFL, O_NONBLOCK) == 0);
	while ((n = write(slave, text, sizeof(text))) > 0)
		sum += n;
	CHECK(errno == EAGAIN && sum > 4000);
	for (; sum > 0; sum -= n)
		CHECK((n = read(master, text, sizeof(text))) > 0);
	CHECK(sum == 0 && read(master, text, 1) < 0 && errno == EAGAIN);
	while ((n = write(master, text, sizeof(text))) > 0)
		sum += n;
	CHECK(errno == EAGAIN && sum >= 4095);
	for (; sum > 0 && (n = read(slave, text, sizeof(text))) > 0; sum -= n)
		;
	CHECK(sum == 0 || errno == EAGAIN);
	close_pair();
}

static void ends(void)
{
	struct pollfd wanted;
	char byte;

	open_pair();
	CHECK(write(slave, "last", 4) == 4 && close(slave) == 0);
	says(master, "last");
	wanted = (struct pollfd){master, POLLIN, 0};
	CHECK(poll(&wanted, 1, -1) == 1 && wanted.revents & POLLHUP);
	CHECK(read(master, &byte, 1) < 0 && errno == EIO);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && write(slave, "x", 1) == 1);
	says(master, "x");
	close(master);
	wanted = (struct pollfd){slave, POLLIN, 0};
	CHECK(poll(&wanted, 1, -1) == 1 && wanted.revents & POLLHUP);
	CHECK(read(slave, &byte, 1) == 0);
	CHECK(write(slave, "x", 1) < 0 && errno == EIO);
	CHECK(tcgetpgrp(slave) < 0);
	close(slave);
}

/* ---- Sessions, groups, signals ---- */

static void note(int signo)
{
	dprintf(slave, "got %d\n", signo);
}

/* In a session of its own, on the terminal. */
static pid_t on_terminal(void (*run)(void))
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child > 0)
		return child;
	close(master);
	CHECK(setsid() == getpid());
	CHECK(open("/dev/tty", O_RDWR) < 0 && errno == ENXIO);
	CHECK(tcgetpgrp(slave) < 0 && errno == ENOTTY);
	CHECK(ioctl(slave, TIOCSCTTY, 0) == 0);
	CHECK(tcgetpgrp(slave) == getpid() && tcgetsid(slave) == getpid());
	signal(SIGINT, note);
	signal(SIGWINCH, note);
	signal(SIGHUP, note);
	run();
	_exit(0);
}

static void wait_for_signals(void)
{
	write(slave, "ready\n", 6);
	for (;;)
		pause();
}

static void signals_of_keys(void)
{
	struct winsize size = {.ws_row = 10, .ws_col = 20};
	int status;
	pid_t child;

	open_pair();
	child = on_terminal(wait_for_signals);
	says(master, "ready\r\n");
	CHECK(tcgetpgrp(master) == child);
	types("\x03");
	says(master, "^Cgot 2\r\n");
	CHECK(ioctl(master, TIOCSWINSZ, &size) == 0);
	says(master, "got 28\r\n");
	CHECK(ioctl(slave, TIOCGWINSZ, &size) == 0 && size.ws_row == 10 && size.ws_col == 20);
	set(ISIG | ECHO, 0);
	types("\x03\n");
	set(0, ISIG);
	types("\x1c");
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
	/* Nobody's now. */
	CHECK(tcgetpgrp(slave) < 0);
	close_pair();
}

static void hang_up(void)
{
	int status;
	pid_t child;

	open_pair();
	child = on_terminal(wait_for_signals);
	says(master, "ready\r\n");
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	close(master);
	CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
	kill(child, SIGKILL);
	CHECK(waitpid(child, &status, 0) == child);
	close(slave);
}

/* What is in the background stops when it reads, and when it would change the terminal. */
static void background(void)
{
	int tty = open("/dev/tty", O_RDWR), status;
	pid_t child = fork();
	char byte;

	if (child == 0) {
		setpgid(0, 0);
		kill(getpid(), SIGSTOP);
		CHECK(read(tty, &byte, 1) == 1 && byte == 'x');
		signal(SIGTTOU, SIG_IGN);
		CHECK(tcsetpgrp(tty, getpgrp()) == 0);
		_exit(5);
	}
	CHECK(tty >= 0 && child > 0);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WSTOPSIG(status) == SIGSTOP);
	kill(child, SIGCONT);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WSTOPSIG(status) == SIGTTIN);
	CHECK(tcsetpgrp(tty, child) == 0 && tcgetpgrp(tty) == child);
	kill(child, SIGCONT);
	dprintf(tty, "type\n");
	CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
	/* The group is gone, and this one is in the background. */
	signal(SIGTTOU, SIG_IGN);
	CHECK(tcsetpgrp(tty, 99999) < 0 && tcsetpgrp(tty, getpgrp()) == 0);
	dprintf(tty, "done\n");
}

static void groups(void)
{
	int status;
	pid_t child;

	open_pair();
	child = on_terminal(background);
	says(master, "type\r\n");
	types("x\n");
	says(master, "x\r\ndone\r\n");
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close_pair();
}

static void waited_for_by_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 7};
	int epoll;

	open_pair();
	epoll = epoll_create1(0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, slave, &event) == 0);
	event.data.u32 = 8;
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, master, &event) == 0);
	CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
	CHECK(write(slave, "x", 1) == 1);
	CHECK(epoll_wait(epoll, &event, 1, -1) == 1 && event.data.u32 == 8);
	says(master, "x");
	set(ECHO, 0);
	types("y\n");
	CHECK(epoll_wait(epoll, &event, 1, -1) == 1 && event.data.u32 == 7);
	close(epoll);
	close_pair();
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"names and numbers", names_and_numbers},
		{"owners", owners},
		{"lines", lines},
		{"single bytes", single_bytes},
		{"full", full},
		{"ends", ends},
		{"signals of keys", signals_of_keys},
		{"hang-up", hang_up},
		{"groups", groups},
		{"waited for by epoll", waited_for_by_epoll},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
