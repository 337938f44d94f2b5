/* SPDX-License-Identifier: MIT */
/*
 * Where an open file is. It has the path that it was opened by, as long as that leads to it; when
 * it, or a directory above it, has got another name since, the host's /proc says which. That is a
 * hint and no more: what counts is that the path leads to this very file, beneath its mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/files.h"
#include "user/mount_list.h"
#include "user/sys_path.h"
#include "user/task.h"

/* Whether the path, which lies in the mount, leads to the file: without following anything. */
static bool leads_to(const struct keg_mount *mount, const char *path, const struct keg_file *file)
{
	struct stat had, is;
	int fd, r;

	fd = keg_beneath(mount->fd,
		mount->name ? mount->name : path + mount->length + (path[mount->length] == '/'),
		O_PATH | O_NOFOLLOW, 0);
	if (fd < 0)
		return false;
	r = keg_beneath_stat(fd, &is);
	close(fd);
	return !r && keg_beneath_stat(file->fd, &had) == 0 && had.st_dev == is.st_dev &&
	       had.st_ino == is.st_ino;
}

static ssize_t host_path(int fd, char path[PATH_MAX])
{
	char name[KEG_PATH_HOST];
	ssize_t length;

	keg_path_host(fd, name);
	length = readlink(name, path, PATH_MAX - 1);
	if (length > 0)
		path[length] = '\0';
	return length;
}

/* What the host calls the file, as a path of the sandbox's in the mount. */
static bool ask_host(const struct keg_mount *mount, const struct keg_file *file, char to[PATH_MAX])
{
	char top[PATH_MAX], path[PATH_MAX];
	ssize_t length = host_path(mount->fd, top);
	size_t rest;

	if (mount->name || length <= 0 || host_path(file->fd, path) <= 0)
		return false;
	/* The root, of the host or of a file system that is mounted nowhere. */
	if (length == 1)
		length = 0;
	if (strncmp(path, top, (size_t)length) != 0 || path[length] != '/')
		return false;
	rest = strlen(path + length);
	if (mount->length + rest >= PATH_MAX)
		return false;
	memcpy(to, mount->path, mount->length);
	memcpy(to + mount->length, path + length, rest + 1);
	return true;
}

int keg_file_where(struct keg_task *task, struct keg_file *file, char path[PATH_MAX])
{
	const struct keg_mounts *mounts = task->process->user->mounts;
	const struct keg_mount *mount;
	size_t length;

	if (!file->path || file->kind == KEG_FILE_STREAM || file->kind == KEG_FILE_SOCKET)
		return -ENOENT;
	length = strlen(file->path);
	memcpy(path, file->path, length + 1);
	mount = keg_mounts_cover(mounts, path, length == 1 ? 0 : length);
	if (!mount || mount->kind != KEG_MOUNT_HOST || file->operations)
		return 0;
	if (leads_to(mount, path, file))
		return 0;
	if (ask_host(mount, file, path) && keg_mounts_cover(mounts, path, strlen(path)) == mount &&
		leads_to(mount, path, file))
		return 0;
	memcpy(path, file->path, length + 1);
	return -ENOENT;
}

int keg_file_directory(struct keg_task *task, struct keg_file *file, char path[PATH_MAX])
{
	/* Before it is looked for: what happens meanwhile makes it be looked for again. */
	const uint32_t renames = atomic_load(&task->process->user->mounts->renames);
	int r;

	if (!file->path || file->path[0] != '/' || file->type != S_IFDIR)
		return -ENOTDIR;
	if (atomic_load(&file->renames) == renames) {
		memcpy(path, file->path, strlen(file->path) + 1);
		return 0;
	}
	r = keg_file_where(task, file, path);
	if (!r && strcmp(path, file->path) == 0)
		atomic_store(&file->renames, renames);
	return r;
}
