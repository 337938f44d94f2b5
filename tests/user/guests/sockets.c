/* SPDX-License-Identifier: MIT */
/* Sockets as a program without a network finds them. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "check.h"

static void families(void)
{
	CHECK(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
	CHECK(socket(AF_INET6, SOCK_DGRAM, 0) == -1 && errno == EAFNOSUPPORT);
	CHECK(socket(AF_NETLINK, SOCK_RAW, 0) == -1 && errno == EAFNOSUPPORT);
	CHECK(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EAFNOSUPPORT);
	CHECK(socket(AF_UNIX, SOCK_STREAM, 17) == -1 && errno == EPROTONOSUPPORT);
	CHECK(socket(AF_UNIX, SOCK_STREAM | 0x100, 0) == -1 && errno == EINVAL);
}

static void pairs(void)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);
	char text[16];
	int ends[2], count;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	CHECK(fcntl(ends[0], F_GETFD) == FD_CLOEXEC);
	CHECK(write(ends[0], "hello", 5) == 5);
	CHECK(ioctl(ends[1], FIONREAD, &count) == 0 && count == 5);
	CHECK(ioctl(ends[1], FIOASYNC, &count) == 0);
	CHECK(ioctl(ends[1], FIOASYNC, NULL) == -1 && errno == EFAULT);
	CHECK(recv(ends[1], text, 16, MSG_PEEK) == 5 && recv(ends[1], text, 16, 0) == 5);
	CHECK(recv(ends[1], text, 16, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	CHECK(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0);
	CHECK(peer.pid == getpid() && length == sizeof(peer));
	CHECK(shutdown(ends[0], SHUT_WR) == 0 && read(ends[1], text, 1) == 0);
	close(ends[1]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(send(ends[0], "x", 1, 0) == -1 && errno == EPIPE);
	signal(SIGPIPE, SIG_DFL);
	CHECK(send(ends[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
	close(ends[0]);
	CHECK(read(0, text, 0) == 0 || errno == EBADF);
	CHECK(send(1, "x", 1, 0) == -1 && errno == ENOTSOCK);
}

static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	strcpy(address->sun_path + (name[0] == '@'), name + (name[0] == '@'));
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) +
			   (name[0] != '@'));
}

/* A server in this process, a client in another. */
static void serve(const char *name)
{
	struct sockaddr_un address, told;
	socklen_t length = address_of(name, &address), told_length = sizeof(told);
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client, status;
	char text[16];
	pid_t child;

	CHECK(bind(server, (struct sockaddr *)&address, length) == 0);
	CHECK(getsockname(server, (struct sockaddr *)&told, &told_length) == 0);
	CHECK(told_length == length && !memcmp(&told, &address, length));
	CHECK(listen(server, 5) == 0);
	child = fork();
	if (child == 0) {
		client = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK(connect(client, (struct sockaddr *)&address, length) == 0);
		told_length = sizeof(told);
		CHECK(getpeername(client, (struct sockaddr *)&told, &told_length) == 0);
		CHECK(told_length == length && !memcmp(&told, &address, length));
		CHECK(write(client, "hello", 5) == 5);
		_exit(0);
	}
	client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	CHECK(client >= 0 && recv(client, text, 5, MSG_WAITALL) == 5);
	told_length = sizeof(told);
	CHECK(getsockname(client, (struct sockaddr *)&told, &told_length) == 0);
	CHECK(told_length == length && !memcmp(&told, &address, length));
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(client);
	close(server);
}

static void by_path(void)
{
	struct sockaddr_un address;
	socklen_t length;
	struct stat st;
	int fd;

	umask(077);
	serve("/tmp/socket");
	CHECK(stat("/tmp/socket", &st) == 0 && S_ISSOCK(st.st_mode));
	CHECK((st.st_mode & 0777) == 0700);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	length = address_of("/tmp/socket", &address);
	CHECK(bind(fd, (struct sockaddr *)&address, length) == -1 && errno == EADDRINUSE);
	CHECK(connect(fd, (struct sockaddr *)&address, length) == -1 && errno == ECONNREFUSED);
	CHECK(unlink("/tmp/socket") == 0);
	CHECK(connect(fd, (struct sockaddr *)&address, length) == -1 && errno == ENOENT);
	length = address_of("/proc/socket", &address);
	CHECK(bind(fd, (struct sockaddr *)&address, length) == -1);
	length = address_of("/tmp/../tmp/./socket", &address);
	CHECK(bind(fd, (struct sockaddr *)&address, length) == 0);
	CHECK(unlink("/tmp/socket") == 0);
	CHECK(chdir("/tmp") == 0);
	serve("relative");
	CHECK(unlink("/tmp/relative") == 0);
	close(fd);
}

static void by_abstract_name(void)
{
	struct sockaddr_un address;
	socklen_t length = sizeof(address);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	serve("@some name");
	address.sun_family = AF_UNIX;
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
	CHECK(length == sizeof(sa_family_t) + 6 && address.sun_path[0] == '\0');
	CHECK(address.sun_path[1] == '0');
	close(fd);
	/* A name that anybody else may have: the sandbox has its own. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	length = address_of("@/tmp/.X11-unix/X0", &address);
	CHECK(connect(fd, (struct sockaddr *)&address, length) == -1 && errno == ECONNREFUSED);
	close(fd);
}

static void datagrams(void)
{
	struct sockaddr_un address, from;
	socklen_t length = address_of("/tmp/datagrams", &address), from_length = sizeof(from);
	struct sockaddr_un own;
	socklen_t own_length = address_of("/tmp/answers", &own);
	int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
	char text[4];

	CHECK(bind(server, (struct sockaddr *)&address, length) == 0);
	CHECK(bind(client, (struct sockaddr *)&own, own_length) == 0);
	CHECK(sendto(client, "longer than that", 16, 0, (struct sockaddr *)&address, length) == 16);
	CHECK(recvfrom(server, text, sizeof(text), MSG_TRUNC, (struct sockaddr *)&from,
		      &from_length) == 16);
	CHECK(from_length == own_length && !memcmp(&from, &own, own_length));
	CHECK(sendto(server, "back", 4, 0, (struct sockaddr *)&from, from_length) == 4);
	CHECK(recv(client, text, 4, 0) == 4 && !memcmp(text, "back", 4));
	close(server);
	close(client);
	unlink("/tmp/datagrams");
	unlink("/tmp/answers");
}

union rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(2 * sizeof(int))];
};

static ssize_t send_rights(int fd, const int *given, size_t count)
{
	union rights control = {.header = {CMSG_LEN(count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {"x", 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int))};

	memcpy(CMSG_DATA(&control.header), given, count * sizeof(int));
	return sendmsg(fd, &message, 0);
}

/* How many there were; *flags as they came. */
static size_t receive_rights(int fd, int *given, size_t room, int *flags)
{
	union rights control;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0};
	size_t bytes;

	CHECK(recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == 1);
	*flags = message.msg_flags;
	if (!message.msg_controllen)
		return 0;
	CHECK(control.header.cmsg_type == SCM_RIGHTS);
	bytes = control.header.cmsg_len - CMSG_LEN(0);
	memcpy(given, CMSG_DATA(&control.header), bytes);
	return bytes / sizeof(int);
}

static void rights(void)
{
	int ends[2], pipes[2], got[2] = {-1, -1}, flags;
	char text[4];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && pipe(pipes) == 0);
	CHECK(send_rights(ends[0], pipes, 2) == 1);
	CHECK(receive_rights(ends[1], got, 2, &flags) == 2 && !(flags & MSG_CTRUNC));
	CHECK(got[0] > pipes[1] && fcntl(got[0], F_GETFD) == FD_CLOEXEC);
	CHECK(write(got[1], "abc", 3) == 3 && read(pipes[0], text, 3) == 3);
	close(got[0]);
	close(got[1]);
	/* What there is no room for is closed. */
	CHECK(send_rights(ends[0], pipes, 2) == 1);
	CHECK(receive_rights(ends[1], got, 1, &flags) == 1 && (flags & MSG_CTRUNC));
	close(got[0]);
	CHECK(send_rights(ends[0], pipes, 2) == 1);
	CHECK(receive_rights(ends[1], got, 0, &flags) == 0 && (flags & MSG_CTRUNC));
	got[0] = 999;
	CHECK(send_rights(ends[0], got, 1) == -1 && errno == EBADF);
	close(pipes[1]);
	CHECK(read(pipes[0], text, 1) == 0);
	close(pipes[0]);
	close(ends[0]);
	close(ends[1]);
}

static void note(int signo)
{
	(void)signo;
}

static void options(void)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
	struct timeval time = {0, 20000};
	int ends[2], value = 1, got = 0;
	socklen_t length = sizeof(got);
	char byte;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)) == 0);
	CHECK(getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &got, &length) == 0 && got == SOCK_STREAM);
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_MARK, &value, sizeof(value)) == -1);
	CHECK(errno == ENOPROTOOPT);
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_ATTACH_FILTER, &value, sizeof(value)) == -1);
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
	CHECK(read(ends[0], &byte, 1) == -1 && errno == EAGAIN);
	/* With a timeout it is not waited for again: signal(7). */
	time.tv_sec = 5;
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) == 0);
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	ualarm(20000, 0);
	CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR);
	close(ends[0]);
	close(ends[1]);
}

static void many_messages(void)
{
	struct iovec iov[3] = {{"one", 3}, {"three", 5}, {"four", 4}};
	struct mmsghdr messages[3] = {{.msg_hdr = {.msg_iov = &iov[0], .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &iov[1], .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &iov[2], .msg_iovlen = 1}}};
	char texts[3][8];
	int ends[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	CHECK(sendmmsg(ends[0], messages, 3, 0) == 3 && messages[1].msg_len == 5);
	for (int i = 0; i < 3; i++)
		iov[i] = (struct iovec){texts[i], sizeof(texts[i])};
	CHECK(recvmmsg(ends[1], messages, 3, MSG_WAITFORONE, NULL) == 3);
	CHECK(messages[2].msg_len == 4 && !memcmp(texts[2], "four", 4));
	close(ends[0]);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"families", families},
		{"pairs", pairs},
		{"by path", by_path},
		{"by abstract name", by_abstract_name},
		{"datagrams", datagrams},
		{"rights", rights},
		{"options", options},
		{"many messages", many_messages},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
