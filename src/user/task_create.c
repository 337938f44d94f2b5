/* SPDX-License-Identifier: MIT */
/* Tasks: made, and their threads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "user/process.h"
#include "user/space.h"

int keg_task_create_on(struct keg_process *process, struct keg_cpu *cpu, struct keg_task **task)
{
	struct keg_user *user = process->user;
	struct keg_task *made = calloc(1, sizeof(*made));
	struct keg_task **at = &process->tasks;

	if (made)
		made->pending = calloc(1, sizeof(*made->pending));
	if (!made || !made->pending) {
		free(made);
		keg_cpu_destroy(cpu);
		return keg_fail(ENOMEM, "out of memory for a thread");
	}
	made->process = process;
	made->cpu = cpu;
	made->syscall = KEG_NO_SYSCALL;
	pthread_mutex_lock(&user->lock);
	if (user->task_count >= user->config.threads) {
		pthread_mutex_unlock(&user->lock);
		free(made->pending);
		free(made);
		keg_cpu_destroy(cpu);
		return -EAGAIN;
	}
	made->tid = process->tasks ? keg_pid_take(user) : process->pid;
	while (*at)
		at = &(*at)->next;
	*at = made;
	process->task_count++;
	user->task_count++;
	user->threads_made++;
	pthread_mutex_unlock(&user->lock);
	*task = made;
	return 0;
}

int keg_task_create(struct keg_process *process, struct keg_task **task)
{
	struct keg_cpu *cpu;
	int result = keg_cpu_create(keg_space_machine(process->space), &cpu);

	return result < 0 ? result : keg_task_create_on(process, cpu, task);
}

static void *thread_main(void *context)
{
	keg_task_run(context);
	return NULL;
}

int keg_task_start(struct keg_task *task)
{
	struct keg_user *user = task->process->user;
	sigset_t blocked;
	int error;

	/* The program's signals are for the program's own threads: only kicks reach this one. */
	sigfillset(&blocked);
	if (user->kick_signal)
		sigdelset(&blocked, user->kick_signal);
	task->has_thread = true;
	/* Its process, or all, may have been told to end or to rest before it was in the list. */
	atomic_store(&task->attention, 1);
	/* With the lock: whoever kicks the task, under it, finds `thread` set. */
	pthread_mutex_lock(&user->lock);
	error = keg_thread_create(&task->thread, &blocked, thread_main, task);
	pthread_mutex_unlock(&user->lock);
	if (error)
		task->has_thread = false;
	return error ? -EAGAIN : 0;
}

void keg_task_discard(struct keg_task *task)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;

	pthread_mutex_lock(&user->lock);
	for (struct keg_task **at = &process->tasks; *at; at = &(*at)->next) {
		if (*at == task) {
			*at = task->next;
			break;
		}
	}
	process->task_count--;
	user->task_count--;
	pthread_mutex_unlock(&user->lock);
	keg_cpu_destroy(task->cpu);
	free(task->pending);
	free(task->buffer);
	free(task);
}
