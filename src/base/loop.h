/* SPDX-License-Identifier: MIT */
/*
 * A thread that waits for file descriptors and calls who is interested in them: what a device with
 * a queue, a terminal or a socket runs in.
 *
 * Threads: a source is added, changed and removed while the loop does not run, or from within the
 * loop's own callbacks; added in any thread. One is removed before its descriptor is closed.
 */
#ifndef KEG_BASE_LOOP_H
#define KEG_BASE_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* A descriptor, and who wants to hear of it. Filled in by its owner; stays until it is removed. */
struct keg_loop_source {
	int fd;
	/* `events`: what of EPOLLIN, EPOLLOUT … is so. Level-triggered: again, until it is not. */
	void (*ready)(void *context, uint32_t events);
	void *context;
};

enum { KEG_LOOP_BATCH = 16 }; /* events that are fetched at once */

struct keg_loop {
	int epoll;
	int end; /* an eventfd: the thread is to end */
	bool running;
	pthread_t thread;
	/* Fetched and not yet called: a source that is removed is taken out of here too. */
	struct epoll_event pending[KEG_LOOP_BATCH];
	int pending_count;
};

/* -EMFILE and others of epoll_create1(2) and eventfd(2) */
int keg_loop_init(struct keg_loop *loop);
void keg_loop_fini(struct keg_loop *loop); /* stops it first */

/* -EPERM a descriptor that cannot be waited for: a regular file. -EEXIST it is there already. */
int keg_loop_add(struct keg_loop *loop, struct keg_loop_source *source, uint32_t events);
/* No events: it stays, silent; but errors and hangups are told always. */
int keg_loop_modify(struct keg_loop *loop, struct keg_loop_source *source, uint32_t events);
void keg_loop_remove(struct keg_loop *loop, struct keg_loop_source *source);

/* Runs it in a thread of that name (15 bytes at most), in which all signals are blocked. */
int keg_loop_start(struct keg_loop *loop, const char *name);

/* Ends the thread, after the callback that it may be in; not from within one. May be started again.
 */
void keg_loop_stop(struct keg_loop *loop);

#endif
