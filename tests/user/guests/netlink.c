/* SPDX-License-Identifier: MIT */
/* rtnetlink(7) as a program with the host's network finds it. */
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "check.h"

static _Alignas(8) char data[65536];

static int open_netlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	CHECK(fd >= 0);
	return fd;
}

static void kinds(void)
{
	CHECK(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE) == -1 && errno == ESOCKTNOSUPPORT);
	CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT) == -1 && errno == EPROTONOSUPPORT);
	CHECK(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC) == -1 && errno == EPROTONOSUPPORT);
	close(socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK, NETLINK_ROUTE));
}

/* The C library's functions, which ask by it. */
static void by_the_c_library(void)
{
	struct if_nameindex *names = if_nameindex();
	bool loopback = false, address = false;
	struct ifaddrs *addresses;

	CHECK(names);
	for (struct if_nameindex *each = names; each->if_index; each++)
		loopback |= strcmp(each->if_name, "lo") == 0 && each->if_index == 1;
	if_freenameindex(names);
	CHECK(loopback && getifaddrs(&addresses) == 0);
	for (struct ifaddrs *each = addresses; each; each = each->ifa_next) {
		const struct sockaddr_in *in = (const void *)each->ifa_addr;

		if (in && in->sin_family == AF_INET && !strcmp(each->ifa_name, "lo"))
			address |= in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	}
	freeifaddrs(addresses);
	CHECK(address);
}

static void names(void)
{
	struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = 1}, other;
	socklen_t length = sizeof(other);
	int fd = open_netlink(), second = open_netlink();

	CHECK(getsockname(fd, (struct sockaddr *)&other, &length) == 0);
	CHECK(length == sizeof(other) && other.nl_family == AF_NETLINK && other.nl_pid == 0);
	CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EPERM);
	name.nl_groups = 0;
	CHECK(bind(fd, (struct sockaddr *)&name, 4) == -1 && errno == EINVAL);
	CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	CHECK(bind(second, (struct sockaddr *)&name, sizeof(name)) == 0);
	CHECK(getsockname(fd, (struct sockaddr *)&name, &length) == 0 && name.nl_pid != 0);
	CHECK(getsockname(second, (struct sockaddr *)&other, &length) == 0);
	CHECK(other.nl_pid != 0 && other.nl_pid != name.nl_pid);
	name.nl_pid = 77777;
	CHECK(bind(fd, (struct sockaddr *)&name, sizeof(name)) == -1 && errno == EINVAL);
	CHECK(sendto(fd, data, 16, 0, (struct sockaddr *)&name, sizeof(name)) == -1);
	CHECK(errno == ECONNREFUSED);
	name.nl_pid = 0;
	CHECK(connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
	close(fd);
	close(second);
}

struct request {
	struct nlmsghdr header;
	struct ifinfomsg body;
	struct rtattr attribute;
	char name[12];
};

static int ask(int fd, uint16_t type, uint16_t flags, int index, const char *name)
{
	struct request request = {{sizeof(request), type, NLM_F_REQUEST | flags, 5, 0},
		{.ifi_index = index}, {4 + 12, IFLA_IFNAME}, ""};

	strncpy(request.name, name, sizeof(request.name));
	return (int)send(fd, &request, sizeof(request), 0);
}

/* The answer, and its sender's name. */
static const struct nlmsghdr *answer(int fd)
{
	struct sockaddr_nl from = {.nl_pid = 5};
	socklen_t length = sizeof(from);
	const struct nlmsghdr *header = (const void *)data;
	ssize_t bytes = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);

	CHECK(bytes >= (ssize_t)sizeof(*header) && header->nlmsg_len <= bytes);
	CHECK(length == sizeof(from) && from.nl_family == AF_NETLINK && from.nl_pid == 0);
	CHECK(header->nlmsg_seq == 5);
	return header;
}

static int error(int fd)
{
	const struct nlmsghdr *header = answer(fd);

	CHECK(header->nlmsg_type == NLMSG_ERROR);
	return ((const struct nlmsgerr *)NLMSG_DATA(header))->error;
}

static void one_interface(void)
{
	int fd = open_netlink();
	const struct ifinfomsg *link = NLMSG_DATA(data);

	CHECK(ask(fd, RTM_GETLINK, 0, 1, "") == sizeof(struct request));
	CHECK(answer(fd)->nlmsg_type == RTM_NEWLINK && link->ifi_index == 1);
	CHECK(ask(fd, RTM_GETLINK, 0, 0, "lo") > 0);
	CHECK(answer(fd)->nlmsg_type == RTM_NEWLINK && link->ifi_index == 1);
	CHECK(ask(fd, RTM_GETLINK, 0, 0, "l") > 0 && error(fd) == -ENODEV);
	CHECK(ask(fd, RTM_GETLINK, 0, 0x7fffffff, "") > 0 && error(fd) == -ENODEV);
	close(fd);
}

static void all_routes(void)
{
	int fd = open_netlink();
	struct pollfd wanted = {fd, POLLIN, 0};
	const struct nlmsghdr *header;
	ssize_t length;

	CHECK(poll(&wanted, 1, 0) == 0 && ask(fd, RTM_GETROUTE, NLM_F_DUMP, 0, "") > 0);
	CHECK(poll(&wanted, 1, 0) == 1);
	/* How long it is, before there is room for it. */
	length = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	CHECK(length >= (ssize_t)sizeof(*header) && length <= (ssize_t)sizeof(data));
	do {
		header = answer(fd);
		CHECK(header->nlmsg_flags & NLM_F_MULTI);
		CHECK(header->nlmsg_type == RTM_NEWROUTE || header->nlmsg_type == NLMSG_DONE);
	} while (recv(fd, data, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT) >= 0);
	CHECK(errno == EAGAIN);
	close(fd);
}

/* Nothing is changed, whoever asks. */
static void changes(void)
{
	static const uint16_t types[] = {RTM_NEWLINK, RTM_DELLINK, RTM_SETLINK, RTM_NEWADDR,
		RTM_DELADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEIGH, RTM_NEWRULE};
	int fd = open_netlink();

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		CHECK(ask(fd, types[i], NLM_F_ACK, 1, "lo") > 0);
		CHECK(error(fd) == -EPERM);
	}
	CHECK(ask(fd, RTM_GETNEIGH, NLM_F_DUMP, 0, "") > 0 && error(fd) == -EOPNOTSUPP);
	CHECK(ask(fd, RTM_GETADDR, 0, 0, "") > 0 && error(fd) == -EOPNOTSUPP);
	CHECK(ask(fd, 0xffff, 0, 0, "") > 0 && error(fd) == -EOPNOTSUPP);
	close(fd);
}

static void broken_requests(void)
{
	struct request request = {{sizeof(request), RTM_GETLINK, NLM_F_REQUEST, 5, 0},
		{.ifi_index = 0}, {0, IFLA_IFNAME}, ""};
	static const uint32_t lengths[] = {0, 1, 15, sizeof(request) + 1, 0x7fffffff, 0xffffffff};
	int fd = open_netlink();

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		request.header.nlmsg_len = lengths[i];
		CHECK(send(fd, &request, sizeof(request), 0) == sizeof(request));
		CHECK(recv(fd, data, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN);
	}
	request.header.nlmsg_len = sizeof(request.header);
	CHECK(send(fd, &request, sizeof(request), 0) > 0 && error(fd) == -EINVAL);
	request.header.nlmsg_len = sizeof(request);
	for (unsigned length = 0; length < 65536; length += 4093) {
		request.attribute.rta_len = (uint16_t)length;
		CHECK(write(fd, &request, sizeof(request)) == sizeof(request));
		CHECK(error(fd) == -ENODEV);
	}
	CHECK(send(fd, data, sizeof(data), 0) == -1 && errno == EMSGSIZE);
	CHECK(send(fd, (void *)16, 64, 0) == -1 && errno == EFAULT);
	CHECK(send(fd, data, 0, 0) == 0);
	close(fd);
}

/* Who does not read is not answered for ever; nor are there sockets without number. */
static void too_much(void)
{
	int fd = open_netlink(), fds[1000], count = 0, sent = 0;

	while (sent < 100000 && ask(fd, RTM_GETLINK, NLM_F_DUMP, 0, "") > 0)
		sent++;
	CHECK(sent > 0 && sent < 100000 && errno == ENOBUFS);
	/* What was answered comes whole, and then there is room again. */
	for (int i = 0; i < 100000 && recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0; i++)
		;
	CHECK(errno == EAGAIN && ask(fd, RTM_GETLINK, 0, 1, "") > 0);
	CHECK(answer(fd)->nlmsg_type == RTM_NEWLINK);
	while (count < 1000 && (fds[count] = socket(AF_NETLINK, SOCK_RAW, 0)) >= 0)
		count++;
	CHECK(count < 1000 && errno == ENOBUFS);
	while (count > 0)
		close(fds[--count]);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"kinds", kinds},
		{"by the C library", by_the_c_library},
		{"names", names},
		{"one interface", one_interface},
		{"all routes", all_routes},
		{"changes", changes},
		{"broken requests", broken_requests},
		{"too much", too_much},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
