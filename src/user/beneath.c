/* SPDX-License-Identifier: MIT */
/* The only way to files of the host's: openat2(2) beneath a mount's directory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "user/block.h"
#include "user/mount_list.h"

#define RESOLVE (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)

static int open_at(struct keg_task *task, int base, const char *name, const struct open_how *how)
{
	int64_t r;

	if (task) {
		r = keg_block(task, SYS_openat2, (uint64_t)base, (uintptr_t)name, (uintptr_t)how,
			sizeof(*how), 0, 0);
	} else {
		r = syscall(SYS_openat2, base, name, how, sizeof(*how));
		r = r < 0 ? -errno : r;
	}
	/* That the host has no descriptor left is not the program's own limit. */
	return r == -EMFILE ? -ENFILE : (int)r;
}

/*
 * A file system of the host's that is mounted beneath the directory may be /proc, whose files are
 * this very process's: its memory, for one. Others are as good as the one that was bound.
 */
static int not_proc(int fd)
{
	struct statfs fs;
	int r = fstatfs(fd, &fs) < 0 ? -errno : 0;

	if (!r && fs.f_type != PROC_SUPER_MAGIC)
		return fd;
	close(fd);
	return r ? r : -EACCES;
}

static int duplicate(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return copy >= 0 ? copy : errno == EMFILE ? -ENFILE : -errno;
}

static int beneath(struct keg_task *task, int base, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.mode = mode,
		.resolve = RESOLVE | RESOLVE_NO_XDEV,
	};
	int fd;

	if (!(flags & O_PATH))
		how.flags |= O_NOCTTY;
	/* To look for "." in it would take the right to search it, which its owner may have lost.
	 */
	if (!*name && flags & O_PATH)
		return duplicate(base);
	if (!*name)
		name = ".";
	fd = open_at(task, base, name, &how);
	if (fd != -EXDEV)
		return fd;
	how.resolve = RESOLVE;
	fd = open_at(task, base, name, &how);
	return fd < 0 ? fd : not_proc(fd);
}

int keg_beneath(int base, const char *name, int flags, mode_t mode)
{
	return beneath(NULL, base, name, flags, mode);
}

int keg_beneath_wait(struct keg_task *task, int base, const char *name, int flags)
{
	return beneath(task, base, name, flags, 0);
}

int keg_beneath_stat(int fd, struct stat *st)
{
	return fstat(fd, st) < 0 ? -errno : 0;
}
