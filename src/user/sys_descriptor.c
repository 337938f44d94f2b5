/* SPDX-License-Identifier: MIT */
/* Descriptors: closing and doubling them, and files that have no name. */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/files.h"
#include "user/space.h"
#include "user/task.h"
#include "user/transit.h"

/* A memfd's memory is the host's, and not in the sandbox's arena: so many there may be, each with
 * that part of the sandbox's limit. */
#define KEG_MEMFDS 32

static uint64_t file_limit(const struct keg_task *task)
{
	return task->process->limits[RLIMIT_NOFILE].rlim_cur;
}

static int64_t keg_sys_close(struct keg_task *task, const uint64_t args[6])
{
	int r = keg_files_close(task->process->files, (int)(uint32_t)args[0]);

	/* With a socket what was sent to it may be gone. */
	keg_transit_look(task->process->user);
	return r;
}

static int64_t keg_sys_close_range(struct keg_task *task, const uint64_t args[6])
{
	uint32_t flags = (uint32_t)args[2];
	int r;

	if (flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	/* A table that another process uses as well cannot be left while tasks look into it. */
	if ((flags & CLOSE_RANGE_UNSHARE) && keg_files_shared(task->process->files))
		return -ENOMEM;
	r = keg_files_close_range(task->process->files, (unsigned)args[0], (unsigned)args[1],
		flags & CLOSE_RANGE_CLOEXEC);
	keg_transit_look(task->process->user);
	return r;
}

static int64_t keg_sys_dup(struct keg_task *task, const uint64_t args[6])
{
	struct keg_file *file = keg_task_file(task, args[0]);

	return file ? keg_task_add_file(task, file, false) : -EBADF;
}

static int64_t dup_to(struct keg_task *task, struct keg_file *file, uint32_t to, bool close_on_exec)
{
	int r;

	if (!file)
		return -EBADF;
	if (to >= file_limit(task)) {
		keg_file_put(file);
		return -EBADF;
	}
	r = keg_files_put_at(task->process->files, file, (int)to, close_on_exec);
	keg_transit_look(task->process->user);
	return r;
}

static int64_t keg_sys_dup2(struct keg_task *task, const uint64_t args[6])
{
	struct keg_file *file = keg_task_file(task, args[0]);

	if (file && (uint32_t)args[0] == (uint32_t)args[1]) {
		keg_file_put(file);
		return (uint32_t)args[1];
	}
	return dup_to(task, file, (uint32_t)args[1], false);
}

static int64_t keg_sys_dup3(struct keg_task *task, const uint64_t args[6])
{
	if (((uint32_t)args[2] & ~(uint32_t)O_CLOEXEC) || (uint32_t)args[0] == (uint32_t)args[1])
		return -EINVAL;
	return dup_to(task, keg_task_file(task, args[0]), (uint32_t)args[1],
		((uint32_t)args[2] & O_CLOEXEC) != 0);
}

/* ---- Files without a name ---- */

static int64_t make_pipe(struct keg_task *task, uint64_t at, uint32_t flags)
{
	struct keg_files *files = task->process->files;
	int made[2], numbers[2];
	int status = (int)flags & ~O_CLOEXEC;

	if (flags & ~(uint32_t)(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	if (pipe2(made, (int)flags | O_CLOEXEC) < 0)
		return keg_host_result(-1);
	numbers[0] =
		keg_task_add_fd(task, KEG_FILE_HOST, made[0], O_RDONLY | status, flags & O_CLOEXEC);
	if (numbers[0] < 0) {
		close(made[1]);
		return numbers[0];
	}
	numbers[1] =
		keg_task_add_fd(task, KEG_FILE_HOST, made[1], O_WRONLY | status, flags & O_CLOEXEC);
	if (numbers[1] >= 0 &&
		keg_space_write(task->process->space, at, numbers, sizeof(numbers)) == 0)
		return 0;
	keg_files_close(files, numbers[0]);
	if (numbers[1] < 0)
		return numbers[1];
	keg_files_close(files, numbers[1]);
	return -EFAULT;
}

static int64_t keg_sys_pipe(struct keg_task *task, const uint64_t args[6])
{
	return make_pipe(task, args[0], 0);
}

static int64_t keg_sys_pipe2(struct keg_task *task, const uint64_t args[6])
{
	return make_pipe(task, args[0], (uint32_t)args[1]);
}

uint64_t keg_memfd_most(const struct keg_user *user)
{
	return user->config.memory / KEG_MEMFDS;
}

/* One that was sent to another process may live on there, or on its way: it counts for ever. */
static void release_memfd(struct keg_file *file)
{
	struct keg_user *user = file->state;

	if (!atomic_load(&file->sent))
		atomic_fetch_sub(&user->memfds, 1);
}
static const struct keg_file_operations memfd_operations = {.release = release_memfd};

static int64_t make_memfd(struct keg_task *task, uint32_t flags)
{
	struct keg_user *user = task->process->user;
	int fd = memfd_create("keg", flags | MFD_CLOEXEC);
	struct keg_file *file;
	int r;

	if (fd < 0)
		return keg_host_result(-1);
	r = keg_file_create(KEG_FILE_HOST, fd, O_RDWR, NULL, &file);
	if (r < 0)
		return r;
	file->most = keg_memfd_most(user);
	file->writable_mount = true;
	file->operations = &memfd_operations;
	file->state = user;
	if (atomic_fetch_add(&user->memfds, 1) >= KEG_MEMFDS) {
		keg_file_put(file);
		return -ENFILE;
	}
	return keg_task_add_file(task, file, flags & MFD_CLOEXEC);
}

static int64_t keg_sys_memfd_create(struct keg_task *task, const uint64_t args[6])
{
	uint32_t flags = (uint32_t)args[1];
	char name[250]; /* memfd_create(2): 249 bytes */
	ssize_t length;

	if (flags & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	length = keg_space_read_string(task->process->space, name, args[0], sizeof(name));
	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : length;
	return make_memfd(task, flags);
}

static int64_t make_event(struct keg_task *task, uint32_t count, uint32_t flags)
{
	int fd;

	if (flags & ~(uint32_t)(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	fd = eventfd(count, (int)flags | EFD_CLOEXEC);
	if (fd < 0)
		return keg_host_result(-1);
	return keg_task_add_fd(
		task, KEG_FILE_EVENT, fd, O_RDWR | ((int)flags & O_NONBLOCK), flags & EFD_CLOEXEC);
}

static int64_t keg_sys_eventfd(struct keg_task *task, const uint64_t args[6])
{
	return make_event(task, (uint32_t)args[0], 0);
}

static int64_t keg_sys_eventfd2(struct keg_task *task, const uint64_t args[6])
{
	return make_event(task, (uint32_t)args[0], (uint32_t)args[1]);
}

const struct keg_syscall keg_syscalls_descriptor[] = {
	{SYS_close, "close", "f", keg_sys_close},
	{SYS_close_range, "close_range", "uux", keg_sys_close_range},
	{SYS_dup, "dup", "f", keg_sys_dup},
	{SYS_dup2, "dup2", "fd", keg_sys_dup2},
	{SYS_dup3, "dup3", "fdF", keg_sys_dup3},
	{SYS_pipe, "pipe", "p", keg_sys_pipe},
	{SYS_pipe2, "pipe2", "pF", keg_sys_pipe2},
	{SYS_memfd_create, "memfd_create", "sx", keg_sys_memfd_create},
	{SYS_eventfd, "eventfd", "u", keg_sys_eventfd},
	{SYS_eventfd2, "eventfd2", "ux", keg_sys_eventfd2},
	{0},
};
