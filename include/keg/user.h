/* SPDX-License-Identifier: MIT */
/*
 * Running a Linux program in a machine with no kernel in it.
 *
 * A program's code runs at CPL 3 of a virtual machine, natively; each of its system calls leaves
 * the machine, and is served, or refused, by keg in this process. A sandbox (struct keg_user) holds
 * a program and the processes that it makes, each in a machine of its own. It begins with nothing:
 * no file, no network, no environment; what the program shall see is bound into it first.
 *
 *     const struct keg_user_config config = {.size = sizeof(config)};
 *     const char *const words[] = {"echo", "hello", NULL};
 *     struct keg_user *user;
 *     struct keg_user_stop stop;
 *
 *     keg_user_create(host, &config, &user);
 *     keg_user_bind_program(user, "/bin/echo");
 *     keg_user_set_stream(user, 1, 1);
 *     keg_user_load(user, "/bin/echo", words, NULL);
 *     keg_user_run(user, &stop);
 *     keg_user_destroy(user);
 *
 * Threads: a sandbox is set up and run by one thread at a time; keg_user_interrupt(), and what says
 * so, is for any. Sandboxes know nothing of each other, clones included. The library makes a thread
 * for each of the program's threads but the first, which runs in the caller's; they end with the
 * sandbox. It needs a kick signal (keg_kick_install()) for keg_user_interrupt(), limits of time,
 * and signals between threads.
 *
 * Available in the x86-64 library only.
 */
#ifndef KEG_USER_H
#define KEG_USER_H

#include <keg/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_user;

enum keg_user_flags {
	KEG_USER_STOPS = 1 << 0,  /* a run ends when the first process is stopped */
	KEG_USER_UMASK = 1 << 1,  /* `umask` is the caller's choice */
	KEG_USER_HELPER = 1 << 2, /* threads of the library's help with setting up, and are gone
				     when keg_user_load() returns, and with ending: saves time where
				     there is a processor for them. No fork(2) in between */
};

struct keg_user_config {
	size_t size;        /* sizeof(struct keg_user_config) */
	uint64_t flags;     /* enum keg_user_flags */
	uint64_t memory;    /* bytes for all processes together, page tables included: 16 MiB to
			       4 TiB; 0: 4 GiB. The host backs what is used */
	uint64_t time_ns;   /* of real time that runs may take in all; 0: no limit */
	uint32_t processes; /* at a time, zombies included; at most 2^16; 0: 256 */
	uint32_t threads;   /* at a time, in all processes; at most 2^16; 0: 1024 */
	uint32_t files;     /* open in each process; at most 2^20; 0: 1024 */
	int kick_signal;    /* given to keg_kick_install(); 0: none */
	uint32_t umask;     /* with KEG_USER_UMASK: of the program, 0 to 0777; else 022 */
	uint64_t ignored;   /* signals that it begins with ignored, as after nohup(1): bit n - 1 is
			       signal n; not SIGKILL, not SIGSTOP */
};

/*
 * Makes an empty sandbox. *user borrows the host, which must outlive it. A NULL configuration is
 * all zeros. -EINVAL a wrong size, flag or number; -ENOMEM
 */
KEG_API int keg_user_create(
	struct keg_host *host, const struct keg_user_config *config, struct keg_user **user);

/* Ends all that runs in it, and it. NULL is allowed. Not while another thread is in it. */
KEG_API void keg_user_destroy(struct keg_user *user);

/* ---- What the program may see and do: before keg_user_load() ---- */

enum keg_user_bind_flags {
	KEG_USER_WRITABLE = 1 << 0,
	KEG_USER_OPTIONAL = 1 << 1, /* nothing at `host` is no failure */
};
/*
 * Shows a file or a directory of the host's, with all below it, at `guest` (NULL: at the same
 * path). Later ones cover earlier ones. Symbolic links in it lead to where they lead in the
 * sandbox. Both paths are copied. -ENOENT, -EACCES; -EINVAL a path is not absolute, or is the
 * host's /proc; -ENOSPC there are 256 already; -EBUSY a program is loaded; -ENOTSUP the host's
 * kernel has no openat2(2)
 */
KEG_API int keg_user_bind(
	struct keg_user *user, const char *host, const char *guest, uint32_t flags);

/*
 * What a program needs to start, read-only: itself, its interpreter (a script's too), the system's
 * folders of libraries, and the libraries that it needs by a run path of its own. It is not
 * trusted: what it names is shown only if it is a program or a library. `path` is the host's,
 * absolute. What keg_user_bind() says; -ENOEXEC, -ELOOP scripts more than four deep
 */
KEG_API int keg_user_bind_program(struct keg_user *user, const char *path);

/* An empty, private, writable directory; what is written to it is gone with the sandbox. bytes: at
 * most, of all files; 0: 1 GiB; of each file only where this process may mount a tmpfs neither
 * itself nor in a user namespace. What keg_user_bind() says */
KEG_API int keg_user_bind_empty(struct keg_user *user, const char *guest, uint64_t bytes);

/* /proc as far as it concerns the sandbox's own processes, and /dev with what any program may use.
 */
KEG_API int keg_user_bind_system(struct keg_user *user);

/* Gives the program a descriptor of the host's, duplicated, as its `number`: 0 to 2 as a rule, 1023
 * at most. -EINVAL another; -EBADF no such descriptor */
KEG_API int keg_user_set_stream(struct keg_user *user, int number, int fd);

/* The working directory that it begins in; default "/". It is copied, and looked for by
 * keg_user_load(). -EINVAL not absolute */
KEG_API int keg_user_set_directory(struct keg_user *user, const char *guest);

/* Sockets of the host's network, as this process has it. Without it: AF_UNIX within the sandbox
 * alone. */
KEG_API int keg_user_set_network(struct keg_user *user, bool allowed);

/*
 * A system call by its name: refused (error: what it answers, EPERM as a rule), or served if keg
 * serves it (0). Default: all that keg serves. "all" stands for all of them. -ENOENT Linux has no
 * such call; -EINVAL no error number, which is 0 to 4095
 */
KEG_API int keg_user_set_syscall(struct keg_user *user, const char *name, int error);

/* ---- Running ---- */

/*
 * Loads an ELF program or a script (#!) at the sandbox's path: static, static-pie, or by its
 * interpreter. argv and environment end with NULL, and are copied; a NULL environment is empty.
 * After a failure another may be loaded. -ENOENT it is not there, or its interpreter is not;
 * -EACCES it is no file that can be executed; -ENOEXEC, -ELIBBAD neither a program nor a script,
 * and the message says why; -ELOOP scripts more than four deep; -E2BIG; -EINVAL the working
 * directory is none; -EBUSY one is loaded; -ENOMEM, and what KVM says
 */
KEG_API int keg_user_load(struct keg_user *user, const char *path, const char *const argv[],
	const char *const environment[]);

enum keg_user_end {
	KEG_USER_EXITED = 1,  /* status: 0 to 255 */
	KEG_USER_KILLED,      /* by a signal or a fault: signal; what, rip … say where */
	KEG_USER_INTERRUPTED, /* keg_user_interrupt(): goes on with the next keg_user_run() */
	KEG_USER_TIME,        /* the time is up: goes on no more */
	KEG_USER_MEMORY,   /* the memory is out: a process was ended for it, and it was the first */
	KEG_USER_REACHED,  /* keg_user_run_to()'s address: goes on */
	KEG_USER_RETURNED, /* a function that was called (keg_user_call()) */
	KEG_USER_FAILED,   /* KVM or the host failed; `what` says how */
	KEG_USER_STOPPED,  /* KEG_USER_STOPS, by `signal`: SIGCONT and keg_user_run() go on */
};

/* Why a run ended. */
struct keg_user_stop {
	uint32_t end;           /* enum keg_user_end */
	int32_t status;         /* EXITED: exit status */
	int32_t signal;         /* KILLED, STOPPED: the signal's number */
	uint32_t vector;        /* KILLED by a fault: the processor's exception (0: division) */
	uint64_t address;       /* a page fault's: what it touched */
	uint64_t rip, rsp;      /* of the first thread, or of the one that faulted */
	uint64_t registers[16]; /* rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8 to r15 */
	char what[192]; /* in words: "read of 0x0 at 0x401136 in /bin/x+0x1136: nothing is mapped
			   there"; "signal 15 (SIGTERM)" */
};
/*
 * Runs the program until it ends or rests, in this thread and in those of its own threads. 0: *stop
 * says why; again, what ended has ended. -EINVAL no program is loaded; -EAGAIN no thread for the
 * limit of time
 */
KEG_API int keg_user_run(struct keg_user *user, struct keg_user_stop *stop);

/* Makes a run that is going on, or the next one, return KEG_USER_INTERRUPTED, all processes at
 * rest. Any thread. -ENOTSUP the sandbox has no kick signal */
KEG_API int keg_user_interrupt(struct keg_user *user);

/* Sends a signal to the program, as kill(2): to the first process, or with `group` to the group in
 * the foreground. Any thread. -EINVAL no signal; -ESRCH nobody is there to get it */
KEG_API int keg_user_signal(struct keg_user *user, int signo, bool group);

/*
 * Gives up, for this whole process and for good, what running this sandbox does not need:
 * capabilities, files that are not bound into it (Landlock), system calls that keg does not make
 * (seccomp), new privileges. What the kernel or the build lacks of these is left out. After
 * keg_user_load(), before other threads are made: Landlock and capabilities are the calling
 * thread's, and of those that it makes. No other sandbox can be set up afterwards. What the kernel
 * says
 */
KEG_API int keg_user_confine(struct keg_user *user);

/* ---- Memory and symbols of the first process, while it does not run ---- */

/* Copies; whatever the program itself may do there. -EINVAL there is no program, or no more;
 * -EFAULT not all of it is mapped; -ENOMEM no page to write to */
KEG_API int keg_user_read(struct keg_user *user, uint64_t address, void *to, size_t length);
KEG_API int keg_user_write(
	struct keg_user *user, uint64_t address, const void *from, size_t length);
/* Fresh zeroed memory for buffers, read and write; ends with the process, or with a reset to
 * before. free: whole pages, as munmap(2). -EINVAL, -ENOMEM */
KEG_API int keg_user_allocate(struct keg_user *user, size_t length, uint64_t *address);
KEG_API int keg_user_free(struct keg_user *user, uint64_t address, size_t length);
/* A function's or object's address by its name in the program's symbol table (.symtab or .dynsym):
 * not in its libraries'. -ENOENT; -EINVAL there is no program, or no more */
KEG_API int keg_user_symbol(struct keg_user *user, const char *name, uint64_t *address);

/* ---- Plugins: a program as a set of functions ---- */

/* Runs until the first thread is about to execute what is at `address` ("main" by
 * keg_user_symbol(), say): end is KEG_USER_REACHED, or how else it ended. -EFAULT nothing is there;
 * -EBUSY the program is running; -EINVAL there is no program, or no more */
KEG_API int keg_user_run_to(struct keg_user *user, uint64_t address, struct keg_user_stop *stop);

/*
 * Calls a function of the program, loaded and run to a point, with up to six integers or pointers
 * (System V ABI), on the first thread; *result is what it returned, if stop->end is
 * KEG_USER_RETURNED. time_ns: for this call; 0: no limit but the sandbox's. After any other end the
 * state is as it was when it ended: reset, or destroy. -EINVAL more than six, or the program has
 * ended; -EBUSY it is running; -EFAULT there is no stack to call it on
 */
KEG_API int keg_user_call(struct keg_user *user, uint64_t function, const uint64_t *arguments,
	size_t count, uint64_t time_ns, uint64_t *result, struct keg_user_stop *stop);

/*
 * The state that keg_user_reset() comes back to: memory, registers, mappings, signal actions and
 * masks, limits, working directory. One process with one thread only (-EBUSY). Open files are not
 * part of it, but those opened since are closed; threads, processes and timers made since end.
 * A marked program that exits or is killed comes back with a reset too. It cannot become another:
 * its execve(2) answers EPERM. -EINVAL there is no program, or (reset) no mark; -ENOMEM
 */
KEG_API int keg_user_mark(struct keg_user *user);
KEG_API int keg_user_reset(struct keg_user *user);

/* A sandbox of its own in the state of the marked or resting one, sharing memory until one of them
 * writes. Each is used by one thread at a time, any of them. Clones share the arena and its limit;
 * *clone outlives `user` if need be, and is destroyed for itself. -EBUSY more than one thread or
 * process, a file open that is one sandbox's only (signalfd(2), pidfd_open(2), netlink(7), a
 * pseudo terminal), files on their way to itself (SCM_RIGHTS), shared memory of System V, or it is
 * running; -ENOMEM, and what KVM says */
KEG_API int keg_user_clone(struct keg_user *user, struct keg_user **clone);

/*
 * Offers a function of the host's to the program, which calls it with system call number
 * `KEG_USER_HOST_CALL + number` (0 to 255), six arguments and a result. It runs in the thread of
 * the program's; keg_user_read() and keg_user_write() are allowed in it. A negative result is an
 * errno to programs that use syscall(2). A NULL function is offered no more. `context` is borrowed.
 * -EINVAL the number; -ENOMEM
 */
#define KEG_USER_HOST_CALL 0x6b00
typedef int64_t keg_user_function(
	void *context, struct keg_user *user, const uint64_t arguments[6]);
KEG_API int keg_user_offer(
	struct keg_user *user, uint32_t number, keg_user_function *function, void *context);

/* ---- Watching ---- */

/* A system call, when it has been served (or `entered` set: before an execve or exit, which do not
 * come back). */
struct keg_user_syscall {
	int32_t pid, tid;
	uint64_t number;
	const char *name; /* NULL: unknown */
	uint64_t arguments[6];
	int64_t result;             /* a negative errno as the program gets it */
	bool returned;              /* false: it does not return */
	bool served;                /* false: ENOSYS, or refused */
	uint64_t began_ns, took_ns; /* CLOCK_MONOTONIC; time in keg */
	const char *text; /* as strace writes it, in ASCII: openat(AT_FDCWD, "/a", O_RDONLY) = 3;
			     stands, as `name` does, as long as the tracer's call */
};
/* Called in the threads of the program, one at a time; NULL: no more. Costs time in each call, and
 * may not use the sandbox. -EBUSY it is running; -ENOMEM */
typedef void keg_user_tracer(void *context, const struct keg_user_syscall *call);
KEG_API int keg_user_set_tracer(struct keg_user *user, keg_user_tracer *tracer, void *context);

/* What calls came, in order of their numbers: *count is the room in `counts`, and then how many
 * there are. Any time. -E2BIG there are more than fit: the first are there */
struct keg_user_count {
	uint64_t number;
	const char *name; /* NULL: unknown */
	uint64_t calls, unserved, refused;
	uint64_t time_ns; /* spent serving it, blocking included */
};
KEG_API int keg_user_counts(struct keg_user *user, struct keg_user_count *counts, size_t *count);

struct keg_user_stats {
	size_t size;    /* sizeof(struct keg_user_stats) */
	uint64_t exits; /* KVM_RUNs that ended */
	uint64_t syscalls, faults;
	uint64_t memory_used, memory_highest, memory_limit; /* bytes */
	uint64_t processes, threads;                        /* made so far */
	uint64_t time_ns;                                   /* real time in runs */
	bool open_layout;  /* KVM stays at CPL 3 on SYSCALL (docs/design.md) */
	bool terminal_set; /* the program has set the mode of a terminal that is a stream of its */
};
KEG_API int keg_user_stats(struct keg_user *user, struct keg_user_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
