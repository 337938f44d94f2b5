/* SPDX-License-Identifier: MIT */
/* The library's own threads. */
#include "base/thread.h"

enum { STACK_BYTES = 1 << 20 };

int keg_thread_create(
	pthread_t *thread, const sigset_t *blocked, void *(*main)(void *context), void *context)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int rc = pthread_attr_init(&attributes);

	if (rc)
		return rc;
	sigfillset(&all);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	/* A thread inherits the mask of the one that makes it. */
	pthread_sigmask(SIG_SETMASK, blocked ? blocked : &all, &before);
	rc = pthread_create(thread, &attributes, main, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return rc;
}
