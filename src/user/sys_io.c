/* SPDX-License-Identifier: MIT */
/* read(2), write(2) and their kin. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/io.h"
#include "user/signals.h"
#include "user/task.h"
#include "user/terminal.h"

/* Not RWF_APPEND: what a file may have is counted from where it is written. */
#define KEG_RWF_SERVED (RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT)

/* Where a call reads or writes, and how. */
struct keg_io {
	struct keg_task *task;
	struct keg_file *file;
	struct keg_vector *vector;
	int64_t offset; /* -1: where the file is */
	uint32_t flags; /* RWF_ */
};

/* ---- One piece ---- */

static int64_t host_piece(
	const struct keg_io *io, bool write, void *data, size_t length, int64_t offset)
{
	uint64_t at = (uint64_t)(uintptr_t)data;
	struct iovec iov = {data, length};

	if (io->flags != 0)
		return keg_file_call(io->task, io->file, write ? SYS_pwritev2 : SYS_preadv2,
			(uint64_t)(uintptr_t)&iov, 1, (uint64_t)offset, 0, io->flags);
	if (offset >= 0)
		return keg_file_call(io->task, io->file, write ? SYS_pwrite64 : SYS_pread64, at,
			length, (uint64_t)offset, 0, 0);
	return keg_file_call(io->task, io->file, write ? SYS_write : SYS_read, at, length, 0, 0, 0);
}

static int64_t read_piece(const struct keg_io *io, void *to, size_t length, int64_t offset)
{
	const struct keg_file_operations *operations = io->file->operations;
	int64_t r;

	if (operations && operations->read)
		return operations->read(io->task, io->file, to, length, offset);
	if (keg_file_must_not_wait(io->file) &&
		(r = keg_file_ready(io->task, io->file, POLLIN)) < 0)
		return r;
	r = host_piece(io, false, to, length, offset);
	/* What is shared with others may be set not to wait by them. */
	while (r == -EAGAIN && io->file->kind == KEG_FILE_STREAM &&
		!keg_file_must_not_wait(io->file)) {
		r = keg_file_ready(io->task, io->file, POLLIN);
		if (r == 0)
			r = host_piece(io, false, to, length, offset);
	}
	return r;
}

/* To a stream that its other users may have set not to wait, and that the program may have. */
static int64_t write_stream(const struct keg_io *io, char *from, size_t length, int64_t offset)
{
	bool wait = !keg_file_must_not_wait(io->file);
	size_t done = 0;
	int64_t r = 0;

	/* A pipe that is ready takes so much without waiting: pipe(7), PIPE_BUF. */
	if (!wait && length > 4096)
		length = 4096;
	while (done < length || length == 0) {
		if (!wait || r == -EAGAIN)
			r = keg_file_ready(io->task, io->file, POLLOUT);
		if (r >= 0)
			r = host_piece(io, true, from + done, length - done, offset);
		if (r > 0)
			done += (size_t)r;
		if (length == 0 || !wait || (r < 0 && r != -EAGAIN))
			break;
	}
	return done > 0 ? (int64_t)done : r;
}

static int64_t write_piece(const struct keg_io *io, void *from, size_t length, int64_t offset)
{
	const struct keg_file_operations *operations = io->file->operations;
	bool guarded = io->file->type == S_IFIFO || io->file->type == S_IFSOCK;
	struct keg_pipe_guard guard;
	int64_t r;

	if (operations && operations->write)
		return operations->write(io->task, io->file, from, length, offset);
	if (guarded)
		keg_pipe_begin(io->task, &guard);
	if (io->file->kind == KEG_FILE_STREAM && keg_file_waits(io->file))
		r = write_stream(io, from, length, offset);
	else
		r = host_piece(io, true, from, length, offset);
	if (guarded)
		keg_pipe_end(io->task, &guard, r);
	return r;
}

/* ---- All of it ---- */

/* At least one byte, so that there is a buffer for nothing too. */
static void *buffer_of(const struct keg_io *io, size_t piece)
{
	return keg_task_buffer(io->task, piece > 0 ? piece : 1);
}

static size_t piece_of(uint64_t left)
{
	return left < KEG_IO_PIECE ? (size_t)left : KEG_IO_PIECE;
}

static int64_t answer(const struct keg_io *io, uint64_t done, int64_t r)
{
	return done > 0 ? (int64_t)done : keg_file_interrupted(io->file, r);
}

/* Between pieces of what does not wait, which no kick ends: whether the task is to end, or to rest.
 * For a mere signal a file's read or write is not cut short. */
static bool is_over(const struct keg_io *io)
{
	const struct keg_process *process = io->task->process;
	struct keg_user *user = process->user;
	bool over;

	if (!keg_task_called(io->task))
		return false;
	pthread_mutex_lock(&user->lock);
	over = user->dying || user->stopping || process->exiting;
	pthread_mutex_unlock(&user->lock);
	return over;
}

static int64_t read_all(const struct keg_io *io)
{
	bool made_up = io->file->operations && io->file->operations->read;
	bool once = made_up || keg_file_waits(io->file);
	uint64_t done = 0;
	size_t piece;
	int64_t n;

	if (once && keg_vector_probe(io->vector, io->task) < 0)
		return -EFAULT;
	do {
		void *buffer = buffer_of(io, piece_of(io->vector->length - done));
		ssize_t put;

		if (!buffer)
			return answer(io, done, -ENOMEM);
		piece = piece_of(io->vector->length - done);
		n = read_piece(io, buffer, piece, io->offset < 0 ? -1 : io->offset + (int64_t)done);
		if (n < 0)
			return answer(io, done, n);
		put = keg_vector_put(io->vector, io->task, done, buffer, (size_t)n);
		if (put > 0)
			done += (uint64_t)put;
		if (put < n) {
			/* The program gets what was read and could not be given yet. */
			if (!once && io->offset < 0)
				lseek(io->file->fd, (put > 0 ? put : 0) - n, SEEK_CUR);
			return answer(io, done, -EFAULT);
		}
	} while (!once && (size_t)n == piece && done < io->vector->length && !is_over(io));
	return (int64_t)done;
}

static int64_t write_all(const struct keg_io *io)
{
	int64_t room = keg_file_room(io->task, io->file, io->offset, io->vector->length);
	uint64_t done = 0;
	ssize_t got;
	int64_t n;

	if (room < 0)
		return room;
	do {
		size_t piece = piece_of((uint64_t)room - done);
		void *buffer = buffer_of(io, piece);

		if (!buffer)
			return answer(io, done, -ENOMEM);
		got = keg_vector_get(io->vector, io->task, done, buffer, piece);
		if (got < 0)
			return answer(io, done, got);
		n = write_piece(
			io, buffer, (size_t)got, io->offset < 0 ? -1 : io->offset + (int64_t)done);
		if (n < 0)
			return answer(io, done, n);
		done += (uint64_t)n;
		if (n < got || (size_t)got < piece)
			break;
	} while (done < (uint64_t)room && !is_over(io));
	return (int64_t)done;
}

/* ---- The calls ---- */

static int64_t read_in(const struct keg_io *io)
{
	int64_t r = keg_terminal_check_given(io->task, io->file, SIGTTIN);

	if (r < 0)
		return r;
	keg_file_before(io->task, io->file);
	return read_all(io);
}

static int64_t write_out(const struct keg_io *io)
{
	int64_t r = keg_terminal_check_output(io->task, io->file);

	if (r < 0)
		return r;
	keg_file_before(io->task, io->file);
	r = write_all(io);
	if (r > 0)
		keg_file_written(io->task, io->file, io->offset, (uint64_t)r);
	return r;
}

static int64_t one(struct keg_task *task, const uint64_t args[6], bool write, bool at)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_vector vector;
	struct keg_io io = {task, file, &vector, at ? (int64_t)args[3] : -1, 0};

	if (!file)
		return -EBADF;
	if ((at && io.offset < 0) || args[2] > INT64_MAX)
		return -EINVAL;
	keg_vector_one(&vector, args[1], args[2]);
	return write ? write_out(&io) : read_in(&io);
}

static int64_t keg_sys_read(struct keg_task *task, const uint64_t args[6])
{
	return one(task, args, false, false);
}

static int64_t keg_sys_write(struct keg_task *task, const uint64_t args[6])
{
	return one(task, args, true, false);
}

static int64_t keg_sys_pread64(struct keg_task *task, const uint64_t args[6])
{
	return one(task, args, false, true);
}

static int64_t keg_sys_pwrite64(struct keg_task *task, const uint64_t args[6])
{
	return one(task, args, true, true);
}

/* offset -1: where the file is, or -2: an offset that cannot be. */
static int64_t many(
	struct keg_task *task, const uint64_t args[6], bool write, int64_t offset, uint64_t flags)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	KEG_VECTOR struct keg_vector vector;
	struct keg_io io = {task, file, &vector, offset, (uint32_t)flags};
	int r = keg_vector_load(&vector, task, args[1], args[2]);

	if (!file)
		return -EBADF;
	if (r < 0)
		return r;
	if (offset < -1)
		return -EINVAL;
	if ((uint32_t)flags & ~(uint32_t)KEG_RWF_SERVED)
		return -EOPNOTSUPP;
	return write ? write_out(&io) : read_in(&io);
}

static int64_t keg_sys_readv(struct keg_task *task, const uint64_t args[6])
{
	return many(task, args, false, -1, 0);
}

static int64_t keg_sys_writev(struct keg_task *task, const uint64_t args[6])
{
	return many(task, args, true, -1, 0);
}

static int64_t offset_of(uint64_t argument)
{
	return (int64_t)argument < 0 ? -2 : (int64_t)argument;
}

static int64_t keg_sys_preadv(struct keg_task *task, const uint64_t args[6])
{
	return many(task, args, false, offset_of(args[3]), 0);
}

static int64_t keg_sys_pwritev(struct keg_task *task, const uint64_t args[6])
{
	return many(task, args, true, offset_of(args[3]), 0);
}

static int64_t keg_sys_preadv2(struct keg_task *task, const uint64_t args[6])
{
	return many(task, args, false, args[3] == UINT64_MAX ? -1 : offset_of(args[3]), args[5]);
}

static int64_t keg_sys_pwritev2(struct keg_task *task, const uint64_t args[6])
{
	return many(task, args, true, args[3] == UINT64_MAX ? -1 : offset_of(args[3]), args[5]);
}

/* vmsplice(2): pages are never lent, so it is what writing, or reading, the pipe is. */
static int64_t keg_sys_vmsplice(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);

	if (!file || file->type != S_IFIFO)
		return -EBADF;
	return many(task, args, (atomic_load(&file->flags) & O_ACCMODE) != O_RDONLY, -1, 0);
}

const struct keg_syscall keg_syscalls_io[] = {
	{SYS_read, "read", "fRu", keg_sys_read},
	{SYS_write, "write", "fSu", keg_sys_write},
	{SYS_pread64, "pread64", "fRul", keg_sys_pread64},
	{SYS_pwrite64, "pwrite64", "fSul", keg_sys_pwrite64},
	{SYS_readv, "readv", "fpd", keg_sys_readv},
	{SYS_writev, "writev", "fpd", keg_sys_writev},
	{SYS_preadv, "preadv", "fpdl", keg_sys_preadv},
	{SYS_pwritev, "pwritev", "fpdl", keg_sys_pwritev},
	{SYS_preadv2, "preadv2", "fpdldx", keg_sys_preadv2},
	{SYS_pwritev2, "pwritev2", "fpdldx", keg_sys_pwritev2},
	{SYS_vmsplice, "vmsplice", "fpux", keg_sys_vmsplice},
	{0},
};
