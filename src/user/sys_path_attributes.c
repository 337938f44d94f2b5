/* SPDX-License-Identifier: MIT */
/* System calls that change a file's mode, owner, length and times. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/files.h"
#include "user/pty.h"
#include "user/space.h"
#include "user/sys_path.h"
#include "user/task.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6 */
#endif

void keg_path_host(int fd, char name[KEG_PATH_HOST])
{
	snprintf(name, KEG_PATH_HOST, "/proc/self/fd/%d", fd);
}

int keg_path_chmod(int fd, mode_t mode)
{
	char name[KEG_PATH_HOST];

	if (syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0)
		return 0;
	/* EPERM: a filter that this process is under may be older than the call. */
	if (errno != ENOSYS && errno != EPERM)
		return -errno;
	/* This process's own descriptor, of what the walk has come to. */
	keg_path_host(fd, name);
	return chmod(name, mode) < 0 ? -errno : 0;
}

/* What is to be changed, by AT_ flags: a descriptor, or -EROFS, -EPERM what is made up. The place
 * is to be ended in any case. */
static int find_changeable(struct keg_task *task, int at, uint64_t path, uint32_t flags,
	struct keg_place *place, struct keg_file **file)
{
	int r, fd;

	place->fd = -1;
	*file = NULL;
	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	r = keg_path_held(task, at, path, keg_path_walk(flags), place);
	if (r < 0)
		return r;
	fd = keg_path_descriptor(task, place, file);
	if (fd < 0)
		return -EPERM;
	return *file ? (*file)->writable_mount ? fd : -EROFS : place->writable ? fd : -EROFS;
}

/* ---- Mode and owner ---- */

static int64_t do_chmod(struct keg_task *task, int at, uint64_t path, uint64_t mode, uint32_t flags)
{
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	mode_t bits = (mode_t)mode & 07777;
	int fd = find_changeable(task, at, path, flags, &place, &file);

	if (fd == -EPERM && keg_pty_number(&place.stat) >= 0 && place.made_up)
		return keg_pty_change(task, &place.stat, UINT32_MAX, UINT32_MAX, bits);
	if (fd < 0)
		return fd;
	if (S_ISLNK(place.stat.st_mode))
		return -EOPNOTSUPP;
	/* Nobody outside shall run with another's rights what a program in here has made. */
	if (!place.directory)
		bits &= ~(mode_t)(S_ISUID | S_ISGID);
	return keg_path_chmod(fd, bits);
}

int64_t keg_sys_chmod(struct keg_task *task, const uint64_t args[6])
{
	return do_chmod(task, AT_FDCWD, args[0], args[1], 0);
}

int64_t keg_sys_fchmodat(struct keg_task *task, const uint64_t args[6])
{
	return do_chmod(task, (int)args[0], args[1], args[2], 0);
}

int64_t keg_sys_fchmodat2(struct keg_task *task, const uint64_t args[6])
{
	return do_chmod(task, (int)args[0], args[1], args[2], (uint32_t)args[3]);
}

/* As for one who is not privileged: what changes nothing may be. */
static int64_t do_chown(
	struct keg_task *task, int at, uint64_t path, const uint64_t ids[2], uint32_t flags)
{
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	uint32_t uid = (uint32_t)ids[0], gid = (uint32_t)ids[1];
	int fd = find_changeable(task, at, path, flags, &place, &file);

	if (fd == -EPERM && keg_pty_number(&place.stat) >= 0 && place.made_up)
		return keg_pty_change(task, &place.stat, uid, gid, UINT32_MAX);
	if (fd < 0)
		return fd;
	return (uid == UINT32_MAX || uid == place.stat.st_uid) &&
			       (gid == UINT32_MAX || gid == place.stat.st_gid)
		       ? 0
		       : -EPERM;
}

int64_t keg_sys_chown(struct keg_task *task, const uint64_t args[6])
{
	return do_chown(task, AT_FDCWD, args[0], args + 1, 0);
}

int64_t keg_sys_lchown(struct keg_task *task, const uint64_t args[6])
{
	return do_chown(task, AT_FDCWD, args[0], args + 1, AT_SYMLINK_NOFOLLOW);
}

int64_t keg_sys_fchownat(struct keg_task *task, const uint64_t args[6])
{
	return do_chown(task, (int)args[0], args[1], args + 2, (uint32_t)args[4]);
}

/* ---- Length ---- */

int64_t keg_sys_truncate(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = NULL;
	struct keg_place place;
	int64_t length = (int64_t)args[1];
	int r;

	if (length < 0)
		return -EINVAL;
	r = keg_place_find(task, AT_FDCWD, args[0], KEG_WALK_FOLLOW, &place);
	if (r < 0)
		return r;
	if (!S_ISREG(place.stat.st_mode))
		return place.directory ? -EISDIR : -EINVAL;
	r = keg_place_open(task, &place, O_WRONLY, 0, &file);
	if (r < 0)
		return r;
	if ((uint64_t)length > task->process->limits[RLIMIT_FSIZE].rlim_cur ||
		(uint64_t)length > file->most)
		return -EFBIG;
	return ftruncate(file->fd, length) < 0 ? -errno : 0;
}

/* ---- Times ---- */

static int64_t set_times(struct keg_task *task, int at, uint64_t path,
	const struct timespec times[2], uint32_t flags)
{
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	int fd = find_changeable(task, at, path, flags, &place, &file);

	if (fd < 0)
		return fd;
	return syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* futimens(3): the descriptor's own file. */
static int64_t set_open_times(
	struct keg_task *task, uint64_t number, const struct timespec times[2])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, number);

	if (!file || file->kind == KEG_FILE_PATH)
		return -EBADF;
	if (file->operations || file->fd < 0)
		return -EPERM;
	if (file->path && !file->writable_mount)
		return -EROFS;
	return syscall(SYS_utimensat, file->fd, NULL, times, 0) < 0 ? -errno : 0;
}

int64_t keg_sys_utimensat(struct keg_task *task, const uint64_t args[6])
{
	struct timespec times[2];

	if (args[2] && keg_space_read(task->process->space, times, args[2], sizeof(times)) < 0)
		return -EFAULT;
	if (!args[1])
		return args[3] ? -EINVAL : set_open_times(task, args[0], args[2] ? times : NULL);
	return set_times(task, (int)args[0], args[1], args[2] ? times : NULL, (uint32_t)args[3]);
}

/* struct timeval, of two times. */
static int64_t set_timevals(struct keg_task *task, int at, uint64_t path, uint64_t from)
{
	struct timespec times[2];
	int64_t values[4];

	if (!from)
		return set_times(task, at, path, NULL, 0);
	if (keg_space_read(task->process->space, values, from, sizeof(values)) < 0)
		return -EFAULT;
	for (size_t i = 0; i < 2; i++) {
		if (values[2 * i + 1] < 0 || values[2 * i + 1] >= 1000000)
			return -EINVAL;
		times[i] = (struct timespec){values[2 * i], values[2 * i + 1] * 1000};
	}
	return set_times(task, at, path, times, 0);
}

int64_t keg_sys_utimes(struct keg_task *task, const uint64_t args[6])
{
	return set_timevals(task, AT_FDCWD, args[0], args[1]);
}

int64_t keg_sys_futimesat(struct keg_task *task, const uint64_t args[6])
{
	return set_timevals(task, (int)args[0], args[1], args[2]);
}

/* struct utimbuf: two times in seconds. */
int64_t keg_sys_utime(struct keg_task *task, const uint64_t args[6])
{
	struct timespec times[2] = {{0}};
	int64_t seconds[2];

	if (!args[1])
		return set_times(task, AT_FDCWD, args[0], NULL, 0);
	if (keg_space_read(task->process->space, seconds, args[1], sizeof(seconds)) < 0)
		return -EFAULT;
	for (int i = 0; i < 2; i++)
		times[i].tv_sec = seconds[i];
	return set_times(task, AT_FDCWD, args[0], times, 0);
}
