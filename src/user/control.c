/* SPDX-License-Identifier: MIT */
/* Control messages: descriptors that are sent, and what IP tells of a packet. */
#include "user/control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "user/netlink.h"
#include "user/sockets.h"
#include "user/space.h"
#include "user/task.h"
#include "user/transit.h"

/* Headers and data are aligned to eight bytes, in programs as on the host: cmsg(3). */
#define HEADER sizeof(struct cmsghdr)

static bool is_rights(const struct cmsghdr *header)
{
	return header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS;
}

/* Data that means the same to the program and to the host. */
static bool is_plain(const struct cmsghdr *header)
{
	if (header->cmsg_level == SOL_SOCKET)
		return header->cmsg_type == SO_TIMESTAMP || header->cmsg_type == SO_TIMESTAMPNS;
	return header->cmsg_level == IPPROTO_IP || header->cmsg_level == IPPROTO_IPV6;
}

/* ---- Sending ---- */

/* What a program may ask of IP for a packet; the rest is for the privileged. */
static bool can_be_said(const struct cmsghdr *header)
{
	int type = header->cmsg_type;

	if (header->cmsg_level == IPPROTO_IP)
		return type == IP_PKTINFO || type == IP_TOS || type == IP_TTL;
	return header->cmsg_level == IPPROTO_IPV6 &&
	       (type == IPV6_PKTINFO || type == IPV6_TCLASS || type == IPV6_HOPLIMIT);
}

/* Whether all there is to it is a descriptor of the host's: directories, and what keg makes up or
 * was given, are more. */
static bool is_the_hosts(const struct keg_file *file)
{
	switch (file->kind) {
	case KEG_FILE_HOST:
		return file->fd >= 0 && !(file->operations && file->operations->read);
	case KEG_FILE_SOCKET:
		return !keg_file_is_netlink(file);
	case KEG_FILE_EVENT:
		return true;
	default:
		return false;
	}
}

/* One descriptor, which control->held has: the host's for it. */
static int send_file(struct keg_task *task, struct keg_file **held)
{
	struct keg_file *file = *held;
	int r;

	if (is_the_hosts(file)) {
		atomic_store(&file->sent, true);
		return file->fd;
	}
	r = keg_transit_send(task->process->user, file, held);
	if (r < 0) {
		*held = file;
		return r;
	}
	keg_file_put(file);
	return (*held)->fd;
}

/* The descriptors, ours for the program's. */
static int send_rights(struct keg_task *task, struct keg_file *socket, struct keg_control *control,
	int *fds, size_t n)
{
	if (!keg_socket_is_inside(socket))
		return -EPERM;
	for (size_t i = 0; i < n; i++) {
		struct keg_file *file;

		if (control->count == KEG_RIGHTS_MOST)
			return -EINVAL;
		file = keg_files_get(task->process->files, fds[i]);
		if (!file)
			return -EBADF;
		control->held[control->count++] = file;
		fds[i] = send_file(task, &control->held[control->count - 1]);
		if (fds[i] < 0)
			return fds[i];
	}
	return 0;
}

/* One message, in its place. It is not to be sent at all: its header's length becomes 0. */
static int send_one(struct keg_task *task, struct keg_file *socket, struct keg_control *control,
	struct cmsghdr *header)
{
	size_t bytes = header->cmsg_len - HEADER;

	if (is_rights(header))
		return send_rights(
			task, socket, control, (int *)CMSG_DATA(header), bytes / sizeof(int));
	/* Who sends is keg, to the host: nobody is told (SO_PASSCRED is not served). */
	if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
		header->cmsg_len = 0;
		return 0;
	}
	return can_be_said(header) ? 0 : -EINVAL;
}

int keg_control_send(struct keg_task *task, struct keg_file *socket, uint64_t at, uint64_t length,
	struct keg_control *control)
{
	size_t from = 0, to = 0;
	int r;

	control->count = 0;
	control->length = 0;
	if (length > sizeof(control->bytes))
		return -ENOBUFS;
	if (keg_space_read(task->process->space, control->bytes, at, length) < 0)
		return -EFAULT;
	while (from + HEADER <= length) {
		struct cmsghdr *header = (struct cmsghdr *)(control->bytes + from);
		size_t bytes = header->cmsg_len;

		if (bytes < HEADER || bytes > length - from)
			return -EINVAL;
		r = send_one(task, socket, control, header);
		if (r < 0)
			return r;
		from += CMSG_ALIGN(bytes);
		if (header->cmsg_len == 0)
			continue;
		memmove(control->bytes + to, header, bytes);
		to += CMSG_ALIGN(bytes);
	}
	control->length = to < sizeof(control->bytes) ? to : sizeof(control->bytes);
	return 0;
}

void keg_control_end(struct keg_control *control)
{
	for (uint32_t i = 0; i < control->count; i++)
		keg_file_put(control->held[i]);
	control->count = 0;
}

/* ---- Receiving ---- */

/* What a descriptor of the host's that was sent is: by its kind, and no more than that. */
static int receive_host(struct keg_task *task, int fd, bool close_on_exec)
{
	struct keg_user *user = task->process->user;
	int flags = fcntl(fd, F_GETFL), r;
	struct keg_file *file;
	struct statfs fs;
	struct stat st;

	if (flags < 0 || fstat(fd, &st) < 0) {
		close(fd);
		return -EBADF;
	}
	if (S_ISSOCK(st.st_mode))
		r = keg_socket_create(fd, flags & O_NONBLOCK, &file);
	else
		r = keg_file_create((st.st_mode & S_IFMT) ? KEG_FILE_HOST : KEG_FILE_EVENT, fd,
			flags, NULL, &file);
	if (r < 0)
		return r;
	/* A memfd, as a rule: what bounds it has come along. */
	if (S_ISREG(st.st_mode) && st.st_nlink == 0 && fstatfs(fd, &fs) == 0 &&
		fs.f_type == TMPFS_MAGIC) {
		file->most = keg_memfd_most(user);
		atomic_store(&file->sent, true);
	}
	return keg_task_add_file(task, file, close_on_exec);
}

static int receive_file(struct keg_task *task, int fd, bool close_on_exec)
{
	struct keg_file *file;
	int r = keg_transit_receive(task->process->user, fd, &file);

	if (r == 0)
		return receive_host(task, fd, close_on_exec);
	close(fd);
	return r < 0 ? r : keg_task_add_file(task, file, close_on_exec);
}

/* Descriptors, their numbers written over them: how many the program gets; the rest is closed. */
static size_t receive_rights(
	struct keg_task *task, int *fds, size_t n, size_t most, bool inside, bool close_on_exec)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		int number = -EPERM;

		if (inside && kept == i && kept < most)
			number = receive_file(task, fds[i], close_on_exec);
		else
			close(fds[i]);
		if (number >= 0)
			fds[kept++] = number;
	}
	return kept;
}

/* What is written to the program, and what there is no room for any more. */
struct incoming {
	struct keg_task *task;
	uint64_t at;
	size_t room, used;
	bool cut, inside, close_on_exec;
};

static int receive_one(struct incoming *in, struct cmsghdr *header)
{
	size_t room = in->room - in->used, bytes = header->cmsg_len - HEADER, kept;
	size_t most = room > HEADER ? room - HEADER : 0;

	if (is_rights(header)) {
		kept = receive_rights(in->task, (int *)CMSG_DATA(header), bytes / sizeof(int),
			most / sizeof(int), in->inside, in->close_on_exec);
		if (kept * sizeof(int) < bytes)
			in->cut = true;
		bytes = kept * sizeof(int);
		if (bytes == 0)
			return 0;
	} else if (!is_plain(header) || bytes > most) {
		in->cut = in->cut || is_plain(header);
		return 0;
	}
	header->cmsg_len = HEADER + bytes;
	if (keg_space_write(in->task->process->space, in->at + in->used, header, HEADER + bytes) <
		0)
		return -EFAULT;
	in->used += CMSG_ALIGN(HEADER + bytes);
	if (in->used > in->room)
		in->used = in->room;
	return 0;
}

int keg_control_receive(struct keg_task *task, struct keg_file *socket, struct keg_control *control,
	bool close_on_exec, uint64_t at, uint64_t *length)
{
	struct incoming in = {.task = task,
		.at = at,
		.room = *length,
		.close_on_exec = close_on_exec,
		.inside = keg_socket_is_inside(socket)};
	int result = 0, r;

	for (size_t from = 0; from + HEADER <= control->length;) {
		struct cmsghdr *header = (struct cmsghdr *)(control->bytes + from);
		size_t bytes = header->cmsg_len;

		if (bytes < HEADER || bytes > control->length - from)
			break;
		/* All are looked at, whatever fails: their descriptors are ours to close. */
		r = receive_one(&in, header);
		if (r < 0)
			result = r;
		from += CMSG_ALIGN(bytes);
	}
	keg_transit_look(task->process->user);
	*length = in.used;
	return result < 0 ? result : in.cut ? MSG_CTRUNC : 0;
}

void keg_control_discard(struct keg_control *control)
{
	for (size_t from = 0; from + HEADER <= control->length;) {
		struct cmsghdr *header = (struct cmsghdr *)(control->bytes + from);
		size_t bytes = header->cmsg_len;

		if (bytes < HEADER || bytes > control->length - from)
			break;
		if (is_rights(header))
			receive_rights(NULL, (int *)CMSG_DATA(header),
				(bytes - HEADER) / sizeof(int), 0, false, false);
		from += CMSG_ALIGN(bytes);
	}
	control->length = 0;
}
