/* SPDX-License-Identifier: MIT */
/*
 * A static program without a C library that uses the kernel as Go's runtime does: threads from
 * clone(2) with stacks and TLS of its own, a scheduler on futexes, an arena that is reserved
 * without access and then given some, alternate signal stacks, preemption by signals from a monitor
 * thread, and epoll for who waits for a pipe.
 */
#include <asm/prctl.h>
#include <asm/signal.h>
#include <asm/unistd.h>
#include <linux/eventpoll.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/time.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { WORKERS = 4, TASKS = 400, ARENA = 64 << 20, CHUNK = 1 << 20, STACK = 64 << 10 };
enum { PREEMPT = 23 /* SIGURG, as Go */, ALT_STACK = 32 << 10 };
#define RESERVED (1ull << 38)

struct worker {
	struct worker *self; /* at %fs:0 */
	int index;
	int tid;
	atomic_uint exited; /* CLONE_CHILD_CLEARTID */
	long done;
};

static struct worker workers[WORKERS + 1];
static char stacks[WORKERS + 1][STACK] __attribute__((aligned(16)));
static char alternate[WORKERS + 1][ALT_STACK] __attribute__((aligned(16)));
static atomic_uint queue_lock, wake, next_task, finished, running;
static atomic_long preempted, sum, polled;
static unsigned char *arena;
static atomic_size_t arena_used, arena_open;
static int epoll, pipe_ends[2];

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#define CALL(n, a, b, c, d, e, f)                                                                  \
	call(__NR_##n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

static void fail(int status)
{
	CALL(exit_group, status, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

/* Compilers call these. */
void *memset(void *to, int value, size_t count)
{
	unsigned char *at = to;

	while (count--)
		*(volatile unsigned char *)at++ = (unsigned char)value;
	return to;
}

static void print(const char *name, long value)
{
	char text[96];
	size_t end = sizeof(text), length = 0;

	text[--end] = '\n';
	do
		text[--end] = (char)('0' + value % 10);
	while (value /= 10);
	while (name[length])
		length++;
	while (length)
		text[--end] = name[--length];
	CALL(write, 1, text + end, sizeof(text) - end, 0, 0, 0);
}

static void lock(atomic_uint *word)
{
	unsigned old = 0;

	if (atomic_compare_exchange_strong(word, &old, 1))
		return;
	while (atomic_exchange(word, 2))
		CALL(futex, word, FUTEX_WAIT_PRIVATE, 2, 0, 0, 0);
}

static void unlock(atomic_uint *word)
{
	if (atomic_exchange(word, 0) == 2)
		CALL(futex, word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

/* Memory of the arena, made accessible as it grows. */
static unsigned char *allocate(size_t size)
{
	size_t at;

	lock(&queue_lock);
	at = arena_used;
	arena_used += size;
	while (arena_open < arena_used) {
		if (CALL(mprotect, arena + arena_open, CHUNK, PROT_READ | PROT_WRITE, 0, 0, 0))
			fail(20);
		arena_open += CHUNK;
	}
	unlock(&queue_lock);
	return arena + at;
}

static struct worker *self(void)
{
	struct worker *worker;

	__asm__ volatile("mov %%fs:0, %0" : "=r"(worker));
	return worker;
}

struct kernel_action {
	void (*handler)(int, void *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

__asm__(".text\nrestorer: mov $15, %eax\nsyscall\n");
void restorer(void);

static void on_preempt(int signo, void *info, void *context)
{
	char here;
	int index = self()->index;

	(void)info;
	(void)context;
	if (signo != PREEMPT || &here < alternate[index] || &here >= alternate[index] + ALT_STACK)
		fail(21);
	preempted++;
}

static void use_stack(int index)
{
	stack_t stack = {.ss_sp = alternate[index], .ss_size = ALT_STACK};

	if (CALL(sigaltstack, &stack, 0, 0, 0, 0, 0))
		fail(22);
}

/* A goroutine: some memory, some arithmetic, and its xmm registers kept over signals. */
static void run_task(unsigned task)
{
	size_t size = 1000 + task * 37;
	unsigned char *memory = allocate(size);
	double check = task;
	unsigned long value = 0;

	for (int round = 0; round < 30; round++) {
		for (size_t i = 0; i < size; i++) {
			memory[i] = (unsigned char)(memory[i] + i * task + (size_t)round);
			value += memory[i];
			check += 0.5;
		}
	}
	if (check != task + 15.0 * (double)size)
		fail(23);
	sum += (long)(value % 1000003);
}

static void work(struct worker *worker)
{
	unsigned seen;

	use_stack(worker->index);
	for (;;) {
		unsigned task;

		seen = wake;
		task = next_task;
		if (task >= TASKS + 1)
			break;
		/* Half of the tasks wait to be readied, by the main thread. */
		if (task >= running) {
			CALL(futex, &wake, FUTEX_WAIT_PRIVATE, seen, 0, 0, 0);
			continue;
		}
		if (!atomic_compare_exchange_strong(&next_task, &task, task + 1))
			continue;
		if (task == TASKS)
			break;
		run_task(task);
		worker->done++;
		finished++;
		if (task % 50 == 0)
			CALL(write, pipe_ends[1], "x", 1, 0, 0, 0);
	}
	next_task = TASKS + 1;
	atomic_fetch_add(&wake, 1);
	CALL(futex, &wake, FUTEX_WAKE_PRIVATE, WORKERS, 0, 0, 0);
}

static void watch(struct worker *worker);

static void thread_main(struct worker *worker)
{
	worker->tid = (int)CALL(gettid, 0, 0, 0, 0, 0, 0);
	if (self() != worker)
		fail(24);
	if (worker->index == WORKERS)
		watch(worker);
	else
		work(worker);
	CALL(exit, 0, 0, 0, 0, 0, 0);
}

/* The child begins with what lies on its stack: the function, and its argument. */
__asm__(".text\n"
	"start_thread: mov %rcx, %r10\n" /* flags, stack, ptid, ctid, tls */
	"mov $56, %eax\n"
	"syscall\n"
	"test %eax, %eax\n"
	"jnz 1f\n"
	"xor %ebp, %ebp\n"
	"pop %rdi\n"
	"pop %rax\n"
	"call *%rax\n"
	"1: ret\n");
long start_thread(unsigned long flags, void *stack, int *parent, void *child, void *tls);

static void start(int index)
{
	struct worker *worker = &workers[index];
	void **top = (void **)(stacks[index] + STACK) - 2;

	top[0] = worker;
	top[1] = (void *)thread_main;
	worker->self = worker;
	worker->index = index;
	worker->exited = 1;
	if (start_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM |
				 CLONE_THREAD | CLONE_SETTLS | CLONE_CHILD_CLEARTID,
		    top, NULL, &worker->exited, worker) < 0)
		fail(25);
}

/* sysmon: sends each worker a signal every now and then, wherever it is. */
static void watch(struct worker *worker)
{
	struct timespec pause = {0, 500000};
	long pid = CALL(getpid, 0, 0, 0, 0, 0, 0);

	use_stack(worker->index);
	while (finished < TASKS) {
		CALL(nanosleep, &pause, 0, 0, 0, 0, 0);
		for (int i = 0; i < WORKERS; i++)
			if (workers[i].tid)
				CALL(tgkill, pid, workers[i].tid, PREEMPT, 0, 0, 0);
	}
}

static void join(struct worker *worker)
{
	unsigned value;

	while ((value = worker->exited))
		CALL(futex, &worker->exited, FUTEX_WAIT, value, 0, 0, 0);
}

/* netpoll: what has come through the pipe, edge-triggered. */
static void poll(long timeout)
{
	struct epoll_event events[8];
	long count = CALL(epoll_pwait, epoll, events, 8, timeout, 0, 0);
	char bytes[64];

	for (long i = 0; i < count; i++) {
		long got = CALL(read, pipe_ends[0], bytes, sizeof(bytes), 0, 0, 0);

		polled += got > 0 ? got : 0;
	}
}

static void set_up(void)
{
	struct kernel_action action = {
		on_preempt, 0x1c000004 /* SIGINFO ONSTACK RESTART RESTORER */, restorer, ~0ull};
	struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP};

	arena = (unsigned char *)CALL(
		mmap, 0xc000000000, RESERVED, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (arena != (unsigned char *)0xc000000000)
		fail(26);
	if (CALL(rt_sigaction, PREEMPT, &action, 0, 8, 0, 0))
		fail(27);
	epoll = (int)CALL(epoll_create1, EPOLL_CLOEXEC, 0, 0, 0, 0, 0);
	if (CALL(pipe2, pipe_ends, 04000 | 02000000, 0, 0, 0, 0) ||
		CALL(epoll_ctl, epoll, EPOLL_CTL_ADD, pipe_ends[0], &event, 0, 0))
		fail(28);
}

static void run(void)
{
	set_up();
	for (int i = 0; i <= WORKERS; i++)
		start(i);
	while (finished < TASKS) {
		/* What is ready, a few more each time. */
		running = running + 25 < TASKS ? running + 25 : TASKS + 1;
		atomic_fetch_add(&wake, 1);
		CALL(futex, &wake, FUTEX_WAKE_PRIVATE, WORKERS, 0, 0, 0);
		poll(1);
	}
	for (int i = 0; i <= WORKERS; i++)
		join(&workers[i]);
	while (polled < TASKS / 50)
		poll(100);
	print("tasks ", finished);
	print("sum ", sum);
	print("polled ", polled);
	print("preempted ", preempted > 0);
	print("by workers ", workers[0].done + workers[1].done + workers[2].done + workers[3].done);
	CALL(madvise, arena, arena_open, MADV_DONTNEED, 0, 0, 0);
	print("given back ", arena[5] == 0);
	fail(3);
}

/* The main thread has TLS also: arch_prctl, as Go does. */
void begin(void)
{
	static struct worker main_worker;

	main_worker.self = &main_worker;
	if (CALL(arch_prctl, ARCH_SET_FS, &main_worker, 0, 0, 0, 0) || self() != &main_worker)
		fail(29);
	run();
}
__asm__(".text\n.globl _start\n_start: xor %ebp, %ebp\nand $-16, %rsp\ncall begin\nhlt\n");
