/* SPDX-License-Identifier: MIT */
/*
 * Sockets: what their names are on the host, and who may be reached.
 *
 * Without a network there are AF_UNIX sockets alone, of the sandbox's own: a path leads to a socket
 * if one of the sandbox's processes has bound it, and names without a path (abstract ones) get a
 * beginning that nobody else knows. With it also sockets of IP, and those of the host's programs
 * whose paths are in the sandbox. No path of the program's ever reaches the host: sockets are bound
 * and found by way of /proc/self/fd, after the sandbox's own walk.
 *
 * Descriptors are sent (SCM_RIGHTS) and taken only where the other end is a socket of this process.
 */
#ifndef KEG_USER_SOCKETS_H
#define KEG_USER_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "user/files.h"

struct keg_task;
struct keg_user;
struct keg_sockets; /* of a sandbox: its secret, and what it has bound */

void keg_sockets_destroy(struct keg_sockets *sockets); /* NULL is allowed */

/* An address, the host's or the program's. */
struct keg_address {
	socklen_t length; /* 0: none */
	union {
		struct sockaddr any;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	};
};

/* What keg knows of a socket: its file's `state`. */
struct keg_socket {
	struct keg_address
		bound;           /* as the program gave it; length 0: not bound, or not to a path */
	struct keg_address peer; /* of connect(2), likewise */
	int directory;           /* O_PATH: holds the name that the host has for it; -1 */
};

/* A file of a socket of the host's, taken over also when it fails. */
int keg_socket_create(int fd, int flags, struct keg_file **file);
struct keg_socket *keg_socket_of(struct keg_file *file); /* NULL: a stream, say */

/* An address in the program's memory. -EFAULT, -EINVAL its length cannot be */
int keg_address_read(
	struct keg_task *task, uint64_t at, uint64_t length, struct keg_address *address);
/* To the program, as accept(2) and its kin do: as much as there is room for, and how long it is. */
int keg_address_write(
	struct keg_task *task, const struct keg_address *address, uint64_t at, uint64_t length_at);

/* What the host calls the socket that the program names, to connect or send to. *hold is a
 * descriptor to be closed when that is done, or -1. -EAFNOSUPPORT, -ECONNREFUSED … */
int keg_address_to_host(struct keg_task *task, const struct keg_address *address,
	struct keg_address *host, int *hold);
/* Binds the socket to what the program names. */
int keg_address_bind(
	struct keg_task *task, struct keg_file *file, const struct keg_address *address);
/* What the program calls the socket with this name of the host's. */
void keg_address_from_host(
	struct keg_task *task, const struct keg_address *host, struct keg_address *address);

/* Whether the socket's other end is one of this process. */
bool keg_socket_is_inside(const struct keg_file *file);

#endif
