/* SPDX-License-Identifier: MIT */
/* What all calls that move data have in common: waiting, limits, SIGPIPE. */
#include "user/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"
#include "user/object.h"
#include "user/signals.h"
#include "user/task.h"

_Static_assert(sizeof(sigset_t) <= sizeof(((struct keg_pipe_guard *)0)->old), "a set of signals");

int64_t keg_file_call(struct keg_task *task, struct keg_file *file, long number, uint64_t b,
	uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	uint64_t fd = (uint64_t)file->fd;

	if (keg_file_waits(file))
		return keg_block(task, number, fd, b, c, d, e, f);
	return keg_host_result(syscall(number, fd, b, c, d, e, f));
}

int64_t keg_file_interrupted(const struct keg_file *file, int64_t result)
{
	if (result != -EINTR)
		return result;
	/* signal(7): sockets with a timeout are not waited for again after a handler. */
	return file->timeouts ? KEG_RESTART_NO_HANDLER : KEG_RESTART;
}

int64_t keg_file_room(struct keg_task *task, struct keg_file *file, int64_t offset, uint64_t length)
{
	uint64_t limit = task->process->limits[RLIMIT_FSIZE].rlim_cur;
	uint64_t most = limit < file->most ? limit : file->most;
	struct stat st;
	int64_t at = offset;

	if (length > KEG_IO_MOST)
		length = KEG_IO_MOST;
	if (most == UINT64_MAX || file->type != S_IFREG || length == 0)
		return (int64_t)length;
	if (atomic_load(&file->flags) & O_APPEND)
		at = fstat(file->fd, &st) == 0 ? st.st_size : 0;
	else if (at < 0)
		at = lseek(file->fd, 0, SEEK_CUR);
	if (at >= 0 && (uint64_t)at >= most) {
		if (most == limit)
			keg_signal_self(task, SIGXFSZ);
		return -EFBIG;
	}
	return (int64_t)(length < most - (uint64_t)at ? length : most - (uint64_t)at);
}

void keg_file_before(struct keg_task *task, struct keg_file *file)
{
	/* What cannot be written to the file stays in memory, and fails when it is unmapped. */
	if (file->type == S_IFREG && file->fd >= 0)
		keg_object_before_read(task->process->user->objects, file->fd);
}

void keg_file_written(struct keg_task *task, struct keg_file *file, int64_t offset, uint64_t bytes)
{
	if (file->type != S_IFREG || file->fd < 0)
		return;
	if (offset >= 0 && (atomic_load(&file->flags) & O_APPEND)) {
		/* At its end, whatever the program said: pwrite(2), BUGS. */
		offset = 0;
		bytes = INT64_MAX;
	}
	if (offset < 0)
		offset = lseek(file->fd, 0, SEEK_CUR) - (int64_t)bytes;
	if (offset >= 0)
		keg_object_after_write(
			task->process->user->objects, file->fd, (uint64_t)offset, bytes);
}

bool keg_file_must_not_wait(const struct keg_file *file)
{
	return file->kind == KEG_FILE_STREAM && (atomic_load(&file->flags) & O_NONBLOCK);
}

int64_t keg_file_ready(struct keg_task *task, struct keg_file *file, int events)
{
	struct pollfd ready = {.fd = file->fd, .events = (short)events};
	bool wait = !keg_file_must_not_wait(file);
	int64_t r;

	if (file->kind != KEG_FILE_STREAM || !keg_file_waits(file))
		return 0;
	r = keg_block(
		task, SYS_poll, (uint64_t)(uintptr_t)&ready, 1, wait ? UINT64_MAX : 0, 0, 0, 0);
	if (r < 0)
		return r;
	return r == 0 ? -EAGAIN : 0;
}

void keg_pipe_begin(struct keg_task *task, struct keg_pipe_guard *guard)
{
	sigset_t set, pending;

	guard->blocked = false;
	guard->pending = false;
	if (task->has_thread)
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, (sigset_t *)guard->old);
	guard->blocked = true;
	/* One that waits already, blocked by the caller, is the caller's. */
	if (sigismember((sigset_t *)guard->old, SIGPIPE) == 1 && sigpending(&pending) == 0)
		guard->pending = sigismember(&pending, SIGPIPE) == 1;
}

void keg_pipe_end(struct keg_task *task, struct keg_pipe_guard *guard, int64_t result)
{
	const struct timespec now = {0, 0};
	sigset_t set;

	if (guard->blocked) {
		sigemptyset(&set);
		sigaddset(&set, SIGPIPE);
		if (result == -EPIPE && !guard->pending)
			sigtimedwait(&set, NULL, &now);
		pthread_sigmask(SIG_SETMASK, (sigset_t *)guard->old, NULL);
	}
	if (result == -EPIPE)
		keg_signal_self(task, SIGPIPE);
}
