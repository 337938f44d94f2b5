/* SPDX-License-Identifier: MIT */
/* wait4(2) and waitid(2). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/files.h"
#include "user/pidfd.h"
#include "user/process.h"
#include "user/space.h"

/* Which children, and what of them. */
struct wish {
	idtype_t type;
	pid_t id;
	unsigned options;
	const struct keg_file *pidfd; /* of P_PIDFD */
};

/* What came of waiting. `pid` 0: nothing yet. */
struct found {
	pid_t pid;
	int status; /* as wait(2) has it */
	int code;   /* CLD_ */
	struct rusage usage;
};

static bool wanted(const struct keg_process *process, const struct keg_process *parent,
	const struct wish *wish)
{
	bool is_clone = process->exit_signal != SIGCHLD;

	if (process->parent != parent)
		return false;
	if (!(wish->options & __WALL) && is_clone != !!(wish->options & __WCLONE))
		return false;
	switch (wish->type) {
	case P_PID:
		return process->pid == wish->id;
	case P_PGID:
		return process->group == wish->id;
	case P_PIDFD:
		return keg_pidfd_process(wish->pidfd) == process;
	default:
		return wish->type == P_ALL;
	}
}

static void add_time(struct timeval *sum, const struct timeval *more)
{
	timeradd(sum, more, sum);
}

/* A child that has ended: its usage is its parent's from now on, and it is gone. */
static void collect(struct keg_process *child, const struct wish *wish, struct found *found)
{
	struct keg_process *parent = child->parent;

	found->pid = child->pid;
	found->status = child->status;
	found->code = WIFEXITED(child->status) ? CLD_EXITED : CLD_KILLED;
	found->usage = child->usage;
	if (wish->options & WNOWAIT)
		return;
	add_time(&parent->children.ru_utime, &child->usage.ru_utime);
	add_time(&parent->children.ru_stime, &child->usage.ru_stime);
	if (child->usage.ru_maxrss > parent->children.ru_maxrss)
		parent->children.ru_maxrss = child->usage.ru_maxrss;
	keg_process_free(child);
}

/* One child's state, if it is one that is asked for. */
static bool look(struct keg_process *child, const struct wish *wish, struct found *found)
{
	if (child->state == KEG_PROCESS_ZOMBIE && wish->options & WEXITED) {
		collect(child, wish, found);
	} else if (child->state == KEG_PROCESS_STOPPED && wish->options & WSTOPPED &&
		   !child->stop_reported) {
		found->pid = child->pid;
		found->status = child->status;
		found->code = CLD_STOPPED;
		child->stop_reported = !(wish->options & WNOWAIT);
	} else if (child->continued && wish->options & WCONTINUED) {
		found->pid = child->pid;
		found->status = 0xffff;
		found->code = CLD_CONTINUED;
		child->continued = wish->options & WNOWAIT;
	} else {
		return false;
	}
	return true;
}

/* 0: see *found; -ECHILD; KEG_RESTART. */
static int64_t wait_for(struct keg_task *task, const struct wish *wish, struct found *found)
{
	struct keg_process *parent = task->process, *next;
	struct keg_user *user = parent->user;
	int64_t result = 0;
	bool any;

	memset(found, 0, sizeof(*found));
	pthread_mutex_lock(&user->lock);
	do {
		any = false;
		for (struct keg_process *each = user->processes; each && !found->pid; each = next) {
			next = each->next;
			if (!wanted(each, parent, wish))
				continue;
			any = true;
			look(each, wish, found);
		}
		if (found->pid)
			break;
		if (!any)
			result = -ECHILD;
		else if (wish->options & WNOHANG)
			break;
		else if (keg_task_called(task))
			result = KEG_RESTART;
		else
			pthread_cond_wait(&user->changed, &user->lock);
	} while (result == 0);
	pthread_mutex_unlock(&user->lock);
	return result;
}

int64_t keg_sys_wait4(struct keg_task *task, const uint64_t args[6])
{
	const unsigned known = WNOHANG | WUNTRACED | WCONTINUED | __WALL | __WCLONE | __WNOTHREAD;
	struct keg_process *process = task->process;
	pid_t pid = (pid_t)args[0];
	struct wish wish = {.options = (unsigned)args[2] | WEXITED};
	struct found found;
	int64_t result;

	if ((unsigned)args[2] & ~known)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	wish.type = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID;
	wish.id = pid > 0 ? pid : pid == 0 ? process->group : -pid;
	result = wait_for(task, &wish, &found);
	if (result < 0 || found.pid == 0)
		return result;
	if (args[1] && keg_space_write(process->space, args[1], &found.status, sizeof(int)) < 0)
		return -EFAULT;
	if (args[3] &&
		keg_space_write(process->space, args[3], &found.usage, sizeof(found.usage)) < 0)
		return -EFAULT;
	return found.pid;
}

/* What siginfo_t says of it: waitid(2). */
static void describe(const struct found *found, siginfo_t *info)
{
	memset(info, 0, sizeof(*info));
	if (!found->pid)
		return;
	info->si_signo = SIGCHLD;
	info->si_code = found->code;
	info->si_pid = found->pid;
	info->si_uid = getuid();
	info->si_status = WIFEXITED(found->status)     ? WEXITSTATUS(found->status)
			  : WIFSTOPPED(found->status)  ? WSTOPSIG(found->status)
			  : WIFSIGNALED(found->status) ? WTERMSIG(found->status)
						       : SIGCONT;
}

/* Which children waitid(2) is asked for; *file is held. -EINVAL, -EBADF */
static int read_wish(struct keg_task *task, struct wish *wish, struct keg_file **file)
{
	const unsigned known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WALL |
			       __WCLONE | __WNOTHREAD;

	if (wish->options & ~known || !(wish->options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (wish->type == P_PGID && wish->id == 0)
		wish->id = task->process->group;
	if (wish->type == P_ALL || wish->type == P_PID || wish->type == P_PGID)
		return 0;
	if (wish->type != P_PIDFD || wish->id < 0)
		return -EINVAL;
	*file = keg_task_file(task, (uint32_t)wish->id);
	if (!*file || !keg_file_is_pidfd(*file))
		return -EBADF;
	wish->pidfd = *file;
	return 0;
}

int64_t keg_sys_waitid(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = NULL;
	struct keg_process *process = task->process;
	struct wish wish = {(idtype_t)args[0], (pid_t)args[1], (unsigned)args[3], NULL};
	bool must_not_wait;
	struct found found;
	siginfo_t info;
	int64_t result = read_wish(task, &wish, &file);

	if (result < 0)
		return result;
	/* pidfd_open(2), PIDFD_NONBLOCK */
	must_not_wait = file && atomic_load(&file->flags) & O_NONBLOCK && !(wish.options & WNOHANG);
	if (must_not_wait)
		wish.options |= WNOHANG;
	result = wait_for(task, &wish, &found);
	if (result < 0)
		return result;
	if (!found.pid && must_not_wait)
		return -EAGAIN;
	describe(&found, &info);
	if (args[2] && keg_space_write(process->space, args[2], &info, sizeof(info)) < 0)
		return -EFAULT;
	if (args[4] &&
		keg_space_write(process->space, args[4], &found.usage, sizeof(found.usage)) < 0)
		return -EFAULT;
	return 0;
}
