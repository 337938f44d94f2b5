/* SPDX-License-Identifier: MIT */
/* The library's own threads. */
#ifndef KEG_BASE_THREAD_H
#define KEG_BASE_THREAD_H

#include <pthread.h>
#include <signal.h>

/*
 * Makes a thread that has the signals `blocked` blocked, or all of them if it is NULL: the
 * program's signals are for the program's own threads. Its stack has 1 MiB: enough for what runs
 * there, and too little for a large page, of which a thread that uses a few kilobytes would else
 * take one. 0 or an errno, as pthread_create().
 */
int keg_thread_create(
	pthread_t *thread, const sigset_t *blocked, void *(*main)(void *context), void *context);

#endif
