/* SPDX-License-Identifier: MIT */
/* recvfrom(2), recvmsg(2), recvmmsg(2). */
#include <poll.h>
#include <stddef.h>

#include "user/message.h"
#include "user/netlink.h"
#include "user/poll.h"
#include "user/space.h"

#define RECV_FLAGS (MSG_OOB | MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT | MSG_TRUNC | MSG_ERRQUEUE)

/* All that came, in the program; more than there is room for with MSG_TRUNC. */
static int64_t receive_all(struct keg_message *message)
{
	uint64_t length = message->vector->length, done = 0;
	bool whole = (message->flags & MSG_WAITALL) && !(message->flags & MSG_PEEK);
	bool discards = keg_message_discards(message);
	int64_t r = keg_message_ready(message, POLLIN), n;
	size_t piece;

	if (r == 0 && length > 0 && !discards)
		r = keg_vector_probe(message->vector, message->task);
	if (r < 0)
		return r;
	do {
		ssize_t put;
		void *buffer;

		piece = keg_message_piece(length - done);
		buffer = keg_task_buffer(message->task, piece ? piece : 1);
		r = -ENOMEM;
		if (!buffer)
			break;
		r = keg_message_call(message, SYS_recvmsg, buffer, piece,
			(message->flags & RECV_FLAGS) | MSG_CMSG_CLOEXEC);
		if (r <= 0)
			break;
		/* It may be longer than the buffer: with MSG_TRUNC that is told. */
		n = r < (int64_t)piece ? r : (int64_t)piece;
		put = discards ? n
			       : keg_vector_put(
					 message->vector, message->task, done, buffer, (size_t)n);
		if (put < n) {
			r = -EFAULT;
			break;
		}
		done += (uint64_t)r;
	} while (whole && r == (int64_t)piece && done < length && !message->control);
	if (keg_file_is_netlink(message->file))
		keg_netlink_pump(message->file);
	return done > 0 ? (int64_t)done : keg_file_interrupted(message->file, r);
}

/* Who sent it, as the program calls him. */
static void sender(
	const struct keg_message *message, const struct keg_address *host, struct keg_address *name)
{
	if (keg_file_is_netlink(message->file))
		keg_netlink_name(message->file, false, name);
	else
		keg_address_from_host(message->task, host, name);
}

static int64_t keg_sys_recvfrom(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_address host = {.length = sizeof(host.storage)}, address;
	struct keg_vector vector;
	struct keg_message message = {.task = task,
		.file = file,
		.vector = &vector,
		.address = args[4] ? &host : NULL,
		.flags = (uint32_t)args[3]};
	int64_t r = keg_message_socket(file);

	if (r < 0)
		return r;
	keg_vector_one(&vector, args[1], args[2]);
	r = receive_all(&message);
	if (r < 0 || args[4] == 0)
		return r;
	sender(&message, &host, &address);
	return keg_address_write(task, &address, args[4], args[5]) < 0 ? -EFAULT : r;
}

/* What came besides the data, as the header tells it. */
static int finish_header(struct keg_message *message, struct keg_msghdr *header, bool close_on_exec)
{
	struct keg_space *space = message->task->process->space;
	struct keg_address address;
	int r;

	r = keg_control_receive(message->task, message->file, message->control, close_on_exec,
		header->control, &header->control_length);
	if (r < 0)
		return r;
	header->flags = (message->told & ~(uint32_t)MSG_CMSG_CLOEXEC) | (uint32_t)r;
	if (!message->address)
		return 0;
	sender(message, message->address, &address);
	if ((uint32_t)header->name_length > address.length)
		header->name_length = (int32_t)address.length;
	if (header->name_length > 0 && keg_space_write(space, header->name, &address.storage,
					       (size_t)header->name_length) < 0)
		return -EFAULT;
	header->name_length = (int32_t)address.length;
	return 0;
}

static int64_t receive_message(
	struct keg_task *task, struct keg_file *file, uint64_t at, uint32_t flags)
{
	struct keg_address host = {.length = sizeof(host.storage)};
	struct keg_space *space = task->process->space;
	struct keg_control control = {.length = sizeof(control.bytes)};
	KEG_VECTOR struct keg_vector vector;
	struct keg_msghdr header;
	struct keg_message message = {
		.task = task, .file = file, .vector = &vector, .flags = flags, .control = &control};
	int64_t r;

	keg_vector_one(&vector, 0, 0);
	if (keg_space_read(space, &header, at, sizeof(header)) < 0)
		return -EFAULT;
	r = keg_vector_load(&vector, task, header.vector, header.vector_count);
	if (r == 0 && header.name && header.name_length < 0)
		r = -EINVAL;
	if (r < 0)
		return r == -EINVAL && header.vector_count > 1024 ? -EMSGSIZE : r;
	message.address = header.name ? &host : NULL;
	if (header.control == 0)
		header.control_length = 0;
	r = receive_all(&message);
	if (r < 0) {
		if (message.came)
			keg_control_discard(&control);
		return r;
	}
	if (finish_header(&message, &header, flags & MSG_CMSG_CLOEXEC) < 0 ||
		keg_space_write(space, at, &header, sizeof(header)) < 0)
		return -EFAULT;
	return r;
}

static int64_t keg_sys_recvmsg(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	int r = keg_message_socket(file);

	return r < 0 ? r : receive_message(task, file, args[1], (uint32_t)args[2]);
}

static int64_t keg_sys_recvmmsg(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	uint32_t count = (uint32_t)args[2] < 1024 ? (uint32_t)args[2] : 1024, done = 0;
	uint32_t flags = (uint32_t)args[3];
	struct keg_wait wait;
	int64_t r = keg_message_socket(file);

	if (r == 0)
		r = keg_wait_read(task, args[4], &wait);
	if (r != 0)
		return r;
	/* The time is looked at between messages only, as the kernel has it: recvmmsg(2), BUGS. */
	for (; done < count; done++) {
		uint64_t at = args[1] + done * sizeof(struct keg_mmsghdr);
		uint32_t length;

		r = receive_message(task, file, at, flags & ~(uint32_t)MSG_WAITFORONE);
		if (r < 0)
			break;
		length = (uint32_t)r;
		if (keg_space_write(task->process->space, at + offsetof(struct keg_mmsghdr, length),
			    &length, 4) < 0)
			return keg_message_many(done, -EFAULT);
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (!wait.for_ever && keg_wait_left(&wait).tv_sec == 0 &&
			keg_wait_left(&wait).tv_nsec == 0)
			flags |= MSG_DONTWAIT;
	}
	return keg_message_many(done, r < 0 ? r : 0);
}

const struct keg_syscall keg_syscalls_receive[] = {
	{SYS_recvfrom, "recvfrom", "fRuxpp", keg_sys_recvfrom},
	{SYS_recvmsg, "recvmsg", "fpx", keg_sys_recvmsg},
	{SYS_recvmmsg, "recvmmsg", "fpuxt", keg_sys_recvmmsg},
	{0},
};
