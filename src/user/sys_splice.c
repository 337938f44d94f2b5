/* SPDX-License-Identifier: MIT */
/* From one file to another, without a way through the program: the host does it. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"
#include "user/io.h"
#include "user/poll.h"
#include "user/space.h"
#include "user/task.h"

/* A call of the host's with two descriptors; offsets point to keg's copies. */
struct transfer {
	struct keg_task *task;
	struct keg_file *in, *out;
	uint64_t in_at, out_at; /* the program's offsets; 0: where the file is */
	int64_t in_offset, out_offset;
	uint64_t length;
};

static int load_offset(struct keg_task *task, uint64_t at, int64_t *offset)
{
	*offset = -1;
	if (at == 0)
		return 0;
	if (keg_space_read(task->process->space, offset, at, sizeof(*offset)) < 0)
		return -EFAULT;
	return *offset < 0 ? -EINVAL : 0;
}

static int load(struct transfer *transfer)
{
	int r;

	if (!transfer->in || !transfer->out)
		return -EBADF;
	/* What keg makes up the host cannot read: programs copy it themselves then. */
	if (transfer->in->fd < 0 || transfer->out->fd < 0 ||
		(transfer->in->operations && transfer->in->operations->read) ||
		(transfer->out->operations && transfer->out->operations->write))
		return -EINVAL;
	r = load_offset(transfer->task, transfer->in_at, &transfer->in_offset);
	if (r == 0)
		r = load_offset(transfer->task, transfer->out_at, &transfer->out_offset);
	return r;
}

static uint64_t pointer_to(uint64_t given, int64_t *offset)
{
	return given == 0 ? 0 : (uint64_t)(uintptr_t)offset;
}

static int store(const struct transfer *transfer)
{
	struct keg_space *space = transfer->task->process->space;

	if (transfer->in_at &&
		keg_space_write(space, transfer->in_at, &transfer->in_offset, sizeof(int64_t)) < 0)
		return -EFAULT;
	if (transfer->out_at && keg_space_write(space, transfer->out_at, &transfer->out_offset,
					sizeof(int64_t)) < 0)
		return -EFAULT;
	return 0;
}

/* One piece: -EINTR … `flags` are splice's. */
static int64_t piece(struct transfer *transfer, long number, uint64_t length, uint64_t flags)
{
	uint64_t in = (uint64_t)transfer->in->fd, out = (uint64_t)transfer->out->fd;
	uint64_t in_offset = pointer_to(transfer->in_at, &transfer->in_offset);
	uint64_t out_offset = pointer_to(transfer->out_at, &transfer->out_offset);
	struct keg_pipe_guard guard;
	int64_t r;

	keg_pipe_begin(transfer->task, &guard);
	if (number == SYS_sendfile)
		r = keg_block(transfer->task, number, out, in, in_offset, length, 0, 0);
	else if (number == SYS_tee)
		r = keg_block(transfer->task, number, in, out, length, flags, 0, 0);
	else
		r = keg_block(
			transfer->task, number, in, in_offset, out, out_offset, length, flags);
	keg_pipe_end(transfer->task, &guard, r);
	return r;
}

/* Piece by piece, so that it can be interrupted; as long as they are whole and nobody waits. */
static int64_t run(struct transfer *transfer, long number, uint64_t flags, bool once)
{
	int64_t room = keg_file_room(
		transfer->task, transfer->out, transfer->out_offset, transfer->length);
	uint64_t done = 0, length;
	int64_t r;

	if (room < 0)
		return room;
	if (keg_file_must_not_wait(transfer->out))
		r = keg_file_ready(transfer->task, transfer->out, POLLOUT);
	else
		r = 0;
	if (r < 0)
		return r;
	do {
		length =
			(uint64_t)room - done < KEG_IO_PIECE ? (uint64_t)room - done : KEG_IO_PIECE;
		r = piece(transfer, number, length, flags);
		if (r > 0)
			done += (uint64_t)r;
	} while (!once && r > 0 && (uint64_t)r == length && done < (uint64_t)room);
	if (done == 0)
		return r == -EINTR ? KEG_RESTART : r;
	/* The host has moved the offsets on. */
	keg_file_written(transfer->task, transfer->out,
		transfer->out_at ? transfer->out_offset - (int64_t)done : -1, done);
	return store(transfer) < 0 ? -EFAULT : (int64_t)done;
}

static int64_t keg_sys_sendfile(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *out = keg_task_file(task, args[0]);
	KEG_HELD struct keg_file *in = keg_task_file(task, args[1]);
	struct transfer transfer = {
		.task = task, .in = in, .out = out, .in_at = args[2], .length = args[3]};
	int r = load(&transfer);

	return r < 0 ? r : run(&transfer, SYS_sendfile, 0, false);
}

/* What copy_file_range(2) and splice(2) have in common: where from, where to, how much, and flags,
 * of which `known` may be set. */
static int64_t transfer_flagged(
	struct keg_task *task, const uint64_t args[6], long number, uint64_t known, bool splices)
{
	KEG_HELD struct keg_file *in = keg_task_file(task, args[0]);
	KEG_HELD struct keg_file *out = keg_task_file(task, args[2]);
	struct transfer transfer = {.task = task,
		.in = in,
		.out = out,
		.in_at = args[1],
		.out_at = args[3],
		.length = args[4]};
	int r = load(&transfer);

	if (r == 0 && (args[5] & ~known))
		r = -EINVAL;
	return r < 0 ? r : run(&transfer, number, args[5], splices);
}

static int64_t keg_sys_copy_file_range(struct keg_task *task, const uint64_t args[6])
{
	return transfer_flagged(task, args, SYS_copy_file_range, 0, false);
}

static int64_t keg_sys_splice(struct keg_task *task, const uint64_t args[6])
{
	return transfer_flagged(task, args, SYS_splice, 15 /* SPLICE_F_* */, true);
}

static int64_t keg_sys_tee(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *in = keg_task_file(task, args[0]);
	KEG_HELD struct keg_file *out = keg_task_file(task, args[1]);
	struct transfer transfer = {.task = task, .in = in, .out = out, .length = args[2]};
	int r = load(&transfer);

	if (r == 0 && (args[3] & ~15ull))
		r = -EINVAL;
	return r < 0 ? r : run(&transfer, SYS_tee, args[3], true);
}

const struct keg_syscall keg_syscalls_splice[] = {
	{SYS_sendfile, "sendfile", "ffpu", keg_sys_sendfile},
	{SYS_copy_file_range, "copy_file_range", "fpfpux", keg_sys_copy_file_range},
	{SYS_splice, "splice", "fpfpux", keg_sys_splice},
	{SYS_tee, "tee", "ffux", keg_sys_tee},
	{0},
};
