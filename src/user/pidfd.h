/* SPDX-License-Identifier: MIT */
/* pidfd_open(2): files that stand for a process of the sandbox, and outlive it. */
#ifndef KEG_USER_PIDFD_H
#define KEG_USER_PIDFD_H

#include <stdbool.h>
#include <sys/types.h>

#include "user/syscall.h"

struct keg_file;
struct keg_process;
struct keg_task;
struct keg_user;

keg_syscall_function keg_sys_pidfd_open;

/* A file for the process, which does not run yet: its number in the task's table. Lock not held.
 * -EMFILE … */
int keg_pidfd_add(struct keg_task *task, struct keg_process *process, int flags);

bool keg_file_is_pidfd(const struct keg_file *file);
/* The process, which may be a zombie; NULL: it is gone. Lock held, by whom that is so. */
struct keg_process *keg_pidfd_process(const struct keg_file *file);
/* The number of the process whose directory in /proc the file is; 0: it is none.
 * pidfd_send_signal(2) takes those as well. */
pid_t keg_file_proc_pid(const struct keg_file *file);

/* The process has ended, for poll(2); or is to be freed. Lock held. */
void keg_pidfds_tell(const struct keg_process *process);
void keg_pidfds_forget(const struct keg_process *process);

#endif
