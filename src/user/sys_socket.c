/* SPDX-License-Identifier: MIT */
/* Sockets: made, bound, connected, accepted. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"
#include "user/io.h"
#include "user/netlink.h"
#include "user/policy.h"
#include "user/sockets.h"
#include "user/space.h"
#include "user/task.h"

#define TYPE_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)

/* What may be made: without a network no family but AF_UNIX is there, as with a kernel that was
 * built without it: programs know how to do without. */
static const struct {
	int domain, type, protocol; /* besides 0 */
	bool network;
} kinds[] = {
	{AF_UNIX, SOCK_STREAM, AF_UNIX, false},
	{AF_UNIX, SOCK_DGRAM, AF_UNIX, false},
	{AF_UNIX, SOCK_SEQPACKET, AF_UNIX, false},
	{AF_INET, SOCK_STREAM, IPPROTO_TCP, true},
	{AF_INET, SOCK_DGRAM, IPPROTO_UDP, true},
	{AF_INET6, SOCK_STREAM, IPPROTO_TCP, true},
	{AF_INET6, SOCK_DGRAM, IPPROTO_UDP, true},
	{AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, true},
	{AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE, true},
};

static int allowed(struct keg_task *task, int domain, int type, int protocol)
{
	int r = -EAFNOSUPPORT;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].domain != domain ||
			(kinds[i].network && !task->process->user->policy->network))
			continue;
		/* Raw ones are for the privileged. */
		if (kinds[i].type != type)
			r = r == -EPROTONOSUPPORT ? r
			    : type == SOCK_RAW    ? -EPERM
						  : -ESOCKTNOSUPPORT;
		else if (protocol != 0 && protocol != kinds[i].protocol)
			r = -EPROTONOSUPPORT;
		else
			return 0;
	}
	return r;
}

static int64_t keg_sys_socket(struct keg_task *task, const uint64_t args[6])
{
	int domain = (int)args[0], type = (int)args[1], protocol = (int)args[2];
	struct keg_file *file;
	int fd, r;

	if (type & ~(0xf | TYPE_FLAGS))
		return -EINVAL;
	r = allowed(task, domain, type & 0xf, protocol);
	if (r < 0)
		return r;
	if (domain == AF_NETLINK) {
		r = keg_netlink_create(task, type & SOCK_NONBLOCK, &file);
		return r < 0 ? r : keg_task_add_file(task, file, type & SOCK_CLOEXEC);
	}
	fd = socket(domain, type | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return keg_host_result(-1);
	r = keg_socket_create(fd, type & SOCK_NONBLOCK, &file);
	return r < 0 ? r : keg_task_add_file(task, file, type & SOCK_CLOEXEC);
}

/* Both ends' numbers; nothing stays if either fails. */
static int64_t add_both(struct keg_task *task, const int made[2], int type, int numbers[2])
{
	struct keg_file *file;

	for (int i = 0; i < 2; i++) {
		int r = keg_socket_create(made[i], type & SOCK_NONBLOCK, &file);

		numbers[i] = r < 0 ? r : keg_task_add_file(task, file, type & SOCK_CLOEXEC);
		if (numbers[i] >= 0)
			continue;
		if (i == 0)
			close(made[1]);
		else
			keg_files_close(task->process->files, numbers[0]);
		return numbers[i];
	}
	return 0;
}

static int64_t keg_sys_socketpair(struct keg_task *task, const uint64_t args[6])
{
	int domain = (int)args[0], type = (int)args[1], protocol = (int)args[2];
	int made[2], numbers[2];
	int64_t r;

	if (type & ~(0xf | TYPE_FLAGS))
		return -EINVAL;
	r = allowed(task, domain, type & 0xf, protocol);
	if (r < 0)
		return r;
	if (domain != AF_UNIX)
		return -EOPNOTSUPP;
	if (socketpair(domain, type | SOCK_CLOEXEC, protocol, made) < 0)
		return keg_host_result(-1);
	r = add_both(task, made, type, numbers);
	if (r < 0 || keg_space_write(task->process->space, args[3], numbers, sizeof(numbers)) == 0)
		return r;
	keg_files_close(task->process->files, numbers[0]);
	keg_files_close(task->process->files, numbers[1]);
	return -EFAULT;
}

/* ---- Names ---- */

/* What the sandbox has made itself: a stream that it was given is its giver's to connect. */
static int own_socket(const struct keg_file *file)
{
	if (!file)
		return -EBADF;
	if (file->type != S_IFSOCK)
		return -ENOTSOCK;
	return file->kind == KEG_FILE_SOCKET ? 0 : -EPERM;
}

static int64_t keg_sys_bind(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_address address;
	int r = own_socket(file);

	if (r == 0)
		r = keg_address_read(task, args[1], args[2], &address);
	if (r == 0 && keg_file_is_netlink(file))
		return keg_netlink_bind(task, file, &address);
	return r < 0 ? r : keg_address_bind(task, file, &address);
}

static int64_t keg_sys_connect(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_address address, host;
	int hold = -1;
	int64_t r = own_socket(file);

	if (r == 0)
		r = keg_address_read(task, args[1], args[2], &address);
	if (r == 0 && keg_file_is_netlink(file))
		return keg_netlink_check(&address);
	if (r == 0)
		r = keg_address_to_host(task, &address, &host, &hold);
	if (r != 0)
		return r;
	r = keg_file_call(
		task, file, SYS_connect, (uint64_t)(uintptr_t)&host.any, host.length, 0, 0, 0);
	if (hold >= 0)
		close(hold);
	if (r == 0 && address.any.sa_family == AF_UNIX)
		keg_socket_of(file)->peer = address;
	return keg_file_interrupted(file, r);
}

static int64_t keg_sys_listen(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	int r = own_socket(file);

	return r < 0 ? r : keg_host_result(listen(file->fd, (int)args[1]));
}

static int64_t keg_sys_shutdown(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);

	return file ? keg_host_result(shutdown(file->fd, (int)args[1])) : -EBADF;
}

/* ---- Accepting ---- */

/* The new socket's file; it has its listener's name. */
static int64_t accepted(struct keg_task *task, struct keg_file *listener, int fd, uint32_t flags)
{
	struct keg_file *file;
	int r = keg_socket_create(fd, (int)flags & SOCK_NONBLOCK, &file);

	if (r < 0)
		return r;
	if (keg_socket_of(listener))
		keg_socket_of(file)->bound = keg_socket_of(listener)->bound;
	return keg_task_add_file(task, file, flags & SOCK_CLOEXEC);
}

static int64_t accept_with(struct keg_task *task, const uint64_t args[6], uint32_t flags)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_address host = {.length = sizeof(host.storage)}, address;
	int64_t fd, number;

	if (!file)
		return -EBADF;
	if (flags & ~(uint32_t)TYPE_FLAGS)
		return -EINVAL;
	if (keg_file_must_not_wait(file) && (fd = keg_file_ready(task, file, POLLIN)) < 0)
		return fd;
	fd = keg_file_call(task, file, SYS_accept4, (uint64_t)(uintptr_t)&host.any,
		(uint64_t)(uintptr_t)&host.length, flags | SOCK_CLOEXEC, 0, 0);
	if (fd < 0)
		return fd == -EMFILE ? -ENFILE : keg_file_interrupted(file, fd);
	number = accepted(task, file, (int)fd, flags);
	if (number < 0 || args[1] == 0)
		return number;
	keg_address_from_host(task, &host, &address);
	if (keg_address_write(task, &address, args[1], args[2]) < 0) {
		keg_files_close(task->process->files, (int)number);
		return -EFAULT;
	}
	return number;
}

static int64_t keg_sys_accept(struct keg_task *task, const uint64_t args[6])
{
	return accept_with(task, args, 0);
}

static int64_t keg_sys_accept4(struct keg_task *task, const uint64_t args[6])
{
	return accept_with(task, args, (uint32_t)args[3]);
}

/* ---- Who is it ---- */

static int64_t tell_name(struct keg_task *task, const uint64_t args[6], bool peer)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_address host = {.length = sizeof(host.storage)}, address;
	const struct keg_socket *socket;
	int r;

	if (!file)
		return -EBADF;
	if (keg_file_is_netlink(file)) {
		keg_netlink_name(file, !peer, &address);
		return keg_address_write(task, &address, args[1], args[2]);
	}
	r = peer ? getpeername(file->fd, &host.any, &host.length)
		 : getsockname(file->fd, &host.any, &host.length);
	if (r < 0)
		return keg_host_result(r);
	keg_address_from_host(task, &host, &address);
	/* A path is what this very socket was bound, or connected, to. */
	socket = keg_socket_of(file);
	if (socket && !peer && socket->bound.length)
		address = socket->bound;
	else if (socket && peer && socket->peer.length)
		address = socket->peer;
	return keg_address_write(task, &address, args[1], args[2]);
}

static int64_t keg_sys_getsockname(struct keg_task *task, const uint64_t args[6])
{
	return tell_name(task, args, false);
}

static int64_t keg_sys_getpeername(struct keg_task *task, const uint64_t args[6])
{
	return tell_name(task, args, true);
}

const struct keg_syscall keg_syscalls_socket[] = {
	{SYS_socket, "socket", "ddd", keg_sys_socket},
	{SYS_socketpair, "socketpair", "dddp", keg_sys_socketpair},
	{SYS_bind, "bind", "fpd", keg_sys_bind},
	{SYS_connect, "connect", "fpd", keg_sys_connect},
	{SYS_listen, "listen", "fd", keg_sys_listen},
	{SYS_shutdown, "shutdown", "fd", keg_sys_shutdown},
	{SYS_accept, "accept", "fpp", keg_sys_accept},
	{SYS_accept4, "accept4", "fppx", keg_sys_accept4},
	{SYS_getsockname, "getsockname", "fpp", keg_sys_getsockname},
	{SYS_getpeername, "getpeername", "fpp", keg_sys_getpeername},
	{0},
};
