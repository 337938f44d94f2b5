/* SPDX-License-Identifier: MIT */
/* A program for keg exec to run, static: what it does is its first word. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static volatile bool goes_on = true;

/* ---- Faults ---- */

static int null(void)
{
	return *(volatile int *)NULL;
}

static int ill(void)
{
	__asm__ volatile("ud2");
	return 0;
}

static int trap(void)
{
	__asm__ volatile("int3");
	return 0;
}

static int divide(void)
{
	__asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx");
	return 0;
}

static int bus(void)
{
	volatile char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(tmpfile()), 0);

	return *page;
}

/* ---- Limits and rights ---- */

static int spin(void)
{
	while (goes_on)
		;
	return 0;
}

static int hog(void)
{
	while (goes_on)
		memset(malloc(1 << 20), 1, 1 << 20);
	return 0;
}

static int show_environment(void)
{
	for (char **each = environ; *each; each++)
		puts(*each);
	return 0;
}

static int socket_error(void)
{
	return socket(AF_INET, SOCK_DGRAM, 0) < 0 ? errno : 0;
}

static int uname_error(void)
{
	struct utsname name;

	return uname(&name) < 0 ? errno : 0;
}

/* Through libc, which may do without the call. */
static int clock_error(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_MONOTONIC, &now) < 0 ? errno : 0;
}

static int gettimeofday_error(void)
{
	struct timeval now;

	return gettimeofday(&now, NULL) < 0 ? errno : 0;
}

/* ---- Signals ---- */

static void say(const char *what, int number)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%s %d\n", what, number);

	if (write(STDOUT_FILENO, text, (size_t)length) < 0)
		_exit(1);
}

static void handler(int signo)
{
	struct winsize size;

	if (signo != SIGWINCH)
		say("got", signo);
	else if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		say("columns", size.ws_col);
}

/* Says what it gets; reads lines, and ends with them. */
static int signals(void)
{
	static const int handled[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGCONT, SIGWINCH};
	char line[64];
	ssize_t length;

	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaction(handled[i],
			&(struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART}, NULL);
	say("ready", isatty(STDIN_FILENO));
	while ((length = read(STDIN_FILENO, line, sizeof(line))) > 0)
		say("read", (int)length);
	return length < 0;
}

static int sleeper(void)
{
	say("ready", 0);
	while (goes_on)
		pause();
	return 0;
}

static int stopper(void)
{
	say("ready", 0);
	raise(SIGSTOP);
	say("on", 0);
	return 5;
}

/* ---- The terminal ---- */

static int make_raw(void)
{
	struct termios mode;

	tcgetattr(STDIN_FILENO, &mode);
	cfmakeraw(&mode);
	return tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

static int raw_sleeper(void)
{
	make_raw();
	return sleeper();
}

/* Nothing that is written after that would be seen. */
static int suspender(void)
{
	return tcflow(STDOUT_FILENO, TCOOFF) < 0 ? 1 : sleeper();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} all[] = {{"null", null}, {"ill", ill}, {"trap", trap}, {"divide", divide}, {"bus", bus},
		{"spin", spin}, {"hog", hog}, {"environment", show_environment},
		{"socket", socket_error}, {"uname", uname_error}, {"signals", signals},
		{"sleep", sleeper}, {"stop", stopper}, {"raw", make_raw},
		{"sleep-raw", raw_sleeper}, {"suspend", suspender}, {"clock", clock_error},
		{"gettimeofday", gettimeofday_error}};

	for (size_t i = 0; argc == 2 && i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(argv[1], all[i].name) == 0)
			return all[i].run();
	}
	return 99;
}
