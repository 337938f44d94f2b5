/* SPDX-License-Identifier: MIT */
/* Sockets as a program with the host's network finds them. */
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "check.h"

static char much[300000];

/* Both ends of a connection. */
static void make(int ends[2])
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(listener >= 0 && ends[0] >= 0);
	CHECK(bind(listener, (struct sockaddr *)&address, length) == 0);
	CHECK(listen(listener, 1) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	CHECK(connect(ends[0], (struct sockaddr *)&address, length) == 0);
	ends[1] = accept(listener, NULL, NULL);
	CHECK(ends[1] >= 0);
	close(listener);
}

static void a_connection(void)
{
	char text[8];
	int ends[2];

	make(ends);
	CHECK(write(ends[0], "hello", 5) == 5 && read(ends[1], text, 8) == 5);
	CHECK(!memcmp(text, "hello", 5));
	close(ends[0]);
	CHECK(read(ends[1], text, 8) == 0);
	close(ends[1]);
}

/* tcp(7), MSG_TRUNC: the buffer stays as it was, whatever was in keg's. */
static void what_is_thrown_away(void)
{
	char text[16];
	int ends[2];

	make(ends);
	memset(text, '-', sizeof(text));
	CHECK(write(ends[0], "0123456789", 10) == 10);
	CHECK(recv(ends[1], text, 4, MSG_TRUNC) == 4);
	CHECK(recv(ends[1], NULL, 4, MSG_TRUNC) == 4);
	for (size_t i = 0; i < sizeof(text); i++)
		CHECK(text[i] == '-');
	CHECK(read(ends[1], text, 16) == 2 && text[0] == '8');
	close(ends[0]);
	close(ends[1]);
}

/* Nothing that is closed is waited for: the sandbox could not be ended meanwhile. */
static void lingering(void)
{
	struct linger linger = {1, 20};
	time_t begin = time(NULL);
	int ends[2];

	make(ends);
	CHECK(setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	while (write(ends[0], much, sizeof(much)) > 0)
		;
	close(ends[0]);
	CHECK(time(NULL) - begin < 10);
	close(ends[1]);
}

/* netdevice(7): what only looks. */
static void interfaces(void)
{
	struct ifreq one = {.ifr_name = "lo"}, all[4];
	struct ifconf listed = {.ifc_len = sizeof(all), .ifc_req = all};
	int fd = socket(AF_INET, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);

	CHECK(ioctl(other, SIOCGIFINDEX, &one) == 0 && one.ifr_ifindex == 1);
	CHECK(ioctl(other, SIOCGIFNAME, &one) == 0 && !strcmp(one.ifr_name, "lo"));
	CHECK(ioctl(fd, SIOCGIFFLAGS, &one) == 0 && (one.ifr_flags & IFF_LOOPBACK));
	CHECK(ioctl(fd, SIOCSIFFLAGS, &one) == -1 && errno == ENOTTY);
	CHECK(ioctl(fd, SIOCGIFMTU, &one) == 0 && one.ifr_mtu > 0);
	CHECK(ioctl(fd, SIOCGIFCONF, &listed) == 0 && listed.ifc_len % sizeof(all[0]) == 0);
	listed = (struct ifconf){.ifc_len = 0};
	CHECK(ioctl(fd, SIOCGIFCONF, &listed) == 0 && listed.ifc_len > 0);
	listed = (struct ifconf){.ifc_len = 4096, .ifc_buf = (char *)16};
	CHECK(ioctl(fd, SIOCGIFCONF, &listed) == -1 && errno == EFAULT);
	listed = (struct ifconf){.ifc_len = -1, .ifc_req = all};
	CHECK(ioctl(fd, SIOCGIFCONF, &listed) == -1);
	memset(one.ifr_name, 'x', sizeof(one.ifr_name));
	CHECK(ioctl(fd, SIOCGIFMTU, &one) == -1 && errno == ENODEV);
	close(fd);
	close(other);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"a connection", a_connection},
		{"what is thrown away", what_is_thrown_away},
		{"lingering", lingering},
		{"interfaces", interfaces},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
