/* SPDX-License-Identifier: MIT */
/* Signals as a program finds them: sent, blocked, queued, read, and what children send. */
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "handler.h"

static void sent_to_itself(void)
{
	struct sigaction old;

	handle(SIGUSR1, 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(count == 1 && last == SIGUSR1);
	CHECK(last_info.si_code == SI_USER && last_info.si_pid == getpid());
	CHECK(raise(SIGUSR1) == 0 && count == 2);
	CHECK(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1) == 0 && count == 3);
	CHECK(last_info.si_code == SI_TKILL);
	CHECK(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_sigaction == on_signal);
	CHECK(sigaction(SIGKILL, &old, NULL) == -1 && errno == EINVAL);
	CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
	CHECK(kill(getpid(), 0) == 0);
	CHECK(kill(999999, SIGUSR1) == -1 && errno == ESRCH);
}

static void blocked_and_pending(void)
{
	sigset_t set, old, pending;

	handle(SIGUSR1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	CHECK(raise(SIGUSR1) == 0 && raise(SIGUSR1) == 0 && count == 0);
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	/* A standard signal is pending once. */
	CHECK(count == 1);
	CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
}

static void queued_with_values(void)
{
	sigset_t set, old;
	siginfo_t info;

	handle(SIGRTMIN, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}) == 0);
	CHECK(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_value.sival_int == 0);
	CHECK(info.si_code == SI_QUEUE && info.si_pid == getpid());
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	CHECK(count == 4 && last_info.si_value.sival_int == 4);
	CHECK(sigtimedwait(&set, &info, &(struct timespec){0, 1000000}) == -1 && errno == EAGAIN);
}

static volatile int depth, deepest;

static void on_nested(int signo)
{
	depth++;
	deepest = depth > deepest ? depth : deepest;
	if (count++ < 2)
		raise(signo);
	depth--;
}

static void nested_and_once(void)
{
	struct sigaction action = {.sa_handler = on_nested};

	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	count = depth = deepest = 0;
	raise(SIGUSR2);
	CHECK(count == 3);
	/* It is blocked in its own handler, and comes after it. */
	CHECK(deepest == 1);
	action.sa_flags = SA_NODEFER;
	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	count = depth = deepest = 0;
	raise(SIGUSR2);
	CHECK(deepest == 3);
	action.sa_flags = (int)SA_RESETHAND;
	CHECK(sigaction(SIGUSR2, &action, NULL) == 0);
	raise(SIGUSR2);
	CHECK(sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
}

static void on_its_own_stack(void)
{
	static char stack[65536];
	stack_t given = {.ss_sp = stack, .ss_size = sizeof(stack)}, old;

	CHECK(sigaltstack(&given, NULL) == 0);
	handle(SIGUSR1, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(handler_sp > (uintptr_t)stack && handler_sp < (uintptr_t)stack + sizeof(stack));
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == stack && old.ss_flags == 0);
	handle(SIGUSR1, 0);
	raise(SIGUSR1);
	CHECK(!(handler_sp > (uintptr_t)stack && handler_sp < (uintptr_t)stack + sizeof(stack)));
	given.ss_size = 100;
	CHECK(sigaltstack(&given, NULL) == -1 && errno == ENOMEM);
	given = (stack_t){.ss_flags = SS_DISABLE};
	CHECK(sigaltstack(&given, NULL) == 0);
	CHECK(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
}

/* ---- Children ---- */

static void children_are_told_of(void)
{
	pid_t child;
	int status;

	handle(SIGCHLD, SA_RESTART);
	child = fork();
	if (child == 0)
		_exit(7);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(count == 1 && last_info.si_code == CLD_EXITED && last_info.si_status == 7);
	CHECK(last_info.si_pid == child);
	child = fork();
	if (child == 0) {
		for (;;)
			pause();
	}
	kill(child, SIGTERM);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM && !WCOREDUMP(status));
	CHECK(last_info.si_code == CLD_KILLED && last_info.si_status == SIGTERM);
	child = fork();
	if (child == 0)
		abort();
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	signal(SIGCHLD, SIG_DFL);
}

static void stopped_and_continued(void)
{
	pid_t child;
	int status;

	handle(SIGCHLD, SA_RESTART);
	child = fork();
	if (child == 0) {
		for (;;)
			;
	}
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK(last_info.si_code == CLD_STOPPED && last_info.si_status == SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED | WNOHANG) == 0);
	kill(child, SIGCONT);
	CHECK(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status));
	/* The child sends it itself, when it runs again. */
	for (int i = 0; i < 1000 && last_info.si_code != CLD_CONTINUED; i++)
		usleep(1000);
	CHECK(last_info.si_code == CLD_CONTINUED);
	kill(child, SIGSTOP);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	/* It ends though it is stopped. */
	kill(child, SIGKILL);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	signal(SIGCHLD, SIG_DFL);
}

static void groups(void)
{
	pid_t leader = fork(), other;
	int status;

	if (leader == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(leader, leader);
	other = fork();
	if (other == 0) {
		for (;;)
			pause();
	}
	CHECK(setpgid(other, leader) == 0);
	CHECK(kill(-leader, SIGHUP) == 0);
	CHECK(waitpid(leader, &status, 0) == leader && WTERMSIG(status) == SIGHUP);
	CHECK(waitpid(other, &status, 0) == other && WTERMSIG(status) == SIGHUP);
	CHECK(kill(-leader, SIGHUP) == -1 && errno == ESRCH);
}

/* A file is readable for what its own process has pending: no more, no longer. */
static void waited_for_by_a_file(void)
{
	struct pollfd wanted = {.events = POLLIN};
	sigset_t set, old;
	pid_t child;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	wanted.fd = signalfd(-1, &set, SFD_CLOEXEC);
	CHECK(wanted.fd >= 0);
	child = fork();
	if (child == 0) {
		raise(SIGUSR1);
		_exit(poll(&wanted, 1, 0) == 1 ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(poll(&wanted, 1, 0) == 0);
	raise(SIGUSR1);
	CHECK(poll(&wanted, 1, 0) == 1);
	CHECK(sigwaitinfo(&set, NULL) == SIGUSR1);
	CHECK(poll(&wanted, 1, 0) == 0);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	close(wanted.fd);
}

static void read_from_a_file(void)
{
	struct signalfd_siginfo info;
	sigset_t set, old;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN);
	CHECK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 42}) == 0);
	CHECK(raise(SIGUSR1) == 0);
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
	CHECK(info.ssi_signo == SIGUSR1);
	CHECK(read(fd, &info, sizeof(info)) == sizeof(info));
	CHECK((int)info.ssi_signo == SIGRTMIN + 1 && info.ssi_int == 42);
	CHECK(read(fd, &info, sizeof(info)) == -1 && errno == EAGAIN);
	close(fd);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"sent_to_itself", sent_to_itself},
		{"blocked_and_pending", blocked_and_pending},
		{"queued_with_values", queued_with_values},
		{"nested_and_once", nested_and_once},
		{"on_its_own_stack", on_its_own_stack},
		{"children_are_told_of", children_are_told_of},
		{"stopped_and_continued", stopped_and_continued},
		{"groups", groups},
		{"waited for by a file", waited_for_by_a_file},
		{"read_from_a_file", read_from_a_file},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
