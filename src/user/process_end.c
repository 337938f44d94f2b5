/* SPDX-License-Identifier: MIT */
/* How processes and tasks end. */
#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/files.h"
#include "user/futex.h"
#include "user/mounts.h"
#include "user/pidfd.h"
#include "user/process.h"
#include "user/pty.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/time.h"
#include "user/transit.h"

void keg_process_end(struct keg_process *process, int status)
{
	if (process->state == KEG_PROCESS_ZOMBIE)
		return;
	if (!process->exiting || process->survivor) {
		process->status = status;
		process->exiting = true;
		process->survivor = NULL;
	}
	keg_process_kick(process, NULL);
}

void keg_process_leave_vfork(struct keg_process *process)
{
	process->vforked = false;
	pthread_cond_broadcast(&process->user->changed);
}

/* SIGCHLD, or what clone(2) asked for, with what wait(2) will say. Lock held. */
static void tell_parent(struct keg_process *process)
{
	siginfo_t info = {
		.si_signo = process->exit_signal,
		.si_code = WIFEXITED(process->status) ? CLD_EXITED : CLD_KILLED,
	};

	if (process->exit_signal == 0)
		return;
	info.si_pid = process->pid;
	info.si_uid = getuid();
	info.si_status = WIFEXITED(process->status) ? WEXITSTATUS(process->status)
						    : WTERMSIG(process->status);
	keg_signal_process(process->parent, &info);
}

/* A zombie's parent hears of it. If it does not wait for its children, as SIGCHLD is ignored or
 * SA_NOCLDWAIT set (wait(2), Notes), the zombie is gone. Lock held. */
static void hand_over(struct keg_process *process)
{
	const struct keg_sigaction *action;
	bool ignored, waits = true;

	/* A parent that has ended itself has given its actions back. */
	if (!process->parent || !process->parent->actions) {
		if (process != process->user->first)
			keg_process_free(process);
		return;
	}
	action = &process->parent->actions->of[SIGCHLD];
	ignored = process->exit_signal == SIGCHLD && action->handler == KEG_SIGNAL_IGNORE;
	if (process->exit_signal == SIGCHLD)
		waits = !ignored && !(action->flags & SA_NOCLDWAIT);
	/* Not even pending, should it be blocked. */
	if (!ignored)
		tell_parent(process);
	if (!waits)
		keg_process_free(process);
}

/* prctl(2), PR_SET_PDEATHSIG. */
static void tell_of_death(struct keg_process *child)
{
	siginfo_t info = {.si_signo = child->death_signal, .si_code = SI_KERNEL};

	if (info.si_signo)
		keg_signal_process(child, &info);
}

/* Its children are the nearest subreaper's, or the first process's. Lock held. */
static void give_children_away(struct keg_process *process)
{
	struct keg_user *user = process->user;
	struct keg_process *to = process->parent, *next;

	while (to && !to->subreaper)
		to = to->parent;
	if (!to && user->first != process)
		to = user->first;
	for (struct keg_process *each = user->processes; each; each = next) {
		next = each->next;
		if (each->parent != process)
			continue;
		each->parent = to;
		/* Who adopts a child hears of it by no other signal. */
		each->exit_signal = SIGCHLD;
		if (each->state == KEG_PROCESS_ZOMBIE)
			hand_over(each);
		else
			tell_of_death(each);
	}
}

void keg_process_finish(struct keg_process *process)
{
	struct keg_user *user = process->user;
	struct keg_files *files = process->files;
	struct keg_fs *fs = process->fs;
	struct keg_space *space;

	/* With the lock, for those who look at it in /proc. */
	pthread_mutex_lock(&user->lock);
	process->files = NULL;
	process->fs = NULL;
	pthread_mutex_unlock(&user->lock);
	/* Before the parent hears of it: the other ends of its pipes are at their end by then. */
	keg_files_release(files);
	keg_transit_look(user);
	keg_fs_release(fs);
	keg_timers_destroy(process->timers);
	process->timers = NULL;
	space = keg_process_leave_space(process);

	pthread_mutex_lock(&user->lock);
	process->state = KEG_PROCESS_ZOMBIE;
	keg_pty_process_ends(process);
	keg_process_leave_vfork(process);
	give_children_away(process);
	keg_actions_release(process->actions);
	process->actions = NULL;
	keg_pidfds_tell(process);
	hand_over(process);
	pthread_cond_broadcast(&user->changed);
	pthread_mutex_unlock(&user->lock);
	/* The slowest part, of which nobody needs to hear the end. */
	keg_space_destroy(space);
}

/* The task's processor time, its machine's included: it is all its thread's. */
static void add_usage(struct rusage *usage)
{
	struct rusage own;

	if (getrusage(RUSAGE_THREAD, &own) < 0)
		return;
	timeradd(&usage->ru_utime, &own.ru_utime, &usage->ru_utime);
	timeradd(&usage->ru_stime, &own.ru_stime, &usage->ru_stime);
}

/* Takes the task out of its process; whether it was the last. Lock held. */
static bool leave(struct keg_task *task, int status)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;

	keg_signal_task_ends(task);
	for (struct keg_task **at = &process->tasks; *at; at = &(*at)->next) {
		if (*at == task) {
			*at = task->next;
			break;
		}
	}
	if (task->resting)
		user->resting--;
	task->resting = false;
	process->task_count--;
	add_usage(&process->usage);
	if (process->task_count == 0 && !process->exiting)
		process->status = status;
	if (user->first_task == task)
		user->first_task = NULL;
	/* With the lock: the task that is the process's last ends the machine. */
	keg_cpu_destroy(task->cpu);
	task->cpu = NULL;
	pthread_cond_broadcast(&user->changed);
	return process->task_count == 0;
}

void keg_task_end(struct keg_task *task, int status)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;
	bool last;

	keg_futex_task_ends(task);
	pthread_mutex_lock(&user->lock);
	last = leave(task, status);
	pthread_mutex_unlock(&user->lock);
	if (last)
		keg_process_finish(process);
	pthread_mutex_lock(&user->lock);
	user->task_count--;
	task->finished = true;
	task->next = user->ended;
	user->ended = task;
	pthread_cond_broadcast(&user->changed);
	pthread_mutex_unlock(&user->lock);
}

void keg_task_reap(struct keg_user *user)
{
	struct keg_task *ended, *next;

	pthread_mutex_lock(&user->lock);
	ended = user->ended;
	user->ended = NULL;
	pthread_mutex_unlock(&user->lock);
	for (; ended; ended = next) {
		next = ended->next;
		if (ended->has_thread)
			pthread_join(ended->thread, NULL);
		free(ended->pending);
		free(ended->buffer);
		free(ended);
	}
}
