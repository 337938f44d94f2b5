/* SPDX-License-Identifier: MIT */
/* clone(2): threads, forks, and what lies between them. */
#include <errno.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>

#include "user/files.h"
#include "user/pidfd.h"
#include "user/process.h"
#include "user/signals.h"
#include "user/space.h"

/* What clone(2) and clone3(2) ask for. */
struct wish {
	uint64_t flags;
	int exit_signal;
	uint64_t stack; /* its top; 0: the same */
	uint64_t parent_tid, child_tid, tls, pidfd;
};

/* The flags of a thread, of which keg serves all or none. */
#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD)

#define NAMESPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
		CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

static int check(const struct wish *wish)
{
	uint64_t flags = wish->flags;

	if (flags & CLONE_THREAD && (flags & THREAD) != THREAD)
		return -EINVAL;
	if (flags & CLONE_SIGHAND && !(flags & CLONE_VM))
		return -EINVAL;
	if (flags & CLONE_SIGHAND && flags & CLONE_CLEAR_SIGHAND)
		return -EINVAL;
	if (flags & NAMESPACES)
		return -EPERM;
	if (flags & (CLONE_PTRACE | CLONE_INTO_CGROUP))
		return -EINVAL;
	/* A file for a process, not for a thread (clone(2), CLONE_PIDFD). */
	if (flags & CLONE_PIDFD && flags & (CLONE_THREAD | CLONE_DETACHED))
		return -EINVAL;
	if (flags & CLONE_SETTLS && wish->tls >= KEG_USER_TOP)
		return -EPERM;
	if (wish->exit_signal < 0 || wish->exit_signal > KEG_SIGNALS)
		return -EINVAL;
	return 0;
}

/* The child begins where its parent is, with what clone(2) changes. */
static int copy_cpu(const struct keg_task *from, struct keg_cpu *cpu, const struct wish *wish)
{
	size_t size = keg_cpu_xstate_size(cpu->machine);
	void *area = malloc(size);
	int result;

	if (!area)
		return -ENOMEM;
	result = keg_cpu_get_xstate(from->cpu, area, size);
	if (result == 0)
		result = keg_cpu_set_xstate(cpu, area, size);
	free(area);
	cpu->regs = from->cpu->regs;
	cpu->regs.rax = 0;
	/* As SYSCALL and SYSRET leave them, and as the program goes on. */
	if (wish->stack)
		cpu->regs.rsp = wish->stack;
	if (wish->flags & CLONE_SETTLS)
		cpu->regs.fs_base = wish->tls;
	cpu->bases_changed = true;
	return result;
}

static void copy_task(const struct keg_task *from, struct keg_task *task, const struct wish *wish)
{
	memcpy(task->name, from->name, sizeof(task->name));
	task->mask = from->mask;
	if (!(wish->flags & CLONE_VM) || wish->flags & CLONE_VFORK) {
		task->altstack = from->altstack;
		task->altstack_size = from->altstack_size;
		task->altstack_flags = from->altstack_flags;
	}
	if (wish->flags & CLONE_CHILD_CLEARTID)
		task->clear_tid = wish->child_tid;
}

static void write_tids(struct keg_task *parent, struct keg_task *task, const struct wish *wish)
{
	if (wish->flags & CLONE_PARENT_SETTID)
		keg_space_write(
			parent->process->space, wish->parent_tid, &task->tid, sizeof(pid_t));
	if (wish->flags & CLONE_CHILD_SETTID)
		keg_space_write(task->process->space, wish->child_tid, &task->tid, sizeof(pid_t));
}

static int64_t make_thread(struct keg_task *parent, const struct wish *wish)
{
	struct keg_task *task;
	int64_t tid;
	int result = keg_task_create(parent->process, &task);

	if (result < 0)
		return result == -ENOMEM ? -ENOMEM : -EAGAIN;
	result = copy_cpu(parent, task->cpu, wish);
	copy_task(parent, task, wish);
	write_tids(parent, task, wish);
	tid = task->tid;
	if (result == 0)
		result = keg_task_start(task);
	if (result < 0) {
		keg_task_discard(task);
		return result;
	}
	return tid;
}

/* The child's file, in its parent's table, if one is asked for: its number. */
static int give_pidfd(struct keg_task *parent, struct keg_process *child, const struct wish *wish)
{
	int number;

	if (!(wish->flags & CLONE_PIDFD))
		return 0;
	number = keg_pidfd_add(parent, child, 0);
	if (number >= 0 &&
		keg_space_write(parent->process->space, wish->pidfd, &number, sizeof(number)) < 0) {
		keg_files_close(parent->process->files, number);
		return -EFAULT;
	}
	return number;
}

/* The child's space: a copy, or its parent's own. */
static int give_space(struct keg_process *parent, struct keg_process *child, uint64_t flags)
{
	if (!(flags & CLONE_VM))
		return keg_space_clone(parent->space, &child->space);
	free(child->space_users);
	pthread_mutex_lock(&parent->user->lock);
	child->space = parent->space;
	child->space_users = parent->space_users;
	++*child->space_users;
	pthread_mutex_unlock(&parent->user->lock);
	return 0;
}

/* A child that came to nothing: nobody hears of it. */
static int64_t undo_process(struct keg_process *child, int result)
{
	struct keg_user *user = child->user;

	child->exit_signal = 0;
	pthread_mutex_lock(&user->lock);
	child->parent = NULL;
	pthread_mutex_unlock(&user->lock);
	keg_process_finish(child);
	return result;
}

static int start_process(struct keg_task *parent, struct keg_task *task, const struct wish *wish)
{
	int result = copy_cpu(parent, task->cpu, wish), pidfd = 0;

	copy_task(parent, task, wish);
	if (result == 0)
		pidfd = give_pidfd(parent, task->process, wish);
	if (pidfd < 0)
		return pidfd;
	write_tids(parent, task, wish);
	if (result == 0)
		result = keg_task_start(task);
	if (result < 0 && wish->flags & CLONE_PIDFD)
		keg_files_close(parent->process->files, pidfd);
	return result;
}

static int64_t make_process(struct keg_task *parent, const struct wish *wish)
{
	struct keg_user *user = parent->process->user;
	struct keg_process *child;
	struct keg_task *task = NULL;
	int64_t pid;
	int result;

	keg_task_reap(user);
	result = keg_process_copy(parent->process, wish->flags, &child);
	if (result < 0)
		return result;
	pid = child->pid;
	child->exit_signal = wish->exit_signal;
	child->vforked = wish->flags & CLONE_VFORK;
	if (wish->flags & CLONE_CLEAR_SIGHAND)
		keg_actions_exec(child->actions);
	result = give_space(parent->process, child, wish->flags);
	if (result == 0)
		result = keg_task_create(child, &task);
	if (result < 0 || !task)
		return undo_process(child, result == -ENOMEM ? -ENOMEM : -EAGAIN);
	result = start_process(parent, task, wish);
	if (result < 0) {
		keg_task_discard(task);
		return undo_process(child, result);
	}
	/* Before the program goes on: task.c. */
	if (wish->flags & CLONE_VFORK) {
		parent->vfork_child = (pid_t)pid;
		atomic_store(&parent->attention, 1);
	}
	return pid;
}

static int64_t make(struct keg_task *task, const struct wish *wish)
{
	int result = check(wish);

	if (result < 0)
		return result;
	return wish->flags & CLONE_THREAD ? make_thread(task, wish) : make_process(task, wish);
}

int64_t keg_sys_clone(struct keg_task *task, const uint64_t args[6])
{
	struct wish wish = {
		.flags = args[0] & ~(uint64_t)CSIGNAL & UINT32_MAX,
		.exit_signal = (int)(args[0] & CSIGNAL),
		.stack = args[1],
		.parent_tid = args[2],
		.child_tid = args[3],
		.tls = args[4],
		.pidfd = args[2],
	};

	/* Both are written to the same place. */
	if (wish.flags & CLONE_PIDFD && wish.flags & CLONE_PARENT_SETTID)
		return -EINVAL;
	return make(task, &wish);
}

int64_t keg_sys_clone3(struct keg_task *task, const uint64_t args[6])
{
	struct clone_args given = {0};
	struct wish wish;
	size_t size = (size_t)args[1];

	if (args[1] < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	/* A newer caller's: served if what is beyond our knowledge is zero; simpler not at all. */
	if (args[1] > sizeof(given))
		return -E2BIG;
	if (keg_space_read(task->process->space, &given, args[0], size) < 0)
		return -EFAULT;
	if (given.flags & CSIGNAL || given.set_tid_size || given.exit_signal > KEG_SIGNALS ||
		!given.stack != !given.stack_size)
		return -EINVAL;
	wish = (struct wish){
		.flags = given.flags,
		.exit_signal = (int)given.exit_signal,
		.stack = given.stack ? given.stack + given.stack_size : 0,
		.parent_tid = given.parent_tid,
		.child_tid = given.child_tid,
		.tls = given.tls,
		.pidfd = given.pidfd,
	};
	return make(task, &wish);
}

int64_t keg_sys_fork(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	return make(task, &(struct wish){.exit_signal = SIGCHLD});
}

int64_t keg_sys_vfork(struct keg_task *task, const uint64_t args[6])
{
	(void)args;
	return make(task, &(struct wish){.flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD});
}
