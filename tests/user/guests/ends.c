/* SPDX-License-Identifier: MIT */
/* Programs that are not easily ended: which, the argument says. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

/* A vfork(2) that is never over. */
static void vfork_spins(void)
{
	if (vfork() == 0)
		spin();
}

static void vfork_stops(void)
{
	if (vfork() == 0) {
		raise(SIGSTOP);
		spin();
	}
}

/* Its threads and processes are just being made, at any moment. */
static void forks(void)
{
	for (;;)
		fork();
}

static void *spin_there(void *context)
{
	spin();
	return context;
}

static void *make_threads(void *context)
{
	pthread_t thread;

	for (int i = 0; i < 16; i++)
		pthread_create(&thread, NULL, spin_there, NULL);
	return context;
}

static void leaves_threads(void)
{
	pthread_t thread;

	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			pthread_create(&thread, NULL, make_threads, NULL);
			usleep((unsigned)i * 300);
			_exit(7);
		}
		waitpid(pid, NULL, 0);
	}
}

/* Processes in processes, which outlive the first. */
static void leaves_processes(void)
{
	int ready[2];
	char byte;

	if (pipe(ready) < 0)
		abort();
	for (int i = 0; i < 12; i++) {
		if (fork())
			continue;
		if (!fork() && !fork() && write(ready[1], "", 1) < 0)
			abort();
		for (;;)
			pause();
	}
	for (int i = 0; i < 12; i++) {
		if (read(ready[0], &byte, 1) != 1)
			abort();
	}
}

/* Beside a process that does not even call. */
static void gives_memory_back(void)
{
	if (fork() == 0)
		spin();
	for (;;) {
		char *at = mmap(
			NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (at == MAP_FAILED)
			abort();
		at[0] = 1;
		munmap(at, 65536);
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} programs[] = {
		{"vfork_spins", vfork_spins},
		{"vfork_stops", vfork_stops},
		{"forks", forks},
		{"leaves_threads", leaves_threads},
		{"leaves_processes", leaves_processes},
		{"gives_memory_back", gives_memory_back},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (strcmp(argv[1], programs[i].name) == 0) {
			programs[i].run();
			return 7;
		}
	}
	return 2;
}
