/* SPDX-License-Identifier: MIT */
/* fcntl(2) and flock(2). */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"
#include "user/files.h"
#include "user/io.h"
#include "user/locks.h"
#include "user/space.h"
#include "user/task.h"

#define KEG_PIPE_MOST (1u << 20) /* fs.pipe-max-size as it is by default */

/* What F_SETFL may change on the host: not O_ASYNC, whose signals would be keg's. */
#define KEG_SETTABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

struct keg_fcntl {
	struct keg_task *task;
	struct keg_file *file;
	uint32_t number; /* the descriptor */
	int command;
	uint64_t argument;
};
typedef int64_t serve_function(const struct keg_fcntl *call);

/* ---- Descriptors and their flags ---- */

static int64_t duplicate(const struct keg_fcntl *call)
{
	uint64_t limit = call->task->process->limits[RLIMIT_NOFILE].rlim_cur;

	if (call->argument >= limit || call->argument > INT32_MAX)
		return -EINVAL;
	keg_file_hold(call->file);
	return keg_files_add(call->task->process->files, call->file, (int)call->argument,
		call->command == F_DUPFD_CLOEXEC, limit);
}

static int64_t get_fd(const struct keg_fcntl *call)
{
	return keg_files_cloexec(call->task->process->files, (int)call->number, -1);
}

static int64_t set_fd(const struct keg_fcntl *call)
{
	int r = keg_files_cloexec(
		call->task->process->files, (int)call->number, (call->argument & FD_CLOEXEC) != 0);

	return r < 0 ? r : 0;
}

static int64_t get_flags(const struct keg_fcntl *call)
{
	int own = atomic_load(&call->file->flags), flags;

	own &= ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	if (!keg_file_has_host_flags(call->file))
		return own;
	flags = fcntl(call->file->fd, F_GETFL);
	if (flags < 0)
		return keg_host_result(flags);
	/* How keg opened it is not how the program did. */
	return (flags & ~(O_NOFOLLOW | O_DIRECTORY | O_NOATIME)) |
	       (own & (O_NOFOLLOW | O_DIRECTORY | O_NOATIME));
}

static int64_t set_flags(const struct keg_fcntl *call)
{
	return keg_file_set_flags(call->file, KEG_SETTABLE, (int)call->argument & KEG_SETTABLE);
}

/* ---- Pipes, seals, owners ---- */

static int64_t pipe_size(const struct keg_fcntl *call)
{
	if (call->file->type != S_IFIFO)
		return -EBADF;
	if (call->command == F_SETPIPE_SZ && (uint32_t)call->argument > KEG_PIPE_MOST)
		return -EPERM;
	return keg_host_result(fcntl(call->file->fd, call->command, (unsigned)call->argument));
}

static int64_t seals(const struct keg_fcntl *call)
{
	return keg_host_result(fcntl(call->file->fd, call->command, (unsigned)call->argument));
}

/* Who gets SIGIO: nobody. */
static int64_t nothing(const struct keg_fcntl *call)
{
	(void)call;
	return 0;
}

/* ---- Record locks ---- */

/* The lock's bytes. -EINVAL, -EOVERFLOW */
static int range_of(struct keg_file *file, const struct flock *given, struct keg_lock *lock)
{
	struct stat st;
	int64_t base = 0, start, end = INT64_MAX;

	if (fstat(file->fd, &st) < 0)
		return -errno;
	if (given->l_whence == SEEK_CUR)
		base = lseek(file->fd, 0, SEEK_CUR);
	else if (given->l_whence == SEEK_END)
		base = st.st_size;
	else if (given->l_whence != SEEK_SET)
		return -EINVAL;
	if (base < 0)
		base = 0;
	if (__builtin_add_overflow(base, given->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (given->l_len > 0 && __builtin_add_overflow(start, given->l_len - 1, &end))
		return -EOVERFLOW;
	if (given->l_len < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, given->l_len, &start) || start < 0)
			return -EINVAL;
	}
	lock->device = st.st_dev;
	lock->inode = st.st_ino;
	lock->first = (uint64_t)start;
	lock->last = (uint64_t)end;
	return 0;
}

static int mode_allows(const struct keg_file *file, int type)
{
	int mode = atomic_load(&file->flags) & O_ACCMODE;

	if (type == F_UNLCK)
		return 0;
	if (type != F_RDLCK && type != F_WRLCK)
		return -EINVAL;
	return mode == (type == F_RDLCK ? O_WRONLY : O_RDONLY) ? -EBADF : 0;
}

/* Fills in the lock that the program asks for. */
static int read_lock(
	const struct keg_fcntl *call, bool of_file, struct flock *given, struct keg_lock *lock)
{
	int r;

	if (keg_space_read(call->task->process->space, given, call->argument, sizeof(*given)) < 0)
		return -EFAULT;
	if (of_file && given->l_pid != 0)
		return -EINVAL;
	if (call->file->fd < 0)
		return -EBADF;
	r = range_of(call->file, given, lock);
	if (r < 0)
		return r;
	lock->type = given->l_type;
	lock->owner = of_file ? (void *)call->file : (void *)call->task->process->files;
	lock->pid = of_file ? -1 : call->task->process->pid;
	return 0;
}

/* A file with locks of its own takes them along when it ends. */
static void note_locks(struct keg_file *file, struct keg_locks *locks)
{
	struct keg_locks *none = NULL;

	keg_locks_hold(locks);
	if (!atomic_compare_exchange_strong(&file->locks, &none, locks))
		keg_locks_release(locks);
}

static int64_t set_lock(const struct keg_fcntl *call)
{
	struct keg_files *files = call->task->process->files;
	struct keg_locks *locks = keg_files_locks(files);
	bool of_file = call->command == F_OFD_SETLK || call->command == F_OFD_SETLKW;
	bool wait = call->command == F_SETLKW || call->command == F_OFD_SETLKW;
	struct keg_file *now;
	struct keg_lock lock;
	struct flock given;
	int r = read_lock(call, of_file, &given, &lock);

	if (r == 0)
		r = mode_allows(call->file, lock.type);
	if (r < 0)
		return r;
	if (of_file)
		note_locks(call->file, locks);
	r = wait ? keg_locks_wait(locks, call->task, &lock) : keg_locks_set(locks, &lock);
	/* Closed meanwhile: the close has taken away what was there before this lock was. */
	now = keg_files_get(files, (int)call->number);
	if (r == 0 && !of_file && lock.type != F_UNLCK && now != call->file) {
		lock.type = F_UNLCK;
		keg_locks_set(locks, &lock);
		r = -EBADF;
	}
	keg_file_put(now);
	return r == -EINTR ? KEG_RESTART : r;
}

static int64_t get_lock(const struct keg_fcntl *call)
{
	struct keg_lock lock;
	struct flock given;
	int r = read_lock(call, call->command == F_OFD_GETLK, &given, &lock);

	if (r < 0)
		return r;
	if (lock.type != F_RDLCK && lock.type != F_WRLCK)
		return -EINVAL;
	keg_locks_test(keg_files_locks(call->task->process->files), &lock);
	given.l_type = (short)lock.type;
	if (lock.type != F_UNLCK) {
		given.l_whence = SEEK_SET;
		given.l_start = (off_t)lock.first;
		given.l_len = lock.last >= INT64_MAX ? 0 : (off_t)(lock.last - lock.first + 1);
		given.l_pid = lock.pid;
	}
	return keg_space_write(call->task->process->space, call->argument, &given, sizeof(given));
}

/* ---- The calls ---- */

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): there is one of them */
static const struct {
	int command; /* first, as it is looked for. */
	serve_function *serve;
	bool path_too; /* O_PATH */
} commands[] = {
	{F_DUPFD, duplicate, true},
	{F_DUPFD_CLOEXEC, duplicate, true},
	{F_GETFD, get_fd, true},
	{F_SETFD, set_fd, true},
	{F_GETFL, get_flags, true},
	{F_SETFL, set_flags, false},
	{F_GETLK, get_lock, false},
	{F_SETLK, set_lock, false},
	{F_SETLKW, set_lock, false},
	{F_OFD_GETLK, get_lock, false},
	{F_OFD_SETLK, set_lock, false},
	{F_OFD_SETLKW, set_lock, false},
	{F_GETPIPE_SZ, pipe_size, false},
	{F_SETPIPE_SZ, pipe_size, false},
	{F_ADD_SEALS, seals, false},
	{F_GET_SEALS, seals, false},
	{F_GETOWN, nothing, false},
	{F_SETOWN, nothing, false},
	{F_GETSIG, nothing, false},
	{F_SETSIG, nothing, false},
};

static int64_t keg_sys_fcntl(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	const struct keg_fcntl call = {
		task, file, (uint32_t)args[0], (int)(uint32_t)args[1], args[2]};

	if (!file)
		return -EBADF;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i].command != call.command)
			continue;
		if (file->kind == KEG_FILE_PATH && !commands[i].path_too)
			return -EBADF;
		return commands[i].serve(&call);
	}
	return -EINVAL;
}

/* These belong to the description, and the host's is the program's: it may keep them. */
static int64_t keg_sys_flock(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	int64_t r;

	if (!file)
		return -EBADF;
	r = keg_block(task, SYS_flock, (uint64_t)file->fd, (uint32_t)args[1], 0, 0, 0, 0);
	return r == -EINTR ? KEG_RESTART : r;
}

const struct keg_syscall keg_syscalls_fcntl[] = {
	{SYS_fcntl, "fcntl", "fdx", keg_sys_fcntl},
	{SYS_flock, "flock", "fd", keg_sys_flock},
	{0},
};
