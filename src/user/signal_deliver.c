/* SPDX-License-Identifier: MIT */
/* What signals do to a task before its program goes on. */
#include <errno.h>
#include <string.h>

#include "user/process.h"
#include "user/signal_frame.h"
#include "user/signals.h"
#include "user/space.h"

#define SYSCALL_BYTES 2 /* of the SYSCALL instruction */
#define PAGE_FAULT    14

/* ---- The call that was interrupted ---- */

static bool interrupted(int64_t result)
{
	return result == KEG_RESTART || result == KEG_RESTART_NO_HANDLER ||
	       result == KEG_RESTART_SLEEP;
}

/* Makes the program do it again: as if it had not begun. */
static void restart(struct keg_task *task)
{
	struct keg_user_registers *regs = &task->cpu->regs;

	regs->rip -= SYSCALL_BYTES;
	regs->rax = task->syscall;
}

/* What it answers, now that a handler runs: see signal(7), "Interruption of system calls". */
static void settle_for_handler(struct keg_task *task, int64_t result, uint64_t flags)
{
	if (!interrupted(result))
		return;
	task->restart_deadline = 0;
	if (result == KEG_RESTART && (flags & SA_RESTART))
		restart(task);
	else
		task->cpu->regs.rax = (uint64_t)-EINTR;
}

/* ---- Handlers ---- */

/* The handler's own mask, from when its frame is there. Lock held. */
static void mask_for_handler(struct keg_task *task, const struct keg_sigaction *action, int signo)
{
	keg_sigset mask = task->mask | action->mask;

	if (!(action->flags & SA_NODEFER))
		mask |= KEG_SIGBIT(signo);
	task->restore_mask = false;
	keg_signal_set_mask(task, mask);
}

/* Its stack cannot take the frame: SIGSEGV, which its own handler cannot take either. */
static void no_frame(struct keg_task *task, int signo)
{
	struct keg_user *user = task->process->user;

	if (signo == SIGSEGV) {
		pthread_mutex_lock(&user->lock);
		task->process->actions->of[SIGSEGV].handler = 0;
		pthread_mutex_unlock(&user->lock);
	}
	keg_signal_fault(task, SIGSEGV, SI_KERNEL, 0, PAGE_FAULT, 0);
}

/* Lock held, but while the frame is written. */
static void handle(struct keg_task *task, const siginfo_t *info)
{
	struct keg_process *process = task->process;
	struct keg_sigaction action = process->actions->of[info->si_signo];
	keg_sigset mask = task->restore_mask ? task->saved_mask : task->mask;
	int result;

	if (action.flags & SA_RESETHAND)
		process->actions->of[info->si_signo].handler = 0;
	pthread_mutex_unlock(&process->user->lock);
	result = keg_signal_frame(task, &action, info, mask);
	if (result < 0)
		no_frame(task, info->si_signo);
	pthread_mutex_lock(&process->user->lock);
	if (result == 0)
		mask_for_handler(task, &action, info->si_signo);
}

/* ---- Defaults ---- */

/* Nobody outside its group, but of its session, is there to continue it: POSIX, 3.264. The host is
 * there for the first process, if it asked to be told. */
static bool orphaned(const struct keg_process *process)
{
	const struct keg_user *user = process->user;

	if (user->config.flags & KEG_USER_STOPS && user->first->group == process->group)
		return false;
	for (const struct keg_process *each = user->processes; each; each = each->next) {
		if (each->group == process->group && each->state != KEG_PROCESS_ZOMBIE &&
			each->parent && each->parent->group != each->group &&
			each->parent->session == each->session)
			return false;
	}
	return true;
}

/* Lock held. */
static void act_by_default(struct keg_task *task, const siginfo_t *info)
{
	struct keg_process *process = task->process;
	int signo = info->si_signo;

	switch (keg_signal_default(signo)) {
	case KEG_SIGNAL_IGNORED:
	case KEG_SIGNAL_CONTINUES:
		break;
	case KEG_SIGNAL_STOPS:
		if (signo == SIGSTOP || !orphaned(process))
			keg_signal_stop(process, signo);
		break;
	case KEG_SIGNAL_TERMINATES:
		keg_signal_report(task, info);
		keg_process_end(process, signo);
		break;
	}
}

static void tell_parent(struct keg_process *process, int code, int signo)
{
	const struct keg_process *parent = process->parent;
	siginfo_t info;

	if (!parent || !parent->actions || parent->actions->of[SIGCHLD].flags & SA_NOCLDSTOP)
		return;
	memset(&info, 0, sizeof(info));
	info.si_signo = SIGCHLD;
	info.si_code = code;
	info.si_pid = process->pid;
	info.si_uid = getuid();
	info.si_status = signo;
	keg_signal_process(process->parent, &info);
}

void keg_signal_stop(struct keg_process *process, int signo)
{
	if (process->state != KEG_PROCESS_RUNS || process->exiting)
		return;
	process->state = KEG_PROCESS_STOPPED;
	process->status = signo << 8 | 0x7f; /* WIFSTOPPED */
	process->stop_reported = false;
	process->continued = false;
	tell_parent(process, CLD_STOPPED, signo);
	if (process == process->user->first && process->user->config.flags & KEG_USER_STOPS)
		keg_user_halt(process->user, KEG_USER_STOPPED);
	keg_process_kick(process, NULL);
	pthread_cond_broadcast(&process->user->changed);
}

void keg_signal_continue(struct keg_process *process)
{
	if (process->state != KEG_PROCESS_STOPPED)
		return;
	process->state = KEG_PROCESS_RUNS;
	process->status = 0;
	process->continued = true;
	tell_parent(process, CLD_CONTINUED, SIGCONT);
	keg_process_kick(process, NULL);
	pthread_cond_broadcast(&process->user->changed);
}

/* ---- All of it ---- */

static bool goes_on(const struct keg_task *task)
{
	const struct keg_process *process = task->process;

	return process->state == KEG_PROCESS_RUNS && !process->user->dying &&
	       (!process->exiting || process->survivor == task);
}

/* Takes what is pending until nothing is; whether a handler runs. Lock held. */
static bool take_all(struct keg_task *task, int64_t result)
{
	struct keg_actions *actions = task->process->actions;
	bool handled = false;
	siginfo_t info;

	while (goes_on(task) && keg_signal_take(task, ~task->mask, &info)) {
		const struct keg_sigaction *action = &actions->of[info.si_signo];
		bool forced = task->forced;

		if (keg_signal_ignored(task->process, info.si_signo))
			continue;
		if (action->handler == 0) {
			act_by_default(task, &info);
		} else {
			settle_for_handler(task, handled ? 0 : result, action->flags);
			handled = true;
			handle(task, &info);
		}
		if (forced)
			task->forced = false;
	}
	return handled;
}

void keg_signal_deliver(struct keg_task *task, int64_t result)
{
	struct keg_user *user = task->process->user;
	bool handled;

	pthread_mutex_lock(&user->lock);
	handled = take_all(task, result);
	if (!handled && interrupted(result))
		restart(task);
	/* The mask that the call had put aside may let more through. */
	if (task->restore_mask && goes_on(task)) {
		task->restore_mask = false;
		keg_signal_set_mask(task, task->saved_mask);
	}
	/* After a stop there may be more to be taken. */
	if (keg_signal_waits(task))
		atomic_store(&task->attention, 1);
	pthread_mutex_unlock(&user->lock);
}
