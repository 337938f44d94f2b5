/* SPDX-License-Identifier: MIT */
/* Files that keg makes up: found in their tables, opened, listed. */
#include "user/system_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/listing.h"
#include "user/mount_list.h"
#include "user/pty.h"
#include "user/task.h"

enum {
	LONGEST = 64,            /* of the tables' paths */
	MADE_UP_MINOR = 0xfffff, /* no device of the host's has it */
};

void keg_made_up_stat(struct stat *st, mode_t mode, const char *path)
{
	uint64_t inode = 0xcbf29ce484222325; /* FNV-1a */

	for (; *path; path++)
		inode = (inode ^ (uint8_t)*path) * 0x100000001b3;
	memset(st, 0, sizeof(*st));
	st->st_dev = makedev(0, MADE_UP_MINOR);
	st->st_ino = inode >> 16 | 1;
	st->st_mode = mode;
	st->st_nlink = S_ISDIR(mode) ? 2 : 1;
	st->st_blksize = 4096;
}

const struct keg_system_file *keg_system_table(const struct keg_mount *mount)
{
	return mount->kind == KEG_MOUNT_PROC  ? keg_proc_files
	       : mount->kind == KEG_MOUNT_DEV ? keg_dev_files
					      : keg_sys_files;
}

const struct keg_system_file *keg_system_row(const struct keg_place *place)
{
	return &keg_system_table(place->mount)[place->kind - 1];
}

/* ---- Finding ---- */

struct keg_process *keg_system_process(struct keg_task *task, pid_t pid, pid_t tid)
{
	struct keg_process *process = keg_process_find(task->process->user, pid);
	struct keg_task *found = process && tid ? keg_task_find(process->user, tid) : NULL;

	return process && (!tid || (found && found->process == process)) ? process : NULL;
}

/* A number without leading zeros; -1 it is none. */
static int number(const char *text, size_t length)
{
	int value = 0;

	if (!length || length > 9 || (text[0] == '0' && length > 1))
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = 10 * value + text[i] - '0';
	}
	return value;
}

/* The table's path for a name: what is a number there is "%", and goes into the place. */
static int generalize(const char *name, struct keg_place *place, char path[LONGEST])
{
	size_t at = 0;

	path[0] = '\0';
	for (int depth = 0; *name; depth++) {
		size_t length = strcspn(name, "/");
		int value = number(name, length);

		if (at + length + 2 > LONGEST || memchr(name, '%', length))
			return -ENOENT;
		if (depth == 0 && value >= 0)
			place->pid = value;
		else if (depth == 2 && value >= 0 && strncmp(path, "%/task", LONGEST) == 0)
			place->tid = value;
		else if (value >= 0 && ((depth == 2 && strncmp(path, "%/fd", LONGEST) == 0) ||
					       (depth == 1 && strcmp(path, "pts") == 0)))
			place->number = value;
		else
			value = -1;
		if (depth)
			path[at++] = '/';
		memcpy(path + at, value >= 0 ? "%" : name, value >= 0 ? 1 : length);
		at += value >= 0 ? 1 : length;
		path[at] = '\0';
		name += length + (name[length] == '/');
	}
	return 0;
}

struct keg_file *keg_system_descriptor(struct keg_task *task, pid_t pid, int descriptor)
{
	struct keg_user *user = task->process->user;
	struct keg_file *file = NULL;
	struct keg_process *process;

	if (pid == task->process->pid)
		return keg_task_file(task, (uint64_t)descriptor);
	pthread_mutex_lock(&user->lock);
	process = keg_system_process(task, pid, 0);
	if (process && process->files)
		file = keg_files_get(process->files, descriptor);
	pthread_mutex_unlock(&user->lock);
	return file;
}

/* Whether what the numbers in the path stand for is there; *mode of a descriptor's link says what
 * it is open for (proc(5), /proc/pid/fd). */
static bool is_there(struct keg_task *task, const struct keg_mount *mount,
	const struct keg_place *place, const char *path, mode_t *mode)
{
	bool there;

	if (!strchr(path, '%'))
		return true;
	if (!task)
		return false;
	if (mount->kind == KEG_MOUNT_DEV) {
		pthread_mutex_lock(&task->process->user->lock);
		there = keg_pty_next(task->process->user, place->number) == place->number;
		pthread_mutex_unlock(&task->process->user->lock);
		return there;
	}
	if (strncmp(path, "%/fd/", 5) == 0) {
		KEG_HELD struct keg_file *file =
			keg_system_descriptor(task, place->pid, place->number);
		if (!file)
			return false;
		*mode = S_IFLNK | S_IXUSR | ((file->flags & O_ACCMODE) == O_WRONLY ? 0 : S_IRUSR) |
			((file->flags & O_ACCMODE) == O_RDONLY ? 0 : S_IWUSR);
		return true;
	}
	pthread_mutex_lock(&task->process->user->lock);
	there = keg_system_process(task, place->pid, place->tid);
	pthread_mutex_unlock(&task->process->user->lock);
	return there;
}

int keg_system_look(struct keg_task *task, const struct keg_mount *mount, const char *name,
	struct keg_place *place)
{
	const struct keg_system_file *files = keg_system_table(mount);
	char path[LONGEST];
	struct stat device;
	mode_t mode;
	int kind = 0, r;

	place->pid = place->tid = 0;
	place->number = 0;
	r = generalize(name, place, path);
	while (!r && files[kind].path && strcmp(files[kind].path, path) != 0)
		kind++;
	mode = files[kind].mode;
	if (r || !files[kind].path || !is_there(task, mount, place, path, &mode))
		return -ENOENT;
	place->kind = kind + 1;
	place->made_up = place->exists = true;
	place->writable = false;
	place->directory = S_ISDIR(files[kind].mode);
	place->base = -1;
	place->name[0] = '\0';
	keg_made_up_stat(&place->stat, mode, place->path);
	if (task && S_ISCHR(mode) && strcmp(path, "pts/%") == 0)
		keg_pty_stat(task->process->user, place->number, &place->stat);
	if (place->pid) {
		place->stat.st_uid = geteuid();
		place->stat.st_gid = getegid();
	}
	if (files[kind].host && task &&
		fstatat(task->process->user->mounts->host_dev, files[kind].host, &device,
			AT_SYMLINK_NOFOLLOW) == 0)
		place->stat.st_rdev = device.st_rdev;
	return 0;
}

/* ---- Reading ---- */

static int link_text(struct keg_task *task, const struct keg_place *place, char to[PATH_MAX])
{
	struct keg_text text;
	int r = keg_system_text(task, place, &text);

	if (!r && (!text.length || text.length >= PATH_MAX))
		r = -ENOENT;
	if (!r)
		memcpy(to, text.at, text.length + 1);
	free(text.at);
	return r;
}

int keg_system_link(struct keg_task *task, const struct keg_place *place, char to[PATH_MAX])
{
	KEG_HELD struct keg_file *file = NULL;

	if (keg_system_row(place)->write)
		return link_text(task, place, to);
	file = keg_system_descriptor(task, place->pid, place->number);
	if (!file)
		return -ENOENT;
	return keg_file_where(task, file, to) ? -EXDEV : 0;
}

int keg_system_read_link(struct keg_task *task, const struct keg_place *place, char to[PATH_MAX])
{
	static const char *const anonymous[] = {
		[KEG_FILE_EPOLL] = "[eventpoll]",
		[KEG_FILE_EVENT] = "[eventfd]",
		[KEG_FILE_SIGNAL] = "[signalfd]",
		[KEG_FILE_PIDFD] = "[pidfd]",
	};
	KEG_HELD struct keg_file *file = NULL;
	struct stat st;

	if (keg_system_row(place)->write)
		return link_text(task, place, to);
	file = keg_system_descriptor(task, place->pid, place->number);
	if (!file)
		return -ENOENT;
	if (keg_open_stat(task, file, &st))
		st.st_ino = 0;
	if (file->path && keg_file_where(task, file, to) == 0)
		return 0;
	if (file->path)
		(void)snprintf(to, PATH_MAX, "%s (deleted)", file->path);
	else if (file->kind < sizeof(anonymous) / sizeof(anonymous[0]) && anonymous[file->kind])
		(void)snprintf(to, PATH_MAX, "anon_inode:%s", anonymous[file->kind]);
	else
		(void)snprintf(to, PATH_MAX, "%s:[%llu]",
			file->type == S_IFIFO    ? "pipe"
			: file->type == S_IFSOCK ? "socket"
						 : "file",
			(unsigned long long)st.st_ino);
	return 0;
}
