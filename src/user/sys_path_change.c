/* SPDX-License-Identifier: MIT */
/* System calls that make names and take them away. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/mount_list.h"
#include "user/space.h"
#include "user/sys_path.h"
#include "user/task.h"

/* Where the path's last component is to be made: the host's directory, or an error. */
static int find_free(
	struct keg_task *task, int at, uint64_t path, struct keg_place *place, const char **last)
{
	int r = keg_place_find(task, at, path, KEG_WALK_CREATE, place);

	if (r < 0)
		return r;
	return place->exists ? -EEXIST : keg_place_parent(place, last);
}

int keg_path_removable(struct keg_task *task, const struct keg_place *place, const char **last)
{
	if (place->directory && keg_mounts_beneath(task->process->user->mounts, place->path,
					place->path[1] ? strlen(place->path) : 0))
		return -EBUSY;
	return keg_place_parent(place, last);
}

/* The host cuts modes with the umask of this process, which is not the program's. */
static int set_mode(int parent, const char *name, int flags, mode_t mode)
{
	int fd = keg_beneath(parent, name, O_PATH | O_NOFOLLOW | flags, 0), r;
	struct stat st;

	if (fd < 0)
		return fd;
	r = keg_beneath_stat(fd, &st);
	if (!r && mode & ~st.st_mode)
		r = keg_path_chmod(fd, (st.st_mode | mode) & 07777);
	close(fd);
	return r;
}

static int64_t do_mkdir(struct keg_task *task, int at, uint64_t path, uint64_t mode)
{
	mode_t bits = (mode_t)mode & 01777 & ~keg_fs_umask(task->process->fs);
	struct keg_place place;
	const char *last;
	int parent = find_free(task, at, path, &place, &last), r;

	if (parent < 0)
		return parent;
	r = mkdirat(parent, last, bits) < 0 ? -errno : set_mode(parent, last, O_DIRECTORY, bits);
	close(parent);
	return r;
}

int64_t keg_sys_mkdir(struct keg_task *task, const uint64_t args[6])
{
	return do_mkdir(task, AT_FDCWD, args[0], args[1]);
}

int64_t keg_sys_mkdirat(struct keg_task *task, const uint64_t args[6])
{
	return do_mkdir(task, (int)args[0], args[1], args[2]);
}

/* Regular files and FIFOs: devices are for the privileged, sockets for bind(2). */
static int64_t do_mknod(struct keg_task *task, int at, uint64_t path, uint64_t mode)
{
	mode_t type = (mode_t)mode & S_IFMT,
	       bits = (mode_t)mode & 0777 & ~keg_fs_umask(task->process->fs);
	struct keg_place place;
	const char *last;
	int parent, r;

	if (type && type != S_IFREG && type != S_IFIFO)
		return type == S_IFCHR || type == S_IFBLK || type == S_IFSOCK ? -EPERM : -EINVAL;
	parent = find_free(task, at, path, &place, &last);
	if (parent < 0)
		return parent;
	if (place.slash)
		r = -ENOENT;
	else if (mknodat(parent, last, (type ? type : S_IFREG) | bits, 0) < 0)
		r = -errno;
	else
		r = set_mode(parent, last, 0, bits);
	close(parent);
	return r;
}

int64_t keg_sys_mknod(struct keg_task *task, const uint64_t args[6])
{
	return do_mknod(task, AT_FDCWD, args[0], args[1]);
}

int64_t keg_sys_mknodat(struct keg_task *task, const uint64_t args[6])
{
	return do_mknod(task, (int)args[0], args[1], args[2]);
}

static int64_t do_symlink(struct keg_task *task, uint64_t target, int at, uint64_t path)
{
	char text[PATH_MAX];
	ssize_t length = keg_space_read_string(task->process->space, text, target, sizeof(text));
	struct keg_place place;
	const char *last;
	int parent, r = 0;

	if (length <= 0)
		return length < 0 ? length : -ENOENT;
	parent = find_free(task, at, path, &place, &last);
	if (parent < 0)
		return parent;
	if (place.slash)
		r = -ENOENT;
	else if (symlinkat(text, parent, last) < 0)
		r = -errno;
	close(parent);
	return r;
}

int64_t keg_sys_symlink(struct keg_task *task, const uint64_t args[6])
{
	return do_symlink(task, args[0], AT_FDCWD, args[1]);
}

int64_t keg_sys_symlinkat(struct keg_task *task, const uint64_t args[6])
{
	return do_symlink(task, args[0], (int)args[1], args[2]);
}

/* ---- Taking away ---- */

static int check_unlink(const struct keg_place *place, bool directory)
{
	size_t length = strlen(place->path);

	if (!place->exists)
		return -ENOENT;
	/* What dots stand for is no name; place->path cannot tell "." from "..". */
	if (place->dots)
		return !directory ? -EISDIR : length == 1 ? -EBUSY : -EINVAL;
	if (directory)
		return place->directory ? 0 : -ENOTDIR;
	if (place->slash && !place->directory)
		return -ENOTDIR;
	return place->directory ? -EISDIR : 0;
}

static int64_t do_unlink(struct keg_task *task, int at, uint64_t path, bool directory)
{
	struct keg_place place;
	const char *last;
	int r = keg_place_find(task, at, path, KEG_WALK_CREATE, &place), parent;

	if (!r)
		r = check_unlink(&place, directory);
	if (r < 0)
		return r;
	parent = keg_path_removable(task, &place, &last);
	if (parent < 0)
		return parent;
	r = unlinkat(parent, last, directory ? AT_REMOVEDIR : 0) < 0 ? -errno : 0;
	if (!r && directory)
		atomic_fetch_add(&task->process->user->mounts->renames, 1);
	close(parent);
	return r;
}

int64_t keg_sys_unlink(struct keg_task *task, const uint64_t args[6])
{
	return do_unlink(task, AT_FDCWD, args[0], false);
}

int64_t keg_sys_rmdir(struct keg_task *task, const uint64_t args[6])
{
	return do_unlink(task, AT_FDCWD, args[0], true);
}

int64_t keg_sys_unlinkat(struct keg_task *task, const uint64_t args[6])
{
	if ((uint32_t)args[2] & ~(uint32_t)AT_REMOVEDIR)
		return -EINVAL;
	return do_unlink(task, (int)args[0], args[1], args[2] & AT_REMOVEDIR);
}
