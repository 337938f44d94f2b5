/* SPDX-License-Identifier: MIT */
/* sendto(2), sendmsg(2), sendmmsg(2). */
#include <poll.h>
#include <unistd.h>

#include "user/message.h"
#include "user/netlink.h"
#include "user/signals.h"
#include "user/space.h"

/* Not MSG_ZEROCOPY: the buffer is keg's, and used again. */
#define SEND_FLAGS                                                                                 \
	(MSG_OOB | MSG_DONTROUTE | MSG_DONTWAIT | MSG_EOR | MSG_CONFIRM | MSG_MORE | MSG_NOSIGNAL)

static int64_t send_all(struct keg_message *message)
{
	uint64_t length = message->vector->length, done = 0;
	int64_t r = keg_message_ready(message, POLLOUT);

	if (r < 0)
		return r;
	if (length > KEG_IO_PIECE && !keg_message_is_stream(message->file))
		return -EMSGSIZE;
	do {
		size_t piece = keg_message_piece(length - done);
		char *buffer = keg_task_buffer(message->task, piece ? piece : 1);
		ssize_t got;

		r = -ENOMEM;
		if (!buffer)
			break;
		got = keg_vector_get(message->vector, message->task, done, buffer, piece);
		if (got < (ssize_t)piece && (got < 0 || !keg_message_is_stream(message->file))) {
			r = -EFAULT;
			break;
		}
		r = keg_message_call(message, SYS_sendmsg, buffer, (size_t)got,
			(message->flags & SEND_FLAGS) | MSG_NOSIGNAL);
		if (r < 0)
			break;
		done += (uint64_t)r;
		/* Descriptors go with the first byte. */
		message->control = NULL;
		if (r < (int64_t)piece)
			break;
	} while (done < length);
	if (done > 0)
		return (int64_t)done;
	if (r == -EPIPE && !(message->flags & MSG_NOSIGNAL) && keg_message_is_stream(message->file))
		keg_signal_self(message->task, SIGPIPE);
	return keg_file_interrupted(message->file, r);
}

/* Requests to the kernel, of which keg is the only one here. */
static int64_t send_netlink(struct keg_message *message, uint64_t at, uint64_t length)
{
	char data[KEG_NETLINK_REQUEST];
	struct keg_address address;
	ssize_t got;
	int r = 0;

	if (at != 0 && length != 0) {
		r = keg_address_read(message->task, at, length, &address);
		if (r == 0)
			r = keg_netlink_check(&address);
	}
	if (r == 0 && message->vector->length > sizeof(data))
		r = -EMSGSIZE;
	if (r < 0)
		return r;
	got = keg_vector_get(message->vector, message->task, 0, data, message->vector->length);
	if (got < (ssize_t)message->vector->length)
		return -EFAULT;
	return keg_netlink_send(message->task, message->file, data, (size_t)got);
}

/* To `at`, the program's address, if there is one. */
static int64_t send_to(struct keg_message *message, uint64_t at, uint64_t length)
{
	struct keg_address address, host = {.length = 0};
	int hold = -1;
	int64_t r = 0;

	if (keg_file_is_netlink(message->file))
		return send_netlink(message, at, length);
	if (at != 0 && length != 0) {
		r = keg_address_read(message->task, at, length, &address);
		/* A stream's kernel does not look at it; the program may not say what it likes. */
		if (r == 0)
			r = keg_address_to_host(message->task, &address, &host, &hold);
	}
	message->address = &host;
	if (r == 0)
		r = send_all(message);
	message->address = NULL;
	if (hold >= 0)
		close(hold);
	return r;
}

static int64_t keg_sys_sendto(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_vector vector;
	struct keg_message message = {
		.task = task, .file = file, .vector = &vector, .flags = (uint32_t)args[3]};
	int r = keg_message_socket(file);

	if (r < 0)
		return r;
	keg_vector_one(&vector, args[1], args[2]);
	return send_to(&message, args[4], (uint32_t)args[5]);
}

static int64_t send_message(struct keg_task *task, struct keg_file *file,
	const struct keg_msghdr *header, uint32_t flags)
{
	struct keg_control control = {.length = 0};
	KEG_VECTOR struct keg_vector vector;
	struct keg_message message = {
		.task = task, .file = file, .vector = &vector, .flags = flags, .control = &control};
	int64_t r = keg_vector_load(&vector, task, header->vector, header->vector_count);

	if (r == -EINVAL && header->vector_count > 1024)
		r = -EMSGSIZE;
	if (r == 0 && header->control != 0)
		r = keg_control_send(task, file, header->control, header->control_length, &control);
	if (r == 0)
		r = header->name_length < 0
			    ? -EINVAL
			    : send_to(&message, header->name, (uint32_t)header->name_length);
	keg_control_end(&control);
	return r;
}

static int64_t keg_sys_sendmsg(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_msghdr header;
	int r = keg_message_socket(file);

	if (r < 0)
		return r;
	if (keg_space_read(task->process->space, &header, args[1], sizeof(header)) < 0)
		return -EFAULT;
	return send_message(task, file, &header, (uint32_t)args[2]);
}

static int64_t keg_sys_sendmmsg(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	uint32_t count = (uint32_t)args[2] < 1024 ? (uint32_t)args[2] : 1024, done = 0;
	struct keg_space *space = task->process->space;
	struct keg_mmsghdr each;
	int64_t r = keg_message_socket(file);

	for (; r >= 0 && done < count; done++) {
		uint64_t at = args[1] + done * sizeof(each);

		if (keg_space_read(space, &each, at, sizeof(each)) < 0)
			return keg_message_many(done, -EFAULT);
		r = send_message(task, file, &each.message, (uint32_t)args[3]);
		if (r < 0)
			break;
		each.length = (uint32_t)r;
		if (keg_space_write(space, at, &each, sizeof(each)) < 0)
			return keg_message_many(done, -EFAULT);
	}
	return keg_message_many(done, r < 0 ? r : 0);
}

const struct keg_syscall keg_syscalls_send[] = {
	{SYS_sendto, "sendto", "fSuxpd", keg_sys_sendto},
	{SYS_sendmsg, "sendmsg", "fpx", keg_sys_sendmsg},
	{SYS_sendmmsg, "sendmmsg", "fpux", keg_sys_sendmmsg},
	{0},
};
