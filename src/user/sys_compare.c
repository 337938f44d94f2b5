/* SPDX-License-Identifier: MIT */
/* Processes that look at one another: kcmp(2), pidfd_getfd(2). All are one user's: each may. */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/kcmp.h>

#include "user/files.h"
#include "user/pidfd.h"
#include "user/process.h"

/* What a process has of that kind; NULL: it has ended. Lock held. */
static const void *part(const struct keg_process *process, int type)
{
	switch (type) {
	case KCMP_VM:
		return process->space;
	case KCMP_FILES:
		return process->files;
	case KCMP_FS:
		return process->fs;
	case KCMP_SIGHAND:
		return process->actions;
	default:
		return process; /* what keg does not have is shared by tasks of one process */
	}
}

/* An open file of a process's, held. -ESRCH it has ended, -EBADF. Lock held. */
static int file_of(const struct keg_process *process, uint64_t number, struct keg_file **file)
{
	if (!process || !process->files)
		return -ESRCH;
	*file = keg_files_get(process->files, (int)(uint32_t)number);
	return *file ? 0 : -EBADF;
}

static struct keg_process *process_of(struct keg_user *user, uint64_t tid)
{
	const struct keg_task *task = keg_task_find(user, (pid_t)tid);

	return task ? task->process : keg_process_find(user, (pid_t)tid);
}

/* kcmp(2), "Return value": not the same, and no order is told, as it would be one of addresses. */
static int64_t compared(const void *one, const void *other)
{
	return one == other ? 0 : 3;
}

static int64_t sys_kcmp(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	/* Put without the lock: they may end by it. */
	KEG_HELD struct keg_file *one = NULL, *other = NULL;
	const struct keg_process *first, *second;
	int type = (int)args[2];
	int64_t result = -ESRCH;

	if (type < KCMP_FILE || type > KCMP_SYSVSEM)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	first = process_of(user, args[0]);
	second = process_of(user, args[1]);
	if (first && second && type != KCMP_FILE)
		result = compared(part(first, type), part(second, type));
	else if (first && second && (result = file_of(first, args[3], &one)) == 0 &&
		 (result = file_of(second, args[4], &other)) == 0)
		result = compared(one, other);
	pthread_mutex_unlock(&user->lock);
	return result;
}

static int64_t sys_pidfd_getfd(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *pidfd = keg_task_file(task, args[0]);
	struct keg_user *user = task->process->user;
	struct keg_file *file = NULL;
	int result;

	if ((uint32_t)args[2])
		return -EINVAL;
	if (!pidfd || !keg_file_is_pidfd(pidfd))
		return -EBADF;
	pthread_mutex_lock(&user->lock);
	result = file_of(keg_pidfd_process(pidfd), args[1], &file);
	pthread_mutex_unlock(&user->lock);
	return result < 0 ? result : keg_task_add_file(task, file, true);
}

const struct keg_syscall keg_syscalls_compare[] = {
	{__NR_kcmp, "kcmp", "dddxx", sys_kcmp},
	{__NR_pidfd_getfd, "pidfd_getfd", "fdx", sys_pidfd_getfd},
	{0},
};
