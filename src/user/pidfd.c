/* SPDX-License-Identifier: MIT */
/*
 * pidfd_open(2): files that stand for processes. Its descriptor is an eventfd, for poll(2), which
 * is readable once the process has ended; that it is writable all the time is told to nobody
 * (keg_file_events()).
 */
#include "user/pidfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "user/files.h"
#include "user/task.h"

struct keg_pidfd {
	struct keg_user *user;
	struct keg_pidfd *next;            /* of the sandbox; lock held */
	const struct keg_process *process; /* NULL: it is gone; lock held */
	int fd;                            /* the file's */
};

static void make_readable(const struct keg_pidfd *pidfd)
{
	const uint64_t one = 1;

	if (write(pidfd->fd, &one, sizeof(one)) < 0)
		return;
}

void keg_pidfds_tell(const struct keg_process *process)
{
	for (struct keg_pidfd *each = process->user->pidfds; each; each = each->next) {
		if (each->process == process)
			make_readable(each);
	}
}

void keg_pidfds_forget(const struct keg_process *process)
{
	for (struct keg_pidfd *each = process->user->pidfds; each; each = each->next) {
		if (each->process == process)
			each->process = NULL;
	}
}

static ssize_t pidfd_read(
	struct keg_task *task, struct keg_file *file, void *to, size_t length, int64_t offset)
{
	(void)task, (void)file, (void)to, (void)length, (void)offset;
	return -EINVAL;
}

static ssize_t pidfd_write(struct keg_task *task, struct keg_file *file, const void *from,
	size_t length, int64_t offset)
{
	(void)task, (void)file, (void)from, (void)length, (void)offset;
	return -EINVAL;
}

static void pidfd_release(struct keg_file *file)
{
	struct keg_pidfd *pidfd = file->state;
	struct keg_user *user = pidfd->user;

	pthread_mutex_lock(&user->lock);
	for (struct keg_pidfd **at = &user->pidfds; *at; at = &(*at)->next) {
		if (*at == pidfd) {
			*at = pidfd->next;
			break;
		}
	}
	pthread_mutex_unlock(&user->lock);
	free(pidfd);
}

static const struct keg_file_operations operations = {
	.read = pidfd_read,
	.write = pidfd_write,
	.release = pidfd_release,
};

bool keg_file_is_pidfd(const struct keg_file *file)
{
	return file->operations == &operations;
}

struct keg_process *keg_pidfd_process(const struct keg_file *file)
{
	const struct keg_pidfd *pidfd = file->state;

	/* The tree's own, whom the holder of its lock may change. */
	return pidfd->process ? keg_process_find(pidfd->user, pidfd->process->pid) : NULL;
}

pid_t keg_file_proc_pid(const struct keg_file *file)
{
	static const char proc[] = "/proc/";
	const size_t length = sizeof(proc) - 1;
	const char *digit;
	int64_t pid = 0;

	if (file->kind != KEG_FILE_DIRECTORY || !file->operations || !file->path ||
		strncmp(file->path, proc, length) != 0)
		return 0;
	for (digit = file->path + length; *digit >= '0' && *digit <= '9' && pid < INT32_MAX;
		digit++)
		pid = 10 * pid + (*digit - '0');
	return *digit || pid > INT32_MAX ? 0 : (pid_t)pid;
}

/* A file that stands for nobody yet. */
static int create(struct keg_user *user, int flags, struct keg_file **file)
{
	struct keg_pidfd *pidfd = calloc(1, sizeof(*pidfd));
	int fd = pidfd ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	int result = pidfd ? (int)keg_host_result(fd) : -ENOMEM;

	*file = NULL;
	if (fd >= 0)
		result = keg_file_create(KEG_FILE_PIDFD, fd, O_RDWR | flags, NULL, file);
	if (!*file) {
		free(pidfd);
		return result;
	}
	pidfd->user = user;
	pidfd->fd = fd;
	(*file)->operations = &operations;
	(*file)->state = pidfd;
	return 0;
}

/* Lock held. */
static void stand_for(struct keg_pidfd *pidfd, const struct keg_process *process)
{
	struct keg_user *user = process->user;

	pidfd->process = process;
	pidfd->next = user->pidfds;
	user->pidfds = pidfd;
	if (process->state == KEG_PROCESS_ZOMBIE)
		make_readable(pidfd);
}

int keg_pidfd_add(struct keg_task *task, struct keg_process *process, int flags)
{
	struct keg_user *user = process->user;
	struct keg_file *file;
	int result = create(user, flags, &file);

	if (!file)
		return result;
	pthread_mutex_lock(&user->lock);
	stand_for(file->state, process);
	pthread_mutex_unlock(&user->lock);
	return keg_task_add_file(task, file, true);
}

int64_t keg_sys_pidfd_open(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	unsigned flags = (unsigned)args[1];
	pid_t pid = (pid_t)args[0];
	struct keg_process *process;
	struct keg_file *file;
	int result;

	/* PIDFD_NONBLOCK */
	if (flags & ~(unsigned)O_NONBLOCK || pid <= 0)
		return -EINVAL;
	result = create(user, (int)flags, &file);
	if (!file)
		return result;
	pthread_mutex_lock(&user->lock);
	process = keg_process_find(user, pid);
	if (process)
		stand_for(file->state, process);
	else
		result = keg_task_find(user, pid) ? -EINVAL : -ESRCH;
	pthread_mutex_unlock(&user->lock);
	if (result == 0)
		return keg_task_add_file(task, file, true);
	keg_file_put(file);
	return result;
}
