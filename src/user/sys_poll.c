/* SPDX-License-Identifier: MIT */
/* poll(2) and ppoll(2). */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "user/poll.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/task.h"

#define MS 1000000ll

/* The program's list, which begins and ends in its memory. */
static int64_t poll_at(
	struct keg_task *task, uint64_t at, uint32_t count, const struct keg_wait *wait)
{
	struct keg_space *space = task->process->space;
	struct pollfd few[16], *fds = few;
	size_t bytes = count * sizeof(*fds);
	int64_t r = -EFAULT;

	if (count > task->process->limits[RLIMIT_NOFILE].rlim_cur)
		return -EINVAL;
	if (bytes > sizeof(few))
		fds = malloc(bytes);
	if (!fds)
		return -ENOMEM;
	if (bytes == 0 || keg_space_read(space, fds, at, bytes) == 0)
		r = keg_poll(task, fds, count, wait);
	if (r >= 0 && bytes > 0 && keg_space_write(space, at, fds, bytes) < 0)
		r = -EFAULT;
	if (fds != few)
		free(fds);
	return r == -EINTR ? keg_wait_interrupted(task, wait) : r;
}

static int64_t keg_sys_poll(struct keg_task *task, const uint64_t args[6])
{
	int32_t ms = (int32_t)(uint32_t)args[2];
	struct keg_wait wait = keg_wait_for(task, ms < 0 ? -1 : ms * MS);

	return poll_at(task, args[0], (uint32_t)args[1], &wait);
}

static int64_t keg_sys_ppoll(struct keg_task *task, const uint64_t args[6])
{
	struct keg_wait wait;
	int64_t r = keg_wait_read(task, args[2], &wait);

	if (r == 0)
		r = keg_signal_mask(task, args[3], args[4]);
	if (r < 0)
		return r;
	r = poll_at(task, args[0], (uint32_t)args[1], &wait);
	keg_wait_write(task, args[2], &wait);
	if (args[3] != 0 && r != KEG_RESTART_SLEEP)
		keg_signal_unmask(task);
	return r;
}

const struct keg_syscall keg_syscalls_poll[] = {
	{SYS_poll, "poll", "pud", keg_sys_poll},
	{SYS_ppoll, "ppoll", "putGu", keg_sys_ppoll},
	{0},
};
