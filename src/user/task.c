/* SPDX-License-Identifier: MIT */
/* A task's main loop: the program runs, what it asks for is served, what others want of it is
 * looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/block.h"
#include "user/commons.h"
#include "user/plugin.h"
#include "user/process.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/task.h"
#include "user/vdso.h"

#define BUFFER_MAX (1u << 20)

/* What waiting and running have in common: whether the task shall do neither. Lock held. */
static bool must_end(const struct keg_task *task)
{
	const struct keg_process *process = task->process;

	return task->exited || process->user->dying ||
	       (process->exiting && process->survivor != task);
}

static bool must_rest(const struct keg_task *task)
{
	return task->process->user->stopping || task->process->state == KEG_PROCESS_STOPPED;
}

/*
 * Waits as long as the process is stopped or the sandbox rests. True: the task goes on. False: it
 * is the one that keg_user_run()'s caller runs, and the sandbox is at rest.
 */
static bool rest(struct keg_task *task)
{
	struct keg_user *user = task->process->user;

	while (must_rest(task) && !must_end(task)) {
		if (user->stopping && !task->resting) {
			task->resting = true;
			user->resting++;
			pthread_cond_broadcast(&user->changed);
		}
		if (user->stopping && !task->has_thread)
			return false;
		pthread_cond_wait(&user->changed, &user->lock);
		if (!user->stopping && task->resting) {
			task->resting = false;
			user->resting--;
		}
	}
	return true;
}

/* vfork(2): the parent waits until the child has executed a program, or ended. Lock held. */
static bool waits_for_child(struct keg_task *task)
{
	const struct keg_process *child = NULL;

	if (task->vfork_child)
		child = keg_process_find(task->process->user, task->vfork_child);
	if (child && child->vforked)
		return true;
	/* Signals have waited as well. */
	if (task->vfork_child)
		atomic_store(&task->attention, 1);
	task->vfork_child = 0;
	return false;
}

enum attended {
	GOES_ON,
	RESTS,
	ENDS,
};

/* Looks at what others want of the task. */
static enum attended attend(struct keg_task *task, int64_t result)
{
	struct keg_user *user = task->process->user;
	enum attended attended = GOES_ON;

	atomic_store(&task->attention, 0);
	if (!keg_plugin_holds(task) && !task->vfork_child)
		keg_signal_deliver(task, result);
	pthread_mutex_lock(&user->lock);
	while (attended == GOES_ON && !must_end(task)) {
		if (must_rest(task))
			attended = rest(task) ? GOES_ON : RESTS;
		else if (waits_for_child(task))
			pthread_cond_wait(&user->changed, &user->lock);
		else
			break;
	}
	if (must_end(task))
		attended = ENDS;
	else if (task->vfork_child)
		atomic_store(&task->attention, 1);
	pthread_mutex_unlock(&user->lock);
	return attended;
}

/* A page that cannot be had: the sandbox's memory is out, and the process that asked pays for it.
 */
static void out_of_memory(struct keg_task *task)
{
	struct keg_user *user = task->process->user;

	pthread_mutex_lock(&user->lock);
	task->process->out_of_memory = true;
	keg_process_end(task->process, SIGKILL);
	pthread_mutex_unlock(&user->lock);
}

static void serve_page_fault(struct keg_task *task, const struct keg_cpu_event *event)
{
	/* AMD64 APM volume 2, 8.4.2: the error code of a page fault */
	enum { FAULT_WRITE = 1 << 1, FAULT_FETCH = 1 << 4 };
	enum keg_touch touch = event->error & FAULT_FETCH   ? KEG_TOUCH_EXECUTE
			       : event->error & FAULT_WRITE ? KEG_TOUCH_WRITE
							    : KEG_TOUCH_READ;
	int result = keg_space_fault(task->process->space, event->address, touch);

	atomic_fetch_add_explicit(&task->process->user->faults, 1, memory_order_relaxed);
	if (result == 0)
		return;
	if (result == -ENOMEM)
		out_of_memory(task);
	else if (result == -ENXIO)
		keg_signal_fault(
			task, SIGBUS, BUS_ADRERR, event->address, event->vector, event->error);
	else
		keg_signal_fault(task, SIGSEGV, result == -EACCES ? SEGV_ACCERR : SEGV_MAPERR,
			event->address, event->vector, event->error);
}

/* Lock held. */
static void report_failure(struct keg_user *user)
{
	if (user->report.end)
		return;
	user->report.end = KEG_USER_FAILED;
	strncpy(user->report.what, keg_error_message(), sizeof(user->report.what) - 1);
}

/* KVM failed, or the machine did what none of keg's can: the process cannot go on. */
static void broken(struct keg_task *task)
{
	struct keg_user *user = task->process->user;

	pthread_mutex_lock(&user->lock);
	if (task->process == user->first)
		report_failure(user);
	keg_process_end(task->process, SIGKILL);
	pthread_mutex_unlock(&user->lock);
}

/* A process may still reach what was taken from it, and is another's now: none goes on. */
static void unsound(struct keg_user *user, int error)
{
	keg_fail_errno(error, "making KVM forget what a program's memory was mapped to");
	pthread_mutex_lock(&user->lock);
	report_failure(user);
	for (struct keg_process *each = user->processes; each; each = each->next)
		keg_process_end(each, SIGKILL);
	pthread_mutex_unlock(&user->lock);
}

/* What the program did. What a call returned is for signals to know; 0 otherwise. */
static int64_t serve(struct keg_task *task, const struct keg_cpu_event *event)
{
	int64_t result = 0;

	switch (event->type) {
	case KEG_CPU_SYSCALL:
		result = keg_syscall_serve(task);
		break;
	case KEG_CPU_EXCEPTION:
		if (event->vector == 14)
			serve_page_fault(task, event);
		else if (event->vector != 3 || !keg_plugin_trap(task))
			keg_signal_fault(task, 0, 0, event->address, event->vector, event->error);
		break;
	case KEG_CPU_KICKED:
		break;
	case KEG_CPU_BROKEN:
		broken(task);
		break;
	}
	return result;
}

void keg_task_run(struct keg_task *task)
{
	struct keg_user *user = task->process->user;
	struct keg_vdso *vdso = user->commons->vdso;
	struct keg_cpu_event event;
	int64_t result = 0;
	int error;

	for (;;) {
		if (keg_task_called(task) || result <= KEG_RESTART) {
			enum attended attended = attend(task, result);

			result = 0;
			if (attended == ENDS && !keg_plugin_keeps(task))
				keg_task_end(task, task->exit_status);
			if (attended != GOES_ON)
				return;
			continue; /* it may be called again already */
		}
		error = keg_pages_unsound(user->pages);
		if (error) {
			unsound(user, error);
			continue;
		}
		/* It may have slept. */
		if (vdso)
			keg_vdso_refresh(vdso);
		if (keg_cpu_run(task->cpu, &event) < 0) {
			broken(task);
			continue;
		}
		atomic_fetch_add_explicit(&user->exits, 1, memory_order_relaxed);
		result = serve(task, &event);
	}
}

void keg_task_kick(struct keg_task *task)
{
	atomic_store(&task->attention, 1);
	keg_cpu_kick(task->cpu);
	keg_block_wake(task);
	pthread_cond_broadcast(&task->process->user->changed);
}

void *keg_task_buffer(struct keg_task *task, size_t size)
{
	void *buffer;

	if (size > BUFFER_MAX)
		return NULL;
	if (size <= task->buffer_size)
		return task->buffer;
	size = size < KEG_PAGE ? KEG_PAGE : size;
	buffer = realloc(task->buffer, size);
	if (!buffer)
		return NULL;
	/* What a call leaves as it was in there may go to the program: padding of entries, say. */
	memset((char *)buffer + task->buffer_size, 0, size - task->buffer_size);
	task->buffer = buffer;
	task->buffer_size = size;
	return buffer;
}
