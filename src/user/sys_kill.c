/* SPDX-License-Identifier: MIT */
/* Sending signals: kill(2) and its kin, which reach the sandbox's processes only. */
#include <errno.h>
#include <string.h>

#include "user/files.h"
#include "user/pidfd.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/sys_signal.h"

/* siginfo_t of a signal that the task sends. */
static void from_task(const struct keg_task *task, int signo, int code, siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = signo;
	info->si_code = code;
	info->si_pid = task->process->pid;
	info->si_uid = getuid();
}

static bool valid(int signo)
{
	return signo >= 0 && signo <= KEG_SIGNALS;
}

/* To a group, or, 0, to all processes but the sender's own: how many. */
static int send_to_many(struct keg_task *task, pid_t group, const siginfo_t *info)
{
	struct keg_user *user = task->process->user;
	int count = 0;

	if (group)
		return keg_signal_group(user, group, info);
	for (struct keg_process *each = user->processes; each; each = each->next) {
		if (each == task->process || each == user->first)
			continue;
		keg_signal_process(each, info);
		count++;
	}
	return count;
}

int64_t keg_sys_kill(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	struct keg_process *process;
	pid_t pid = (pid_t)args[0];
	int signo = (int)args[1];
	int64_t result = -ESRCH;
	siginfo_t info;

	if (!valid(signo))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	from_task(task, signo, SI_USER, &info);
	pthread_mutex_lock(&user->lock);
	if (pid > 0) {
		process = keg_process_find(user, pid);
		if (process)
			result = keg_signal_process(process, &info);
	} else if (send_to_many(task,
			   pid == 0    ? task->process->group
			   : pid == -1 ? 0
				       : -pid,
			   &info) > 0) {
		result = 0;
	}
	pthread_mutex_unlock(&user->lock);
	return result;
}

/* To a task, of that process if `tgid` is not 0. */
static int64_t send_to_task(struct keg_user *user, pid_t tgid, pid_t tid, const siginfo_t *info)
{
	struct keg_task *target;
	int64_t result = -ESRCH;

	if (tid <= 0)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	target = keg_task_find(user, tid);
	if (target && (!tgid || target->process->pid == tgid))
		result = keg_signal_task(target, info);
	pthread_mutex_unlock(&user->lock);
	return result;
}

int64_t keg_sys_tkill(struct keg_task *task, const uint64_t args[6])
{
	siginfo_t info;

	if (!valid((int)args[1]))
		return -EINVAL;
	from_task(task, (int)args[1], SI_TKILL, &info);
	return send_to_task(task->process->user, 0, (pid_t)args[0], &info);
}

int64_t keg_sys_tgkill(struct keg_task *task, const uint64_t args[6])
{
	siginfo_t info;

	if ((pid_t)args[0] <= 0 || !valid((int)args[2]))
		return -EINVAL;
	from_task(task, (int)args[2], SI_TKILL, &info);
	return send_to_task(task->process->user, (pid_t)args[0], (pid_t)args[1], &info);
}

/* Whether the program may say that of a signal: to others not that the kernel, or kill(2), sent it.
 */
static int64_t vet(const struct keg_task *task, pid_t target, const siginfo_t *info)
{
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) && target != task->process->pid)
		return -EPERM;
	/* A timer's pending signals are found by it: nobody else's may be like them. */
	return info->si_code == SI_TIMER ? -EPERM : 0;
}

static int64_t read_info(
	struct keg_task *task, uint64_t at, int signo, pid_t target, siginfo_t *info)
{
	if (!valid(signo))
		return -EINVAL;
	if (keg_space_read(task->process->space, info, at, sizeof(*info)) < 0)
		return -EFAULT;
	info->si_signo = signo;
	return vet(task, target, info);
}

int64_t keg_sys_rt_sigqueueinfo(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	struct keg_process *process;
	siginfo_t info;
	int64_t result = read_info(task, args[2], (int)args[1], (pid_t)args[0], &info);

	if (result < 0)
		return result;
	pthread_mutex_lock(&user->lock);
	process = keg_process_find(user, (pid_t)args[0]);
	result = process ? keg_signal_process(process, &info) : -ESRCH;
	pthread_mutex_unlock(&user->lock);
	return result;
}

int64_t keg_sys_rt_tgsigqueueinfo(struct keg_task *task, const uint64_t args[6])
{
	siginfo_t info;
	int64_t result = read_info(task, args[3], (int)args[2], (pid_t)args[0], &info);

	if (result < 0)
		return result;
	if ((pid_t)args[0] <= 0)
		return -EINVAL;
	return send_to_task(task->process->user, (pid_t)args[0], (pid_t)args[1], &info);
}

int64_t keg_sys_pidfd_send_signal(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	struct keg_user *user = task->process->user;
	struct keg_process *process;
	int signo = (int)args[1];
	int64_t result = 0;
	siginfo_t info;

	if ((uint32_t)args[3])
		return -EINVAL;
	if (!file || (!keg_file_is_pidfd(file) && !keg_file_proc_pid(file)))
		return -EBADF;
	from_task(task, signo, SI_USER, &info);
	if (args[2] && keg_space_read(task->process->space, &info, args[2], sizeof(info)) < 0)
		return -EFAULT;
	if (!valid(signo) || info.si_signo != signo)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	process = keg_file_is_pidfd(file) ? keg_pidfd_process(file)
					  : keg_process_find(user, keg_file_proc_pid(file));
	if (!process)
		result = -ESRCH;
	else if (args[2])
		result = vet(task, process->pid, &info);
	if (result == 0)
		result = keg_signal_process(process, &info);
	pthread_mutex_unlock(&user->lock);
	return result;
}
