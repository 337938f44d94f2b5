/* SPDX-License-Identifier: MIT */
/* A program for musl, static: threads, allocation, streams, processes, signals, time. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 20000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static long total, turn;
static _Thread_local long own;
static sigjmp_buf back;

static void *add(void *index)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		total++;
		pthread_mutex_unlock(&lock);
		own++;
	}
	pthread_mutex_lock(&lock);
	while (turn != (long)index)
		pthread_cond_wait(&changed, &lock);
	printf("thread %ld: %ld\n", (long)index, own);
	turn++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return index;
}

static void threads(void)
{
	pthread_t ids[THREADS];
	long sum = 0;

	for (long i = 0; i < THREADS; i++)
		pthread_create(&ids[i], NULL, add, (void *)i);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		pthread_join(ids[i], &result);
		sum += (long)result;
	}
	printf("total %ld, sum %ld\n", total, sum);
}

static void allocate(void)
{
	static char *blocks[2000];
	unsigned long sum = 0;

	srand(1);
	for (int round = 0; round < 40000; round++) {
		int i = rand() % 2000;
		size_t size = 1 + (size_t)(rand() % 20000);

		blocks[i] = realloc(blocks[i], size);
		memset(blocks[i], round, size);
		sum += (unsigned char)blocks[i][size / 2];
	}
	for (int i = 0; i < 2000; i++)
		free(blocks[i]);
	printf("allocated: %lu\n", sum);
}

static void streams(void)
{
	FILE *file = tmpfile();
	char line[64];
	int count = 0;

	for (int i = 0; i < 5000; i++)
		fprintf(file, "line %d %.3f\n", i, i / 7.0);
	rewind(file);
	while (fgets(line, sizeof(line), file))
		count++;
	printf("%d lines, the last: %s", count, line);
	fclose(file);
	file = popen("echo from a shell", "r");
	printf("%s", fgets(line, sizeof(line), file));
	printf("status %d\n", pclose(file));
}

static void processes(void)
{
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;

	fflush(stdout);
	for (int i = 0; i < 5; i++) {
		if (fork() == 0) {
			atomic_fetch_add((atomic_int *)shared, i);
			total = -1;
			_exit(i);
		}
	}
	for (int i = 0; i < 5; i++)
		wait(&status);
	printf("children added %d, total %ld, %s\n", *shared, total,
		wait(&status) < 0 && errno == ECHILD ? "no more" : "more");
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d, code %d, address %p\n", signo, info->si_code,
		signo == SIGFPE ? NULL : info->si_addr);
	siglongjmp(back, 1);
}

static void faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t stack = {.ss_sp = malloc(65536), .ss_size = 65536};
	volatile int *volatile nowhere = (volatile int *)16;
	char *page = mmap((void *)0x10000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	if (!sigsetjmp(back, 1))
		*nowhere = 1;
	if (!sigsetjmp(back, 1))
		*(volatile char *)(page + 5) = 1;
	if (!sigsetjmp(back, 1)) {
		__asm__ volatile("xor %%ecx, %%ecx\n\tdiv %%ecx" ::: "eax", "ecx", "edx");
	}
}

int main(int argc, char **argv)
{
	struct timespec before, after;

	printf("%d arguments, %s\n", argc, argv[argc - 1]);
	clock_gettime(CLOCK_MONOTONIC, &before);
	threads();
	allocate();
	streams();
	processes();
	faults();
	clock_gettime(CLOCK_MONOTONIC, &after);
	puts(after.tv_sec >= before.tv_sec ? "time goes on" : "time goes back");
	return 7;
}
