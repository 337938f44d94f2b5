/* SPDX-License-Identifier: MIT */
/* Signals by the thousand, to everybody, at the worst time. */
#include "hostile.h"

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>

#define MS (300 * hostile_effort)

static uint64_t until;
static volatile int handled;

static void count(int signo)
{
	(void)signo;
	handled++;
}

static void handle(int signo, int flags)
{
	struct sigaction action = {.sa_handler = count, .sa_flags = flags};

	sigaction(signo, &action, NULL);
}

static void storm(void *context)
{
	pid_t other = (pid_t)(uintptr_t)context;

	while (now_ms() < until) {
		kill(other, SIGUSR1);
		raw(SYS_rt_sigqueueinfo, other, SIGRTMIN + 4,
			(long)&(siginfo_t){.si_signo = SIGRTMIN + 4, .si_code = SI_QUEUE}, 0, 0, 0);
		kill(other, SIGWINCH);
	}
}

static void storms(void)
{
	pid_t self = getpid();

	handle(SIGUSR1, SA_RESTART);
	handle(SIGRTMIN + 4, SA_NODEFER);
	handle(SIGWINCH, 0);
	until = now_ms() + MS;
	for (int i = 0; i < 2; i++) {
		if (fork() == 0) {
			storm((void *)(uintptr_t)self);
			_exit(0);
		}
	}
	while (now_ms() < until)
		getppid();
	while (wait(NULL) > 0 || errno == EINTR)
		;
	MUST(handled > 10);
}

static void stops_and_continues(void)
{
	pid_t child = fork();

	if (child == 0)
		for (;;)
			getppid();
	until = now_ms() + MS;
	while (now_ms() < until) {
		int status;

		kill(child, SIGSTOP);
		kill(child, SIGCONT);
		kill(child, SIGTSTP);
		waitpid(child, &status, WNOHANG | WUNTRACED | WCONTINUED);
		kill(child, SIGCONT);
	}
	kill(child, SIGSTOP);
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) != child)
		;
}

static void stops_itself(void)
{
	raise(SIGSTOP);
}

static void stops_everybody(void)
{
	for (int i = 0; i < 10; i++)
		if (fork() == 0)
			for (;;)
				kill(-1, SIGSTOP);
	kill(0, SIGSTOP);
}

static void kills_everybody(void)
{
	for (int i = 0; i < 10; i++)
		if (fork() == 0)
			for (;;)
				pause();
	kill(-1, SIGKILL);
	while (wait(NULL) > 0)
		;
}

/* Those of keg's host, by any number. */
static void kills_any_number(void)
{
	for (int signo = 1; signo < 65; signo++)
		signal(signo, SIG_IGN);
	for (long pid = -40000; pid<40000; pid += pid> - 2000 && pid < 2000 ? 1 : 97) {
		if (pid == 0 || pid == -1 || pid == getpid() || pid == -getpgrp())
			continue;
		MUST(raw(SYS_kill, pid, SIGKILL, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_tkill, pid, SIGKILL, 0, 0, 0, 0) < 0 || pid == gettid());
	}
	MUST(raw(SYS_kill, INT_MIN, 9, 0, 0, 0, 0) < 0);
	for (long signo = 65; signo < 300; signo++)
		MUST(raw(SYS_kill, getpid(), signo, 0, 0, 0, 0) < 0);
	MUST(raw(SYS_kill, getpid(), -1, 0, 0, 0, 0) < 0);
	MUST(raw(SYS_kill, getpid(), 1l << 31, 0, 0, 0, 0) < 0);
}

/* ---- During each call that waits ---- */

static int pipes[2], pair[2], epoll, timer, event, locked;
static struct iovec vector;
static char *buffer;

/* The calls with what they wait for. */
static const long *call_that_waits(int which)
{
	static const struct timespec second = {1, 0};
	static const struct timeval same = {1, 0};
	static const uint64_t none;
	static struct pollfd polled;
	const long at = (long)buffer;
	static long each[7];
	const long all[][7] = {
		{SYS_read, pipes[0], at, 1},
		{SYS_readv, pipes[0], (long)&vector, 1},
		{SYS_poll, (long)&polled, 1, 1000},
		{SYS_select, 0, 0, 0, 0, (long)&same},
		{SYS_epoll_pwait, epoll, at, 4, 1000, (long)&none, 8},
		{SYS_recvfrom, pair[0], at, 8},
		{SYS_nanosleep, (long)&second, at},
		{SYS_futex, at + 64, 0, 0, (long)&second},
		{SYS_rt_sigtimedwait, (long)&none, 0, (long)&second, 8},
		{SYS_rt_sigsuspend, (long)&none, 8},
		{SYS_wait4, -1},
		{SYS_read, timer, at, 8},
		{SYS_read, event, at, 8},
		{SYS_flock, locked, LOCK_EX},
		{SYS_ppoll, 0, 0, (long)&second, (long)&none, 8},
		{SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, (long)&second},
		{SYS_recvmsg, pair[0], at},
		{SYS_openat, AT_FDCWD, (long)"/tmp/fifo", O_RDONLY},
		{SYS_read, 0, at, 1},
		{SYS_pause},
	};

	vector = (struct iovec){buffer, 1};
	polled = (struct pollfd){pipes[0], POLLIN, 0};
	memcpy(each, all[which], sizeof(each));
	return each;
}

static void block_in(int which)
{
	const long *call = call_that_waits(which);

	raw(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
}

static void blocked_calls(int flags)
{
	struct itimerval often = {.it_interval.tv_usec = 500, .it_value.tv_usec = 500};

	buffer = pages(1);
	MUST(pipe(pipes) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	epoll = epoll_create1(0);
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	event = eventfd(0, 0);
	locked = open("/rw/locked", O_RDWR | O_CREAT, 0600);
	raw(SYS_mknod, (long)"/tmp/fifo", S_IFIFO | 0600, 0, 0, 0, 0);
	handle(SIGALRM, flags);
	if (fork() == 0) {
		for (int which = 0; which < 20; which++) {
			/* With SA_RESTART it is not the signals that end it: there is a limit. */
			uint64_t end = now_ms() + 20;

			setitimer(ITIMER_REAL, &often, NULL);
			do
				block_in(which);
			while (!(flags & SA_RESTART) && now_ms() < end);
		}
		_exit(0);
	}
	for (int i = 0; i < 600; i++)
		nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void interrupted_calls(void)
{
	blocked_calls(0);
}

static void restarted_calls(void)
{
	blocked_calls(SA_RESTART);
}

/* ---- Actions and masks ---- */

static void wild_actions(void)
{
	static const uint64_t handlers[] = {2, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000,
		0xffff800000000000, 0xffff800000000108, UINT64_MAX};

	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {
		for (uint64_t flags = 0; flags < 8; flags++) {
			uint64_t action[4] = {
				handlers[i], 0x04000000 | flags << 27, handlers[6 - i], 0};
			pid_t child = fork();

			if (child == 0) {
				raw(SYS_rt_sigaction, SIGUSR1, (long)action, 0, 8, 0, 0);
				raise(SIGUSR1);
				_exit(0);
			}
			waitpid(child, NULL, 0);
		}
	}
}

static void recursive_faults(void)
{
	uint64_t action[4] = {0x1234, 0x44000000, 0x1234, 0};

	raw(SYS_rt_sigaction, SIGSEGV, (long)action, 0, 8, 0, 0);
	raise(SIGSEGV);
}

static void queued(void)
{
	siginfo_t info;
	uint64_t all = UINT64_MAX;
	long sent = 0;

	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0, 0);
	for (int i = 0; i < 3000; i++) {
		memset(&info, (int)chance(), sizeof(info));
		info.si_code = -1 - (int)(chance() % 70);
		info.si_signo = 34 + i % 30;
		sent += raw(SYS_rt_sigqueueinfo, getpid(), 34 + i % 30, (long)&info, 0, 0, 0) == 0;
		raw(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 34 + i % 30, (long)&info, 0, 0);
	}
	all = 0;
	for (int signo = 34; signo < 65; signo++)
		signal(signo, SIG_IGN);
	raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, 8, 0, 0);
	MUST(sent > 0 && sent < 1000);
}

const struct hostile hostile_signals[] = {
	{"signal-storms", storms, EXITS, 0},
	{"stops-and-continues", stops_and_continues, EXITS, 0},
	{"stops-itself", stops_itself, TIME, 1},
	{"stops-everybody", stops_everybody, TIME, 1},
	{"kills-everybody", kills_everybody, EXITS | KILLED, 0},
	{"kills-any-number", kills_any_number, EXITS, 0},
	{"interrupted-calls", interrupted_calls, EXITS, 0},
	{"restarted-calls", restarted_calls, EXITS, 0},
	{"wild-actions", wild_actions, EXITS, 0},
	{"recursive-faults", recursive_faults, KILLED, 0},
	{"queued-signals", queued, EXITS, 0},
	{NULL, NULL, 0, 0},
};
