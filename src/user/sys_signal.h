/* SPDX-License-Identifier: MIT */
/* The handlers behind keg_syscalls_signal, by file, and what they share. */
#ifndef KEG_USER_SYS_SIGNAL_H
#define KEG_USER_SYS_SIGNAL_H

#include "user/syscall.h"
#include "user/task.h"

/* The kernel's sigset_t, which every call with one gives the size of. */
#define KEG_SIGSET_BYTES sizeof(keg_sigset)

/* sys_kill.c */
keg_syscall_function keg_sys_kill, keg_sys_tkill, keg_sys_tgkill, keg_sys_rt_sigqueueinfo,
	keg_sys_rt_tgsigqueueinfo, keg_sys_pidfd_send_signal;
/* signalfd.c */
keg_syscall_function keg_sys_signalfd, keg_sys_signalfd4;

/* Makes files of signalfd(2) readable that want one of these: they are pending. Lock held. */
void keg_signalfds_tell(const struct keg_process *process, keg_sigset set);
/* Before a task waits for such a file, or (NULL) for all of its process's: each is readable or not,
 * as it shall be. Lock not held. */
struct keg_file;
void keg_signalfds_look(struct keg_task *task, const struct keg_file *file);

#endif
