/* SPDX-License-Identifier: MIT */
/* Threads, the locks between them, and how they end: all of it is futexes. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/wait.h>

#include "check.h"

enum { THREADS = 6 };

static void with_threads(void *(*work)(void *), int count)
{
	pthread_t threads[32];

	for (intptr_t i = 0; i < count; i++)
		CHECK(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
	for (int i = 0; i < count; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
}

/* ---- A lock ---- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long shared;

static void *add_much(void *argument)
{
	(void)argument;
	for (int i = 0; i < 2000; i++) {
		pthread_mutex_lock(&lock);
		shared++;
		if (i % 64 == 0)
			sched_yield();
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void a_mutex(void)
{
	shared = 0;
	with_threads(add_much, THREADS);
	CHECK(shared == THREADS * 2000);
}

/* ---- A queue ---- */

static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int queue[4], queued, produced, consumed;
static long long consumed_sum;

enum { GOODS = 3000 };

static void *produce_or_consume(void *argument)
{
	bool produces = (intptr_t)argument % 2;

	pthread_mutex_lock(&lock);
	while ((produces ? produced : consumed) < GOODS) {
		if (produces ? queued == 4 : queued == 0) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		if (produces)
			queue[queued++] = produced++;
		else
			consumed_sum += queue[--queued], consumed++;
		pthread_cond_broadcast(&changed);
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void a_condition(void)
{
	produced = consumed = queued = 0;
	consumed_sum = 0;
	with_threads(produce_or_consume, THREADS);
	CHECK(consumed == GOODS && consumed_sum == (long long)GOODS * (GOODS - 1) / 2);
}

/* ---- A barrier, semaphores, once ---- */

static pthread_barrier_t barrier;
static atomic_int arrived;

static void *meet(void *argument)
{
	(void)argument;
	for (int i = 1; i <= 200; i++) {
		atomic_fetch_add(&arrived, 1);
		pthread_barrier_wait(&barrier);
		CHECK(atomic_load(&arrived) == i * THREADS);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void a_barrier(void)
{
	atomic_store(&arrived, 0);
	CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
	with_threads(meet, THREADS);
	pthread_barrier_destroy(&barrier);
}

static sem_t ping, pong;

static void *play(void *argument)
{
	for (int i = 0; i < 1000; i++) {
		sem_wait(argument ? &ping : &pong);
		sem_post(argument ? &pong : &ping);
	}
	return NULL;
}

static void semaphores(void)
{
	sem_init(&ping, 0, 1);
	sem_init(&pong, 0, 0);
	with_threads(play, 2);
}

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static volatile long left, right;

static void *read_or_write(void *argument)
{
	for (int i = 0; i < 1000; i++) {
		if ((intptr_t)argument == 0) {
			pthread_rwlock_wrlock(&rwlock);
			left++;
			sched_yield();
			right++;
		} else {
			pthread_rwlock_rdlock(&rwlock);
			CHECK(left == right);
		}
		pthread_rwlock_unlock(&rwlock);
	}
	return NULL;
}

static void readers_and_a_writer(void)
{
	with_threads(read_or_write, THREADS);
	CHECK(left == 1000 && right == 1000);
}

/* ---- Threads that come and go ---- */

static atomic_int well;

static void *be_brief(void *argument)
{
	char *memory = malloc(1000);

	memset(memory, (int)(intptr_t)argument, 1000);
	atomic_fetch_add(&well, memory[999] == (char)(intptr_t)argument);
	free(memory);
	return NULL;
}

static void many_brief_threads(void)
{
	atomic_store(&well, 0);
	for (int i = 0; i < 40; i++)
		with_threads(be_brief, 5);
	CHECK(atomic_load(&well) == 200);
}

static void *wait_for_good(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void cancelled(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 20; i++) {
		CHECK(pthread_create(&thread, NULL, wait_for_good, NULL) == 0);
		if (i % 2)
			sched_yield();
		CHECK(pthread_cancel(thread) == 0);
		CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
	}
}

static void signals_to_threads(void)
{
	sigset_t set, old;
	pthread_t thread;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK(pthread_sigmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(pthread_create(&thread, NULL, wait_for_good, NULL) == 0);
	/* All block it: it is for whoever waits for it. */
	CHECK(kill(getpid(), SIGUSR2) == 0);
	CHECK(sigwait(&set, &signo) == 0 && signo == SIGUSR2);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	CHECK(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
}

/* The process ends at once, whatever its threads do. */
static void *exit_all(void *argument)
{
	(void)argument;
	usleep(10000);
	_exit(9);
}

static void ends_with_threads(void)
{
	pid_t child = fork();
	pthread_t thread;
	int status;

	if (child == 0) {
		for (int i = 0; i < 4; i++)
			pthread_create(&thread, NULL, wait_for_good, NULL);
		pthread_create(&thread, NULL, exit_all, NULL);
		for (;;)
			;
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"a_mutex", a_mutex},
		{"a_condition", a_condition},
		{"a_barrier", a_barrier},
		{"semaphores", semaphores},
		{"readers_and_a_writer", readers_and_a_writer},
		{"many_brief_threads", many_brief_threads},
		{"cancelled", cancelled},
		{"signals_to_threads", signals_to_threads},
		{"ends_with_threads", ends_with_threads},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
