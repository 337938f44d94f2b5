/* SPDX-License-Identifier: MIT */
/* Calls, sleeps and loops that signals interrupt. */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "handler.h"

static void *kick_main(void *argument)
{
	const pthread_t *thread = argument;

	for (int i = 0; i < 3; i++) {
		usleep(20000);
		pthread_kill(*thread, SIGUSR1);
	}
	return NULL;
}

static int pipe_ends[2];

static void *kick_then_write(void *argument)
{
	kick_main(argument);
	usleep(20000);
	CHECK(write(pipe_ends[1], "x", 1) == 1);
	return NULL;
}

static void interrupted_and_restarted(void)
{
	pthread_t self = pthread_self(), thread;
	char byte;

	CHECK(pipe(pipe_ends) == 0);
	handle(SIGUSR1, SA_RESTART);
	CHECK(pthread_create(&thread, NULL, kick_then_write, &self) == 0);
	CHECK(read(pipe_ends[0], &byte, 1) == 1 && count == 3);
	pthread_join(thread, NULL);
	handle(SIGUSR1, 0);
	CHECK(pthread_create(&thread, NULL, kick_then_write, &self) == 0);
	CHECK(read(pipe_ends[0], &byte, 1) == -1 && errno == EINTR);
	pthread_join(thread, NULL);
	CHECK(read(pipe_ends[0], &byte, 1) == 1 && count == 3);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void sleeps_say_what_is_left(void)
{
	struct timespec time = {1, 0}, left = {0};
	pthread_t self = pthread_self(), thread;
	double began = now();

	/* Even with SA_RESTART: signal(7). */
	handle(SIGUSR1, SA_RESTART);
	CHECK(pthread_create(&thread, NULL, kick_main, &self) == 0);
	CHECK(nanosleep(&time, &left) == -1 && errno == EINTR);
	CHECK(left.tv_sec == 0 && left.tv_nsec > 0 && left.tv_nsec < 1000000000);
	pthread_join(thread, NULL);
	/* What is ignored does not interrupt, and a sleep is as long as it was to be. */
	signal(SIGUSR1, SIG_IGN);
	time = (struct timespec){0, 200000000};
	began = now();
	CHECK(pthread_create(&thread, NULL, kick_main, &self) == 0);
	CHECK(nanosleep(&time, NULL) == 0);
	CHECK(now() - began >= 0.199);
	pthread_join(thread, NULL);
}

static void suspended(void)
{
	sigset_t set, old, now_blocked;
	pid_t child;
	int status;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	child = fork();
	if (child == 0) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK(sigsuspend(&old) == -1 && errno == EINTR && count == 1);
	CHECK(last_info.si_pid == child);
	CHECK(sigprocmask(SIG_SETMASK, NULL, &now_blocked) == 0);
	CHECK(sigismember(&now_blocked, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* ---- Many ---- */

enum { STORM = 2000 };

static void *send_storm(void *argument)
{
	const pthread_t *thread = argument;

	for (int i = 0; i < STORM; i++) {
		while (count < i)
			sched_yield();
		CHECK(pthread_kill(*thread, SIGUSR1) == 0);
	}
	return NULL;
}

static void a_storm_into_a_loop(void)
{
	pthread_t self = pthread_self(), thread;
	volatile double sum = 0;
	double expected = 0;
	long rounds = 0;

	handle(SIGUSR1, 0);
	CHECK(pthread_create(&thread, NULL, send_storm, &self) == 0);
	while (count < STORM) {
		sum += 0.5;
		rounds++;
	}
	for (long i = 0; i < rounds; i++)
		expected += 0.5;
	CHECK(sum == expected);
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"interrupted_and_restarted", interrupted_and_restarted},
		{"sleeps_say_what_is_left", sleeps_say_what_is_left},
		{"suspended", suspended},
		{"a_storm_into_a_loop", a_storm_into_a_loop},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
