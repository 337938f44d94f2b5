/* SPDX-License-Identifier: MIT */
/* setsockopt(2) and getsockopt(2): those options that concern nobody but the socket. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "user/sockets.h"
#include "user/space.h"
#include "user/task.h"

#define INT     sizeof(int)
#define MOST    256 /* bytes of an option */
#define GET     1
#define SET     2
#define GET_SET (GET | SET)

static const struct option {
	int level, name;
	uint16_t size; /* at most */
	uint8_t access;
} options[] = {
	{SOL_SOCKET, SO_REUSEADDR, INT, GET_SET},
	{SOL_SOCKET, SO_REUSEPORT, INT, GET_SET},
	{SOL_SOCKET, SO_TYPE, INT, GET},
	{SOL_SOCKET, SO_ERROR, INT, GET},
	{SOL_SOCKET, SO_DOMAIN, INT, GET},
	{SOL_SOCKET, SO_PROTOCOL, INT, GET},
	{SOL_SOCKET, SO_ACCEPTCONN, INT, GET},
	{SOL_SOCKET, SO_DONTROUTE, INT, GET_SET},
	{SOL_SOCKET, SO_BROADCAST, INT, GET_SET},
	{SOL_SOCKET, SO_SNDBUF, INT, GET_SET},
	{SOL_SOCKET, SO_RCVBUF, INT, GET_SET},
	{SOL_SOCKET, SO_SNDLOWAT, INT, GET},
	{SOL_SOCKET, SO_RCVLOWAT, INT, GET_SET},
	{SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval), GET_SET},
	{SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval), GET_SET},
	{SOL_SOCKET, SO_KEEPALIVE, INT, GET_SET},
	{SOL_SOCKET, SO_OOBINLINE, INT, GET_SET},
	{SOL_SOCKET, SO_LINGER, sizeof(struct linger), GET_SET},
	{SOL_SOCKET, SO_TIMESTAMP, INT, GET_SET},
	{SOL_SOCKET, SO_TIMESTAMPNS, INT, GET_SET},
	{IPPROTO_IP, IP_TOS, INT, GET_SET},
	{IPPROTO_IP, IP_TTL, INT, GET_SET},
	{IPPROTO_IP, IP_MTU, INT, GET},
	{IPPROTO_IP, IP_MTU_DISCOVER, INT, GET_SET},
	{IPPROTO_IP, IP_RECVERR, INT, GET_SET},
	{IPPROTO_IP, IP_RECVTTL, INT, GET_SET},
	{IPPROTO_IP, IP_RECVTOS, INT, GET_SET},
	{IPPROTO_IP, IP_PKTINFO, INT, GET_SET},
	{IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, INT, GET_SET},
	{IPPROTO_IP, IP_MULTICAST_TTL, INT, GET_SET},
	{IPPROTO_IP, IP_MULTICAST_LOOP, INT, GET_SET},
	{IPPROTO_IP, IP_MULTICAST_IF, sizeof(struct ip_mreqn), GET_SET},
	{IPPROTO_IP, IP_ADD_MEMBERSHIP, sizeof(struct ip_mreqn), SET},
	{IPPROTO_IP, IP_DROP_MEMBERSHIP, sizeof(struct ip_mreqn), SET},
	{IPPROTO_IPV6, IPV6_V6ONLY, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_TCLASS, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_MTU, INT, GET},
	{IPPROTO_IPV6, IPV6_MTU_DISCOVER, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_RECVERR, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_RECVPKTINFO, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_RECVHOPLIMIT, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_RECVTCLASS, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_MULTICAST_HOPS, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_MULTICAST_LOOP, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_MULTICAST_IF, INT, GET_SET},
	{IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, sizeof(struct ipv6_mreq), SET},
	{IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, sizeof(struct ipv6_mreq), SET},
	{IPPROTO_TCP, TCP_NODELAY, INT, GET_SET},
	{IPPROTO_TCP, TCP_MAXSEG, INT, GET_SET},
	{IPPROTO_TCP, TCP_CORK, INT, GET_SET},
	{IPPROTO_TCP, TCP_KEEPIDLE, INT, GET_SET},
	{IPPROTO_TCP, TCP_KEEPINTVL, INT, GET_SET},
	{IPPROTO_TCP, TCP_KEEPCNT, INT, GET_SET},
	{IPPROTO_TCP, TCP_SYNCNT, INT, GET_SET},
	{IPPROTO_TCP, TCP_LINGER2, INT, GET_SET},
	{IPPROTO_TCP, TCP_DEFER_ACCEPT, INT, GET_SET},
	{IPPROTO_TCP, TCP_WINDOW_CLAMP, INT, GET_SET},
	{IPPROTO_TCP, TCP_QUICKACK, INT, GET_SET},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, INT, GET_SET},
	{IPPROTO_TCP, TCP_CONGESTION, 16, GET},
	{IPPROTO_TCP, TCP_INFO, MOST, GET},
	{IPPROTO_UDP, UDP_CORK, INT, GET_SET},
};

static const struct option *find(uint64_t level, uint64_t name, uint8_t access)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].level == (int)level && options[i].name == (int)name)
			return options[i].access & access ? &options[i] : NULL;
	}
	return NULL;
}

/* A socket that waits when it is closed would not hear that the sandbox is to end: what is left is
 * sent all the same, as without the option. Not to send it, with no time at all, is served. */
static void never_wait(void *value)
{
	struct linger linger;

	memcpy(&linger, value, sizeof(linger));
	linger.l_onoff = linger.l_onoff && linger.l_linger == 0;
	memcpy(value, &linger, sizeof(linger));
}

static int64_t keg_sys_setsockopt(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	const struct option *option = find(args[1], args[2], SET);
	unsigned char value[MOST] = {0};
	uint32_t length = (uint32_t)args[4];

	if (!file)
		return -EBADF;
	if (file->type != S_IFSOCK)
		return -ENOTSOCK;
	if (!option)
		return -ENOPROTOOPT;
	if (file->kind != KEG_FILE_SOCKET)
		return -EPERM;
	if (length > INT32_MAX)
		return -EINVAL;
	if (length > option->size)
		length = option->size;
	if (keg_space_read(task->process->space, value, args[3], length) < 0)
		return -EFAULT;
	if (option->level == SOL_SOCKET &&
		(option->name == SO_RCVTIMEO || option->name == SO_SNDTIMEO))
		file->timeouts = true;
	if (option->level == SOL_SOCKET && option->name == SO_LINGER)
		never_wait(value);
	return keg_host_result(setsockopt(file->fd, option->level, option->name, value, length));
}

/* SO_PEERCRED: of another of the sandbox's sockets the host would say keg's own. */
static socklen_t peer_credentials(struct keg_task *task, struct keg_file *file, void *value)
{
	struct ucred peer = {0, (uid_t)-1, (gid_t)-1};
	socklen_t length = sizeof(peer);

	if (getsockopt(file->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid != 0)
		peer.pid = peer.pid == getpid() ? task->process->pid : 0;
	*(struct ucred *)value = peer;
	return sizeof(peer);
}

static int64_t keg_sys_getsockopt(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	const struct option *option = find(args[1], args[2], GET);
	struct keg_space *space = task->process->space;
	_Alignas(8) unsigned char value[MOST] = {0};
	socklen_t length;
	int32_t room;

	if (!file)
		return -EBADF;
	if (file->type != S_IFSOCK)
		return -ENOTSOCK;
	if (keg_space_read(space, &room, args[4], sizeof(room)) < 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if ((int)args[1] == SOL_SOCKET && (int)args[2] == SO_PEERCRED) {
		length = peer_credentials(task, file, value);
	} else {
		if (!option)
			return -ENOPROTOOPT;
		length = (uint32_t)room < option->size ? (socklen_t)room : option->size;
		if (getsockopt(file->fd, option->level, option->name, value, &length) < 0)
			return keg_host_result(-1);
	}
	if (length > (uint32_t)room)
		length = (socklen_t)room;
	if (keg_space_write(space, args[3], value, length) < 0)
		return -EFAULT;
	return keg_space_write(space, args[4], &length, sizeof(length));
}

const struct keg_syscall keg_syscalls_sockopt[] = {
	{SYS_setsockopt, "setsockopt", "fddpd", keg_sys_setsockopt},
	{SYS_getsockopt, "getsockopt", "fddpp", keg_sys_getsockopt},
	{0},
};
