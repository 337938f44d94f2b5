/* SPDX-License-Identifier: MIT */
/* rtnetlink(7): asking the host which interfaces, addresses and routes it has. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/netlink.h"
#include "user/task.h"

/* Programs read so much at once: the host makes its datagrams no longer than who reads them first
 * has room for, but for an interface that takes more. */
#define DATAGRAM 4096
#define LONGEST  65536
/* Of one answer; it ends before, or is of no use. */
#define DATAGRAMS 4096

struct keg_netlinks {
	pthread_mutex_t lock;
	int fd; /* of NETLINK_ROUTE, the host's */
	uint32_t sequence;
	uint32_t count, ports; /* of programs: sockets, and names that they were given */
};

/* ---- Answers ---- */

uint8_t *keg_answers_first(const struct keg_answers *answers, uint32_t *length)
{
	if (answers->from == answers->to)
		return NULL;
	memcpy(length, answers->at + answers->from, sizeof(*length));
	return answers->at + answers->from + sizeof(*length);
}

void keg_answers_drop_first(struct keg_answers *answers)
{
	uint32_t length;

	if (keg_answers_first(answers, &length))
		answers->from += sizeof(length) + length;
	if (answers->from == answers->to)
		keg_answers_free(answers);
}

void keg_answers_free(struct keg_answers *answers)
{
	free(answers->at);
	*answers = (struct keg_answers){0};
}

int keg_answers_add(struct keg_answers *answers, const void *data, size_t length)
{
	const uint32_t header = (uint32_t)length;
	size_t needed = answers->to + sizeof(header) + length;
	uint8_t *at;

	if (length > LONGEST || needed > KEG_NETLINK_MOST)
		return -ENOBUFS;
	if (needed > answers->room) {
		at = realloc(answers->at, needed + needed / 2);
		if (!at)
			return -ENOMEM;
		answers->at = at;
		answers->room = needed + needed / 2;
	}
	memcpy(answers->at + answers->to, &header, sizeof(header));
	memcpy(answers->at + answers->to + sizeof(header), data, length);
	answers->to = needed;
	return 0;
}

/* ---- The host's socket ---- */

static struct keg_netlinks *create(int *result)
{
	struct keg_netlinks *netlinks = calloc(1, sizeof(*netlinks));

	*result = -ENOMEM;
	if (!netlinks)
		return NULL;
	netlinks->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (netlinks->fd < 0)
		*result = (int)keg_host_result(-1);
	else if (pthread_mutex_init(&netlinks->lock, NULL) == 0)
		return netlinks;
	if (netlinks->fd >= 0)
		close(netlinks->fd);
	free(netlinks);
	return NULL;
}

struct keg_netlinks *keg_netlinks_of(struct keg_user *user, int *result)
{
	struct keg_netlinks *netlinks;

	pthread_mutex_lock(&user->lock);
	if (!user->netlinks)
		user->netlinks = create(result);
	netlinks = user->netlinks;
	pthread_mutex_unlock(&user->lock);
	return netlinks;
}

void keg_netlinks_destroy(struct keg_netlinks *netlinks)
{
	if (!netlinks)
		return;
	close(netlinks->fd);
	pthread_mutex_destroy(&netlinks->lock);
	free(netlinks);
}

int keg_netlinks_count(struct keg_netlinks *netlinks, int change)
{
	int result = 0;

	pthread_mutex_lock(&netlinks->lock);
	if (change > 0 && netlinks->count == KEG_NETLINK_SOCKETS)
		result = -ENOBUFS;
	else
		netlinks->count += (uint32_t)change;
	pthread_mutex_unlock(&netlinks->lock);
	return result;
}

/* netlink(7): the first socket of a process is called as the process is, others otherwise. */
uint32_t keg_netlinks_port(struct keg_netlinks *netlinks, uint32_t pid)
{
	uint32_t port;

	pthread_mutex_lock(&netlinks->lock);
	port = netlinks->ports ? UINT32_MAX - 4096 - netlinks->ports % (1u << 30) : pid;
	netlinks->ports++;
	pthread_mutex_unlock(&netlinks->lock);
	return port;
}

/* ---- Asking ---- */

/* What the host is sent: of the program's choosing are `kind` and the family. */
static int send_request(const struct keg_netlinks *netlinks, uint16_t kind, uint8_t family)
{
	static const struct {
		uint16_t kind;
		size_t length;
	} kinds[] = {
		{RTM_GETLINK, sizeof(struct ifinfomsg)},
		{RTM_GETADDR, sizeof(struct ifaddrmsg)},
		{RTM_GETROUTE, sizeof(struct rtmsg)},
	};
	struct {
		struct nlmsghdr header;
		uint8_t family; /* the first byte of each of them */
		uint8_t rest[15];
	} request = {.family = family};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind != kind)
			continue;
		request.header = (struct nlmsghdr){(uint32_t)NLMSG_LENGTH(kinds[i].length), kind,
			NLM_F_REQUEST | NLM_F_DUMP, netlinks->sequence, 0};
		if (send(netlinks->fd, &request, request.header.nlmsg_len, 0) < 0)
			return (int)keg_host_result(-1);
		return 0;
	}
	return -EOPNOTSUPP;
}

/* A datagram of the host's; its length, or -EAGAIN there is none, -ENOBUFS it is too long. */
static ssize_t receive(const struct keg_netlinks *netlinks, uint8_t data[LONGEST])
{
	ssize_t length = recv(netlinks->fd, data, 0, MSG_PEEK | MSG_TRUNC), room;

	if (length < 0)
		return keg_host_result(-1);
	room = length > DATAGRAM ? LONGEST : DATAGRAM;
	length = recv(netlinks->fd, data, (size_t)room, MSG_TRUNC);
	if (length < 0)
		return keg_host_result(-1);
	return length > room ? -ENOBUFS : length;
}

/* Makes the messages in a datagram answers to the program's: 1 the last is among them. 0 others are
 * to come; -ESTALE it is no answer to what was asked. */
static int readdress(const struct keg_netlinks *netlinks, uint8_t *data, size_t length,
	const struct nlmsghdr *request, uint32_t port)
{
	int last = 0;

	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= length;) {
		struct nlmsghdr *header = (struct nlmsghdr *)(data + at);
		size_t bytes = header->nlmsg_len;

		if (bytes < sizeof(*header) || bytes > length - at)
			break;
		if (header->nlmsg_seq != netlinks->sequence)
			return -ESTALE;
		header->nlmsg_seq = request->nlmsg_seq;
		header->nlmsg_pid = port;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
			last = 1;
		at += NLMSG_ALIGN(bytes);
	}
	return last;
}

static int gather(const struct keg_netlinks *netlinks, const struct nlmsghdr *request,
	uint32_t port, struct keg_answers *answers, uint8_t *data)
{
	for (int i = 0; i < DATAGRAMS; i++) {
		ssize_t length = receive(netlinks, data);
		int last, r;

		if (length < 0)
			return (int)length;
		last = readdress(netlinks, data, (size_t)length, request, port);
		if (last == -ESTALE)
			continue;
		r = keg_answers_add(answers, data, (size_t)length);
		if (r < 0 || last)
			return r;
	}
	return -ENOBUFS;
}

/* What is left of an answer that was given up. */
static void discard(const struct keg_netlinks *netlinks, uint8_t *data)
{
	for (int i = 0; i < DATAGRAMS && receive(netlinks, data) >= 0; i++)
		;
}

int keg_netlinks_ask(struct keg_netlinks *netlinks, const struct nlmsghdr *request, uint8_t family,
	uint32_t port, struct keg_answers *answers)
{
	uint8_t *data = calloc(1, LONGEST);
	size_t before = answers->to;
	int r;

	if (!data)
		return -ENOMEM;
	pthread_mutex_lock(&netlinks->lock);
	netlinks->sequence++;
	r = send_request(netlinks, request->nlmsg_type, family);
	if (r == 0) {
		r = gather(netlinks, request, port, answers, data);
		if (r < 0) {
			/* A part of an answer is none. */
			answers->to = before;
			discard(netlinks, data);
		}
	}
	pthread_mutex_unlock(&netlinks->lock);
	free(data);
	/* The host has its answer ready by when it was asked. */
	return r == -EAGAIN ? -EIO : r;
}
