/* SPDX-License-Identifier: MIT */
/* Waiting for files, sockets, and what the system says of itself. */
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <termios.h>

#include "guest.h"

void guest_polls(void)
{
	struct epoll_event event = {EPOLLIN, {.u64 = 1}};
	int ready = eventfd(1, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct timeval time = {0, 100};
	struct pollfd fds[40];
	fd_set set;

	MUST(ready >= 0 && epoll >= 0);
	for (int i = 0; i < 40; i++)
		fds[i] = (struct pollfd){ready, POLLIN, 0};
	MUST(poll(fds, 40, -1) == 40 && poll(fds, 1, 1) == 1 && poll(fds, 1, 0) == 1);
	FD_ZERO(&set);
	for (int i = 0; i < 40; i++) {
		MUST(dup2(ready, 10 + i) == 10 + i);
		FD_SET(10 + i, &set);
	}
	MUST(select(64, &set, NULL, NULL, &time) == 40);
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event) == 0);
	MUST(epoll_wait(epoll, &event, 1, -1) == 1 && epoll_wait(epoll, &event, 1, 0) == 1);
	MUST(epoll_ctl(epoll, EPOLL_CTL_MOD, ready, &event) == 0);
	MUST(epoll_ctl(epoll, EPOLL_CTL_DEL, ready, NULL) == 0 && close(ready) == 0);
	MUST(epoll_wait(epoll, &event, 1, 1) == 0);
}

static socklen_t name(struct sockaddr_un *address, const char *path, size_t length)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, path, length);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

/* Descriptors, through pairs: a file of the host's, and one that is more than that. */
static void send_file(int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	char byte = 'x';
	struct iovec part = {&byte, 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int ends[2];

	MUST(fd >= 0 && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	MUST(sendmsg(ends[0], &message, 0) == 1);
	memset(&control, 0, sizeof(control));
	message.msg_controllen = sizeof(control);
	MUST(recvmsg(ends[1], &message, MSG_CMSG_CLOEXEC) == 1);
	MUST(message.msg_controllen >= CMSG_LEN(sizeof(int)));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	MUST(write(fd, "x", 1) == 1 && shutdown(ends[0], SHUT_RDWR) == 0);
	close(ends[0]);
	close(ends[1]);
	/* Received without room for it, and never received. */
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	message.msg_controllen = sizeof(control);
	MUST(sendmsg(ends[0], &message, 0) == 1 && sendmsg(ends[0], &message, 0) == 1);
	MUST(recv(ends[1], &byte, 1, 0) == 1 && sendmsg(ends[0], &message, 0) == 1);
	message.msg_controllen = sizeof(struct cmsghdr);
	MUST(recvmsg(ends[1], &message, 0) == 1);
}

/* A datagram to a path; a path that is too long. */
static void send_to(void)
{
	struct sockaddr_un address;
	socklen_t length = name(&address, "/tmp/datagrams", 15);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	MUST(fd >= 0 && bind(fd, (struct sockaddr *)&address, length) == 0);
	MUST(sendto(fd, "x", 1, 0, (struct sockaddr *)&address, length) == 1);
	MUST((fd = socket(AF_UNIX, SOCK_DGRAM, 0)) >= 0);
	memset(address.sun_path + 5, 'x', 100);
	address.sun_path[105] = 0;
	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1);
}

/* A server and a client in one. */
static void connect_to(const struct sockaddr *address, socklen_t length)
{
	int server = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one, other;
	struct sockaddr_storage told;
	socklen_t room = sizeof(told);
	int value = 0;
	char byte = 0;

	MUST(server >= 0 && bind(server, address, length) == 0 && listen(server, 4) == 0);
	MUST(getsockname(server, (struct sockaddr *)&told, &room) == 0);
	MUST((one = socket(address->sa_family, SOCK_STREAM, 0)) >= 0);
	MUST(connect(one, (struct sockaddr *)&told, room) == 0);
	room = sizeof(told);
	MUST((other = accept4(server, (struct sockaddr *)&told, &room, SOCK_CLOEXEC)) >= 0);
	MUST(send(one, "x", 1, MSG_NOSIGNAL) == 1 && recv(other, &byte, 1, 0) == 1);
	room = sizeof(value);
	MUST(setsockopt(one, SOL_SOCKET, SO_KEEPALIVE, &value, room) == 0);
	MUST(getsockopt(one, SOL_SOCKET, SO_TYPE, &value, &room) == 0 && value == SOCK_STREAM);
	room = sizeof(told);
	getpeername(one, (struct sockaddr *)&told, &room);
	MUST(ioctl(other, FIONREAD, &value) == 0);
}

void guest_sockets(void)
{
	struct sockaddr_un address;
	socklen_t length = name(&address, "/tmp/socket", 12);

	connect_to((struct sockaddr *)&address, length);
	length = name(&address, "\0abstract", 9);
	connect_to((struct sockaddr *)&address, length);
	MUST(unlink("/tmp/socket") == 0);
	send_file(memfd_create("sent", 0));
	send_file(dup(1));
	send_to();
}

/* What the host has of a kind, or that it has none. */
static void ask(int fd, uint16_t type, uint16_t flags)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {{sizeof(request), type, NLM_F_REQUEST | flags, 1, 0}, {.ifi_index = 1}};
	struct nlmsghdr answer[2048];
	ssize_t length;

	MUST(send(fd, &request, sizeof(request), 0) == sizeof(request));
	do
		MUST((length = recv(fd, answer, sizeof(answer), 0)) >= (ssize_t)sizeof(answer[0]));
	while (flags && answer[0].nlmsg_type != NLMSG_DONE && answer[0].nlmsg_type != NLMSG_ERROR);
}

static void look_at_interfaces(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), route;
	struct ifreq one = {.ifr_ifindex = 1};
	char room[1024];
	struct ifconf all = {sizeof(room), {room}};

	MUST(fd >= 0 && ioctl(fd, SIOCGIFCONF, &all) == 0);
	MUST(ioctl(fd, SIOCGIFNAME, &one) == 0 && ioctl(fd, SIOCGIFFLAGS, &one) == 0);
	MUST((route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) >= 0);
	ask(route, RTM_GETLINK, NLM_F_DUMP);
	ask(route, RTM_GETADDR, NLM_F_DUMP);
	ask(route, RTM_GETNEIGH, NLM_F_DUMP);
	ask(route, RTM_GETLINK, 0);
	MUST(close(route) == 0 && close(fd) == 0);
}

void guest_network(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	connect_to((const struct sockaddr *)&address, sizeof(address));
	look_at_interfaces();
}

static void read_all(const char *path)
{
	char text[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY);

	MUST(fd >= 0);
	while ((n = read(fd, text, sizeof(text))) > 0)
		continue;
	MUST(n == 0 && close(fd) == 0);
}

void guest_system(void)
{
	static const char *const paths[] = {
		"/proc/self/maps",
		"/proc/self/status",
		"/proc/self/stat",
		"/proc/self/cmdline",
		"/proc/self/environ",
		"/proc/self/auxv",
		"/proc/self/limits",
		"/proc/self/mountinfo",
		"/proc/cpuinfo",
		"/proc/meminfo",
		"/proc/uptime",
		"/proc/sys/kernel/random/uuid",
		"/proc/sys/kernel/random/boot_id",
	};
	char text[256];
	struct utsname names;
	struct sysinfo info;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		read_all(paths[i]);
	MUST(readlink("/proc/self/exe", text, sizeof(text)) > 0);
	MUST(readlink("/proc/self/fd/1", text, sizeof(text)) > 0);
	MUST(open("/tmp/a", O_CREAT | O_RDWR, 0600) == 3);
	MUST(readlink("/proc/self/fd/3", text, sizeof(text)) == 6);
	MUST(open("/proc/self/fd/1", O_WRONLY) >= 0 && open("/dev/stdout", O_WRONLY) >= 0);
	MUST(uname(&names) == 0 && sysinfo(&info) == 0 && getrandom(text, 8, 0) == 8);
	MUST(syscall(0xfff) == -1 && isatty(1) == 0);
	MUST(read(0, text, 1) == 0 && write(1, "x", 1) == 1);
	MUST(tcgetpgrp(1) == -1 && tcflush(1, TCIFLUSH) == -1);
	MUST(syscall(SYS_membarrier, 16 /* REGISTER_PRIVATE_EXPEDITED */, 0, 0) == 0);
}
