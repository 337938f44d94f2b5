/* SPDX-License-Identifier: MIT */
/*
 * The guest's end of net.py's connections. `peer stream ADDRESS PORT` sends what it reads, then
 * writes what it receives; `udp ADDRESS PORT COUNT` has datagrams echoed; `many ADDRESS PORT COUNT`
 * has that many connections at once, each echoed; `serve PORT` echoes connections and
 * datagrams, until a datagram is "end".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 65536, MOST = 64, TRIES = 3, PATIENCE_MS = 5000 };

static int fail(const char *what)
{
	printf("failed: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

	if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
		fail(address);
	return in;
}

static int open_socket(int type, const char *address, const char *port)
{
	struct sockaddr_in in = address_of(address, port);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&in, sizeof(in)))
		fail("connect");
	return fd;
}

static void write_whole(int fd, const char *data, size_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0)
			fail("write");
		data += done;
		size -= (size_t)done;
	}
}

/* Copies until the end of `from`. */
static void copy(int from, int to)
{
	static char buffer[CHUNK];
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0)
		write_whole(to, buffer, (size_t)got);
	if (got < 0)
		fail("read");
}

static void stream(const char *address, const char *port)
{
	int fd = open_socket(SOCK_STREAM, address, port);

	copy(STDIN_FILENO, fd);
	if (shutdown(fd, SHUT_WR))
		fail("shutdown");
	copy(fd, STDOUT_FILENO);
}

/* Sends one datagram until its own echo comes. How often it had to be sent. */
static int echo_datagram(int fd, const char *data, size_t size)
{
	char answer[CHUNK];

	for (int try = 1; try <= TRIES; try++) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		if (send(fd, data, size, 0) != (ssize_t)size)
			fail("send");
		while (poll(&wait, 1, PATIENCE_MS) > 0) {
			ssize_t got = recv(fd, answer, sizeof(answer), 0);

			if (got == (ssize_t)size && memcmp(answer, data, size) == 0)
				return try;
		}
	}
	return fail("no echo");
}

/* Datagrams of all sizes up to one that needs three packets. */
static void udp(const char *address, const char *port, int count)
{
	static char data[4000];
	int fd = open_socket(SOCK_DGRAM, address, port), again = 0;

	for (int i = 0; i < count; i++) {
		size_t size =
			sizeof(int) + (size_t)i * (sizeof(data) - sizeof(int)) / (size_t)count;

		memset(data, i, size);
		memcpy(data, &i, sizeof(i));
		again += echo_datagram(fd, data, size) - 1;
	}
	printf("udp: %d echoed, %d sent again\n", count, again);
}

/* What connection number i sends: 64 KiB of its own. */
static void fill(char *data, int i)
{
	for (int at = 0; at < CHUNK; at++)
		data[at] = (char)(at * 31 + i * 7 + (at >> 8));
}

static void read_echo(int fd, int i)
{
	static char good[CHUNK], data[CHUNK];
	size_t have = 0;
	ssize_t got;

	while (have < CHUNK && (got = read(fd, data + have, CHUNK - have)) > 0)
		have += (size_t)got;
	fill(good, i);
	if (have != CHUNK || memcmp(good, data, CHUNK) != 0)
		fail("another echo");
}

/* The host answers none before all are there, so that they are there at once. */
static void many(const char *address, const char *port, int count)
{
	static char data[CHUNK];
	int fds[MOST];

	for (int i = 0; i < count && i < MOST; i++)
		fds[i] = open_socket(SOCK_STREAM, address, port);
	for (int i = 0; i < count && i < MOST; i++) {
		fill(data, i);
		write_whole(fds[i], data, sizeof(data));
		if (shutdown(fds[i], SHUT_WR))
			fail("shutdown");
	}
	for (int i = 0; i < count && i < MOST; i++)
		read_echo(fds[i], i);
	printf("many: %d at once\n", count);
}

static int listen_at(int type, const char *port)
{
	struct sockaddr_in in = address_of("0.0.0.0", port);
	int fd = socket(AF_INET, type, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) ||
		(type == SOCK_STREAM && listen(fd, MOST)))
		fail("listen");
	return fd;
}

/* False when the datagram says that it was the last. */
static bool echo_one(int fd)
{
	static char data[CHUNK];
	struct sockaddr_in from;
	socklen_t length = sizeof(from);
	ssize_t got = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &length);

	if (got >= 0)
		sendto(fd, data, (size_t)got, 0, (struct sockaddr *)&from, length);
	return got != 3 || memcmp(data, "end", 3) != 0;
}

/* A process for each connection. */
static void echo_connection(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		fail("accept");
	if (fork() == 0) {
		copy(fd, fd);
		exit(0);
	}
	close(fd);
}

static void serve(const char *port)
{
	struct pollfd waits[] = {
		{.fd = listen_at(SOCK_STREAM, port), .events = POLLIN},
		{.fd = listen_at(SOCK_DGRAM, port), .events = POLLIN},
	};
	bool more = true;

	signal(SIGCHLD, SIG_IGN); /* its children are nobody's */
	printf("serving\n");
	fflush(stdout);
	while (more && poll(waits, 2, -1) > 0) {
		if (waits[0].revents)
			echo_connection(waits[0].fd);
		if (waits[1].revents)
			more = echo_one(waits[1].fd);
	}
	printf("served\n");
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "stream"))
		stream(argv[2], argv[3]);
	else if (argc > 4 && !strcmp(argv[1], "udp"))
		udp(argv[2], argv[3], (int)strtol(argv[4], NULL, 10));
	else if (argc > 4 && !strcmp(argv[1], "many"))
		many(argv[2], argv[3], (int)strtol(argv[4], NULL, 10));
	else if (argc > 2 && !strcmp(argv[1], "serve"))
		serve(argv[2]);
	else
		return 2;
	return 0;
}
