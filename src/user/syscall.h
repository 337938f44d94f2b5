/* SPDX-License-Identifier: MIT */
/*
 * The table of system calls. Each file that serves some has a table of them; syscalls.c lists
 * the tables. What no table has answers ENOSYS and is counted.
 */
#ifndef KEG_USER_SYSCALL_H
#define KEG_USER_SYSCALL_H

#include <stdint.h>

struct keg_task;

/* A result, or a negative errno, or one of the values below. Arguments are as the program
 * gave them: 64 bits each, whatever the C library's prototype says; a handler narrows them itself.
 */
typedef int64_t keg_syscall_function(struct keg_task *task, const uint64_t args[6]);

enum {
	/* Interrupted by a signal: done again after it if its handler has SA_RESTART or there is
	 * none, else -EINTR. As the kernel's ERESTARTSYS, and for sleeps etc. ERESTARTNOHAND: again
	 * only if no handler runs. */
	KEG_RESTART = -512,
	KEG_RESTART_NO_HANDLER = -514,
	/* The same for a relative timeout: the handler has left its end in task->restart_deadline,
	 * and takes it from there when it is called again (keg_time_deadline()). */
	KEG_RESTART_SLEEP = -516,
	/* The registers are as they shall be: rax is not to be touched (rt_sigreturn, execve). */
	KEG_REGISTERS_SET = -4096,
};

/*
 * How an argument is traced: a letter each. d: signed int, u: unsigned, l: signed 64 bits, x:
 * hexadecimal, p: address, s: string, S: string of the length in the next argument (what is
 * written), R: buffer that the call fills, its length is the result, f: file descriptor, F: open
 * flags, D: directory descriptor (AT_FDCWD), m: mode (octal), P: PROT_, M: MAP_ flags, g: signal
 * number, G: sigset, t: timespec, C: clone flags, c: clock id, o: futex operation, a: argv array,
 * w: wait status pointer, T: struct stat
 */
struct keg_syscall {
	uint16_t number; /* __NR_ of x86-64 */
	const char *name;
	const char *arguments; /* up to six letters; the result is signed, 'x' after ':' for an
				  address */
	keg_syscall_function *serve;
};

#define KEG_SYSCALL_LIMIT 512 /* numbers are below */

/* Each ends with an entry whose name is NULL. */
extern const struct keg_syscall keg_syscalls_memory[];  /* sys_memory.c */
extern const struct keg_syscall keg_syscalls_process[]; /* clone, fork, execve, exit, wait … */
extern const struct keg_syscall keg_syscalls_signal[];
extern const struct keg_syscall keg_syscalls_futex[];
extern const struct keg_syscall keg_syscalls_time[];
extern const struct keg_syscall keg_syscalls_identity[];
extern const struct keg_syscall keg_syscalls_system[];     /* limits, uname, random, prctl … */
extern const struct keg_syscall keg_syscalls_schedule[];   /* affinity, priority … */
extern const struct keg_syscall keg_syscalls_compare[];    /* of one process with another */
extern const struct keg_syscall keg_syscalls_shared[];     /* System V's memory */
extern const struct keg_syscall keg_syscalls_path[];       /* what takes a path */
extern const struct keg_syscall keg_syscalls_io[];         /* read, write … */
extern const struct keg_syscall keg_syscalls_descriptor[]; /* close, dup, pipe, eventfd … */
extern const struct keg_syscall keg_syscalls_fcntl[];
extern const struct keg_syscall keg_syscalls_ioctl[];
extern const struct keg_syscall keg_syscalls_file[];   /* what else takes a descriptor */
extern const struct keg_syscall keg_syscalls_splice[]; /* from one to another */
extern const struct keg_syscall keg_syscalls_poll[];
extern const struct keg_syscall keg_syscalls_select[];
extern const struct keg_syscall keg_syscalls_epoll[];
extern const struct keg_syscall keg_syscalls_socket[];
extern const struct keg_syscall keg_syscalls_sockopt[];
extern const struct keg_syscall keg_syscalls_send[];
extern const struct keg_syscall keg_syscalls_receive[];

/* A call's name, served or not; NULL: there is no such call. */
const char *keg_syscall_name(uint64_t number);

/* Serves the call in the task's registers, as the policy allows, and sets rax. What the handler
 * returned, for keg_signal_deliver(); 0 for KEG_REGISTERS_SET. */
int64_t keg_syscall_serve(struct keg_task *task);
/* Fills the sandbox's index from the tables. */
void keg_syscalls_index(const struct keg_syscall *calls[KEG_SYSCALL_LIMIT]);

#endif
