/* SPDX-License-Identifier: MIT */
/* Calls about a task's own signals: actions, masks, stacks, and waiting. */
#include "user/sys_signal.h"

#include <asm/unistd.h>
#include <errno.h>
#include <string.h>

#include "user/block.h"
#include "user/signal_frame.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/time.h"

/* Flags of an action that mean something; the others are not told back (sigaction(2)). */
#define ACTION_FLAGS                                                                               \
	((uint64_t)(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART |           \
		    SA_NODEFER) |                                                                  \
		0x80000000u /* SA_RESETHAND */ | 0x04000000u /* SA_RESTORER */)

/* ---- Actions ---- */

static int64_t keg_sys_rt_sigaction(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;
	int signo = (int)args[0];
	struct keg_sigaction action, old;

	if (args[3] != KEG_SIGSET_BYTES || signo < 1 || signo > KEG_SIGNALS)
		return -EINVAL;
	if (args[1] && (KEG_SIGBIT(signo) & KEG_UNBLOCKABLE))
		return -EINVAL;
	if (args[1] && keg_space_read(process->space, &action, args[1], sizeof(action)) < 0)
		return -EFAULT;
	pthread_mutex_lock(&process->user->lock);
	old = process->actions->of[signo];
	if (args[1]) {
		action.flags &= ACTION_FLAGS;
		action.mask &= ~KEG_UNBLOCKABLE;
		process->actions->of[signo] = action;
		if (keg_signal_ignored(process, signo))
			keg_signal_discard(process, KEG_SIGBIT(signo));
	}
	pthread_mutex_unlock(&process->user->lock);
	if (args[2] && keg_space_write(process->space, args[2], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

/* ---- Masks ---- */

static int64_t keg_sys_rt_sigprocmask(struct keg_task *task, const uint64_t args[6])
{
	struct keg_space *space = task->process->space;
	keg_sigset old = task->mask, set;

	if (args[3] != KEG_SIGSET_BYTES)
		return -EINVAL;
	if (args[1]) {
		if (keg_space_read(space, &set, args[1], sizeof(set)) < 0)
			return -EFAULT;
		switch ((int)args[0]) {
		case SIG_BLOCK:
			set |= old;
			break;
		case SIG_UNBLOCK:
			set = old & ~set;
			break;
		case SIG_SETMASK:
			break;
		default:
			return -EINVAL;
		}
		if ((set & ~KEG_UNBLOCKABLE) != old) {
			pthread_mutex_lock(&task->process->user->lock);
			keg_signal_set_mask(task, set);
			pthread_mutex_unlock(&task->process->user->lock);
		}
	}
	if (args[2] && keg_space_write(space, args[2], &old, sizeof(old)) < 0)
		return -EFAULT;
	return 0;
}

int keg_signal_mask(struct keg_task *task, uint64_t set_at, uint64_t set_size)
{
	struct keg_user *user = task->process->user;
	keg_sigset set;

	if (!set_at)
		return 0;
	if (set_size != KEG_SIGSET_BYTES)
		return -EINVAL;
	if (keg_space_read(task->process->space, &set, set_at, sizeof(set)) < 0)
		return -EFAULT;
	pthread_mutex_lock(&user->lock);
	task->saved_mask = task->mask;
	task->restore_mask = true;
	keg_signal_set_mask(task, set);
	pthread_mutex_unlock(&user->lock);
	return 0;
}

void keg_signal_unmask(struct keg_task *task)
{
	struct keg_user *user = task->process->user;

	if (!task->restore_mask)
		return;
	pthread_mutex_lock(&user->lock);
	task->restore_mask = false;
	keg_signal_set_mask(task, task->saved_mask);
	pthread_mutex_unlock(&user->lock);
}

static int64_t keg_sys_rt_sigpending(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	keg_sigset set;

	if (args[1] > KEG_SIGSET_BYTES)
		return -EINVAL;
	pthread_mutex_lock(&user->lock);
	set = (task->pending->set | task->process->pending->set) & task->mask;
	pthread_mutex_unlock(&user->lock);
	return keg_space_write(task->process->space, args[0], &set, args[1]);
}

/* ---- Frames and stacks ---- */

static int64_t keg_sys_rt_sigreturn(struct keg_task *task, const uint64_t args[6])
{
	keg_sigset mask;

	(void)args;
	if (keg_signal_return(task, &mask) < 0) {
		keg_signal_fault(task, SIGSEGV, SI_KERNEL, 0, task->trap, task->trap_error);
		return KEG_REGISTERS_SET;
	}
	pthread_mutex_lock(&task->process->user->lock);
	keg_signal_set_mask(task, mask);
	pthread_mutex_unlock(&task->process->user->lock);
	return KEG_REGISTERS_SET;
}

static int64_t keg_sys_sigaltstack(struct keg_task *task, const uint64_t args[6])
{
	struct keg_space *space = task->process->space;
	struct keg_stack stack, old;
	int result = 0;

	keg_altstack_get(task, &old);
	if (args[0]) {
		if (keg_space_read(space, &stack, args[0], sizeof(stack)) < 0)
			return -EFAULT;
		result = keg_altstack_set(task, &stack);
	}
	if (result == 0 && args[1] && keg_space_write(space, args[1], &old, sizeof(old)) < 0)
		return -EFAULT;
	return result;
}

/* ---- Waiting ---- */

/* Until the task is kicked. */
static void block_for_good(struct keg_task *task)
{
	keg_block(task, __NR_ppoll, 0, 0, 0, 0, KEG_SIGSET_BYTES, 0);
}

static int64_t keg_sys_pause(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	block_for_good(task);
	return KEG_RESTART_NO_HANDLER;
}

static int64_t keg_sys_rt_sigsuspend(struct keg_task *task, const uint64_t args[6])
{
	int result;

	if (args[1] != KEG_SIGSET_BYTES)
		return -EINVAL;
	if (!args[0])
		return -EFAULT;
	result = keg_signal_mask(task, args[0], args[1]);
	if (result < 0)
		return result;
	block_for_good(task);
	return KEG_RESTART_NO_HANDLER;
}

/* Whether one was there; else it is awaited from now on, or no more. */
static bool take_awaited(struct keg_task *task, keg_sigset set, bool await, siginfo_t *info)
{
	struct keg_user *user = task->process->user;
	bool taken;

	pthread_mutex_lock(&user->lock);
	taken = keg_signal_take(task, set, info);
	task->awaited = await && !taken ? set : 0;
	/* It may have been called for more than it takes. */
	if (!task->awaited)
		keg_signal_leave_to_others(task, set);
	pthread_mutex_unlock(&user->lock);
	return taken;
}

/* 0: there is no limit, and none came; -EAGAIN the time is up. */
static int64_t await(
	struct keg_task *task, keg_sigset set, const struct timespec *timeout, siginfo_t *info)
{
	int64_t ns = timeout ? keg_time_ns(timeout) : -1, blocked;
	uint64_t deadline = 0;

	if (timeout && ns < 0)
		return -EINVAL;
	if (take_awaited(task, set, ns != 0, info))
		return info->si_signo;
	if (ns == 0)
		return -EAGAIN;
	if (timeout) {
		deadline = keg_time_deadline(task, ns);
		blocked = keg_block_until(task, deadline);
	} else {
		block_for_good(task);
		blocked = -EINTR;
	}
	if (take_awaited(task, set, false, info))
		return info->si_signo;
	if (blocked == 0)
		return -EAGAIN;
	task->restart_deadline = deadline;
	return KEG_RESTART_SLEEP;
}

static int64_t keg_sys_rt_sigtimedwait(struct keg_task *task, const uint64_t args[6])
{
	struct keg_space *space = task->process->space;
	struct timespec timeout;
	keg_sigset set;
	siginfo_t info;
	int64_t result;

	if (args[3] != KEG_SIGSET_BYTES)
		return -EINVAL;
	if (keg_space_read(space, &set, args[0], sizeof(set)) < 0)
		return -EFAULT;
	if (args[2] && keg_space_read(space, &timeout, args[2], sizeof(timeout)) < 0)
		return -EFAULT;
	result = await(task, set & ~KEG_UNBLOCKABLE, args[2] ? &timeout : NULL, &info);
	if (result > 0 && args[1] && keg_space_write(space, args[1], &info, sizeof(info)) < 0)
		return -EFAULT;
	return result;
}

const struct keg_syscall keg_syscalls_signal[] = {
	{__NR_rt_sigaction, "rt_sigaction", "gppu", keg_sys_rt_sigaction},
	{__NR_rt_sigprocmask, "rt_sigprocmask", "dGpu", keg_sys_rt_sigprocmask},
	{__NR_rt_sigreturn, "rt_sigreturn", "", keg_sys_rt_sigreturn},
	{__NR_rt_sigpending, "rt_sigpending", "pu", keg_sys_rt_sigpending},
	{__NR_rt_sigsuspend, "rt_sigsuspend", "Gu", keg_sys_rt_sigsuspend},
	{__NR_rt_sigtimedwait, "rt_sigtimedwait", "Gptu", keg_sys_rt_sigtimedwait},
	{__NR_rt_sigqueueinfo, "rt_sigqueueinfo", "dgp", keg_sys_rt_sigqueueinfo},
	{__NR_rt_tgsigqueueinfo, "rt_tgsigqueueinfo", "ddgp", keg_sys_rt_tgsigqueueinfo},
	{__NR_sigaltstack, "sigaltstack", "pp", keg_sys_sigaltstack},
	{__NR_kill, "kill", "dg", keg_sys_kill},
	{__NR_tkill, "tkill", "dg", keg_sys_tkill},
	{__NR_tgkill, "tgkill", "ddg", keg_sys_tgkill},
	{__NR_pidfd_send_signal, "pidfd_send_signal", "fgpx", keg_sys_pidfd_send_signal},
	{__NR_pause, "pause", "", keg_sys_pause},
	{__NR_signalfd, "signalfd", "dGu", keg_sys_signalfd},
	{__NR_signalfd4, "signalfd4", "dGux", keg_sys_signalfd4},
	{0, NULL, NULL, NULL},
};
