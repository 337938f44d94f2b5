/* SPDX-License-Identifier: MIT */
/* The life of processes and tasks: made, cloned, replaced, ended, waited for. */
#ifndef KEG_USER_PROCESS_H
#define KEG_USER_PROCESS_H

#include "user/task.h"

/* The first process of a sandbox: files, fs and actions, an empty space, one task without a
 * program. */
int keg_process_first(struct keg_user *user, struct keg_process **process);
/* Frees what is left of a process that has ended; lock held, it is taken out of the tree. */
void keg_process_free(struct keg_process *process);
/* The task that was the last of its process: gives back what the process has, makes it a zombie and
 * tells its parent. Lock not held. */
void keg_process_finish(struct keg_process *process);
/* A process for a fork, without tasks, in the tree: pids, actions and the rest copied or
 * shared by clone(2)'s flags; its space is the caller's to set. Lock not held. -EAGAIN the
 * sandbox's limit, -ENOMEM */
int keg_process_copy(struct keg_process *of, uint64_t flags, struct keg_process **process);
/* A copy with the same number as the first process of another sandbox. Lock not held. */
int keg_process_copy_to(
	struct keg_user *user, struct keg_process *of, struct keg_process **process);
/* Lets a parent that waits in vfork(2) go on; lock held. */
void keg_process_leave_vfork(struct keg_process *process);
/* Gives up the process's share of its space: the space, if it was the last and the caller has to
 * destroy it, else NULL. Lock not held. */
struct keg_space *keg_process_leave_space(struct keg_process *process);
/* A number that no process or task has; lock held. */
pid_t keg_pid_take(struct keg_user *user);

/* A task more, with a vCPU, not started; it is in the process's list. -EAGAIN a limit */
int keg_task_create(struct keg_process *process, struct keg_task **task);
/* The same on a vCPU that the caller has made: takes it over. */
int keg_task_create_on(struct keg_process *process, struct keg_cpu *cpu, struct keg_task **task);
int keg_task_start(struct keg_task *task); /* its thread */
/* Undoes keg_task_create(), before the start. */
void keg_task_discard(struct keg_task *task);
/* The task's own end: clears its tid, wakes who waits; the last one ends the process, with `status`
 * unless it has one. The task runs no more. */
void keg_task_end(struct keg_task *task, int status);
/* Joins and frees tasks that have ended; lock not held. */
void keg_task_reap(struct keg_user *user);
/* Makes all tasks of the sandbox, or of a process but `but`, look at what has changed; lock held.
 */
void keg_user_kick_all(struct keg_user *user);
void keg_process_kick(struct keg_process *process, const struct keg_task *but);

/* A sandbox with nothing but its locks (user.c). */
int keg_user_make(struct keg_user **user);
/* A run, from wherever the sandbox is until it is over: *stop says why (user_run.c). */
void keg_user_go(struct keg_user *user, struct keg_user_stop *stop);
/* Makes the run end for that reason, all tasks at rest; lock held. */
void keg_user_halt(struct keg_user *user, uint32_t end);

/* execve(2) with words of keg's own; once it is 0 the task's registers are the new program's. */
struct keg_load;
int keg_process_exec(struct keg_task *task, const struct keg_load *what);

/* The calls that are served beside sys_process.c. */
keg_syscall_function keg_sys_clone, keg_sys_clone3, keg_sys_fork, keg_sys_vfork, keg_sys_execve,
	keg_sys_execveat, keg_sys_wait4, keg_sys_waitid;

#endif
