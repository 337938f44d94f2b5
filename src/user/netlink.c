/* SPDX-License-Identifier: MIT */
/* rtnetlink(7): the sockets that programs have. */
#include "user/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/task.h"

/* What keg knows of one: its file's `state`. */
struct netlink {
	struct keg_netlinks *all;
	int other; /* the end that answers are written to */
	pthread_mutex_t lock;
	uint32_t port; /* its name; 0: none yet */
	struct keg_answers waiting;
};

/* ---- Files ---- */

static void release(struct keg_file *file)
{
	struct netlink *netlink = file->state;

	keg_netlinks_count(netlink->all, -1);
	close(netlink->other);
	keg_answers_free(&netlink->waiting);
	pthread_mutex_destroy(&netlink->lock);
	free(netlink);
}

static ssize_t write_requests(struct keg_task *task, struct keg_file *file, const void *from,
	size_t length, int64_t offset)
{
	(void)offset;
	return keg_netlink_send(task, file, from, length);
}

static const struct keg_file_operations operations = {.write = write_requests, .release = release};

bool keg_file_is_netlink(const struct keg_file *file)
{
	return file->operations == &operations;
}

static int make_state(struct keg_netlinks *all, int other, struct netlink **made)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));

	if (!netlink || pthread_mutex_init(&netlink->lock, NULL) != 0) {
		free(netlink);
		return -ENOMEM;
	}
	netlink->all = all;
	netlink->other = other;
	*made = netlink;
	return 0;
}

int keg_netlink_create(struct keg_task *task, int flags, struct keg_file **file)
{
	int ends[2], r = -ENOMEM;
	struct keg_netlinks *all = keg_netlinks_of(task->process->user, &r);
	struct netlink *netlink;

	if (!all || (r = keg_netlinks_count(all, 1)) < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0, ends) < 0) {
		r = (int)keg_host_result(-1);
		keg_netlinks_count(all, -1);
		return r;
	}
	r = make_state(all, ends[1], &netlink);
	if (r < 0) {
		close(ends[0]);
		close(ends[1]);
		keg_netlinks_count(all, -1);
		return r;
	}
	r = keg_file_create(KEG_FILE_SOCKET, ends[0], O_RDWR | flags, NULL, file);
	if (r < 0) {
		struct keg_file none = {.state = netlink};

		release(&none);
		return r;
	}
	(*file)->state = netlink;
	(*file)->operations = &operations;
	return 0;
}

/* ---- Names ---- */

static uint32_t port_of(const struct keg_task *task, struct netlink *netlink)
{
	if (!netlink->port)
		netlink->port = keg_netlinks_port(netlink->all, (uint32_t)task->process->pid);
	return netlink->port;
}

static const struct sockaddr_nl *name_in(const struct keg_address *address)
{
	if (address->length < sizeof(struct sockaddr_nl) || address->any.sa_family != AF_NETLINK)
		return NULL;
	return (const struct sockaddr_nl *)&address->storage;
}

int keg_netlink_bind(
	struct keg_task *task, struct keg_file *file, const struct keg_address *address)
{
	const struct sockaddr_nl *name = name_in(address);
	struct netlink *netlink = file->state;
	int r = 0;

	if (!name)
		return -EINVAL;
	/* Who hears of changes would have the host tell keg of them. */
	if (name->nl_groups)
		return -EPERM;
	pthread_mutex_lock(&netlink->lock);
	if (!netlink->port)
		netlink->port = name->nl_pid ? name->nl_pid : port_of(task, netlink);
	else if (name->nl_pid != netlink->port)
		r = -EINVAL;
	pthread_mutex_unlock(&netlink->lock);
	return r;
}

void keg_netlink_name(const struct keg_file *file, bool own, struct keg_address *address)
{
	struct netlink *netlink = file->state;
	struct sockaddr_nl name = {.nl_family = AF_NETLINK};

	pthread_mutex_lock(&netlink->lock);
	name.nl_pid = own ? netlink->port : 0;
	pthread_mutex_unlock(&netlink->lock);
	*address = (struct keg_address){.length = sizeof(name)};
	memcpy(&address->storage, &name, sizeof(name));
}

int keg_netlink_check(const struct keg_address *address)
{
	const struct sockaddr_nl *name = name_in(address);

	if (!name)
		return -EINVAL;
	return name->nl_groups ? -EPERM : name->nl_pid ? -ECONNREFUSED : 0;
}

/* ---- Answers ---- */

/* As many as there is room for now. Lock held. */
static void pump(struct netlink *netlink)
{
	uint8_t *data;
	uint32_t length;

	while ((data = keg_answers_first(&netlink->waiting, &length))) {
		if (send(netlink->other, data, length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
			(errno == EAGAIN || errno == ENOBUFS))
			return;
		keg_answers_drop_first(&netlink->waiting);
	}
}

void keg_netlink_pump(struct keg_file *file)
{
	struct netlink *netlink = file->state;

	pthread_mutex_lock(&netlink->lock);
	pump(netlink);
	pthread_mutex_unlock(&netlink->lock);
}

/* NLMSG_ERROR: that it failed, or, with 0, that it did not. */
static int tell_result(struct netlink *netlink, const struct nlmsghdr *request, int result)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} told = {{sizeof(told), NLMSG_ERROR, NLM_F_CAPPED, request->nlmsg_seq, netlink->port},
		{result, *request}};

	return keg_answers_add(&netlink->waiting, &told, sizeof(told));
}

/* ---- One interface ---- */

/* An attribute of a message, `fixed` bytes behind its header; NULL: it has none. */
static const struct rtattr *find_attribute(
	const struct nlmsghdr *message, size_t fixed, uint16_t type)
{
	size_t at = NLMSG_SPACE(fixed);

	while (at + sizeof(struct rtattr) <= message->nlmsg_len) {
		const struct rtattr *attribute =
			(const struct rtattr *)((const uint8_t *)message + at);

		if (attribute->rta_len < sizeof(*attribute) ||
			attribute->rta_len > message->nlmsg_len - at)
			return NULL;
		if (attribute->rta_type == type)
			return attribute;
		at += RTA_ALIGN(attribute->rta_len);
	}
	return NULL;
}

static bool read_name(const struct nlmsghdr *message, char name[IFNAMSIZ + 1])
{
	const struct rtattr *attribute =
		find_attribute(message, sizeof(struct ifinfomsg), IFLA_IFNAME);

	if (!attribute || RTA_PAYLOAD(attribute) > IFNAMSIZ)
		return false;
	memset(name, 0, IFNAMSIZ + 1);
	memcpy(name, RTA_DATA(attribute), RTA_PAYLOAD(attribute));
	return true;
}

/* Whether the interface that is asked for, by number or by name, is this one. */
static bool is_asked_for(const struct nlmsghdr *request, const struct nlmsghdr *link)
{
	const struct ifinfomsg *wanted = NLMSG_DATA(request), *is = NLMSG_DATA(link);
	char name[IFNAMSIZ + 1], has[IFNAMSIZ + 1];

	if (wanted->ifi_index > 0)
		return is->ifi_index == wanted->ifi_index;
	return read_name(request, name) && read_name(link, has) && strcmp(name, has) == 0;
}

static int tell_if_asked_for(
	struct netlink *netlink, const struct nlmsghdr *request, uint8_t *datagram, size_t length)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= length;) {
		struct nlmsghdr *link = (struct nlmsghdr *)(datagram + at);

		if (link->nlmsg_len < sizeof(*link) || link->nlmsg_len > length - at)
			break;
		if (link->nlmsg_type == RTM_NEWLINK &&
			link->nlmsg_len >= NLMSG_LENGTH(sizeof(struct ifinfomsg)) &&
			is_asked_for(request, link)) {
			link->nlmsg_flags = 0;
			return keg_answers_add(&netlink->waiting, link, link->nlmsg_len);
		}
		at += NLMSG_ALIGN(link->nlmsg_len);
	}
	return -ENODEV;
}

static int tell_link(struct netlink *netlink, const struct nlmsghdr *request)
{
	struct keg_answers all = {0};
	uint32_t length;
	uint8_t *data;
	int r;

	if (request->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
		return -EINVAL;
	r = keg_netlinks_ask(netlink->all, request, AF_UNSPEC, netlink->port, &all);
	if (r == 0)
		r = -ENODEV;
	while (r == -ENODEV && (data = keg_answers_first(&all, &length))) {
		r = tell_if_asked_for(netlink, request, data, length);
		keg_answers_drop_first(&all);
	}
	keg_answers_free(&all);
	return r;
}

/* ---- Requests ---- */

static int serve(struct netlink *netlink, const struct nlmsghdr *request)
{
	uint16_t type = request->nlmsg_type;
	uint8_t family = AF_UNSPEC;

	if (type < RTM_BASE || type > RTM_MAX)
		return -EOPNOTSUPP;
	/* Each kind has four: what makes, removes, and gets one, and what sets it. */
	if ((type - RTM_BASE) % 4 != RTM_GETLINK - RTM_BASE)
		return -EPERM;
	if (!(request->nlmsg_flags & NLM_F_DUMP))
		return type == RTM_GETLINK ? tell_link(netlink, request) : -EOPNOTSUPP;
	if (request->nlmsg_len > NLMSG_HDRLEN)
		family = *(const uint8_t *)NLMSG_DATA(request);
	return keg_netlinks_ask(netlink->all, request, family, netlink->port, &netlink->waiting);
}

/* As the kernel takes them: what is no request is not answered, and what is cut off not read. */
static int serve_all(struct netlink *netlink, const uint8_t *data, size_t length)
{
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= length;) {
		const struct nlmsghdr *request = (const struct nlmsghdr *)(data + at);
		bool is_control = request->nlmsg_type < NLMSG_MIN_TYPE;
		int r = 0;

		if (request->nlmsg_len < sizeof(*request) || request->nlmsg_len > length - at)
			return 0;
		if ((request->nlmsg_flags & NLM_F_REQUEST) && !is_control)
			r = serve(netlink, request);
		if (r < 0 || request->nlmsg_flags & NLM_F_ACK)
			r = tell_result(netlink, request, r);
		if (r < 0)
			return r;
		at += NLMSG_ALIGN(request->nlmsg_len);
	}
	return 0;
}

ssize_t keg_netlink_send(
	struct keg_task *task, struct keg_file *file, const void *from, size_t length)
{
	struct netlink *netlink = file->state;
	_Alignas(NLMSG_ALIGNTO) uint8_t data[KEG_NETLINK_REQUEST];
	int r;

	if (length > sizeof(data))
		return -EMSGSIZE;
	memcpy(data, from, length);
	pthread_mutex_lock(&netlink->lock);
	port_of(task, netlink);
	r = serve_all(netlink, data, length);
	pump(netlink);
	pthread_mutex_unlock(&netlink->lock);
	return r < 0 ? r : (ssize_t)length;
}
