/* SPDX-License-Identifier: MIT */
/* The life of processes and tasks: made, cloned, replaced, ended, waited for. */
#ifndef KEG_USER_PROCESS_H
#define KEG_USER_PROCESS_H

#include "user/task.h"

/* The first process of a sandbox, with an empty space and one task that has registers but no
 * program. */
int keg_process_first(struct keg_user *user, struct keg_process **process);
/* Takes it out of the tree and frees it, when no task is left; lock not held. */
void keg_process_free(struct keg_process *process);

/* A task more, with a vCPU, not started; it is in the process's list. -EAGAIN the sandbox's limit
 */
int keg_task_create(struct keg_process *process, struct keg_task **task);
int keg_task_start(struct keg_task *task); /* its thread */
/* The task's own end: clears its tid, wakes who waits; the last one ends the process. Its thread
 * returns then. */
void keg_task_end(struct keg_task *task, int status);
/* Stopped, or the sandbox rests: waits until neither is so. */
void keg_task_rest(struct keg_task *task);

#endif
