/* SPDX-License-Identifier: MIT */
/*
 * user-calls TIMES OWN-PATH: what common system calls cost, a line each: a name and nanoseconds.
 * The same program is run inside and outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, PAGES = 64, SLICES = 20 };

static int file;
static const char *program;
static char block[BLOCK];

static void need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "user-calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void do_getpid(void)
{
	syscall(SYS_getpid);
}

static void do_read(void)
{
	need(pread(file, block, BLOCK, 0) == BLOCK, "pread");
}

static void do_write(void)
{
	need(pwrite(file, block, BLOCK, 0) == BLOCK, "pwrite");
}

static void do_open(void)
{
	const int fd = open("/tmp", O_RDONLY | O_DIRECTORY);

	need(fd >= 0, "open");
	close(fd);
}

static void do_stat(void)
{
	struct stat st;

	need(stat("/tmp", &st) == 0, "stat");
}

static void do_map(void)
{
	char *area = mmap(NULL, (size_t)PAGES * BLOCK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(area != MAP_FAILED, "mmap");
	for (size_t i = 0; i < PAGES; i++)
		area[i * BLOCK] = 1;
	munmap(area, (size_t)PAGES * BLOCK);
}

static void do_wake(void)
{
	static uint32_t word;

	syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_for(pid_t pid)
{
	need(pid > 0 && waitpid(pid, NULL, 0) == pid, "a process");
}

static void do_fork(void)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	wait_for(pid);
}

static void do_exec(void)
{
	/* What posix_spawn(3) does; it is to be measured.
	 * NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
	const pid_t pid = vfork();

	if (pid == 0) {
		execl(program, program, NULL);
		_exit(1);
	}
	wait_for(pid);
}

static void *nothing(void *context)
{
	return context;
}

static void do_thread(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, nothing, NULL) == 0, "a thread");
	pthread_join(thread, NULL);
}

static int there[2], back[2];

static void *echo(void *context)
{
	char byte;

	while (read(there[0], &byte, 1) == 1)
		need(write(back[1], &byte, 1) == 1, "write");
	return context;
}

static void do_ping(void)
{
	char byte = 0;

	need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "a pipe");
}

static const struct {
	const char *name;
	void (*once)(void);
	int share; /* of the times asked for: one in so many */
} calls[] = {
	{"getpid", do_getpid, 1},
	{"read", do_read, 1},
	{"write", do_write, 1},
	{"open", do_open, 1},
	{"stat", do_stat, 1},
	{"map", do_map, 10},
	{"wake", do_wake, 1},
	{"ping", do_ping, 4},
	{"thread", do_thread, 20},
	{"fork", do_fork, 40},
	{"exec", do_exec, 40},
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* The least of some slices: what else the machine does can only add to one. */
static void measure(size_t i, int times)
{
	double least = 0;

	times = times / calls[i].share / SLICES + 1;
	calls[i].once();
	for (int slice = 0; slice < SLICES; slice++) {
		const double began = now();
		double took;

		for (int n = 0; n < times; n++)
			calls[i].once();
		took = (now() - began) / times;
		least = slice == 0 || took < least ? took : least;
	}
	printf("%s %.1f\n", calls[i].name, least);
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/keg-bench-XXXXXX";
	pthread_t thread;

	if (argc < 3)
		return argc == 1 ? 0 : 2; /* executed by itself */
	program = argv[2];
	file = mkstemp(path);
	need(file >= 0 && unlink(path) == 0, path);
	do_write();
	need(pipe(there) == 0 && pipe(back) == 0, "pipe");
	need(pthread_create(&thread, NULL, echo, NULL) == 0, "a thread");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		measure(i, (int)strtol(argv[1], NULL, 10));
	return 0;
}
