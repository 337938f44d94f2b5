/* SPDX-License-Identifier: MIT */
/* Calls on an open file that move no data. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "user/files.h"
#include "user/io.h"
#include "user/mounts.h"
#include "user/pty.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/task.h"

/* The file, if it is one to work with: not opened with O_PATH. */
static struct keg_file *opened(struct keg_task *task, uint64_t argument)
{
	struct keg_file *file = keg_task_file(task, argument);

	if (file && file->kind == KEG_FILE_PATH) {
		keg_file_put(file);
		return NULL;
	}
	return file;
}

static int64_t keg_sys_fstat(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct stat st;
	int r;

	if (!file)
		return -EBADF;
	r = keg_open_stat(task, file, &st);
	/* glibc's structure is the kernel's on x86-64. */
	return r < 0 ? r : keg_space_write(task->process->space, args[1], &st, sizeof(st));
}

static int64_t keg_sys_fstatfs(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct statfs fs = {
		.f_type = TMPFS_MAGIC, .f_bsize = 4096, .f_frsize = 4096, .f_namelen = 255};

	if (!file)
		return -EBADF;
	if (file->fd >= 0 && fstatfs(file->fd, &fs) < 0)
		return keg_host_result(-1);
	return keg_space_write(task->process->space, args[1], &fs, sizeof(fs));
}

static int64_t keg_sys_lseek(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);
	int whence = (int)(uint32_t)args[2];

	if (!file)
		return -EBADF;
	if (file->operations && file->operations->seek)
		return file->operations->seek(task, file, (int64_t)args[1], whence);
	return keg_host_result(lseek(file->fd, (off_t)args[1], whence));
}

/* ---- To the disk ---- */

static int64_t keg_sys_fsync(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);

	if (!file)
		return -EBADF;
	keg_file_before(task, file);
	return file->fd < 0 ? -EINVAL : keg_host_result(fsync(file->fd));
}

static int64_t keg_sys_fdatasync(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);

	if (!file)
		return -EBADF;
	keg_file_before(task, file);
	return file->fd < 0 ? -EINVAL : keg_host_result(fdatasync(file->fd));
}

/* The host's other files are not the program's to have written: it does nothing, as it may. */
static int64_t keg_sys_sync(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return 0;
}

static int64_t keg_sys_syncfs(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);

	return file ? 0 : -EBADF;
}

static int64_t keg_sys_sync_file_range(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);

	if (!file)
		return -EBADF;
	return keg_host_result(
		sync_file_range(file->fd, (off_t)args[1], (off_t)args[2], (unsigned)args[3] & 7u));
}

/* Advice, which need not be taken. */
static int64_t advise(struct keg_task *task, uint64_t number, int of_other_kind)
{
	KEG_HELD struct keg_file *file = opened(task, number);

	if (!file)
		return -EBADF;
	return file->type == S_IFIFO || file->type == S_IFSOCK ? of_other_kind : 0;
}

static int64_t keg_sys_fadvise64(struct keg_task *task, const uint64_t args[6])
{
	if ((int64_t)args[2] < 0 || (uint32_t)args[3] > POSIX_FADV_NOREUSE)
		return -EINVAL;
	return advise(task, args[0], -ESPIPE);
}

static int64_t keg_sys_readahead(struct keg_task *task, const uint64_t args[6])
{
	return advise(task, args[0], -EINVAL);
}

/* ---- Sizes ---- */

/* Up to `end` bytes: the file's own limit and RLIMIT_FSIZE. */
static int may_grow(struct keg_task *task, struct keg_file *file, uint64_t end)
{
	struct stat st;

	if (end <= task->process->limits[RLIMIT_FSIZE].rlim_cur && end <= file->most)
		return 0;
	if (fstat(file->fd, &st) == 0 && end <= (uint64_t)st.st_size)
		return 0;
	if (end > task->process->limits[RLIMIT_FSIZE].rlim_cur)
		keg_signal_self(task, SIGXFSZ);
	return -EFBIG;
}

/* The size has changed, or part of it is a hole now. */
static int64_t changed(struct keg_task *task, struct keg_file *file, int64_t r)
{
	if (r >= 0)
		keg_file_written(task, file, 0, INT64_MAX);
	return r;
}

static int64_t keg_sys_ftruncate(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);
	int r;

	if (!file)
		return -EBADF;
	if ((int64_t)args[1] < 0)
		return -EINVAL;
	r = may_grow(task, file, args[1]);
	if (r < 0)
		return r;
	keg_file_before(task, file);
	return changed(task, file, keg_host_result(ftruncate(file->fd, (off_t)args[1])));
}

static int64_t keg_sys_fallocate(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);
	uint64_t end;
	int r;

	if (!file)
		return -EBADF;
	if ((int64_t)args[2] < 0 || (int64_t)args[3] <= 0)
		return -EINVAL;
	end = args[2] + args[3];
	if (end > INT64_MAX)
		return -EFBIG;
	r = may_grow(task, file, end);
	if (r < 0)
		return r;
	keg_file_before(task, file);
	return changed(task, file,
		keg_host_result(fallocate(
			file->fd, (int)(uint32_t)args[1], (off_t)args[2], (off_t)args[3])));
}

/* ---- Owners and modes: of what the sandbox may change, and as an unprivileged user ---- */

/* A slave; a master is everybody's /dev/ptmx. */
static int64_t change_terminal(
	struct keg_task *task, struct keg_file *file, uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct stat st;
	int r = keg_open_stat(task, file, &st);

	if (r == 0 && keg_pty_end_of(file)->master)
		r = -EPERM;
	return r < 0 ? r : keg_pty_change(task, &st, uid, gid, mode);
}

static int64_t keg_sys_fchmod(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);
	mode_t mode = (mode_t)args[1] & 07777;

	if (!file)
		return -EBADF;
	if (keg_pty_end_of(file))
		return change_terminal(task, file, UINT32_MAX, UINT32_MAX, mode);
	if (!file->writable_mount || file->fd < 0)
		return -EROFS;
	/* A program that the host would run as somebody else is nothing that a sandbox makes. */
	if (file->type != S_IFDIR)
		mode &= (mode_t) ~(S_ISUID | S_ISGID);
	return keg_host_result(fchmod(file->fd, mode));
}

static int64_t keg_sys_fchown(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = opened(task, args[0]);
	uint32_t user = (uint32_t)args[1], group = (uint32_t)args[2];
	struct stat st;
	int r;

	if (!file)
		return -EBADF;
	if (keg_pty_end_of(file))
		return change_terminal(task, file, user, group, UINT32_MAX);
	if (!file->writable_mount)
		return -EROFS;
	r = keg_open_stat(task, file, &st);
	if (r < 0)
		return r;
	if ((user != UINT32_MAX && user != st.st_uid) ||
		(group != UINT32_MAX && group != st.st_gid))
		return -EPERM;
	return 0;
}

const struct keg_syscall keg_syscalls_file[] = {
	{SYS_fstat, "fstat", "fT", keg_sys_fstat},
	{SYS_fstatfs, "fstatfs", "fp", keg_sys_fstatfs},
	{SYS_lseek, "lseek", "fld", keg_sys_lseek},
	{SYS_fsync, "fsync", "f", keg_sys_fsync},
	{SYS_fdatasync, "fdatasync", "f", keg_sys_fdatasync},
	{SYS_sync, "sync", "", keg_sys_sync},
	{SYS_syncfs, "syncfs", "f", keg_sys_syncfs},
	{SYS_sync_file_range, "sync_file_range", "fllx", keg_sys_sync_file_range},
	{SYS_fadvise64, "fadvise64", "fllx", keg_sys_fadvise64},
	{SYS_readahead, "readahead", "flu", keg_sys_readahead},
	{SYS_ftruncate, "ftruncate", "fl", keg_sys_ftruncate},
	{SYS_fallocate, "fallocate", "fxll", keg_sys_fallocate},
	{SYS_fchmod, "fchmod", "fm", keg_sys_fchmod},
	{SYS_fchown, "fchown", "fdd", keg_sys_fchown},
	{0},
};
