/* SPDX-License-Identifier: MIT */
/* The working directory, and reading directories. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/files.h"
#include "user/listing.h"
#include "user/space.h"
#include "user/sys_path.h"
#include "user/task.h"

enum { MOST_AT_ONCE = 256 << 10 };

/* ---- The working directory ---- */

static int64_t enter(struct keg_task *task, const struct keg_place *place)
{
	if (!place->directory)
		return -ENOTDIR;
	if (!place->made_up &&
		syscall(SYS_faccessat2, place->fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0 &&
		errno != ENOSYS)
		return -errno;
	keg_fs_set_directory(task->process->fs, place->path);
	return 0;
}

int64_t keg_sys_chdir(struct keg_task *task, const uint64_t args[6])
{
	KEG_PLACE struct keg_place place;
	int r = keg_path_held(task, AT_FDCWD, args[0], KEG_WALK_FOLLOW, &place);

	return r < 0 ? r : enter(task, &place);
}

int64_t keg_sys_fchdir(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	KEG_PLACE struct keg_place place;
	char path[PATH_MAX];
	int r;

	place.fd = -1;
	if (!file)
		return -EBADF;
	r = keg_file_directory(task, file, path);
	if (!r)
		r = keg_mounts_walk(task, AT_FDCWD, path, KEG_WALK_HOLD, &place);
	return r ? r : enter(task, &place);
}

int64_t keg_sys_getcwd(struct keg_task *task, const uint64_t args[6])
{
	struct keg_place place;
	char path[PATH_MAX];
	size_t size;
	int r;

	keg_fs_directory(task->process->fs, path);
	r = keg_mounts_walk(task, AT_FDCWD, path, 0, &place);
	if (r < 0)
		return r == KEG_RESTART ? r : -ENOENT;
	size = strlen(path) + 1;
	if (args[1] < size)
		return -ERANGE;
	r = keg_space_write(task->process->space, args[0], path, size);
	return r < 0 ? r : (int64_t)size;
}

/* As for any who is not privileged. */
int64_t keg_sys_chroot(struct keg_task *task, const uint64_t args[6])
{
	struct keg_place place;
	int r = keg_place_find(task, AT_FDCWD, args[0], KEG_WALK_FOLLOW, &place);

	return r < 0 ? r : place.directory ? -EPERM : -ENOTDIR;
}

int64_t keg_sys_umask(struct keg_task *task, const uint64_t args[6])
{
	return keg_fs_set_umask(task->process->fs, (mode_t)args[0] & 0777);
}

/* ---- Reading directories ---- */

/* What there is next, in the task's buffer: bytes of whole records. */
static int64_t next_entries(struct keg_task *task, uint64_t number, uint64_t size, void **buffer)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, number);
	int64_t bytes;

	if (!file || file->kind == KEG_FILE_PATH)
		return -EBADF;
	if (file->kind != KEG_FILE_DIRECTORY)
		return -ENOTDIR;
	size = size < MOST_AT_ONCE ? size : MOST_AT_ONCE;
	*buffer = keg_task_buffer(task, size ? size : 1);
	if (!*buffer)
		return -ENOMEM;
	if (file->operations)
		return keg_listing_read(file, *buffer, size);
	bytes = syscall(SYS_getdents64, file->fd, *buffer, size);
	return bytes < 0 ? -errno : bytes;
}

int64_t keg_sys_getdents64(struct keg_task *task, const uint64_t args[6])
{
	uint64_t size = (uint32_t)args[2];
	void *buffer;
	int64_t bytes = next_entries(task, args[0], size, &buffer);

	if (bytes <= 0)
		return bytes;
	return keg_space_write(task->process->space, args[1], buffer, (size_t)bytes) < 0 ? -EFAULT
											 : bytes;
}

/* struct linux_dirent (getdents(2)): no longer than dirent64, with the type in its last byte. */
static void make_old(char *record)
{
	struct dirent64 entry;
	const size_t head = offsetof(struct dirent64, d_name);
	size_t length = strlen(record + head);

	memcpy(&entry, record, head);
	memmove(record + head - 1, record + head, length + 1);
	memset(record + head + length, 0, entry.d_reclen - head - length);
	record[entry.d_reclen - 1] = (char)entry.d_type;
}

int64_t keg_sys_getdents(struct keg_task *task, const uint64_t args[6])
{
	uint64_t size = (uint32_t)args[2];
	void *buffer;
	int64_t bytes = next_entries(task, args[0], size, &buffer);

	for (int64_t at = 0; at < bytes;) {
		struct dirent64 entry;

		memcpy(&entry, (char *)buffer + at, offsetof(struct dirent64, d_name));
		make_old((char *)buffer + at);
		at += entry.d_reclen;
	}
	if (bytes <= 0)
		return bytes;
	return keg_space_write(task->process->space, args[1], buffer, (size_t)bytes) < 0 ? -EFAULT
											 : bytes;
}
