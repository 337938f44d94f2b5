/* SPDX-License-Identifier: MIT */
/* A run that crashes or does not end. */
#include "fault/watchdog.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SECONDS = 60 };

static const char *volatile current;

static void print(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
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

static void ended(int signo)
{
	print(signo == SIGALRM ? "fault: it does not end\n" : "fault: it crashed\n");
	tell();
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
