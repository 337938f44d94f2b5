/* SPDX-License-Identifier: MIT */
/* Open files: how they are made and end, and how handlers come by them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "user/files.h"
#include "user/locks.h"
#include "user/netlink.h"
#include "user/task.h"

int keg_file_create(enum keg_file_kind kind, int fd, int flags, char *path, struct keg_file **out)
{
	struct keg_file *file = calloc(1, sizeof(*file));
	struct stat st;

	*out = file;
	if (!file) {
		if (fd >= 0)
			close(fd);
		free(path);
		return -ENOMEM;
	}
	file->references = 1;
	file->kind = kind;
	file->fd = fd;
	file->flags = flags;
	file->path = path;
	file->most = UINT64_MAX;
	if (fd >= 0 && fstat(fd, &st) == 0)
		file->type = st.st_mode & S_IFMT;
	return 0;
}

void keg_file_hold(struct keg_file *file)
{
	atomic_fetch_add(&file->references, 1);
}

void keg_file_put(struct keg_file *file)
{
	struct keg_locks *locks;

	if (!file || atomic_fetch_sub(&file->references, 1) != 1)
		return;
	locks = atomic_load(&file->locks);
	if (locks) {
		keg_locks_drop(locks, file, -1);
		keg_locks_release(locks);
	}
	if (file->operations && file->operations->release)
		file->operations->release(file);
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
	free(file);
}

int keg_file_set_flags(struct keg_file *file, int mask, int flags)
{
	int old = atomic_load(&file->flags), host;

	if (keg_file_has_host_flags(file)) {
		host = fcntl(file->fd, F_GETFL);
		if (host < 0 || fcntl(file->fd, F_SETFL, (host & ~mask) | flags) < 0)
			return (int)keg_host_result(-1);
	}
	atomic_store(&file->flags, (old & ~mask) | flags);
	return 0;
}

struct keg_file *keg_task_file(struct keg_task *task, uint64_t argument)
{
	/* A descriptor is an unsigned int to the kernel: what is above it does not count. */
	return keg_files_get(task->process->files, (int)(uint32_t)argument);
}

int keg_task_add_file(struct keg_task *task, struct keg_file *file, bool close_on_exec)
{
	return keg_files_add(task->process->files, file, 0, close_on_exec,
		task->process->limits[RLIMIT_NOFILE].rlim_cur);
}

int keg_task_add_fd(
	struct keg_task *task, enum keg_file_kind kind, int fd, int flags, bool close_on_exec)
{
	struct keg_file *file;
	int r = keg_file_create(kind, fd, flags, NULL, &file);

	return r < 0 ? r : keg_task_add_file(task, file, close_on_exec);
}

bool keg_files_are_tied(struct keg_files *files)
{
	bool tied = false;

	for (int i = -1; !tied && (i = keg_files_next(files, i + 1)) >= 0;) {
		KEG_HELD struct keg_file *file = keg_files_get(files, i);

		tied = file &&
		       (file->kind == KEG_FILE_SIGNAL || file->kind == KEG_FILE_PIDFD ||
			       file->kind == KEG_FILE_TERMINAL || keg_file_is_netlink(file));
	}
	return tied;
}

int64_t keg_host_result(int64_t result)
{
	if (result >= 0)
		return result;
	/* That the host has no descriptor left is not the program's own limit. */
	return errno == EMFILE ? -ENFILE : -errno;
}
