/* SPDX-License-Identifier: MIT */
/* futex(2), and what is owed to other threads' futexes when a task ends. */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>

#include "user/futex.h"
#include "user/futex_wait.h"
#include "user/space.h"
#include "user/task.h"
#include "user/time.h"

#define NS_PER_SECOND 1000000000u

/* What futex(2) is given. */
struct call {
	struct keg_task *task;
	uint32_t command;
	bool is_private, realtime;
	uint64_t at, at2;
	uint32_t value, value2, value3;
	uint64_t timeout; /* its address; 0: none */
};

static struct keg_futexes *futexes_of(const struct call *call)
{
	return call->task->process->user->futexes;
}

static int key_of(const struct call *call, uint64_t at, struct keg_futex_key *key)
{
	if (at % sizeof(uint32_t))
		return -EINVAL;
	return keg_space_futex_key(call->task->process->space, at, call->is_private, key);
}

/* ---- Waiting ---- */

/* -EAGAIN: the word is not what the program thinks it is. */
static int64_t check_value(void *context)
{
	const struct call *call = context;
	uint32_t value;

	if (keg_space_load32(call->task->process->space, call->at, &value) < 0)
		return -EFAULT;
	return value == call->value ? 0 : -EAGAIN;
}

/* FUTEX_WAIT's timeout is a span, FUTEX_WAIT_BITSET's a time. */
static int read_timeout(struct call *call, struct timespec *until)
{
	int64_t ns;

	if (keg_space_read(call->task->process->space, until, call->timeout, sizeof(*until)) < 0)
		return -EFAULT;
	ns = keg_time_ns(until);
	if (ns < 0)
		return -EINVAL;
	if (call->command == FUTEX_WAIT) {
		uint64_t deadline = keg_time_deadline(call->task, ns);

		*until = (struct timespec){
			(time_t)(deadline / NS_PER_SECOND), (long)(deadline % NS_PER_SECOND)};
	}
	return 0;
}

static int64_t wait(struct call *call)
{
	struct keg_futex_waiter waiter = {
		.bits = call->command == FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : call->value3};
	struct timespec until = {0};
	int64_t result;

	if (!waiter.bits)
		return -EINVAL;
	result = call->timeout ? read_timeout(call, &until) : 0;
	if (result == 0)
		result = key_of(call, call->at, &waiter.key);
	if (result == 0)
		result = keg_futex_wait_begin(futexes_of(call), &waiter, check_value, call);
	if (result == 0)
		result = keg_futex_wait_end(call->task, &waiter, call->timeout ? &until : NULL,
			call->realtime && call->command != FUTEX_WAIT);
	if (result != -EINTR)
		return result;
	if (!call->timeout)
		return KEG_RESTART;
	if (call->command == FUTEX_WAIT)
		call->task->restart_deadline =
			(uint64_t)until.tv_sec * NS_PER_SECOND + (uint64_t)until.tv_nsec;
	return KEG_RESTART_SLEEP;
}

/* ---- Waking ---- */

static int64_t wake(struct call *call)
{
	uint32_t bits = call->command == FUTEX_WAKE ? FUTEX_BITSET_MATCH_ANY : call->value3;
	struct keg_futex_key key;
	int result;

	if (!bits)
		return -EINVAL;
	result = key_of(call, call->at, &key);
	/* The kernel wakes one where none was asked for. */
	return result < 0 ? result
			  : keg_futex_wake_key(futexes_of(call), &key,
				    (int32_t)call->value > 0 ? call->value : 1, bits);
}

static int64_t check_compared(void *context)
{
	struct call compared = *(const struct call *)context;

	compared.value = compared.value3;
	return compared.command == FUTEX_CMP_REQUEUE ? check_value(&compared) : 0;
}

static int64_t requeue(struct call *call)
{
	struct keg_futex_move move = {.wake = call->value, .requeue = call->value2};
	int result;

	if ((int32_t)call->value < 0 || (int32_t)call->value2 < 0)
		return -EINVAL;
	result = key_of(call, call->at, &move.from);
	if (result == 0)
		result = key_of(call, call->at2, &move.to);
	return result < 0 ? result
			  : keg_futex_requeue_key(futexes_of(call), &move, check_compared, call);
}

/* FUTEX_WAKE_OP's word, by futex(2): operation, comparison, and two operands of 12 bits. */
static int operate(uint32_t encoded, uint32_t old, uint32_t *value)
{
	uint32_t operation = encoded >> 28;
	/* Signed, by the kernel's sign_extend32(). */
	uint32_t operand = (uint32_t)((int32_t)(encoded << 8) >> 20);

	if (operation & FUTEX_OP_OPARG_SHIFT)
		operand = 1u << (operand & 31);
	switch (operation & 7) {
	case FUTEX_OP_SET:
		*value = operand;
		return 0;
	case FUTEX_OP_ADD:
		*value = old + operand;
		return 0;
	case FUTEX_OP_OR:
		*value = old | operand;
		return 0;
	case FUTEX_OP_ANDN:
		*value = old & ~operand;
		return 0;
	case FUTEX_OP_XOR:
		*value = old ^ operand;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int64_t compare(uint32_t encoded, int32_t old)
{
	int32_t with = (int32_t)(encoded << 20) >> 20;

	switch (encoded >> 24 & 15) {
	case FUTEX_OP_CMP_EQ:
		return old == with;
	case FUTEX_OP_CMP_NE:
		return old != with;
	case FUTEX_OP_CMP_LT:
		return old < with;
	case FUTEX_OP_CMP_GE:
		return old >= with;
	case FUTEX_OP_CMP_LE:
		return old <= with;
	case FUTEX_OP_CMP_GT:
		return old > with;
	default:
		return -ENOSYS;
	}
}

static int64_t change_word(void *context)
{
	const struct call *call = context;
	struct keg_space *space = call->task->process->space;
	uint32_t old, expected, desired;
	int result = keg_space_load32(space, call->at2, &old);

	/* Other threads of the program may change it all the time: their loss, not keg's. */
	for (int tries = 0; result == 0 && tries < 1000; tries++) {
		result = operate(call->value3, old, &desired);
		if (result < 0)
			return result;
		expected = old;
		result = keg_space_exchange32(space, call->at2, &expected, desired);
		if (result == 0)
			return compare(call->value3, (int32_t)old);
		if (result == -EAGAIN) {
			old = expected;
			result = 0;
		}
	}
	return result < 0 ? result : -EAGAIN;
}

static int64_t wake_op(struct call *call)
{
	struct keg_futex_move move = {
		.wake = (int32_t)call->value > 0 ? call->value : 1,
		.requeue = (int32_t)call->value2 > 0 ? call->value2 : 1,
	};
	int result = key_of(call, call->at, &move.from);

	if (result == 0)
		result = key_of(call, call->at2, &move.to);
	return result < 0 ? result
			  : keg_futex_wake_both(futexes_of(call), &move, change_word, call);
}

/* ---- Calls ---- */

static int64_t keg_sys_futex(struct keg_task *task, const uint64_t args[6])
{
	static int64_t (*const commands[])(struct call * call) = {
		[FUTEX_WAIT] = wait,
		[FUTEX_WAKE] = wake,
		[FUTEX_REQUEUE] = requeue,
		[FUTEX_CMP_REQUEUE] = requeue,
		[FUTEX_WAKE_OP] = wake_op,
		[FUTEX_WAIT_BITSET] = wait,
		[FUTEX_WAKE_BITSET] = wake,
	};
	uint32_t operation = (uint32_t)args[1];
	struct call call = {
		.task = task,
		.command = operation & (uint32_t)FUTEX_CMD_MASK,
		.is_private = operation & FUTEX_PRIVATE_FLAG,
		.realtime = operation & FUTEX_CLOCK_REALTIME,
		.at = args[0],
		.at2 = args[4],
		.value = (uint32_t)args[2],
		.value2 = (uint32_t)args[3],
		.value3 = (uint32_t)args[5],
		.timeout = args[3],
	};

	if (call.command >= sizeof(commands) / sizeof(commands[0]) || !commands[call.command])
		return -ENOSYS;
	if (call.realtime && call.command != FUTEX_WAIT_BITSET && call.command != FUTEX_WAIT)
		return -ENOSYS;
	return commands[call.command](&call);
}

static int64_t keg_sys_set_robust_list(struct keg_task *task, const uint64_t args[6])
{
	if (args[1] != sizeof(struct robust_list_head))
		return -EINVAL;
	task->robust_list = args[0];
	return 0;
}

static int64_t keg_sys_get_robust_list(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	const uint64_t size = sizeof(struct robust_list_head);
	struct keg_task *of;
	uint64_t head = 0;

	pthread_mutex_lock(&user->lock);
	of = args[0] ? keg_task_find(user, (pid_t)args[0]) : task;
	if (of)
		head = of->robust_list;
	pthread_mutex_unlock(&user->lock);
	if (!of)
		return -ESRCH;
	if (keg_space_write(task->process->space, args[1], &head, sizeof(head)) < 0 ||
		keg_space_write(task->process->space, args[2], &size, sizeof(size)) < 0)
		return -EFAULT;
	return 0;
}

/* C libraries ask for it, and do without: keg does not see a thread moved to another processor. */
static int64_t keg_sys_rseq(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return -ENOSYS;
}

const struct keg_syscall keg_syscalls_futex[] = {
	{__NR_futex, "futex", "poutpx", keg_sys_futex},
	{__NR_set_robust_list, "set_robust_list", "pu", keg_sys_set_robust_list},
	{__NR_rseq, "rseq", "puxx", keg_sys_rseq},
	{__NR_get_robust_list, "get_robust_list", "dpp", keg_sys_get_robust_list},
	{0, NULL, NULL, NULL},
};

/* ---- A task's end ---- */

int keg_futex_wake(struct keg_task *task, uint64_t at, uint32_t count, bool is_private)
{
	const struct call call = {.task = task, .is_private = is_private};
	struct keg_futex_key key;

	if (key_of(&call, at, &key) < 0)
		return 0;
	return keg_futex_wake_key(futexes_of(&call), &key, count, FUTEX_BITSET_MATCH_ANY);
}

/* A lock that the task holds is its owner's no more: who waits for it is told (robust futexes,
 * the kernel's Documentation/locking/robust-futex-ABI.rst). */
static void owner_died(struct keg_task *task, uint64_t at)
{
	struct keg_space *space = task->process->space;
	uint32_t old, expected;

	if (at % sizeof(uint32_t) || keg_space_load32(space, at, &old) < 0)
		return;
	for (int tries = 0; tries < 1000; tries++) {
		int result;

		if ((old & FUTEX_TID_MASK) != (uint32_t)task->tid)
			return;
		expected = old;
		result = keg_space_exchange32(
			space, at, &expected, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED);
		if (result == 0) {
			if (old & FUTEX_WAITERS)
				keg_futex_wake(task, at, 1, false);
			return;
		}
		if (result != -EAGAIN)
			return;
		old = expected;
	}
}

/* The list ends where it began, or after so many: it is the program's to write. */
static void walk_robust_list(struct keg_task *task)
{
	const uint64_t pi = 1; /* the lowest bit of an entry: a PI futex, which keg has not */
	struct keg_space *space = task->process->space;
	uint64_t head[3]; /* struct robust_list_head: next, offset, pending */
	uint64_t next;

	if (!task->robust_list || keg_space_read(space, head, task->robust_list, sizeof(head)) < 0)
		return;
	next = head[0];
	for (int i = 0; i < ROBUST_LIST_LIMIT && (next & ~pi) != task->robust_list; i++) {
		uint64_t entry = next;

		/* Before its lock is another's. */
		if (keg_space_read(space, &next, entry & ~pi, sizeof(next)) < 0)
			break;
		if ((entry & ~pi) != (head[2] & ~pi) && !(entry & pi))
			owner_died(task, entry + head[1]);
	}
	if (head[2] & ~pi)
		owner_died(task, (head[2] & ~pi) + head[1]);
}

void keg_futex_task_ends(struct keg_task *task)
{
	const uint32_t none = 0;

	if (!task->process->space)
		return;
	walk_robust_list(task);
	task->robust_list = 0;
	if (task->clear_tid) {
		keg_space_write(task->process->space, task->clear_tid, &none, sizeof(none));
		keg_futex_wake(task, task->clear_tid, 1, false);
	}
	task->clear_tid = 0;
}
