/* SPDX-License-Identifier: MIT */
/*
 * Signals that keg gets become the program's: those of the terminal go to the group in its
 * foreground, those of other processes to the program itself. Not SIGTTIN and SIGTTOU: as they are
 * not blocked, they stop keg as a whole, when it is in the background and uses its terminal.
 */
#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "exec.h"

static const int forwarded[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGTSTP, SIGCONT};

/* Ends the thread: never sent by anybody else, as it is blocked everywhere. */
#define FINISH (SIGRTMIN + 1)

static sigset_t forwarded_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	sigaddset(&set, FINISH);
	return set;
}

static void *forward(void *context)
{
	struct keg_user *user = context;
	sigset_t set = forwarded_set();
	siginfo_t info;

	for (;;) {
		int signo = sigwaitinfo(&set, &info);

		if (signo == FINISH)
			return NULL;
		if (signo < 0)
			continue;
		/* What keg's shell continues, it continues as a whole. */
		keg_user_signal(user, signo, info.si_code == SI_KERNEL || signo == SIGCONT);
	}
}

uint64_t exec_signals_ignored(void)
{
	struct sigaction action;
	uint64_t set = 0;

	for (int signo = 1; signo <= 64; signo++) {
		/* The C library keeps some to itself: EINVAL. */
		if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			set |= 1ull << (signo - 1);
	}
	return set;
}

int exec_signals_begin(struct keg_user *user, pthread_t *thread)
{
	sigset_t set = forwarded_set();

	sigaddset(&set, SIGPIPE); /* the program's, which the library tells it */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return pthread_create(thread, NULL, forward, user) ? -1 : 0;
}

void exec_signals_end(pthread_t thread)
{
	pthread_kill(thread, FINISH);
	pthread_join(thread, NULL);
}
