/* SPDX-License-Identifier: MIT */
/* A run that crashes or does not end. */
#include "fault/watchdog.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SECONDS = 60 };

static const char *volatile current;

static int console = STDERR_FILENO;

void watchdog_console(int fd)
{
	console = fd;
}

static void print(const char *text)
{
	if (write(console, text, strlen(text)) < 0)
		return;
}

static void tell(void)
{
	if (!current)
		return;
	print("fault: this was going on: ");
	print(current);
	print("\n");
}

static void print_file(const char *path)
{
	char text[2048];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = 0;
	print(text);
	if (fd >= 0)
		close(fd);
}

/* Where each thread is in the kernel: its system call, and the stack where it may be read. */
static void tell_threads(void)
{
	DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	char path[300];

	while (folder && (entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		print("thread ");
		print(entry->d_name);
		print(": ");
		snprintf(path, sizeof(path), "/proc/self/task/%s/syscall", entry->d_name);
		print_file(path);
		snprintf(path, sizeof(path), "/proc/self/task/%s/stack", entry->d_name);
		print_file(path);
	}
	if (folder)
		closedir(folder);
}

/* The process ends here: what it prints need not be safe in a signal handler. */
static void ended(int signo)
{
	print(signo == SIGALRM ? "fault: it does not end\n" : "fault: it crashed\n");
	tell();
	if (signo == SIGALRM)
		tell_threads();
	signal(signo, SIG_DFL);
	raise(signo);
}

/* The sanitizers', where the program is built with them. */
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void install(void)
{
	static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};

	signal(SIGALRM, ended);
	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(tell);
		return;
	}
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		signal(crashes[i], ended);
}

void watchdog_start(const char *title)
{
	static bool installed;

	if (!installed)
		install();
	installed = true;
	current = title;
	alarm(MOST_SECONDS);
}

void watchdog_stop(void)
{
	alarm(0);
	current = NULL;
}
