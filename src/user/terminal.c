/* SPDX-License-Identifier: MIT */
/* Controlling terminals and the groups in their foreground. */
#include "user/terminal.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/files.h"
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

/* Whether it may be the terminal that the program was given, and how that is set. */
static bool is_given(const struct keg_file *file, struct termios *termios)
{
	return file->kind == KEG_FILE_STREAM && file->type == S_IFCHR &&
	       syscall(SYS_ioctl, file->fd, TCGETS, termios) == 0;
}

static int64_t check_given(struct keg_task *task, int signo)
{
	struct keg_user *user = task->process->user;
	int64_t r;

	pthread_mutex_lock(&user->lock);
	r = keg_terminal_check(&user->terminal, task, signo);
	pthread_mutex_unlock(&user->lock);
	return r;
}

int64_t keg_terminal_check_given(struct keg_task *task, const struct keg_file *file, int signo)
{
	struct termios termios;

	return is_given(file, &termios) ? check_given(task, signo) : 0;
}

int64_t keg_terminal_check_output(struct keg_task *task, const struct keg_file *file)
{
	struct termios termios;

	return is_given(file, &termios) && termios.c_lflag & TOSTOP ? check_given(task, SIGTTOU)
								    : 0;
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
