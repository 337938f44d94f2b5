/* SPDX-License-Identifier: MIT */
/* Children: what they share with who made them, and who hears of their end. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "check.h"

static char stack[65536] __attribute__((aligned(16)));
static const char *program;

static void on_signal(int signo)
{
	(void)signo;
}

static int make(int (*run)(void *), int flags)
{
	return clone(run, stack + sizeof(stack), flags, NULL);
}

/* What became of a child that has ended by itself: its status. */
static int status_of(pid_t child)
{
	int status;

	CHECK(child > 0);
	CHECK(waitpid(child, &status, __WALL) == child && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int handle_it(void *context)
{
	(void)context;
	return signal(SIGUSR1, on_signal) != SIG_DFL;
}

static int execute(void *context)
{
	(void)context;
	execl(program, program, "nothing", NULL);
	return 1;
}

/* Whether SIGUSR1 is handled, which is no longer so then. */
static int is_handled(void)
{
	return signal(SIGUSR1, SIG_DFL) == on_signal;
}

static void actions_are_copied(void)
{
	CHECK(status_of(make(handle_it, SIGCHLD)) == 0 && !is_handled());
	CHECK(status_of(make(handle_it, CLONE_VM | SIGCHLD)) == 0 && !is_handled());
}

static void actions_are_shared(void)
{
	CHECK(status_of(make(handle_it, CLONE_VM | CLONE_SIGHAND | SIGCHLD)) == 0);
	CHECK(is_handled());
}

static void a_new_program_has_its_own_actions(void)
{
	CHECK(signal(SIGUSR1, on_signal) == SIG_DFL);
	CHECK(status_of(make(execute, CLONE_VM | CLONE_SIGHAND | SIGCHLD)) == 0);
	CHECK(is_handled());
}

static void ignored_children_go(void)
{
	sigset_t set, old;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	signal(SIGCHLD, SIG_IGN);
	child = fork();
	if (child == 0)
		_exit(0);
	CHECK(child > 0 && wait(NULL) == -1 && errno == ECHILD);
	CHECK(kill(child, 0) == -1 && errno == ESRCH);
	CHECK(sigpending(&set) == 0 && !sigismember(&set, SIGCHLD));
	signal(SIGCHLD, SIG_DFL);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
}

/* A child that leaves one of its own behind, which has ended by then: that one's number. */
static pid_t leave_a_zombie(int exit_signal)
{
	int said[2];
	pid_t child, left;

	CHECK(pipe(said) == 0 && (child = fork()) >= 0);
	if (child == 0) {
		signal(SIGCHLD, SIG_DFL);
		left = make(handle_it, exit_signal);
		CHECK(waitid(P_PID, (id_t)left, NULL, WEXITED | WNOWAIT | __WALL) == 0);
		CHECK(write(said[1], &left, sizeof(left)) == sizeof(left));
		_exit(0);
	}
	CHECK(read(said[0], &left, sizeof(left)) == sizeof(left));
	close(said[0]);
	close(said[1]);
	return left;
}

static void zombies_are_adopted(void)
{
	pid_t left = leave_a_zombie(0);

	CHECK(wait(NULL) > 0);
	/* Any wait finds it, whatever it was to send to who made it. */
	CHECK(wait(NULL) == left);
	CHECK(wait(NULL) == -1 && errno == ECHILD);
}

static void adopted_zombies_go(void)
{
	pid_t left;

	signal(SIGCHLD, SIG_IGN);
	left = leave_a_zombie(SIGCHLD);
	CHECK(wait(NULL) == -1 && errno == ECHILD);
	CHECK(kill(left, 0) == -1 && errno == ESRCH);
	signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"actions_are_copied", actions_are_copied},
		{"actions_are_shared", actions_are_shared},
		{"a_new_program_has_its_own_actions", a_new_program_has_its_own_actions},
		{"ignored_children_go", ignored_children_go},
		{"zombies_are_adopted", zombies_are_adopted},
		{"adopted_zombies_go", adopted_zombies_go},
		{NULL, NULL},
	};

	(void)argc;
	program = argv[0];
	/* Outside of a sandbox it is not the first of all processes. */
	CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	return check_all(checks, argv);
}
