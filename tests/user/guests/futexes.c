/* SPDX-License-Identifier: MIT */
/* futex(2) by itself: its times, its errors, and what processes have together. */
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

/* ---- Time ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct timespec soon(clockid_t clock, long ms)
{
	struct timespec time;

	clock_gettime(clock, &time);
	time.tv_nsec += ms * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static void waits_that_end_with_time(void)
{
	double began = now(CLOCK_MONOTONIC);
	struct timespec until = soon(CLOCK_REALTIME, 30);
	uint32_t word = 5;
	long result;

	pthread_mutex_lock(&lock);
	CHECK(pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
	pthread_mutex_unlock(&lock);
	CHECK(now(CLOCK_MONOTONIC) - began >= 0.029);
	until = (struct timespec){0, 20000000};
	result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 5, &until, NULL, 0);
	CHECK(result == -1 && errno == ETIMEDOUT);
	result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 6, &until, NULL, 0);
	CHECK(result == -1 && errno == EAGAIN);
	result = syscall(SYS_futex, (char *)&word + 1, FUTEX_WAKE, 1, NULL, NULL, 0);
	CHECK(result == -1 && errno == EINVAL);
	result = syscall(SYS_futex, 16, FUTEX_WAIT, 0, NULL, NULL, 0);
	CHECK(result == -1 && errno == EFAULT);
}

/* ---- Operations that libraries make no use of any more ---- */

static uint32_t words[2];
static atomic_int asleep, woken;

static void *sleep_on(void *argument)
{
	uint32_t *word = &words[(intptr_t)argument];

	atomic_fetch_add(&asleep, 1);
	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) == 0)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	atomic_fetch_add(&woken, 1);
	return NULL;
}

/* Until all who sleep have been woken. */
static void wake_by_wake_op(void)
{
	pthread_t threads[2];

	words[0] = words[1] = 0;
	atomic_store(&asleep, 0);
	atomic_store(&woken, 0);
	for (intptr_t i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, sleep_on, (void *)i) == 0);
	while (atomic_load(&asleep) < 2)
		sched_yield();
	/* words[1] was 0, is 1, and since it was 0 its waiter is woken too. */
	__atomic_store_n(&words[0], 1, __ATOMIC_SEQ_CST);
	CHECK(syscall(SYS_futex, &words[0], FUTEX_WAKE_OP_PRIVATE, 1, 1, &words[1],
		      FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)) >= 0);
	CHECK(words[1] == 1);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(syscall(SYS_futex, &words[0], FUTEX_WAKE_OP_PRIVATE, 1, 1, &words[1],
		      FUTEX_OP(FUTEX_OP_ADD, 41, FUTEX_OP_CMP_GT, 5)) == 0);
	CHECK(words[1] == 42);
	CHECK(syscall(SYS_futex, &words[0], FUTEX_CMP_REQUEUE_PRIVATE, 1, 1, &words[1], 7) == -1);
	CHECK(errno == EAGAIN);
}

/* ---- Between processes ---- */

static void shared_between_processes(void)
{
	struct {
		pthread_mutex_t lock;
		pthread_cond_t changed;
		int value;
	} *common = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;
	int status;
	pid_t child;

	CHECK(common != MAP_FAILED);
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&common->lock, &mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&common->changed, &cond);
	child = fork();
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&common->lock);
		while (common->value % 2 != (child == 0))
			pthread_cond_wait(&common->changed, &common->lock);
		common->value++;
		pthread_cond_broadcast(&common->changed);
		pthread_mutex_unlock(&common->lock);
	}
	if (child == 0)
		_exit(0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(common->value == 200);
}

/* Who dies with a robust lock leaves it to the next. */
static pthread_mutex_t robust;

static void *die_with_it(void *argument)
{
	(void)argument;
	CHECK(pthread_mutex_lock(&robust) == 0);
	return NULL;
}

static void robust_locks(void)
{
	pthread_mutexattr_t attribute;
	pthread_t thread;

	pthread_mutexattr_init(&attribute);
	pthread_mutexattr_setrobust(&attribute, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&robust, &attribute);
	CHECK(pthread_create(&thread, NULL, die_with_it, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(pthread_mutex_lock(&robust) == EOWNERDEAD);
	CHECK(pthread_mutex_consistent(&robust) == 0);
	CHECK(pthread_mutex_unlock(&robust) == 0);
	CHECK(pthread_mutex_lock(&robust) == 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"waits_that_end_with_time", waits_that_end_with_time},
		{"wake_by_wake_op", wake_by_wake_op},
		{"shared_between_processes", shared_between_processes},
		{"robust_locks", robust_locks},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
