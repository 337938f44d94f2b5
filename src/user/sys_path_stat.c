/* SPDX-License-Identifier: MIT */
/* System calls that look at what a path leads to. */
#include <asm/statfs.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/files.h"
#include "user/mount_list.h"
#include "user/space.h"
#include "user/sys_path.h"
#include "user/system_files.h"
#include "user/task.h"

/* ---- stat: the C library's structure is the kernel's on x86-64 ---- */

static int64_t do_stat(struct keg_task *task, int at, uint64_t path, uint32_t walk, uint64_t to)
{
	struct keg_place place;
	int r = keg_place_find(task, at, path, walk, &place);

	return r < 0 ? r
		     : keg_space_write(task->process->space, to, &place.stat, sizeof(place.stat));
}

int64_t keg_sys_stat(struct keg_task *task, const uint64_t args[6])
{
	return do_stat(task, AT_FDCWD, args[0], KEG_WALK_FOLLOW, args[1]);
}

int64_t keg_sys_lstat(struct keg_task *task, const uint64_t args[6])
{
	return do_stat(task, AT_FDCWD, args[0], 0, args[1]);
}

int64_t keg_sys_newfstatat(struct keg_task *task, const uint64_t args[6])
{
	if ((uint32_t)args[3] & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return do_stat(task, (int)args[0], args[1], keg_path_walk(args[3]), args[2]);
}

static struct statx_timestamp timestamp(const struct timespec *time)
{
	return (struct statx_timestamp){.tv_sec = time->tv_sec, .tv_nsec = (uint32_t)time->tv_nsec};
}

static void statx_from(const struct stat *st, struct statx *to)
{
	*to = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st->st_blksize,
		.stx_nlink = (uint32_t)st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (uint16_t)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = (uint64_t)st->st_size,
		.stx_blocks = (uint64_t)st->st_blocks,
		.stx_atime = timestamp(&st->st_atim),
		.stx_ctime = timestamp(&st->st_ctim),
		.stx_mtime = timestamp(&st->st_mtim),
		.stx_rdev_major = major(st->st_rdev),
		.stx_rdev_minor = minor(st->st_rdev),
		.stx_dev_major = major(st->st_dev),
		.stx_dev_minor = minor(st->st_dev),
	};
}

int64_t keg_sys_statx(struct keg_task *task, const uint64_t args[6])
{
	const uint32_t known =
		AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE;
	uint32_t flags = (uint32_t)args[2], mask = (uint32_t)args[3];
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	struct statx stx;
	int r, fd;

	place.fd = -1;
	if (flags & ~known || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE || mask >> 31)
		return -EINVAL;
	r = keg_path_held(task, (int)args[0], args[1], keg_path_walk(flags), &place);
	if (r < 0)
		return r;
	fd = keg_path_descriptor(task, &place, &file);
	if (fd < 0 || syscall(SYS_statx, fd, "", AT_EMPTY_PATH | (flags & AT_STATX_SYNC_TYPE), mask,
			      &stx) < 0)
		statx_from(&place.stat, &stx);
	return keg_space_write(task->process->space, args[4], &stx, sizeof(stx));
}

int64_t keg_sys_statfs(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	struct statfs fs = {.f_type = TMPFS_MAGIC, .f_bsize = 4096, .f_namelen = NAME_MAX};
	int r = keg_path_held(task, AT_FDCWD, args[0], KEG_WALK_FOLLOW, &place), fd;

	if (r < 0)
		return r;
	fd = keg_path_descriptor(task, &place, &file);
	if (fd >= 0 && syscall(SYS_fstatfs, fd, &fs) < 0)
		return -errno;
	if (fd < 0 && place.mount && place.mount->kind == KEG_MOUNT_PROC)
		fs.f_type = PROC_SUPER_MAGIC;
	return keg_space_write(task->process->space, args[1], &fs, sizeof(fs));
}

/* ---- access ---- */

/* Of what is made up: as for others than its owner, who is root to all. */
static int access_made_up(const struct stat *st, int mode)
{
	mode_t bits = st->st_uid == geteuid() ? st->st_mode >> 6 : st->st_mode;

	return (mode_t)mode & 7 & ~bits ? -EACCES : 0;
}

static int64_t do_access(struct keg_task *task, int at, uint64_t path, int mode, uint64_t flags)
{
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	int r, fd;

	place.fd = -1;
	if (mode & ~7 || flags & ~(uint64_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	r = keg_path_held(task, at, path, keg_path_walk(flags), &place);
	if (r < 0)
		return r;
	fd = keg_path_descriptor(task, &place, &file);
	if (fd < 0)
		return access_made_up(&place.stat, mode);
	if (mode & W_OK && !place.writable && !file)
		return -EROFS;
	if (syscall(SYS_faccessat2, fd, "", mode, AT_EMPTY_PATH | (flags & AT_EACCESS)) == 0)
		return 0;
	/* Before Linux 5.8. */
	return errno == ENOSYS ? access_made_up(&place.stat, mode) : -errno;
}

int64_t keg_sys_access(struct keg_task *task, const uint64_t args[6])
{
	return do_access(task, AT_FDCWD, args[0], (int)args[1], 0);
}

int64_t keg_sys_faccessat(struct keg_task *task, const uint64_t args[6])
{
	return do_access(task, (int)args[0], args[1], (int)args[2], 0);
}

int64_t keg_sys_faccessat2(struct keg_task *task, const uint64_t args[6])
{
	return do_access(task, (int)args[0], args[1], (int)args[2], (uint32_t)args[3]);
}

/* ---- readlink ---- */

static int read_link(struct keg_task *task, const struct keg_place *place, char text[PATH_MAX])
{
	ssize_t length;

	if (!S_ISLNK(place->stat.st_mode))
		return -EINVAL;
	if (place->made_up && place->kind != KEG_PLACE_DESCRIPTOR) {
		int r = keg_system_read_link(task, place, text);

		return r < 0 ? r : (int)strlen(text);
	}
	length = readlinkat(place->fd, "", text, PATH_MAX - 1);
	return length < 0 ? -errno : (int)length;
}

/* "" with a descriptor of a link (O_PATH | O_NOFOLLOW): that link. */
static int64_t do_readlink(struct keg_task *task, int at, uint64_t path, uint64_t to, int64_t size)
{
	KEG_HELD struct keg_file *file = NULL;
	KEG_PLACE struct keg_place place;
	char text[PATH_MAX];
	int r;

	place.fd = -1;
	if ((int)size <= 0)
		return -EINVAL;
	r = keg_path_held(task, at, path, at == AT_FDCWD ? 0 : KEG_WALK_EMPTY, &place);
	if (r < 0)
		return r;
	if (place.kind == KEG_PLACE_DESCRIPTOR && place.made_up) {
		int fd = keg_path_descriptor(task, &place, &file);
		ssize_t length = fd < 0 ? -1 : readlinkat(fd, "", text, PATH_MAX - 1);

		r = length < 0 ? -ENOENT : (int)length;
	} else {
		r = read_link(task, &place, text);
	}
	if (r < 0)
		return r;
	r = r < (int)size ? r : (int)size;
	return keg_space_write(task->process->space, to, text, (size_t)r) < 0 ? -EFAULT : r;
}

int64_t keg_sys_readlink(struct keg_task *task, const uint64_t args[6])
{
	return do_readlink(task, AT_FDCWD, args[0], args[1], (int64_t)args[2]);
}

int64_t keg_sys_readlinkat(struct keg_task *task, const uint64_t args[6])
{
	return do_readlink(task, (int)args[0], args[1], args[2], (int64_t)args[3]);
}
