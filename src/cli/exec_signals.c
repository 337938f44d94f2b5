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

/* Whose the signals are; NULL: nobody's any more. Waiting for the thread to end would take longer
 * than much of what a short program does, so that it ends with the process. */
static struct {
	pthread_mutex_t lock;
	struct keg_user *user;
} program = {.lock = PTHREAD_MUTEX_INITIALIZER};

static sigset_t forwarded_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(&set, forwarded[i]);
	return set;
}

static void *forward(void *context)
{
	const sigset_t set = forwarded_set();
	siginfo_t info;
	bool over = false;

	(void)context;
	while (!over) {
		int signo = sigwaitinfo(&set, &info);

		if (signo < 0)
			continue;
		pthread_mutex_lock(&program.lock);
		over = !program.user;
		/* What keg's shell continues, it continues as a whole. */
		if (!over)
			keg_user_signal(
				program.user, signo, info.si_code == SI_KERNEL || signo == SIGCONT);
		pthread_mutex_unlock(&program.lock);
	}
	return NULL;
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

int exec_signals_begin(struct keg_user *user)
{
	sigset_t set = forwarded_set();
	pthread_attr_t attributes;
	pthread_t thread;
	int failed;

	sigaddset(&set, SIGPIPE); /* the program's, which the library tells it */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_attr_init(&attributes) != 0)
		return -1;
	/* As much as the library's own threads have, one of which has just ended: its stack is used
	 * again. */
	pthread_attr_setstacksize(&attributes, 1 << 20);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	program.user = user;
	failed = pthread_create(&thread, &attributes, forward, NULL);
	pthread_attr_destroy(&attributes);
	return failed ? -1 : 0;
}

void exec_signals_end(void)
{
	pthread_mutex_lock(&program.lock);
	program.user = NULL;
	pthread_mutex_unlock(&program.lock);
}
