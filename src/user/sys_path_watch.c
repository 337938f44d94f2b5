/* SPDX-License-Identifier: MIT */
/* inotify(7): the host's, of what a path leads to. */
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "user/files.h"
#include "user/sys_path.h"
#include "user/task.h"

static int64_t make(struct keg_task *task, int flags)
{
	int fd;

	if (flags & ~(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	fd = inotify_init1(flags | IN_CLOEXEC);
	if (fd < 0)
		return keg_host_result(-1);
	return keg_task_add_fd(task, KEG_FILE_EVENT, fd, flags & IN_NONBLOCK, flags & IN_CLOEXEC);
}

int64_t keg_sys_inotify_init(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	return make(task, 0);
}

int64_t keg_sys_inotify_init1(struct keg_task *task, const uint64_t args[6])
{
	return make(task, (int)args[0]);
}

int64_t keg_sys_inotify_add_watch(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	KEG_PLACE struct keg_place place;
	uint32_t mask = (uint32_t)args[2];
	char host[KEG_PATH_HOST];
	int r;

	place.fd = -1;
	if (!file)
		return -EBADF;
	if (file->kind != KEG_FILE_EVENT)
		return -EINVAL;
	r = keg_path_held(
		task, AT_FDCWD, args[1], mask & IN_DONT_FOLLOW ? 0 : KEG_WALK_FOLLOW, &place);
	if (r < 0)
		return r;
	/* Of what keg makes up there is nothing to be told. */
	if (place.made_up)
		return -ENOSPC;
	if (mask & IN_ONLYDIR && !place.directory)
		return -ENOTDIR;
	keg_path_host(place.fd, host);
	r = inotify_add_watch(file->fd, host, mask & ~(uint32_t)(IN_DONT_FOLLOW | IN_ONLYDIR));
	return r < 0 ? -errno : r;
}

int64_t keg_sys_inotify_rm_watch(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);

	if (!file)
		return -EBADF;
	if (file->kind != KEG_FILE_EVENT)
		return -EINVAL;
	return inotify_rm_watch(file->fd, (int)args[1]) < 0 ? -errno : 0;
}
