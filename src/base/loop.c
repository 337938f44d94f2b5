/* SPDX-License-Identifier: MIT */
/* A thread that waits for file descriptors: epoll(7). */
#include "base/loop.h"

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

/* The end's event has no source. */
static int add_end(struct keg_loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->end, &event) < 0)
		return keg_fail_errno(errno, "waiting for an event loop's end");
	return 0;
}

int keg_loop_init(struct keg_loop *loop)
{
	int rc;

	memset(loop, 0, sizeof(*loop));
	loop->end = -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		return keg_fail_errno(errno, "making an event loop");
	loop->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = loop->end < 0 ? keg_fail_errno(errno, "making an event loop") : add_end(loop);
	if (rc)
		keg_loop_fini(loop);
	return rc;
}

void keg_loop_fini(struct keg_loop *loop)
{
	keg_loop_stop(loop);
	if (loop->end >= 0)
		close(loop->end);
	if (loop->epoll >= 0)
		close(loop->epoll);
	loop->end = loop->epoll = -1;
}

static int control(struct keg_loop *loop, int what, struct keg_loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(loop->epoll, what, source->fd, &event) < 0)
		return keg_fail_errno(errno, "waiting for file descriptor %d", source->fd);
	return 0;
}

int keg_loop_add(struct keg_loop *loop, struct keg_loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_ADD, source, events);
}

int keg_loop_modify(struct keg_loop *loop, struct keg_loop_source *source, uint32_t events)
{
	return control(loop, EPOLL_CTL_MOD, source, events);
}

void keg_loop_remove(struct keg_loop *loop, struct keg_loop_source *source)
{
	(void)control(loop, EPOLL_CTL_DEL, source, 0);
	for (int i = 0; i < loop->pending_count; i++) {
		if (loop->pending[i].data.ptr == source)
			loop->pending[i].events = 0;
	}
}

/* Calls whose turn it is. False: the loop is to end. */
static bool run_batch(struct keg_loop *loop)
{
	const struct keg_loop_source *source;
	bool goes_on = true;

	for (int i = 0; i < loop->pending_count; i++) {
		source = loop->pending[i].data.ptr;
		if (!source)
			goes_on = false;
		else if (loop->pending[i].events)
			source->ready(source->context, loop->pending[i].events);
	}
	loop->pending_count = 0;
	return goes_on;
}

static void *run(void *context)
{
	struct keg_loop *loop = context;
	int count;

	do {
		count = epoll_wait(loop->epoll, loop->pending, KEG_LOOP_BATCH, -1);
		/* EINTR: a debugger stops the thread. */
		loop->pending_count = count < 0 ? 0 : count;
	} while (run_batch(loop));
	return NULL;
}

int keg_loop_start(struct keg_loop *loop, const char *name)
{
	uint64_t count;
	int rc;

	if (loop->running)
		return keg_fail(EBUSY, "the event loop '%s' runs already", name);
	/* The end of an earlier run. */
	while (read(loop->end, &count, sizeof(count)) < 0 && errno == EINTR)
		;
	rc = keg_thread_create(&loop->thread, NULL, run, loop);
	if (rc)
		return keg_fail_errno(rc, "starting the thread '%s'", name);
	loop->running = true;
	/* A name that is too long is for listings only: it does without. */
	(void)pthread_setname_np(loop->thread, name);
	return 0;
}

void keg_loop_stop(struct keg_loop *loop)
{
	const uint64_t one = 1;

	if (!loop->running)
		return;
	/* It cannot fail for good: the eventfd is there, and was drained before. */
	while (write(loop->end, &one, sizeof(one)) < 0 && errno != EAGAIN)
		;
	pthread_join(loop->thread, NULL);
	loop->running = false;
}
