/* SPDX-License-Identifier: MIT */
/* Signals on their way: sent, queued, and taken by a task. */
#include "user/signals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/process.h"
#include "user/sys_signal.h"
#include "user/time.h"

/* Real-time signals begin here for the kernel: C libraries keep the first ones to themselves. */
#define FIRST_QUEUED 32

/* What faults send: taken before others, so that a handler finds the state of the fault. */
#define SYNCHRONOUS                                                                                \
	(KEG_SIGBIT(SIGSEGV) | KEG_SIGBIT(SIGBUS) | KEG_SIGBIT(SIGILL) | KEG_SIGBIT(SIGTRAP) |     \
		KEG_SIGBIT(SIGFPE) | KEG_SIGBIT(SIGSYS))

#define STOPS                                                                                      \
	(KEG_SIGBIT(SIGSTOP) | KEG_SIGBIT(SIGTSTP) | KEG_SIGBIT(SIGTTIN) | KEG_SIGBIT(SIGTTOU))

/* signal(7), "Standard signals" */
enum keg_signal_default keg_signal_default(int signo)
{
	switch (signo) {
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return KEG_SIGNAL_IGNORED;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return KEG_SIGNAL_STOPS;
	case SIGCONT:
		return KEG_SIGNAL_CONTINUES;
	default:
		return KEG_SIGNAL_TERMINATES;
	}
}

bool keg_signal_ignored(const struct keg_process *process, int signo)
{
	uint64_t handler = process->actions->of[signo].handler;

	return handler == KEG_SIGNAL_IGNORE ||
	       (handler == 0 &&
		       (keg_signal_default(signo) == KEG_SIGNAL_IGNORED || signo == SIGCONT));
}

/* ---- Queues ---- */

static void recount(struct keg_pending *pending, int signo)
{
	pending->set &= ~KEG_SIGBIT(signo);
	for (uint32_t i = 0; i < pending->count; i++) {
		if (pending->queue[i].si_signo == signo)
			pending->set |= KEG_SIGBIT(signo);
	}
}

void keg_pending_discard(struct keg_pending *pending, keg_sigset set)
{
	uint32_t kept = 0;

	if (!(pending->set & set))
		return;
	for (uint32_t i = 0; i < pending->count; i++) {
		if (!(KEG_SIGBIT(pending->queue[i].si_signo) & set))
			pending->queue[kept++] = pending->queue[i];
	}
	pending->count = kept;
	pending->set &= ~set;
}

void keg_signal_discard(struct keg_process *process, keg_sigset set)
{
	keg_pending_discard(process->pending, set);
	for (struct keg_task *task = process->tasks; task; task = task->next)
		keg_pending_discard(task->pending, set);
}

/* A timer has one signal pending at most: those that come meanwhile are counted in it
 * (timer_getoverrun(2)). */
static bool overruns(struct keg_pending *pending, const siginfo_t *info)
{
	if (info->si_code != SI_TIMER || !(pending->set & KEG_SIGBIT(info->si_signo)))
		return false;
	for (uint32_t i = 0; i < pending->count; i++) {
		siginfo_t *other = &pending->queue[i];

		if (other->si_signo != info->si_signo || other->si_code != SI_TIMER ||
			other->si_timerid != info->si_timerid)
			continue;
		other->si_overrun += info->si_overrun + 1;
		return true;
	}
	return false;
}

static int enqueue(struct keg_pending *pending, const siginfo_t *info)
{
	uint32_t limit = KEG_QUEUED;

	if (info->si_signo < FIRST_QUEUED && (pending->set & KEG_SIGBIT(info->si_signo)))
		return 0;
	if (overruns(pending, info))
		return 0;
	/* There is always room for one of each standard signal. */
	if (info->si_signo >= FIRST_QUEUED)
		limit -= FIRST_QUEUED;
	if (pending->count >= limit)
		return -EAGAIN;
	pending->queue[pending->count++] = *info;
	pending->set |= KEG_SIGBIT(info->si_signo);
	return 0;
}

static bool dequeue(struct keg_pending *pending, keg_sigset set, siginfo_t *info)
{
	keg_sigset ready = pending->set & set;
	int signo;

	if (!ready)
		return false;
	signo = __builtin_ctzll(ready & SYNCHRONOUS ? ready & SYNCHRONOUS : ready) + 1;
	for (uint32_t i = 0; i < pending->count; i++) {
		if (pending->queue[i].si_signo != signo)
			continue;
		*info = pending->queue[i];
		pending->count--;
		memmove(&pending->queue[i], &pending->queue[i + 1],
			(pending->count - i) * sizeof(pending->queue[0]));
		recount(pending, signo);
		return true;
	}
	pending->set &= ~KEG_SIGBIT(signo);
	return false;
}

bool keg_signal_take(struct keg_task *task, keg_sigset set, siginfo_t *info)
{
	if (!dequeue(task->pending, set, info) && !dequeue(task->process->pending, set, info))
		return false;
	if (info->si_code == SI_TIMER)
		keg_timers_taken(task->process, info);
	return true;
}

bool keg_signal_waits(struct keg_task *task)
{
	return (task->pending->set | task->process->pending->set) & ~task->mask;
}

/* ---- Who takes them ---- */

static bool wants(const struct keg_task *task, keg_sigset bit)
{
	return !(task->mask & bit) || (task->awaited & bit);
}

static void call(struct keg_task *task)
{
	if (pthread_equal(task->thread, pthread_self()))
		atomic_store(&task->attention, 1);
	else
		keg_task_kick(task);
}

/* One task is enough: the first of the process's, as a rule. */
static void call_one(struct keg_process *process, keg_sigset bit, const struct keg_task *but)
{
	for (struct keg_task *task = process->tasks; task; task = task->next) {
		if (task != but && wants(task, bit)) {
			call(task);
			return;
		}
	}
}

void keg_signal_leave_to_others(struct keg_task *task, keg_sigset set)
{
	for (keg_sigset left = set & task->process->pending->set; left; left &= left - 1)
		call_one(task->process, left & -left, task);
}

void keg_signal_set_mask(struct keg_task *task, keg_sigset mask)
{
	keg_sigset old = task->mask;

	task->mask = mask & ~KEG_UNBLOCKABLE;
	keg_signal_leave_to_others(task, task->mask & ~old);
	if (keg_signal_waits(task))
		atomic_store(&task->attention, 1);
}

void keg_signal_task_ends(struct keg_task *task)
{
	keg_sigset old = task->mask;

	task->mask = UINT64_MAX;
	task->awaited = 0;
	keg_signal_leave_to_others(task, ~old);
}

/* ---- Sending ---- */

/* Who blocks a signal may wait for it, or handle it later: it is not dropped though it would be
 * ignored now. */
static bool dropped(
	const struct keg_process *process, const struct keg_task *target, keg_sigset bit, int signo)
{
	if (!keg_signal_ignored(process, signo))
		return false;
	if (target)
		return !(target->mask & bit);
	for (const struct keg_task *task = process->tasks; task; task = task->next) {
		if (task->mask & bit)
			return false;
	}
	return true;
}

/* To the task, or, NULL, to any of the process. */
static int send(struct keg_process *process, struct keg_task *target, const siginfo_t *info)
{
	int signo = info->si_signo, result;
	keg_sigset bit;

	if (signo < 1 || signo > KEG_SIGNALS)
		return signo ? -EINVAL : 0;
	if (process->state == KEG_PROCESS_ZOMBIE || !process->actions)
		return 0;
	bit = KEG_SIGBIT(signo);
	if (signo == SIGKILL) {
		if (process->tasks)
			keg_signal_report(process->tasks, info);
		keg_process_end(process, SIGKILL);
		return 0;
	}
	if (bit & STOPS)
		keg_signal_discard(process, KEG_SIGBIT(SIGCONT));
	if (signo == SIGCONT) {
		keg_signal_discard(process, STOPS);
		keg_signal_continue(process);
	}
	if (dropped(process, target, bit, signo))
		return 0;
	result = enqueue(target ? target->pending : process->pending, info);
	if (result < 0)
		return result;
	keg_signalfds_tell(process, bit);
	if (!target)
		call_one(process, bit, NULL);
	else if (wants(target, bit))
		call(target);
	return 0;
}

int keg_signal_process(struct keg_process *process, const siginfo_t *info)
{
	return send(process, NULL, info);
}

int keg_signal_task(struct keg_task *task, const siginfo_t *info)
{
	return send(task->process, task, info);
}

int keg_signal_group(struct keg_user *user, pid_t group, const siginfo_t *info)
{
	int count = 0;
	struct keg_process *next;

	for (struct keg_process *each = user->processes; each; each = next) {
		next = each->next;
		if (each->group != group)
			continue;
		keg_signal_process(each, info);
		count++;
	}
	return count;
}

/* ---- Actions ---- */

struct keg_actions *keg_actions_create(void)
{
	struct keg_actions *actions = calloc(1, sizeof(*actions));

	if (actions)
		actions->references = 1;
	return actions;
}

void keg_actions_ignore(struct keg_actions *actions, keg_sigset set)
{
	for (; set; set &= set - 1)
		actions->of[__builtin_ctzll(set) + 1].handler = KEG_SIGNAL_IGNORE;
}

struct keg_actions *keg_actions_copy(const struct keg_actions *from)
{
	struct keg_actions *actions = keg_actions_create();

	if (actions)
		memcpy(actions->of, from->of, sizeof(actions->of));
	return actions;
}

struct keg_actions *keg_actions_share(struct keg_actions *actions)
{
	__atomic_add_fetch(&actions->references, 1, __ATOMIC_RELAXED);
	return actions;
}

void keg_actions_release(struct keg_actions *actions)
{
	if (actions && __atomic_sub_fetch(&actions->references, 1, __ATOMIC_ACQ_REL) == 0)
		free(actions);
}

void keg_actions_exec(struct keg_actions *actions)
{
	for (int signo = 1; signo <= KEG_SIGNALS; signo++) {
		uint64_t handler = actions->of[signo].handler;

		actions->of[signo] = (struct keg_sigaction){
			.handler = handler == KEG_SIGNAL_IGNORE ? KEG_SIGNAL_IGNORE : 0};
	}
}
