/* SPDX-License-Identifier: MIT */
/* Descriptors that a program sends itself, of files that are more than one of the host's: unix(7),
 * SCM_RIGHTS. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>

#include "check.h"

union rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static int ends[2];

static void open_ends(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
}

static void close_ends(void)
{
	close(ends[0]);
	close(ends[1]);
}

static ssize_t give(int to, int fd)
{
	union rights control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {"x", 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(int));
	return sendmsg(to, &message, MSG_DONTWAIT);
}

static int take(int from, int flags)
{
	union rights control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int fd;

	CHECK(recvmsg(from, &message, flags) == 1 && !(message.msg_flags & MSG_CTRUNC));
	CHECK(message.msg_controllen >= CMSG_LEN(sizeof(int)));
	CHECK(control.header.cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(int));
	return fd;
}

static int there_and_back(int fd)
{
	CHECK(give(ends[0], fd) == 1);
	return take(ends[1], 0);
}

/* What arrives is what was sent: one description, of two descriptors. */
static void the_same_file(void)
{
	int directory = open("/tmp", O_RDONLY | O_DIRECTORY), got;
	struct stat one, other;

	open_ends();
	CHECK(mkdir("/tmp/d", 0700) == 0);
	got = there_and_back(directory);
	CHECK(got != directory);
	CHECK(fstat(directory, &one) == 0 && fstat(got, &other) == 0);
	CHECK(one.st_ino == other.st_ino && one.st_dev == other.st_dev);
	close(directory);
	CHECK(fstatat(got, "d", &one, 0) == 0 && S_ISDIR(one.st_mode));
	CHECK(fchdir(got) == 0 && rmdir("d") == 0);
	close(got);
	got = there_and_back(1);
	CHECK(fcntl(got, F_SETFL, fcntl(got, F_GETFL) | O_NONBLOCK) == 0);
	CHECK(fcntl(1, F_GETFL) & O_NONBLOCK);
	CHECK(fcntl(1, F_SETFL, fcntl(1, F_GETFL) & ~O_NONBLOCK) == 0);
	CHECK(dprintf(got, "printed by another descriptor\n") > 0);
	close(got);
	close_ends();
}

/* Those that stand for something. */
static void made_up_files(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 5};
	struct signalfd_siginfo info;
	int fd, got, pipes[2];
	sigset_t set;
	char text[8];

	open_ends();
	fd = open("/proc/self/comm", O_RDONLY);
	got = there_and_back(fd);
	CHECK(read(got, text, 2) == 2);
	close(fd);
	close(got);
	fd = epoll_create1(0);
	got = there_and_back(fd);
	CHECK(pipe(pipes) == 0 && epoll_ctl(fd, EPOLL_CTL_ADD, pipes[0], &event) == 0);
	CHECK(write(pipes[1], "x", 1) == 1);
	CHECK(epoll_wait(got, &event, 1, 0) == 1 && event.data.u32 == 5);
	close(fd);
	close(got);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	fd = signalfd(-1, &set, 0);
	got = there_and_back(fd);
	close(fd);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(read(got, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1);
	close(got);
	close_ends();
}

static int open_terminal(int *slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	CHECK(master >= 0 && unlockpt(master) == 0);
	*slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK(*slave >= 0);
	return master;
}

/* A server that gets its client's terminal. */
static void terminals(void)
{
	int slave, master = open_terminal(&slave), status, got;
	struct termios termios;
	char text[8];
	pid_t child;

	open_ends();
	child = fork();
	if (child == 0) {
		close(ends[0]);
		close(master);
		close(slave);
		got = take(ends[1], MSG_CMSG_CLOEXEC);
		CHECK(isatty(got) && tcgetattr(got, &termios) == 0);
		CHECK(fcntl(got, F_GETFD) == FD_CLOEXEC && write(got, "hello", 5) == 5);
		_exit(0);
	}
	CHECK(give(ends[0], slave) == 1);
	close(slave);
	CHECK(read(master, text, 8) == 5 && memcmp(text, "hello", 5) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close_ends();
	/* The last one is closed: the message is read, the descriptor is gone. */
	CHECK(read(master, text, 1) == -1 && errno == EIO);
	close(master);
}

/* What is on its way when its socket is closed is closed. */
static void lost(void)
{
	int slave, master = open_terminal(&slave), status;
	char text[8];
	pid_t child;

	open_ends();
	CHECK(give(ends[0], master) == 1);
	close(master);
	CHECK(write(slave, "a", 1) == 1);
	close_ends();
	CHECK(write(slave, "a", 1) == -1 && errno == EIO);
	close(slave);
	/* By the end of the process that has it. */
	master = open_terminal(&slave);
	child = fork();
	if (child == 0) {
		open_ends();
		_exit(give(ends[0], slave) != 1);
	}
	close(slave);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(read(master, text, 1) == -1 && errno == EIO);
	close(master);
}

/* A message that is only looked at brings descriptors, too. */
static void looked_at(void)
{
	int fd = open("/", O_RDONLY), first, second;
	struct stat st;

	open_ends();
	CHECK(give(ends[0], fd) == 1);
	close(fd);
	first = take(ends[1], MSG_PEEK);
	CHECK(fstat(first, &st) == 0 && S_ISDIR(st.st_mode));
	close(first);
	first = take(ends[1], MSG_PEEK);
	second = take(ends[1], 0);
	CHECK(first != second && fstat(first, &st) == 0 && fstat(second, &st) == 0);
	close(first);
	close(second);
	close_ends();
}

/* There are only so many of them on their way, and room again when they have gone. */
static void many(void)
{
	int fd = open("/", O_RDONLY);

	for (int round = 0; round < 3; round++) {
		int sent = 0;

		open_ends();
		while (sent < 2000 && give(ends[0], fd) == 1)
			sent++;
		CHECK(sent > 50 && sent < 2000);
		CHECK(errno == ETOOMANYREFS || errno == EAGAIN);
		close(take(ends[1], 0));
		close_ends();
	}
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"the same file", the_same_file},
		{"made-up files", made_up_files},
		{"terminals", terminals},
		{"lost", lost},
		{"looked at", looked_at},
		{"many", many},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
