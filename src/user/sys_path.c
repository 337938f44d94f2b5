/* SPDX-License-Identifier: MIT */
/* System calls that take a path: their table, and those that open files. */
#include "user/sys_path.h"

#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>

#include "user/files.h"
#include "user/space.h"
#include "user/system_files.h"
#include "user/task.h"

#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452 /* Linux 6.6 */
#endif

uint32_t keg_path_walk(uint64_t at_flags)
{
	return (at_flags & AT_SYMLINK_NOFOLLOW ? 0 : KEG_WALK_FOLLOW) |
	       (at_flags & AT_EMPTY_PATH ? KEG_WALK_EMPTY : 0);
}

int keg_path_held(
	struct keg_task *task, int at, uint64_t path, uint32_t flags, struct keg_place *place)
{
	return keg_place_find(task, at, path, flags | KEG_WALK_HOLD, place);
}

int keg_path_descriptor(
	struct keg_task *task, const struct keg_place *place, struct keg_file **file)
{
	*file = NULL;
	if (!place->made_up)
		return place->fd;
	if (place->kind == KEG_PLACE_DESCRIPTOR)
		*file = keg_system_descriptor(task, place->pid, place->number);
	return *file && !(*file)->operations ? (*file)->fd : -1;
}

/* ---- Opening ---- */

static int64_t open_place(
	struct keg_task *task, const struct keg_place *place, int flags, mode_t mode)
{
	struct keg_file *file;
	int r = keg_place_open(task, place, flags & ~O_CLOEXEC, mode, &file);

	return r < 0 ? r : keg_task_add_file(task, file, flags & O_CLOEXEC);
}

static int64_t do_open(struct keg_task *task, int at, uint64_t path, int flags, mode_t mode)
{
	KEG_PLACE struct keg_place place;
	uint32_t walk = KEG_WALK_FOLLOW;
	int r;

	if (flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		walk = 0;
	if (flags & O_CREAT)
		walk |= KEG_WALK_CREATE;
	r = keg_place_find(task, at, path, walk, &place);
	if (r < 0)
		return r;
	/* A link at the end, and a slash behind it: a directory is wanted. */
	if (place.exists && place.slash && !place.directory)
		return flags & O_CREAT ? -EISDIR : -ENOTDIR;
	return open_place(task, &place, flags, mode);
}

int64_t keg_sys_open(struct keg_task *task, const uint64_t args[6])
{
	return do_open(task, AT_FDCWD, args[0], (int)args[1], (mode_t)args[2] & 07777);
}

int64_t keg_sys_creat(struct keg_task *task, const uint64_t args[6])
{
	return do_open(
		task, AT_FDCWD, args[0], O_CREAT | O_WRONLY | O_TRUNC, (mode_t)args[1] & 07777);
}

int64_t keg_sys_openat(struct keg_task *task, const uint64_t args[6])
{
	return do_open(task, (int)args[0], args[1], (int)args[2], (mode_t)args[3] & 07777);
}

/* Restrictions of the walk are not served: programs that ask for them do without. */
int64_t keg_sys_openat2(struct keg_task *task, const uint64_t args[6])
{
	struct open_how how;

	if (args[3] < sizeof(how))
		return -EINVAL;
	if (args[3] > sizeof(how))
		return -E2BIG;
	if (keg_space_read(task->process->space, &how, args[2], sizeof(how)) < 0)
		return -EFAULT;
	if (how.flags >> 31 || how.mode & ~07777ull ||
		(how.mode && !(how.flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)))))
		return -EINVAL;
	if (how.resolve)
		return -ENOSYS;
	return do_open(task, (int)args[0], args[1], (int)how.flags, (mode_t)how.mode);
}

const struct keg_syscall keg_syscalls_path[] = {
	{__NR_access, "access", "sx", keg_sys_access},
	{__NR_chdir, "chdir", "s", keg_sys_chdir},
	{__NR_chmod, "chmod", "sm", keg_sys_chmod},
	{__NR_chown, "chown", "sdd", keg_sys_chown},
	{__NR_chroot, "chroot", "s", keg_sys_chroot},
	{__NR_creat, "creat", "sm", keg_sys_creat},
	{__NR_faccessat, "faccessat", "Dsx", keg_sys_faccessat},
	{__NR_faccessat2, "faccessat2", "Dsxx", keg_sys_faccessat2},
	{__NR_fchdir, "fchdir", "f", keg_sys_fchdir},
	{__NR_fchmodat, "fchmodat", "Dsm", keg_sys_fchmodat},
	{__NR_fchmodat2, "fchmodat2", "Dsmx", keg_sys_fchmodat2},
	{__NR_fchownat, "fchownat", "Dsddx", keg_sys_fchownat},
	{__NR_futimesat, "futimesat", "Dsp", keg_sys_futimesat},
	{__NR_getcwd, "getcwd", "pu", keg_sys_getcwd},
	{__NR_getdents, "getdents", "fpu", keg_sys_getdents},
	{__NR_getdents64, "getdents64", "fpu", keg_sys_getdents64},
	{__NR_fgetxattr, "fgetxattr", "fspu", keg_sys_fgetxattr},
	{__NR_flistxattr, "flistxattr", "fpu", keg_sys_flistxattr},
	{__NR_fremovexattr, "fremovexattr", "fs", keg_sys_fremovexattr},
	{__NR_fsetxattr, "fsetxattr", "fspux", keg_sys_fsetxattr},
	{__NR_getxattr, "getxattr", "sspu", keg_sys_getxattr},
	{__NR_inotify_add_watch, "inotify_add_watch", "fsx", keg_sys_inotify_add_watch},
	{__NR_inotify_init, "inotify_init", "", keg_sys_inotify_init},
	{__NR_inotify_init1, "inotify_init1", "x", keg_sys_inotify_init1},
	{__NR_inotify_rm_watch, "inotify_rm_watch", "fd", keg_sys_inotify_rm_watch},
	{__NR_lchown, "lchown", "sdd", keg_sys_lchown},
	{__NR_lgetxattr, "lgetxattr", "sspu", keg_sys_lgetxattr},
	{__NR_link, "link", "ss", keg_sys_link},
	{__NR_linkat, "linkat", "DsDsx", keg_sys_linkat},
	{__NR_listxattr, "listxattr", "spu", keg_sys_listxattr},
	{__NR_llistxattr, "llistxattr", "spu", keg_sys_llistxattr},
	{__NR_lremovexattr, "lremovexattr", "ss", keg_sys_lremovexattr},
	{__NR_lsetxattr, "lsetxattr", "sspux", keg_sys_lsetxattr},
	{__NR_lstat, "lstat", "sT", keg_sys_lstat},
	{__NR_mkdir, "mkdir", "sm", keg_sys_mkdir},
	{__NR_mkdirat, "mkdirat", "Dsm", keg_sys_mkdirat},
	{__NR_mknod, "mknod", "smu", keg_sys_mknod},
	{__NR_mknodat, "mknodat", "Dsmu", keg_sys_mknodat},
	{__NR_newfstatat, "newfstatat", "DsTx", keg_sys_newfstatat},
	{__NR_open, "open", "sFm", keg_sys_open},
	{__NR_openat, "openat", "DsFm", keg_sys_openat},
	{__NR_openat2, "openat2", "Dspu", keg_sys_openat2},
	{__NR_readlink, "readlink", "sRu", keg_sys_readlink},
	{__NR_readlinkat, "readlinkat", "DsRu", keg_sys_readlinkat},
	{__NR_removexattr, "removexattr", "ss", keg_sys_removexattr},
	{__NR_rename, "rename", "ss", keg_sys_rename},
	{__NR_renameat, "renameat", "DsDs", keg_sys_renameat},
	{__NR_renameat2, "renameat2", "DsDsx", keg_sys_renameat2},
	{__NR_rmdir, "rmdir", "s", keg_sys_rmdir},
	{__NR_setxattr, "setxattr", "sspux", keg_sys_setxattr},
	{__NR_stat, "stat", "sT", keg_sys_stat},
	{__NR_statfs, "statfs", "sp", keg_sys_statfs},
	{__NR_statx, "statx", "Dsxxp", keg_sys_statx},
	{__NR_symlink, "symlink", "ss", keg_sys_symlink},
	{__NR_symlinkat, "symlinkat", "sDs", keg_sys_symlinkat},
	{__NR_truncate, "truncate", "sl", keg_sys_truncate},
	{__NR_umask, "umask", "m", keg_sys_umask},
	{__NR_unlink, "unlink", "s", keg_sys_unlink},
	{__NR_unlinkat, "unlinkat", "Dsx", keg_sys_unlinkat},
	{__NR_utime, "utime", "sp", keg_sys_utime},
	{__NR_utimensat, "utimensat", "Dspx", keg_sys_utimensat},
	{__NR_utimes, "utimes", "sp", keg_sys_utimes},
	{0, NULL, NULL, NULL},
};
