/* SPDX-License-Identifier: MIT */
/* Sockets as files, and addresses on their way to programs and back. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/sockets.h"
#include "user/space.h"
#include "user/task.h"

static void release_socket(struct keg_file *file)
{
	struct keg_socket *socket = file->state;

	if (socket->directory >= 0)
		close(socket->directory);
	free(socket);
}
static const struct keg_file_operations operations = {.release = release_socket};

int keg_socket_create(int fd, int flags, struct keg_file **file)
{
	struct keg_socket *socket;
	int r = keg_file_create(KEG_FILE_SOCKET, fd, O_RDWR | flags, NULL, file);

	if (r < 0)
		return r;
	socket = calloc(1, sizeof(*socket));
	if (!socket) {
		keg_file_put(*file);
		return -ENOMEM;
	}
	socket->directory = -1;
	(*file)->state = socket;
	(*file)->operations = &operations;
	return 0;
}

struct keg_socket *keg_socket_of(struct keg_file *file)
{
	return file->operations == &operations ? file->state : NULL;
}

bool keg_socket_is_inside(const struct keg_file *file)
{
	struct ucred peer;
	socklen_t length = sizeof(peer);

	return file->kind == KEG_FILE_SOCKET &&
	       getsockopt(file->fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       length == sizeof(peer) && peer.pid == getpid();
}

int keg_address_read(
	struct keg_task *task, uint64_t at, uint64_t length, struct keg_address *address)
{
	uint32_t bytes = (uint32_t)length;

	*address = (struct keg_address){.length = 0};
	if (bytes > sizeof(address->storage) || bytes < sizeof(sa_family_t))
		return -EINVAL;
	if (keg_space_read(task->process->space, &address->storage, at, bytes) < 0)
		return -EFAULT;
	address->length = bytes;
	return 0;
}

int keg_address_write(
	struct keg_task *task, const struct keg_address *address, uint64_t at, uint64_t length_at)
{
	struct keg_space *space = task->process->space;
	int32_t room;

	if (keg_space_read(space, &room, length_at, sizeof(room)) < 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if ((uint32_t)room > address->length)
		room = (int32_t)address->length;
	if (room > 0 && keg_space_write(space, at, &address->storage, (size_t)room) < 0)
		return -EFAULT;
	return keg_space_write(space, length_at, &address->length, sizeof(address->length));
}
