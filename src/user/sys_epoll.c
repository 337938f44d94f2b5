/* SPDX-License-Identifier: MIT */
/*
 * epoll(7). A set is one of the host's, of the host's descriptors; what the program gave for an
 * event comes back as it was. One difference: two descriptors of one description are one member.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/block.h"
#include "user/files.h"
#include "user/poll.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/sys_signal.h"
#include "user/task.h"

#define KEG_EPOLL_MOST 1024 /* events at once; a program asks for the rest again */
#define MS             1000000ll

static int64_t create(struct keg_task *task, uint32_t flags)
{
	int fd;

	if (flags & ~(uint32_t)EPOLL_CLOEXEC)
		return -EINVAL;
	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return keg_host_result(-1);
	return keg_task_add_fd(task, KEG_FILE_EPOLL, fd, O_RDWR, flags != 0);
}

static int64_t keg_sys_epoll_create(struct keg_task *task, const uint64_t args[6])
{
	return (int32_t)(uint32_t)args[0] <= 0 ? -EINVAL : create(task, 0);
}

static int64_t keg_sys_epoll_create1(struct keg_task *task, const uint64_t args[6])
{
	return create(task, (uint32_t)args[0]);
}

static int64_t keg_sys_epoll_ctl(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *epoll = keg_task_file(task, args[0]);
	KEG_HELD struct keg_file *file = keg_task_file(task, args[2]);
	int operation = (int)(uint32_t)args[1];
	struct epoll_event event = {0};

	if (operation != EPOLL_CTL_DEL &&
		keg_space_read(task->process->space, &event, args[3], sizeof(event)) < 0)
		return -EFAULT;
	if (!epoll || !file)
		return -EBADF;
	if (epoll->kind != KEG_FILE_EPOLL || epoll == file)
		return -EINVAL;
	if (file->fd < 0)
		return -EPERM;
	/* Whether the host may sleep is not for the program. */
	event.events = keg_file_events(file, event.events & ~(uint32_t)EPOLLWAKEUP);
	return keg_host_result(epoll_ctl(epoll->fd, operation, file->fd, &event));
}

/* ---- Waiting ---- */

/* Milliseconds, rounded up so that no wait is too short. */
static int32_t milliseconds(const struct timespec *left)
{
	int64_t ms;

	if (left->tv_sec >= INT32_MAX / 1000)
		return INT32_MAX;
	ms = left->tv_sec * 1000 + (left->tv_nsec + MS - 1) / MS;
	return (int32_t)ms;
}

static int64_t ask_host(struct keg_task *task, const struct keg_file *epoll,
	struct epoll_event *events, uint32_t most, const struct keg_wait *wait)
{
	uint64_t fd = (uint64_t)epoll->fd, at = (uint64_t)(uintptr_t)events;
	struct timespec left;
	int64_t r = -ENOSYS;

	if (wait->look_only)
		return keg_host_result(syscall(SYS_epoll_pwait, fd, at, most, 0, NULL, 0));
	if (wait->for_ever)
		return keg_block(task, SYS_epoll_pwait, fd, at, most, UINT64_MAX, 0, 0);
	left = keg_wait_left(wait);
	/* Finer than a millisecond where the kernel can: Linux 5.11. */
	if (left.tv_sec == 0)
		r = keg_block(
			task, SYS_epoll_pwait2, fd, at, most, (uint64_t)(uintptr_t)&left, 0, 0);
	if (r == -ENOSYS)
		r = keg_block(
			task, SYS_epoll_pwait, fd, at, most, (uint64_t)milliseconds(&left), 0, 0);
	return r;
}

static int64_t wait_at(struct keg_task *task, const uint64_t args[6], const struct keg_wait *wait)
{
	KEG_HELD struct keg_file *epoll = keg_task_file(task, args[0]);
	int32_t most = (int32_t)(uint32_t)args[2];
	struct epoll_event *events;
	int64_t r;

	if (!epoll)
		return -EBADF;
	if (epoll->kind != KEG_FILE_EPOLL || most <= 0)
		return -EINVAL;
	if (most > KEG_EPOLL_MOST)
		most = KEG_EPOLL_MOST;
	events = keg_task_buffer(task, (size_t)most * sizeof(*events));
	if (!events)
		return -ENOMEM;
	keg_signalfds_look(task, NULL);
	r = ask_host(task, epoll, events, (uint32_t)most, wait);
	if (r == -EINTR)
		return keg_wait_interrupted(task, wait);
	if (r > 0 && keg_space_write(task->process->space, args[1], events,
			     (size_t)r * sizeof(*events)) < 0)
		return -EFAULT;
	return r;
}

static int64_t wait_with_mask(
	struct keg_task *task, const uint64_t args[6], const struct keg_wait *wait)
{
	int64_t r = keg_signal_mask(task, args[4], args[5]);

	if (r < 0)
		return r;
	r = wait_at(task, args, wait);
	if (args[4] != 0 && r != KEG_RESTART_SLEEP)
		keg_signal_unmask(task);
	return r;
}

static struct keg_wait wait_of(struct keg_task *task, uint64_t argument)
{
	int32_t ms = (int32_t)(uint32_t)argument;

	return keg_wait_for(task, ms < 0 ? -1 : ms * MS);
}

static int64_t keg_sys_epoll_wait(struct keg_task *task, const uint64_t args[6])
{
	struct keg_wait wait = wait_of(task, args[3]);

	return wait_at(task, args, &wait);
}

static int64_t keg_sys_epoll_pwait(struct keg_task *task, const uint64_t args[6])
{
	struct keg_wait wait = wait_of(task, args[3]);

	return wait_with_mask(task, args, &wait);
}

static int64_t keg_sys_epoll_pwait2(struct keg_task *task, const uint64_t args[6])
{
	struct keg_wait wait;
	int r = keg_wait_read(task, args[3], &wait);

	return r < 0 ? r : wait_with_mask(task, args, &wait);
}

const struct keg_syscall keg_syscalls_epoll[] = {
	{SYS_epoll_create, "epoll_create", "d", keg_sys_epoll_create},
	{SYS_epoll_create1, "epoll_create1", "x", keg_sys_epoll_create1},
	{SYS_epoll_ctl, "epoll_ctl", "fdfp", keg_sys_epoll_ctl},
	{SYS_epoll_wait, "epoll_wait", "fpdd", keg_sys_epoll_wait},
	{SYS_epoll_pwait, "epoll_pwait", "fpddGu", keg_sys_epoll_pwait},
	{SYS_epoll_pwait2, "epoll_pwait2", "fpdtGu", keg_sys_epoll_pwait2},
	{0},
};
