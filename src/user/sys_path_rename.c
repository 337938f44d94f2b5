/* SPDX-License-Identifier: MIT */
/* System calls that give a file another name, or one more. Never from one mount to another: a file
 * would change what it may. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/files.h"
#include "user/mount_list.h"
#include "user/sys_path.h"
#include "user/system_files.h"
#include "user/task.h"

/* ---- rename ---- */

static int check_rename(const struct keg_place *from, const struct keg_place *to, uint32_t flags)
{
	if (from->dots || to->dots)
		return -EBUSY;
	if (!from->exists || (flags & RENAME_EXCHANGE && !to->exists))
		return -ENOENT;
	if (to->exists && flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (from->slash && !from->directory)
		return -ENOTDIR;
	if (to->slash && !(flags & RENAME_EXCHANGE ? to->directory : from->directory))
		return -ENOTDIR;
	return from->mount != to->mount ? -EXDEV : 0;
}

/* Working directories are kept by their names. */
static void tell_all(struct keg_user *user, const char *from, const char *to)
{
	pthread_mutex_lock(&user->lock);
	for (struct keg_process *process = user->processes; process; process = process->next)
		if (process->fs)
			keg_fs_renamed(process->fs, from, to);
	pthread_mutex_unlock(&user->lock);
}

static int64_t rename_places(struct keg_task *task, const struct keg_place *from,
	const struct keg_place *to, uint32_t flags)
{
	const char *from_name, *to_name;
	int from_parent = keg_path_removable(task, from, &from_name), to_parent, r = 0;

	if (from_parent < 0)
		return from_parent;
	to_parent = keg_path_removable(task, to, &to_name);
	if (to_parent < 0) {
		close(from_parent);
		return to_parent;
	}
	if (syscall(SYS_renameat2, from_parent, from_name, to_parent, to_name, flags) < 0)
		r = -errno;
	close(from_parent);
	close(to_parent);
	if (!r && (from->directory || to->directory))
		atomic_fetch_add(&task->process->user->mounts->renames, 1);
	if (!r && from->directory && !(flags & RENAME_EXCHANGE))
		tell_all(task->process->user, from->path, to->path);
	return r;
}

static int64_t do_rename(struct keg_task *task, int from_at, uint64_t from_path, int to_at,
	uint64_t to_path, uint32_t flags)
{
	struct keg_place from, to;
	int r;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
		flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	r = keg_place_find(task, from_at, from_path, KEG_WALK_CREATE, &from);
	if (!r)
		r = keg_place_find(task, to_at, to_path, KEG_WALK_CREATE, &to);
	if (!r)
		r = check_rename(&from, &to, flags);
	return r ? r : rename_places(task, &from, &to, flags);
}

int64_t keg_sys_rename(struct keg_task *task, const uint64_t args[6])
{
	return do_rename(task, AT_FDCWD, args[0], AT_FDCWD, args[1], 0);
}

int64_t keg_sys_renameat(struct keg_task *task, const uint64_t args[6])
{
	return do_rename(task, (int)args[0], args[1], (int)args[2], args[3], 0);
}

int64_t keg_sys_renameat2(struct keg_task *task, const uint64_t args[6])
{
	return do_rename(task, (int)args[0], args[1], (int)args[2], args[3], (uint32_t)args[4]);
}

/* ---- link ---- */

/* What is open and has no name (O_TMPFILE): only what was made where it may be changed. */
static int link_open(
	struct keg_task *task, const struct keg_place *from, int parent, const char *name)
{
	KEG_HELD struct keg_file *file = keg_system_descriptor(task, from->pid, from->number);
	char host[KEG_PATH_HOST];

	if (!file || file->kind != KEG_FILE_HOST || file->type != S_IFREG || !file->writable_mount)
		return file ? -EXDEV : -ENOENT;
	keg_path_host(file->fd, host);
	if (linkat(file->fd, "", parent, name, AT_EMPTY_PATH) == 0 ||
		linkat(AT_FDCWD, host, parent, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	return -errno;
}

static int link_place(const struct keg_place *from, int parent, const char *name)
{
	const char *last;
	int directory = keg_place_parent(from, &last), r;

	if (directory < 0)
		return directory == -EBUSY ? -EXDEV : directory;
	r = linkat(directory, last, parent, name, 0) < 0 ? -errno : 0;
	close(directory);
	return r;
}

static int64_t link_places(
	struct keg_task *task, const struct keg_place *from, const struct keg_place *to)
{
	bool open = from->made_up && from->kind == KEG_PLACE_DESCRIPTOR;
	const char *name;
	int parent, r;

	if (to->exists)
		return -EEXIST;
	if (from->directory)
		return -EPERM;
	if (to->slash)
		return -ENOENT;
	if (!open && from->mount != to->mount)
		return -EXDEV;
	parent = keg_place_parent(to, &name);
	if (parent < 0)
		return parent;
	r = open ? link_open(task, from, parent, name) : link_place(from, parent, name);
	close(parent);
	return r;
}

static int64_t do_link(struct keg_task *task, int from_at, uint64_t from_path, int to_at,
	uint64_t to_path, uint32_t flags)
{
	struct keg_place from, to;
	uint32_t walk = (flags & AT_SYMLINK_FOLLOW ? KEG_WALK_FOLLOW : 0) |
			(flags & AT_EMPTY_PATH ? KEG_WALK_EMPTY : 0);
	int r;

	if (flags & ~(uint32_t)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	r = keg_place_find(task, from_at, from_path, walk, &from);
	if (!r)
		r = keg_place_find(task, to_at, to_path, KEG_WALK_CREATE, &to);
	return r ? r : link_places(task, &from, &to);
}

int64_t keg_sys_link(struct keg_task *task, const uint64_t args[6])
{
	return do_link(task, AT_FDCWD, args[0], AT_FDCWD, args[1], 0);
}

int64_t keg_sys_linkat(struct keg_task *task, const uint64_t args[6])
{
	return do_link(task, (int)args[0], args[1], (int)args[2], args[3], (uint32_t)args[4]);
}
