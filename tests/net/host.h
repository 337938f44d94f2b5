/* SPDX-License-Identifier: MIT */
/* The host's side of a network within the process: a server and a client, at the loopback. */
#ifndef KEG_TESTS_NET_HOST_H
#define KEG_TESTS_NET_HOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOST_CLIENTS = 50 };

/* A socket at a free port of the loopback, which is said. */
int host_bind(int type, uint16_t *port);
/* A port that nobody has at the moment. */
uint16_t host_free_port(int type);

/* Sends back what it is sent, to as many clients; then it ends. */
struct server {
	int listener;
	uint16_t port;
	unsigned clients;
	pthread_t thread;
};
void host_start_server(struct server *server, unsigned clients);
void host_stop_server(struct server *server);

/* Sends data to a port, and gets as much back. */
struct client {
	uint16_t port;
	uint8_t *data, *got;
	size_t bytes, done;
	_Atomic bool ended;
};
void *host_run_client(void *client);

#endif
