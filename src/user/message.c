/* SPDX-License-Identifier: MIT */
/* Messages: the host's part. */
#include "user/message.h"

int64_t keg_message_call(
	struct keg_message *message, long number, void *data, size_t length, uint32_t flags)
{
	struct iovec iov = {data, length};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	int64_t r;

	if (message->address && message->address->length) {
		header.msg_name = &message->address->any;
		header.msg_namelen = message->address->length;
	}
	if (message->control && message->control->length) {
		header.msg_control = message->control->bytes;
		header.msg_controllen = message->control->length;
	}
	r = keg_file_call(
		message->task, message->file, number, (uint64_t)(uintptr_t)&header, flags, 0, 0, 0);
	if (r < 0 || number != SYS_recvmsg)
		return r;
	message->came = true;
	message->told = (uint32_t)header.msg_flags;
	if (message->address)
		message->address->length = header.msg_namelen;
	if (message->control)
		message->control->length = header.msg_controllen;
	return r;
}

bool keg_message_is_stream(const struct keg_file *file)
{
	socklen_t length = sizeof(int);
	int type = 0;

	return getsockopt(file->fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
	       type == SOCK_STREAM;
}

bool keg_message_discards(const struct keg_message *message)
{
	socklen_t length = sizeof(int);
	int domain = AF_UNIX;

	return message->flags & MSG_TRUNC && keg_message_is_stream(message->file) &&
	       getsockopt(message->file->fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
	       domain != AF_UNIX;
}

int64_t keg_message_ready(const struct keg_message *message, int events)
{
	if (!keg_file_must_not_wait(message->file))
		return 0;
	return keg_file_ready(message->task, message->file, events);
}

int keg_message_socket(const struct keg_file *file)
{
	if (!file)
		return -EBADF;
	return file->type == S_IFSOCK ? 0 : -ENOTSOCK;
}
