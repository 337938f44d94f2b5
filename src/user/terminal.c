/* SPDX-License-Identifier: MIT */
/* Controlling terminals and the groups in their foreground. */
#include "user/terminal.h"

#include <errno.h>

#include "user/pty.h"
#include "user/signals.h"
#include "user/task.h"

bool keg_terminal_is_own(const struct keg_terminal *terminal, const struct keg_process *process)
{
	return terminal->session != 0 && terminal->session == process->session;
}

struct keg_terminal *keg_terminal_of(const struct keg_process *process)
{
	struct keg_terminal *given = &process->user->terminal;

	return keg_terminal_is_own(given, process) ? given : keg_pty_terminal_of(process);
}

int keg_terminal_take(struct keg_terminal *terminal, const struct keg_process *process)
{
	if (process->pid != process->session)
		return -EPERM;
	if (keg_terminal_is_own(terminal, process))
		return 0;
	if (terminal->session || keg_terminal_of(process))
		return -EPERM;
	terminal->session = process->session;
	terminal->foreground = process->group;
	return 0;
}

void keg_terminal_leave(struct keg_terminal *terminal, const struct keg_process *process, bool ends)
{
	if (process->pid != process->session)
		return;
	keg_terminal_signal(terminal, process->user, SIGHUP);
	if (!ends)
		keg_terminal_signal(terminal, process->user, SIGCONT);
	*terminal = (struct keg_terminal){0};
}

/* Whether the session has a process in that group. */
static bool has_group(const struct keg_user *user, pid_t session, pid_t group)
{
	for (const struct keg_process *each = user->processes; each; each = each->next) {
		if (each->group == group && each->session == session)
			return true;
	}
	return false;
}

int keg_terminal_set_group(struct keg_terminal *terminal, struct keg_task *task, pid_t group)
{
	int result;

	if (!keg_terminal_is_own(terminal, task->process))
		return -ENOTTY;
	if (group < 0)
		return -EINVAL;
	result = keg_terminal_check(terminal, task, SIGTTOU);
	if (result < 0)
		return result;
	if (!has_group(task->process->user, terminal->session, group))
		return -EPERM;
	terminal->foreground = group;
	return 0;
}

/* A group is an orphan if no member has a parent in another group of the session, who could
 * continue it (POSIX, 3.269). */
static bool is_orphan(const struct keg_user *user, const struct keg_process *of)
{
	for (const struct keg_process *each = user->processes; each; each = each->next) {
		const struct keg_process *parent = each->parent;

		if (each->group == of->group && parent && parent->group != of->group &&
			parent->session == of->session)
			return false;
	}
	return true;
}

int keg_terminal_check(const struct keg_terminal *terminal, struct keg_task *task, int signo)
{
	const siginfo_t info = {.si_signo = signo, .si_code = SI_KERNEL};
	struct keg_process *process = task->process;

	if (!keg_terminal_is_own(terminal, process) || terminal->foreground == 0 ||
		terminal->foreground == process->group)
		return 0;
	if (task->mask & KEG_SIGBIT(signo) ||
		process->actions->of[signo].handler == KEG_SIGNAL_IGNORE)
		return signo == SIGTTIN ? -EIO : 0;
	if (is_orphan(process->user, process))
		return -EIO;
	keg_signal_group(process->user, process->group, &info);
	return KEG_RESTART;
}

void keg_terminal_signal(const struct keg_terminal *terminal, struct keg_user *user, int signo)
{
	const siginfo_t info = {.si_signo = signo, .si_code = SI_KERNEL};

	if (terminal->foreground)
		keg_signal_group(user, terminal->foreground, &info);
}

void keg_terminal_hang_up(struct keg_terminal *terminal, struct keg_user *user)
{
	const siginfo_t gone = {.si_signo = SIGHUP, .si_code = SI_KERNEL};
	const siginfo_t again = {.si_signo = SIGCONT, .si_code = SI_KERNEL};
	struct keg_process *leader =
		terminal->session ? keg_process_find(user, terminal->session) : NULL;

	if (leader && leader->group != terminal->foreground) {
		keg_signal_process(leader, &gone);
		keg_signal_process(leader, &again);
	}
	keg_terminal_signal(terminal, user, SIGHUP);
	keg_terminal_signal(terminal, user, SIGCONT);
	*terminal = (struct keg_terminal){0};
}
