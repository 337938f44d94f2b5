/* SPDX-License-Identifier: MIT */
/* timerfd_create(2): the host's, which is read and polled as any file. */
#include <errno.h>
#include <fcntl.h>
#include <sys/timerfd.h>

#include "user/files.h"
#include "user/space.h"
#include "user/sys_time.h"
#include "user/task.h"
#include "user/time.h"

int64_t keg_sys_timerfd_create(struct keg_task *task, const uint64_t args[6])
{
	clockid_t clock = (clockid_t)args[0];
	int flags = (int)args[1], fd;

	if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
		return -EPERM;
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	fd = timerfd_create(clock, TFD_CLOEXEC | (flags & TFD_NONBLOCK));
	if (fd < 0)
		return -errno;
	return keg_task_add_fd(
		task, KEG_FILE_EVENT, fd, O_RDWR | (flags & TFD_NONBLOCK), flags & TFD_CLOEXEC);
}

int64_t keg_sys_timerfd_settime(struct keg_task *task, const uint64_t args[6])
{
	struct keg_space *space = task->process->space;
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct itimerspec given, old;

	if (!file)
		return -EBADF;
	if (keg_space_read(space, &given, args[2], sizeof(given)) < 0)
		return -EFAULT;
	if ((int)args[1] & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) ||
		keg_time_ns(&given.it_value) < 0 || keg_time_ns(&given.it_interval) < 0)
		return -EINVAL;
	/* The host tells its timers from other files. */
	if (file->kind != KEG_FILE_EVENT ||
		timerfd_settime(file->fd, (int)args[1], &given, &old) < 0)
		return -EINVAL;
	return args[3] ? keg_space_write(space, args[3], &old, sizeof(old)) : 0;
}

int64_t keg_sys_timerfd_gettime(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct itimerspec value;

	if (!file)
		return -EBADF;
	if (file->kind != KEG_FILE_EVENT || timerfd_gettime(file->fd, &value) < 0)
		return -EINVAL;
	return keg_space_write(task->process->space, args[1], &value, sizeof(value));
}
