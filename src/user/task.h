/* SPDX-License-Identifier: MIT */
/*
 * Sandbox, process, task: what a run is made of.
 *
 * A sandbox (struct keg_user, the public handle) holds a tree of processes that share an arena of
 * pages and a policy. A process has an address space with a machine of its own, files, signal
 * actions. A task is a thread of it: a vCPU, and a thread of the host's that runs it. The first
 * task is run by the thread that calls keg_user_run().
 *
 * Locks, in the order in which they may be taken: user->lock (the tree: processes, tasks, pids,
 * exits, signals pending and actions: one lock for all of it, held for moments), then a files
 * table's or fs's lock, then a space's, then those inside pages, objects and futexes. No lock is
 * held while a task blocks or runs.
 */
#ifndef KEG_USER_TASK_H
#define KEG_USER_TASK_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include <keg/user.h>

#include "user/machine.h"
#include "user/syscall.h"
#include "user/terminal.h"

struct keg_space;
struct keg_files;   /* files.h: the table of descriptors */
struct keg_fs;      /* fs.h: working directory, umask */
struct keg_mounts;  /* mounts.h: the sandbox's view of the host's files */
struct keg_policy;  /* policy.h */
struct keg_futexes; /* futex.h */
struct keg_tracer;  /* trace.h */
struct keg_object_cache;
struct keg_sockets;
struct keg_transit;
struct keg_netlinks;
struct keg_shared;
struct keg_commons;
struct keg_ahead;

#define KEG_SIGNALS 64 /* 1 to 64 */

/* A set of signals, as the kernel's: bit n - 1 is signal n. */
typedef uint64_t keg_sigset;
#define KEG_SIGBIT(signo) (1ull << ((signo)-1))

/* struct sigaction as the system call has it (not libc's). */
struct keg_sigaction {
	uint64_t handler; /* or SIG_DFL 0, SIG_IGN 1 */
	uint64_t flags;
	uint64_t restorer;
	keg_sigset mask;
};

/* What is pending, of a task or of a process. At most one of each standard signal; of real-time
 * signals as many as KEG_QUEUED in all. */
#define KEG_QUEUED 128
struct keg_pending {
	keg_sigset set;
	uint32_t count;
	siginfo_t queue[KEG_QUEUED];
};

struct keg_task {
	struct keg_process *process;
	struct keg_task *next; /* in its process */
	struct keg_cpu *cpu;   /* its registers are in cpu->regs */
	pid_t tid;
	pthread_t thread;
	bool has_thread; /* of its own: not run by keg_user_run()'s caller */
	bool finished;   /* it has ended, and is in user->ended until it is joined */
	bool resting;
	bool exited; /* exit(2): the loop ends the task, with exit_status */
	int exit_status;

	/* Signals; with user->lock held, but `mask`, which only the task itself changes. */
	keg_sigset mask, saved_mask;
	bool restore_mask;  /* saved_mask comes back after the handler (sigsuspend, ppoll …) */
	keg_sigset awaited; /* rt_sigtimedwait: these are taken though they are blocked */
	struct keg_pending *pending;
	uint64_t altstack, altstack_size;
	int32_t altstack_flags;
	bool forced;               /* a fault's signal is pending, to be taken before any other */
	uint32_t trap, trap_error; /* the last fault's vector and error code, for frames */
	uint64_t trap_address;

	/* The call that is being served: for its restart. */
	uint64_t syscall; /* its number; KEG_NO_SYSCALL when there is none */
	uint64_t syscall_args[6];
	uint64_t restart_deadline; /* with KEG_RESTART_SLEEP: CLOCK_MONOTONIC ns; 0 none */
	pid_t vfork_child; /* vfork(2): waits until it has executed a program, or ended; 0 none */

	/* Anything to be looked at before the program goes on: signals, the sandbox's stop, exit of
	 * the process. Set by others along with a kick (keg_task_kick()). */
	_Atomic uint32_t attention;
	_Atomic bool blocking; /* in a system call of the host's that may block: block.h */

	uint64_t clear_tid;   /* set_tid_address(2), CLONE_CHILD_CLEARTID */
	uint64_t robust_list; /* set_robust_list(2) */
	char name[16];        /* PR_SET_NAME */

	/* For copying between files and the program: grows to what was needed, at most 1 MiB. */
	void *buffer;
	size_t buffer_size;
};
#define KEG_NO_SYSCALL UINT64_MAX

struct keg_actions { /* shared by processes made with CLONE_SIGHAND */
	uint32_t references;
	struct keg_sigaction of[KEG_SIGNALS + 1];
};

enum keg_process_state {
	KEG_PROCESS_RUNS,
	KEG_PROCESS_STOPPED, /* by SIGSTOP and its kin */
	KEG_PROCESS_ZOMBIE,  /* to be waited for */
};

struct keg_process {
	struct keg_user *user;
	struct keg_process *next;   /* all of the sandbox, in order of pid */
	struct keg_process *parent; /* NULL: the first, or its parent is gone */
	pid_t pid, group, session;
	enum keg_process_state state;
	struct keg_task *tasks;
	uint32_t task_count;     /* those that have not finished */
	struct keg_space *space; /* vfork: shared with the parent until execve or exit */
	uint32_t *space_users;   /* processes that share it */
	struct keg_files *files;
	struct keg_fs *fs;
	struct keg_actions *actions;
	struct keg_pending *pending;

	bool exiting;              /* exit_group, execve or a fatal signal: other tasks end */
	struct keg_task *survivor; /* of an execve: the task that goes on */
	int status;                /* as wait(2) has it, when a zombie */
	int exit_signal;           /* to the parent: SIGCHLD, or clone's choice; 0 none */
	bool stop_reported, continued;
	bool vforked;       /* its parent waits until it has executed a program, or ended */
	bool out_of_memory; /* ended for want of it */

	uint64_t brk_start;
	char *executable;  /* the guest's path, canonical */
	uint64_t auxv[64]; /* for /proc/self/auxv; pairs */
	uint64_t args_at, args_end, env_at, env_end;
	struct rlimit limits[RLIM_NLIMITS];
	struct rusage usage;    /* of tasks that have ended, and, of a zombie, of all */
	struct rusage children; /* of those waited for */
	struct timespec started;
	struct keg_timers *timers; /* time.h: alarm, setitimer, timer_create; NULL: none */
	int dumpable, death_signal, niceness;
	bool subreaper;
};

struct keg_user {
	struct keg_host *host;
	struct keg_user_config config;
	struct keg_commons
		*commons; /* commons.h: its clones' too, and what the next three are in */
	struct keg_pages *pages;
	struct keg_object_cache *objects;
	struct keg_machine_lore *lore;
	struct keg_mounts *mounts;
	struct keg_policy *policy;
	struct keg_sockets *sockets;           /* sockets.h; NULL: none was needed yet */
	struct keg_shared *shared;             /* shared.h; NULL: none was needed yet */
	struct keg_netlinks *netlinks;         /* netlink.h; NULL: likewise */
	_Atomic(struct keg_transit *) transit; /* transit.h; NULL: none was needed yet */
	struct keg_files *streams;             /* what the program begins with */
	struct keg_futexes *futexes;
	struct keg_tracer *tracer; /* NULL: nobody listens */
	struct keg_ahead *ahead;   /* ahead.h; NULL: there is none */

	pthread_mutex_t lock;
	pthread_cond_t
		changed; /* processes ended, tasks came to rest … : broadcast with lock held */
	struct keg_process *processes;
	struct keg_process *first;   /* the program's own; freed with the sandbox */
	struct keg_task *first_task; /* run by keg_user_run()'s caller; NULL once it has ended */
	struct keg_task *ended;      /* to be joined and freed */
	pid_t last_pid;
	struct keg_terminal terminal; /* of the standard streams */
	struct keg_pty *ptys;
	uint32_t process_count, task_count; /* zombies count */
	bool running;                       /* a keg_user_run() is going on */
	bool stopping;                      /* all tasks come to rest */
	bool interrupted;                   /* keg_user_interrupt() */
	bool dying;                         /* everything ends */
	uint32_t resting;                   /* tasks */
	uint32_t end; /* enum keg_user_end: why the run stops; 0 as long as it need not */
	struct keg_user_stop report;
	struct keg_watch *watch; /* watch.h: limits of time; NULL: none yet */
	uint64_t processes_made, threads_made, ran_ns;
	int kick_signal;

	_Atomic uint64_t counts[KEG_SYSCALL_LIMIT];   /* calls by number, served or not */
	_Atomic uint64_t spent[KEG_SYSCALL_LIMIT];    /* ns in them */
	_Atomic uint64_t unserved[KEG_SYSCALL_LIMIT]; /* answered ENOSYS for want of a handler */
	_Atomic uint64_t refused[KEG_SYSCALL_LIMIT];  /* by the policy */
	_Atomic uint64_t exits, faults;
	_Atomic bool terminal_set; /* it has set the mode of a terminal of the host's */
	_Atomic uint32_t memfds;   /* that there are: sys_descriptor.c */
	const struct keg_syscall *calls[KEG_SYSCALL_LIMIT]; /* those that are served */
	struct keg_signalfd *signalfds;                     /* signalfd.c */
	struct keg_pidfd *pidfds;                           /* pidfd.c */
	struct keg_plugin *plugin; /* plugin.c: offered functions, the mark; NULL */
};

/* ---- task.c ---- */

/* Runs the task until it ends, or the sandbox rests; the thread's main loop. */
void keg_task_run(struct keg_task *task);
/* Makes it look at `attention`: leaves the vCPU, a blocking call with -EINTR, or a wait for
 * user->changed. Any thread, with user->lock held. */
void keg_task_kick(struct keg_task *task);
/* Something to be looked at: kicked, and not looked at yet. A blocking loop ends then with
 * KEG_RESTART. */
static inline bool keg_task_called(const struct keg_task *task)
{
	return atomic_load(&task->attention) != 0;
}
/* At least `size` bytes for copying, at most 1 MiB; NULL: -ENOMEM. Stands until the next call. */
void *keg_task_buffer(struct keg_task *task, size_t size);

/* ---- process.c ---- */

struct keg_process *keg_process_find(struct keg_user *user, pid_t pid); /* lock held; NULL: none */
struct keg_task *keg_task_find(struct keg_user *user, pid_t tid);       /* lock held */
/* Ends the process with a wait(2) status; lock held; other tasks are kicked, and each ends. */
void keg_process_end(struct keg_process *process, int status);

#endif
