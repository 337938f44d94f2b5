/* SPDX-License-Identifier: MIT */
/*
 * Both ends of a TCP connection whose speed is measured: `tcp listen PORT` on the host serves one
 * connection after another; in the guest, `tcp up|down ADDRESS PORT MIB` moves that much and tells
 * how long it took: a line of the direction, bytes, nanoseconds.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What the guest asks for first; both ends are of the same byte order. */
struct wish {
	uint64_t up; /* the guest sends */
	uint64_t bytes;
};

static unsigned char buffer[256 << 10];

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static void send_all(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t part = bytes < sizeof(buffer) ? (size_t)bytes : sizeof(buffer);
		ssize_t done = send(fd, buffer, part, MSG_NOSIGNAL);

		if (done <= 0)
			die("send");
		bytes -= (uint64_t)done;
	}
}

static void receive_all(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t part = bytes < sizeof(buffer) ? (size_t)bytes : sizeof(buffer);
		ssize_t done = recv(fd, buffer, part, 0);

		if (done <= 0)
			die("recv");
		bytes -= (uint64_t)done;
	}
}

static void serve(int fd)
{
	struct wish wish;

	if (recv(fd, &wish, sizeof(wish), MSG_WAITALL) != (ssize_t)sizeof(wish))
		die("recv");
	if (wish.up) {
		receive_all(fd, wish.bytes);
		send_all(fd, 1);
	} else {
		send_all(fd, wish.bytes);
	}
}

static _Noreturn void do_listen(struct sockaddr_in *address)
{
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address->sin_addr.s_addr = htonl(INADDR_ANY);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		bind(fd, (struct sockaddr *)address, sizeof(*address)) || listen(fd, 4))
		die("listen");
	puts("listening");
	fflush(stdout);
	for (;;) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (peer < 0)
			die("accept");
		serve(peer);
		close(peer);
	}
}

static int move(const struct sockaddr_in *address, const char *direction, uint64_t bytes)
{
	struct wish wish = {.up = strcmp(direction, "up") == 0, .bytes = bytes};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t began;

	if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)))
		die("connect");
	began = now();
	if (send(fd, &wish, sizeof(wish), 0) != (ssize_t)sizeof(wish))
		die("send");
	if (wish.up) {
		send_all(fd, bytes);
		receive_all(fd, 1);
	} else {
		receive_all(fd, bytes);
	}
	printf("tcp %s %llu %llu\n", direction, (unsigned long long)bytes,
		(unsigned long long)(now() - began));
	return 0;
}

static uint64_t number(const char *text, uint64_t most)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > most)
		exit(2);
	return value;
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET};

	if (argc == 3 && strcmp(argv[1], "listen") == 0) {
		address.sin_port = htons((uint16_t)number(argv[2], UINT16_MAX));
		do_listen(&address);
	}
	if (argc != 5 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons((uint16_t)number(argv[3], UINT16_MAX));
	return move(&address, argv[1], number(argv[4], UINT32_MAX) << 20);
}
