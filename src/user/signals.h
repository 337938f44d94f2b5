/* SPDX-License-Identifier: MIT */
/*
 * Signals: who gets them, when, and the frames that their handlers run on (those of Linux on
 * x86-64: arch/x86/include/uapi/asm/{sigcontext,ucontext}.h as installed under <asm/>).
 */
#ifndef KEG_USER_SIGNALS_H
#define KEG_USER_SIGNALS_H

#include "user/task.h"

#define KEG_SIGNAL_IGNORE 1 /* SIG_IGN as a program has it, in handler; SIG_DFL is 0 */

/* What cannot be blocked, nor handled. */
#define KEG_UNBLOCKABLE (KEG_SIGBIT(SIGKILL) | KEG_SIGBIT(SIGSTOP))

/* Sends to a process, or to one task of it; user->lock held. Wakes who can take it. What is ignored
 * is dropped; -EAGAIN too many are queued. `info` has si_signo, si_code, si_pid … set. */
int keg_signal_process(struct keg_process *process, const siginfo_t *info);
int keg_signal_task(struct keg_task *task, const siginfo_t *info);
/* All processes of a group: how many; lock held. */
int keg_signal_group(struct keg_user *user, pid_t group, const siginfo_t *info);

/*
 * A fault of the program's own: cannot be blocked or ignored. Lock not held. signo 0: what Linux
 * makes of the exception `vector`.
 */
void keg_signal_fault(struct keg_task *task, int signo, int code, uint64_t address, uint32_t vector,
	uint32_t error);
/* SIGPIPE and the like, to the task itself; lock not held. */
void keg_signal_self(struct keg_task *task, int signo);

/* Whether one is pending that this task would take now; lock held. */
bool keg_signal_waits(struct keg_task *task);
/* Takes one of these out of what is pending for the task; lock held. False: there is none. */
bool keg_signal_take(struct keg_task *task, keg_sigset set, siginfo_t *info);

/*
 * Before the program goes on: takes what is pending, restarts or fails the call that was
 * interrupted (`result` is what it returned, KEG_RESTART …), and sets registers for a handler, ends
 * or stops the process. Lock not held. After a call that was not interrupted result is >= -4095.
 */
void keg_signal_deliver(struct keg_task *task, int64_t result);

struct keg_actions *keg_actions_create(void);
void keg_actions_ignore(struct keg_actions *actions, keg_sigset set);
struct keg_actions *keg_actions_copy(const struct keg_actions *from);
struct keg_actions *keg_actions_share(struct keg_actions *actions); /* CLONE_SIGHAND */
void keg_actions_release(struct keg_actions *actions);
void keg_actions_exec(struct keg_actions *actions); /* handlers become SIG_DFL */

/* The task's own mask from now on; lock held. What can be taken now is looked at before the program
 * goes on, and what no longer can, by another task. */
void keg_signal_set_mask(struct keg_task *task, keg_sigset mask);
/* Of these, what is pending for the process is another task's, which is called: this one was to
 * take it, and does not. Lock held. */
void keg_signal_leave_to_others(struct keg_task *task, keg_sigset set);
/* The task takes no signals any more: those that it was to take are another's. Lock held. */
void keg_signal_task_ends(struct keg_task *task);

/* Puts a temporary mask in place for a call (ppoll, sigsuspend …): the old one comes back after
 * the signal's handler, or at once with keg_signal_unmask() if none came. */
int keg_signal_mask(struct keg_task *task, uint64_t set_at, uint64_t set_size); /* 0 at: nothing */
void keg_signal_unmask(struct keg_task *task);

/* ---- Between the files of it; lock held ---- */

enum keg_signal_default {
	KEG_SIGNAL_TERMINATES,
	KEG_SIGNAL_IGNORED,
	KEG_SIGNAL_STOPS,
	KEG_SIGNAL_CONTINUES,
};
enum keg_signal_default keg_signal_default(int signo);
/* Whether the action, or its default, is to ignore it. */
bool keg_signal_ignored(const struct keg_process *process, int signo);
/* Takes them out of what is pending: in one place, or for the process and all of its tasks. */
void keg_pending_discard(struct keg_pending *pending, keg_sigset set);
void keg_signal_discard(struct keg_process *process, keg_sigset set);
/* Stops or continues the process, and tells its parent. */
void keg_signal_stop(struct keg_process *process, int signo);
void keg_signal_continue(struct keg_process *process);
/* Says in the sandbox's report what ended its first process. */
void keg_signal_report(struct keg_task *task, const siginfo_t *info);

#endif
