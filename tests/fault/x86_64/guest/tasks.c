/* SPDX-License-Identifier: MIT */
/* Processes, threads, signals, and time. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "guest.h"

static volatile int shared;

void guest_fork(void)
{
	struct rusage usage;
	sigset_t set;
	int status;
	pid_t child;

	/* A file that needs the sandbox's lock when it goes. */
	sigemptyset(&set);
	MUST(signalfd(-1, &set, SFD_CLOEXEC) >= 0);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		shared = 1;
		setpgid(0, 0);
		_exit(7);
	}
	MUST(wait4(child, &status, 0, &usage) == child && WEXITSTATUS(status) == 7);
	child = fork();
	MUST(child >= 0);
	if (child == 0) {
		for (;;)
			pause();
	}
	MUST(kill(child, SIGSTOP) == 0 && waitpid(child, &status, WUNTRACED) == child);
	MUST(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
	/* One that is left for the end. */
	MUST((child = fork()) >= 0);
	for (;;) {
		if (child == 0)
			pause();
		else
			break;
	}
}

void guest_execute(void)
{
	char *const words[] = {"guest", "nothing", NULL}, *const variables[] = {"A=b", NULL};
	char *many[64];
	int status;
	pid_t child = vfork();

	MUST(child >= 0);
	if (child == 0) {
		execve("/guest", words, variables);
		_exit(1);
	}
	MUST(waitpid(child, &status, 0) == child && status == 0);
	MUST(execve("/tmp", words, variables) == -1 && errno == EACCES);
	for (int i = 0; i < 63; i++)
		many[i] = "word";
	many[63] = NULL;
	execve("/guest", many, variables);
	_exit(1);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *work(void *context)
{
	pthread_mutex_lock(&lock);
	shared++;
	pthread_mutex_unlock(&lock);
	sched_yield();
	return context;
}

static void *wait_for_ever(void *context)
{
	for (;;)
		pause();
	return context;
}

void guest_threads(void)
{
	struct timespec soon = {0, 1000};
	pthread_t threads[2];
	int word = 0;

	for (int i = 0; i < 2; i++)
		MUST(pthread_create(&threads[i], NULL, work, NULL) == 0);
	for (int i = 0; i < 2; i++)
		MUST(pthread_join(threads[i], NULL) == 0);
	MUST(shared == 2);
	MUST(syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, &soon) == -1 && errno == ETIMEDOUT);
	/* One that the end of the process ends. */
	MUST(pthread_create(&threads[0], NULL, wait_for_ever, NULL) == 0);
	prctl(PR_SET_NAME, "guest");
}

/* There can be no other. */
void guest_few(void)
{
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, work, NULL) == EAGAIN && fork() == -1);
}

static volatile sig_atomic_t came;
static volatile int *nowhere = (volatile int *)16;
static char stack[65536];

static void note(int signo)
{
	came = signo;
}

static void repair(int signo)
{
	came = signo;
	nowhere = &shared;
	mmap((void *)65536, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		-1, 0);
}

void guest_signals(void)
{
	struct sigaction action = {.sa_handler = note};
	struct sigaction fault = {.sa_handler = repair, .sa_flags = SA_ONSTACK};
	stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct signalfd_siginfo info, two[2];
	struct timespec soon = {0, 1000};
	sigset_t set, old;
	int fd;

	MUST(sigaltstack(&alternative, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
	MUST(sigaction(SIGSEGV, &fault, NULL) == 0 && raise(SIGUSR1) == 0 && came == SIGUSR1);
	*(volatile int *)65536 = 1;
	MUST(came == SIGSEGV);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	MUST(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	MUST(sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 5}) == 0);
	MUST((fd = signalfd(-1, &set, SFD_CLOEXEC)) >= 0);
	MUST(read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_int == 5);
	MUST(raise(SIGUSR2) == 0 && read(fd, two, sizeof(two)) == sizeof(info));
	MUST(sigtimedwait(&set, NULL, &soon) == -1 && kill(getpid(), SIGUSR2) == 0);
	MUST(sigwaitinfo(&set, NULL) == SIGUSR2 && kill(getpid(), SIGUSR2) == 0);
	MUST(sigaction(SIGUSR2, &action, NULL) == 0);
	MUST(sigsuspend(&old) == -1 && came == SIGUSR2);
}

void guest_timers(void)
{
	struct sigaction action = {.sa_handler = note};
	struct itimerval soon = {.it_value = {0, 100}};
	struct itimerspec later = {.it_value = {100, 0}};
	struct timespec time = {0, 100000};
	sigset_t set, old;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	MUST(sigaction(SIGALRM, &action, NULL) == 0 && sigprocmask(SIG_BLOCK, &set, &old) == 0);
	MUST(setitimer(ITIMER_REAL, &soon, NULL) == 0);
	MUST(sigsuspend(&old) == -1 && came == SIGALRM);
	MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0);
	MUST(timer_settime(timer, 0, &later, NULL) == 0 && timer_gettime(timer, &later) == 0);
	MUST(timer_delete(timer) == 0 && nanosleep(&time, NULL) == 0);
	MUST(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL) == 0);
	alarm(100);
}
