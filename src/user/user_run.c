/* SPDX-License-Identifier: MIT */
/* Running a sandbox, interrupting it, and what is known of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/error.h"
#include "user/plugin.h"
#include "user/process.h"
#include "user/signals.h"
#include "user/time.h"
#include "user/watch.h"

/* The run is over when the first process is, or all tasks rest. Lock held. */
static bool is_over(const struct keg_user *user)
{
	if (user->first->state == KEG_PROCESS_ZOMBIE)
		return true;
	return user->stopping && user->resting == user->task_count;
}

/* Those whom the first process leaves behind end with it, as in a process namespace. */
static void end_the_rest(struct keg_user *user)
{
	pthread_mutex_lock(&user->lock);
	user->dying = true;
	keg_user_kick_all(user);
	while (user->task_count)
		pthread_cond_wait(&user->changed, &user->lock);
	pthread_mutex_unlock(&user->lock);
	keg_task_reap(user);
}

static void report_end(const struct keg_user *user, struct keg_user_stop *stop)
{
	const struct keg_process *first = user->first;

	*stop = user->report;
	if (WIFEXITED(first->status)) {
		stop->end = KEG_USER_EXITED;
		stop->status = WEXITSTATUS(first->status);
	} else if (stop->end != KEG_USER_FAILED) {
		stop->end = first->out_of_memory ? KEG_USER_MEMORY : KEG_USER_KILLED;
		stop->signal = WTERMSIG(first->status);
	}
}

/* Where the first task is, for whoever looks at a sandbox that rests. */
static void report_place(const struct keg_user *user, struct keg_user_stop *stop)
{
	const struct keg_user_registers *regs;

	if (!user->first_task)
		return;
	regs = &user->first_task->cpu->regs;
	stop->rip = regs->rip;
	stop->rsp = regs->rsp;
	memcpy(stop->registers,
		(const uint64_t[16]){regs->rax, regs->rcx, regs->rdx, regs->rbx, regs->rsp,
			regs->rbp, regs->rsi, regs->rdi, regs->r8, regs->r9, regs->r10, regs->r11,
			regs->r12, regs->r13, regs->r14, regs->r15},
		sizeof(stop->registers));
}

/* Lock held. False: there is nothing to run, *stop says why. */
static bool begin(struct keg_user *user, struct keg_user_stop *stop)
{
	bool time_up = user->config.time_ns && user->ran_ns >= user->config.time_ns;

	if (user->interrupted || time_up) {
		stop->end = user->interrupted ? KEG_USER_INTERRUPTED : KEG_USER_TIME;
		user->interrupted = false;
		return false;
	}
	user->running = true;
	user->stopping = false;
	user->end = 0;
	if (user->first_task)
		user->first_task->thread = pthread_self();
	if (user->first_task && user->first_task->resting) {
		user->first_task->resting = false;
		user->resting--;
	}
	pthread_cond_broadcast(&user->changed);
	return true;
}

void keg_user_go(struct keg_user *user, struct keg_user_stop *stop)
{
	uint64_t began = keg_now_ns();
	bool ended;

	memset(stop, 0, sizeof(*stop));
	pthread_mutex_lock(&user->lock);
	if (!begin(user, stop)) {
		pthread_mutex_unlock(&user->lock);
		report_place(user, stop);
		return;
	}
	pthread_mutex_unlock(&user->lock);
	if (user->first_task)
		keg_task_run(user->first_task);
	pthread_mutex_lock(&user->lock);
	/* The caller's thread may end, before another runs the task. */
	if (user->first_task)
		user->first_task->thread = 0;
	while (!is_over(user))
		pthread_cond_wait(&user->changed, &user->lock);
	user->running = false;
	ended = user->first->state == KEG_PROCESS_ZOMBIE;
	stop->end = user->end;
	if (user->end == KEG_USER_STOPPED)
		stop->signal = WSTOPSIG(user->first->status);
	if (user->end == KEG_USER_INTERRUPTED)
		user->interrupted = false;
	pthread_mutex_unlock(&user->lock);
	user->ran_ns += keg_now_ns() - began;
	report_place(user, stop);
	if (ended)
		end_the_rest(user);
	if (ended || keg_plugin_ended(user))
		report_end(user, stop);
}

int keg_user_run(struct keg_user *user, struct keg_user_stop *stop)
{
	int result;

	if (!user->first)
		return keg_fail(EINVAL, "the sandbox has no program: keg_user_load() loads one");
	if (user->first->state == KEG_PROCESS_ZOMBIE || keg_plugin_ended(user)) {
		report_end(user, stop);
		return 0;
	}
	result = keg_plugin_before_run(user);
	if (result < 0)
		return result;
	if (user->config.time_ns) {
		uint64_t left = user->config.time_ns > user->ran_ns
					? user->config.time_ns - user->ran_ns
					: 0;

		result = keg_watch_set(user, keg_now_ns() + left);
		if (result < 0)
			return result;
	}
	do {
		keg_user_go(user, stop);
		/* Stopped, and continued already: nobody needs to know. */
	} while (stop->end == KEG_USER_STOPPED && !stop->signal);
	keg_watch_set(user, 0);
	return 0;
}

/* Makes the run end, all tasks at rest; lock held. */
void keg_user_halt(struct keg_user *user, uint32_t end)
{
	if (user->end == 0)
		user->end = end;
	user->stopping = true;
	keg_user_kick_all(user);
}

int keg_user_interrupt(struct keg_user *user)
{
	if (!user->kick_signal)
		return keg_fail(ENOTSUP, "the sandbox has no kick signal: keg_kick_install()");
	pthread_mutex_lock(&user->lock);
	user->interrupted = true;
	if (user->running)
		keg_user_halt(user, KEG_USER_INTERRUPTED);
	pthread_mutex_unlock(&user->lock);
	return 0;
}

int keg_user_signal(struct keg_user *user, int signo, bool group)
{
	siginfo_t info = {.si_signo = signo, .si_code = SI_KERNEL};
	int result = -ESRCH;

	if (signo < 1 || signo > KEG_SIGNALS)
		return keg_fail(EINVAL, "%d is no signal", signo);
	pthread_mutex_lock(&user->lock);
	if (user->first && user->first->state != KEG_PROCESS_ZOMBIE) {
		pid_t foreground =
			user->terminal.foreground ? user->terminal.foreground : user->first->group;

		result = group ? keg_signal_group(user, foreground, &info)
			       : keg_signal_process(user->first, &info);
	}
	pthread_mutex_unlock(&user->lock);
	return result < 0 ? keg_fail(-result, "the signal could not be sent") : 0;
}
