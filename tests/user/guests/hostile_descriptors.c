/* SPDX-License-Identifier: MIT */
/* Descriptors: none may reach what keg has open, whatever number it has. */
#include "hostile.h"

#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { NUMBERS = 70000, OWN = 4 /* 0 to 3 are the test's streams */ };

static bool is_own(int fd)
{
	return fd >= 0 && fd < OWN;
}

/* What is asked of each number: there is no such file. */
static void numbers(void)
{
	static const int calls[] = {SYS_fstat, SYS_fcntl, SYS_ioctl, SYS_lseek, SYS_dup, SYS_read,
		SYS_write, SYS_fsync, SYS_fchdir, SYS_flock, SYS_ftruncate, SYS_getdents64,
		SYS_epoll_ctl, SYS_epoll_wait, SYS_getsockname, SYS_sendto, SYS_recvfrom,
		SYS_timerfd_gettime, SYS_fstatfs, SYS_fchmod, SYS_splice, SYS_sendfile, SYS_mmap};
	char *buffer = pages(1);

	for (int fd = OWN; fd < NUMBERS; fd += fd < 300 ? 1 : 61) {
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
			if (calls[i] == SYS_mmap)
				MUST(raw(SYS_mmap, 0, PAGE, PROT_READ, MAP_SHARED, fd, 0) ==
					-EBADF);
			else
				MUST(raw(calls[i], fd, (long)buffer, (long)buffer, 0, 0, 0) < 0);
		}
		MUST(raw(SYS_close, fd, 0, 0, 0, 0, 0) == -EBADF);
	}
	for (int bit = 8; bit < 64; bit++) {
		long fd = 1l << bit;

		MUST(raw(SYS_fstat, fd | 77, (long)buffer, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_close, -fd, 0, 0, 0, 0, 0) < 0 || is_own((int)-fd));
	}
}

/* By name as well. */
static void names(void)
{
	char path[64], text[256];
	struct stat st;

	for (int fd = 0; fd < 3000; fd++) {
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, text, sizeof(text) - 1);
		MUST(is_own(fd) == (length >= 0));
		MUST(is_own(fd) == (stat(path, &st) == 0));
		if (length < 0)
			MUST(open(path, O_RDONLY | O_NONBLOCK) < 0);
		text[length > 0 ? length : 0] = '\0';
		MUST(!strstr(text, "kvm") && !strstr(text, "memfd:keg"));
		snprintf(path, sizeof(path), "/dev/fd/%d", fd);
		MUST(is_own(fd) || open(path, O_RDONLY | O_NONBLOCK) < 0);
	}
	MUST(open("/dev/kvm", O_RDWR) < 0);
}

static void nothing(void *context)
{
	(void)context;
}

/* Its own numbers onto every one that keg may have; then all of them closed. */
static void duplicated_onto_everything(void)
{
	for (int fd = OWN; fd < 1024; fd++)
		raw(SYS_dup2, 1, fd, 0, 0, 0, 0);
	for (int fd = OWN; fd < 1100; fd += 3)
		raw(SYS_dup3, 2, fd, O_CLOEXEC, 0, 0, 0);
	raw(SYS_close_range, OWN, -1, 0, 0, 0, 0);
	raw(SYS_close_range, 0, 4294967295, 4, 0, 0, 0);
	raw(SYS_close_range, 0, 4294967295, 0, 0, 0, 0);
	MUST(raw(SYS_getpid, 0, 0, 0, 0, 0, 0) > 0);
	/* The program's own, then keg's still works: a process more, with its machine. */
	MUST(in_child(nothing, NULL, 2000) == 0);
}

/* ---- Sent over sockets ---- */

static int send_fd(int to, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec vector = {"x", 1};
	struct msghdr header = {.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *message = CMSG_FIRSTHDR(&header);

	message->cmsg_level = SOL_SOCKET;
	message->cmsg_type = SCM_RIGHTS;
	message->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(message), &fd, sizeof(fd));
	return (int)sendmsg(to, &header, MSG_DONTWAIT);
}

/* Sockets that hold one another, and that nobody else holds. */
static void sent_in_circles(void)
{
	for (int i = 0; i < 500; i++) {
		int pair[2], other[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ||
			socketpair(AF_UNIX, SOCK_DGRAM, 0, other) < 0)
			break;
		send_fd(pair[0], pair[1]);
		send_fd(pair[0], pair[0]);
		send_fd(pair[1], other[0]);
		send_fd(other[0], pair[0]);
		send_fd(other[1], other[1]);
		close(pair[0]);
		close(pair[1]);
		close(other[0]);
		close(other[1]);
	}
}

static void sent_numbers(void)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	for (int fd = pair[1] + 1; fd < 2000; fd++)
		MUST(send_fd(pair[0], fd) < 0);
	MUST(send_fd(pair[0], -1) < 0);
	for (int i = 0; i < 2000; i++)
		if (send_fd(pair[0], 2) < 0)
			break;
}

/* ---- Epoll on epoll ---- */

static void epoll_circles(void)
{
	int epolls[64];

	for (int i = 0; i < 64; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		epolls[i] = epoll_create1(0);
		MUST(epolls[i] >= 0);
		for (int j = 0; j <= i; j++) {
			epoll_ctl(epolls[i], EPOLL_CTL_ADD, epolls[j], &event);
			epoll_ctl(epolls[j], EPOLL_CTL_ADD, epolls[i], &event);
		}
	}
	for (int i = 0; i < 64; i++) {
		struct epoll_event event;

		epoll_wait(epolls[i], &event, 1, 0);
		if (i % 3 == 0)
			close(epolls[i]);
	}
}

/* ---- Closed while another thread is in it ---- */

static int pipes[2];

static int read_pipe(void *context)
{
	char byte;

	(void)context;
	raw(SYS_read, pipes[0], (long)&byte, 1, 0, 0, 0);
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

static void closed_in_use(void)
{
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < 40; i++) {
		MUST(pipe(pipes) == 0);
		in_thread(read_pipe, NULL);
		if (i % 2)
			sched_yield();
		close(pipes[0]);
		dup2(1, pipes[0]);
		write(pipes[1], "x", 1);
		close(pipes[1]);
	}
	_exit(0);
}

static uint64_t until;

static int open_and_close(void *context)
{
	(void)context;
	while (now_ms() < until) {
		int fd = (int)(4 + chance() % 8);

		switch (chance() % 5) {
		case 0:
			close(fd);
			break;
		case 1:
			dup2(fd, (int)(4 + chance() % 8));
			break;
		case 2:
			open("/rw/used", O_RDWR | O_CREAT, 0600);
			break;
		case 3:
			fcntl(fd, F_SETFL, O_NONBLOCK);
			break;
		default:
			pipe2(pipes, O_NONBLOCK);
		}
	}
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

static void changed_in_use(void)
{
	char *buffer = pages(1);

	signal(SIGPIPE, SIG_IGN);
	until = now_ms() + 300 * hostile_effort;
	in_thread(open_and_close, NULL);
	in_thread(open_and_close, NULL);
	while (now_ms() < until) {
		int fd = (int)(4 + chance() % 8);
		struct stat st;

		raw(SYS_pread64, fd, (long)buffer, 100, 0, 0, 0);
		raw(SYS_pwrite64, fd, (long)buffer, 100, 0, 0, 0);
		fstat(fd, &st);
		flock(fd, LOCK_EX | LOCK_NB);
		fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK});
		munmap(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), PAGE);
		raw(SYS_sendfile, fd, (int)(4 + chance() % 8), 0, 100, 0, 0);
	}
	_exit(0);
}

/* ---- Pseudo terminals ---- */

/* More than there may be, used by many at once, with requests and flags of any kind; none answers
 * by a number of the host's. */
static void terminals(void)
{
	static const long requests[] = {0x5401, 0x5402, 0x5404, 0x540a, 0x540b, 0x540e, 0x540f,
		0x5410, 0x5413, 0x5414, 0x541b, 0x5422, 0x5429, 0x802c542a, 0x402c542b, 0x80045430,
		0x40045431, 0x5441, 0x40045436, 0x80045439, 0x5412, 0x5420, 0x5423};
	pid_t self = getpid();
	char *data = pages(4);

	for (int i = 0; i < 3; i++)
		fork();
	if (getpid() != self)
		raw(SYS_setsid, 0, 0, 0, 0, 0, 0);
	for (int i = 0; i < 50 * (int)hostile_effort; i++) {
		int fd = open("/dev/ptmx", O_RDWR | (chance() % 2 ? O_NONBLOCK : O_NOCTTY)),
		    zero = 0;
		long slave;

		raw(SYS_ioctl, fd, 0x40045431, (long)&zero, 0, 0, 0);
		slave = raw(SYS_ioctl, fd, 0x5441, O_RDWR | O_NONBLOCK, 0, 0, 0);
		for (int j = 0; j < 20; j++) {
			long to = chance() % 2 ? fd : slave;

			for (int k = 0; k < 60; k++)
				data[k] = (char)chance();
			raw(SYS_ioctl, to, requests[chance() % 23],
				chance() % 4 ? (long)data : (long)chance(), 0, 0, 0);
			raw(SYS_fcntl, fd, F_SETFL, O_NONBLOCK, 0, 0, 0);
			raw(SYS_fcntl, slave, F_SETFL, O_NONBLOCK, 0, 0, 0);
			raw(SYS_write, to, (long)data, (long)(chance() % (4 * PAGE)), 0, 0, 0);
			raw(SYS_read, to, (long)data, (long)(chance() % (4 * PAGE)), 0, 0, 0);
		}
		if (chance() % 2)
			close((int)slave);
		if (chance() % 2)
			close(fd);
		close(open("/dev/tty", O_RDWR | O_NONBLOCK));
	}
	if (getpid() != self)
		_exit(0);
	signal(SIGHUP, SIG_IGN);
}

const struct hostile hostile_descriptors[] = {
	{"terminals", terminals, EXITS | KILLED, 0},
	{"descriptors-by-number", numbers, EXITS, 0},
	{"descriptors-by-name", names, EXITS, 0},
	{"descriptors-duplicated-onto-everything", duplicated_onto_everything, EXITS, 0},
	{"descriptors-sent-in-circles", sent_in_circles, EXITS, 0},
	{"descriptors-sent-by-number", sent_numbers, EXITS, 0},
	{"epoll-circles", epoll_circles, EXITS, 0},
	{"descriptors-closed-in-use", closed_in_use, EXITS, 0},
	{"descriptors-changed-in-use", changed_in_use, EXITS, 0},
	{NULL, NULL, 0, 0},
};
