/* SPDX-License-Identifier: MIT */
/* Serving system calls: who serves which, what the policy says, and what is counted. */
#include <asm/unistd.h>
#include <errno.h>
#include <string.h>

#include "user/plugin.h"
#include "user/policy.h"
#include "user/task.h"
#include "user/time.h"
#include "user/trace.h"

static const struct keg_syscall *const tables[] = {
	keg_syscalls_memory,
	keg_syscalls_process,
	keg_syscalls_signal,
	keg_syscalls_futex,
	keg_syscalls_time,
	keg_syscalls_identity,
	keg_syscalls_system,
	keg_syscalls_schedule,
	keg_syscalls_compare,
	keg_syscalls_shared,
	keg_syscalls_path,
	keg_syscalls_io,
	keg_syscalls_descriptor,
	keg_syscalls_fcntl,
	keg_syscalls_ioctl,
	keg_syscalls_file,
	keg_syscalls_splice,
	keg_syscalls_poll,
	keg_syscalls_select,
	keg_syscalls_epoll,
	keg_syscalls_socket,
	keg_syscalls_sockopt,
	keg_syscalls_send,
	keg_syscalls_receive,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

void keg_syscalls_index(const struct keg_syscall *calls[KEG_SYSCALL_LIMIT])
{
	for (size_t i = 0; i < TABLES; i++) {
		for (const struct keg_syscall *call = tables[i]; call->name; call++)
			calls[call->number] = call;
	}
}

/* What is asked for: served, refused, or unknown. */
static int64_t dispatch(struct keg_task *task, uint64_t number, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	const struct keg_syscall *call;
	uint64_t began = keg_now_ns();
	int64_t result;

	atomic_fetch_add_explicit(&user->counts[number], 1, memory_order_relaxed);
	if (user->policy->refused[number]) {
		atomic_fetch_add_explicit(&user->refused[number], 1, memory_order_relaxed);
		return -user->policy->refused[number];
	}
	call = user->calls[number];
	if (!call) {
		atomic_fetch_add_explicit(&user->unserved[number], 1, memory_order_relaxed);
		return -ENOSYS;
	}
	result = call->serve(task, args);
	atomic_fetch_add_explicit(&user->spent[number], keg_now_ns() - began, memory_order_relaxed);
	return result;
}

static int64_t traced(struct keg_task *task, uint64_t number, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	struct keg_trace trace;
	bool ends = number == __NR_exit || number == __NR_exit_group;
	int64_t result;

	keg_trace_begin(&trace, task, number, args);
	if (ends)
		keg_trace_end(&trace, task, number, args, 0, false, true);
	result = dispatch(task, number, args);
	if (!ends)
		keg_trace_end(&trace, task, number, args, result == KEG_REGISTERS_SET ? 0 : result,
			true, user->calls[number] && !user->policy->refused[number]);
	return result;
}

int64_t keg_syscall_serve(struct keg_task *task)
{
	struct keg_user *user = task->process->user;
	const struct keg_user_registers *regs = &task->cpu->regs;
	const uint64_t args[6] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
	/* The kernel takes 32 bits of it, as eax. */
	uint64_t number = (uint32_t)regs->rax;
	int64_t result;

	task->syscall = number;
	memcpy(task->syscall_args, args, sizeof(args));
	if (number >= KEG_SYSCALL_LIMIT)
		result = keg_plugin_serve(task, number, args);
	else if (user->tracer)
		result = traced(task, number, args);
	else
		result = dispatch(task, number, args);
	if (result == KEG_REGISTERS_SET)
		return 0;
	task->cpu->regs.rax = (uint64_t)result;
	return result;
}
