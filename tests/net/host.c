/* SPDX-License-Identifier: MIT */
/* The host's side of a network within the process: a server and a client, at the loopback. */
#include "host.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "wire.h"

int host_bind(int type, uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct timeval limit = {.tv_sec = WIRE_SECONDS};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, type, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

uint16_t host_free_port(int type)
{
	uint16_t port;

	close(host_bind(type, &port));
	return port;
}

static bool echo(int fd)
{
	static _Thread_local uint8_t buffer[65536];
	ssize_t got = recv(fd, buffer, sizeof(buffer), 0), sent = 0, rc;

	while (sent < got) {
		rc = send(fd, buffer + sent, (size_t)(got - sent), MSG_NOSIGNAL);
		if (rc < 0)
			return false;
		sent += rc;
	}
	return got > 0;
}

static void *serve(void *argument)
{
	struct server *server = argument;
	struct pollfd waits[HOST_CLIENTS + 1] = {{server->listener, POLLIN, 0}};
	unsigned count = 1, gone = 0;

	while (gone < server->clients && poll(waits, count, WIRE_SECONDS * 1000) > 0) {
		for (unsigned i = 1; i < count; i++) {
			if (waits[i].fd < 0 || !waits[i].revents || echo(waits[i].fd))
				continue;
			close(waits[i].fd);
			waits[i].fd = -1;
			gone++;
		}
		if (waits[0].revents)
			waits[count++] =
				(struct pollfd){accept(server->listener, NULL, NULL), POLLIN, 0};
		if (count > server->clients)
			waits[0].fd = -1;
	}
	return NULL;
}

void host_start_server(struct server *server, unsigned clients)
{
	server->clients = clients;
	server->listener = host_bind(SOCK_STREAM, &server->port);
	assert_int_equal(listen(server->listener, HOST_CLIENTS), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void host_stop_server(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
}

void *host_run_client(void *argument)
{
	struct client *client = argument;
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(client->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct timeval limit = {.tv_sec = WIRE_SECONDS};
	size_t sent = 0;
	ssize_t rc = connect(fd, (struct sockaddr *)&address, sizeof(address));

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	/* Never more on its way than is read back soon. */
	while (rc >= 0 && client->done < client->bytes) {
		if (sent < client->bytes && sent - client->done < 16384) {
			rc = send(fd, client->data + sent, 4096, MSG_NOSIGNAL);
			sent += rc > 0 ? (size_t)rc : 0;
			continue;
		}
		rc = recv(fd, client->got + client->done, client->bytes - client->done, 0);
		client->done += rc > 0 ? (size_t)rc : 0;
		rc = rc == 0 ? -1 : rc;
	}
	close(fd);
	client->ended = true;
	return NULL;
}
