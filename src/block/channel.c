/* SPDX-License-Identifier: MIT */
/*
 * A channel: what needs no waiting is done on the spot, what a ring can take goes through it, and
 * the rest through threads, which are made when there is such a rest.
 */
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "block/pool.h"
#include "block/ring.h"

struct keg_disk_channel {
	struct keg_disk *disk;
	uint32_t depth;
	struct keg_ring *ring;                  /* or NULL */
	struct keg_pool *pool;                  /* or NULL, as long as a ring does */
	struct keg_disk_request *first, **last; /* submitted, and not begun */
	bool watching;                          /* the ring watches the wakers */
	uint32_t in_pool;
	atomic_bool cancelled;
	uint32_t answered;  /* in this wait */
	uint32_t misses;    /* reads in a row that were not in the cache */
	uint32_t reads;     /* since the cache was last tried */
	uint32_t unhurried; /* how many writes to come are not made on the spot */
};

enum {
	WAKERS = 2,
	POOL_BIT = 1 << WAKERS,
	MANY_MISSES = 8, /* then the cache is tried for one read in */
	SELDOM = 16,
	SLOW_NS = 2000000, /* a write on the spot that takes longer has been made to wait */
	UNHURRIED = 64,
};

static int open_pool(struct keg_disk_channel *channel)
{
	int rc = keg_pool_open(channel->disk, channel->depth, &channel->pool);

	if (!rc && channel->ring)
		keg_ring_watch(channel->ring, WAKERS, keg_pool_fd(channel->pool));
	return rc;
}

int keg_disk_channel_open(struct keg_disk *disk, uint32_t depth, struct keg_disk_channel **made)
{
	struct keg_disk_channel *channel = calloc(1, sizeof(*channel));
	int rc = 0;

	if (!channel)
		return keg_fail(ENOMEM, "no memory for a disk's channel");
	channel->disk = disk;
	channel->depth = depth;
	channel->last = &channel->first;
	if (!(disk->flags & KEG_DISK_THREADS) && !disk->scratch)
		channel->ring = keg_ring_open(disk, depth);
	if (!channel->ring)
		rc = open_pool(channel);
	if (rc)
		free(channel);
	else
		*made = channel;
	return rc;
}

void keg_disk_channel_close(struct keg_disk_channel *channel)
{
	if (!channel)
		return;
	keg_ring_close(channel->ring);
	keg_pool_close(channel->pool);
	free(channel);
}

const char *keg_disk_channel_kind(const struct keg_disk_channel *channel)
{
	return channel->ring ? "io_uring" : "threads";
}

void keg_disk_submit(struct keg_disk_channel *channel, struct keg_disk_request *request)
{
	request->cancelled = &channel->cancelled;
	request->progress = 0;
	request->next = NULL;
	*channel->last = request;
	channel->last = &request->next;
}

void keg_disk_channel_cancel(struct keg_disk_channel *channel)
{
	atomic_store(&channel->cancelled, true);
}

static void answer(struct keg_disk_channel *channel, struct keg_disk_request *request, int result)
{
	channel->answered++;
	request->done(request, result);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Where the host makes those who write wait, as for a device that is behind, what else is to be
 * done should not wait with them. */
static bool try_write_now(
	struct keg_disk_channel *channel, struct keg_disk_request *request, int *result)
{
	uint64_t begin;
	bool done;

	if (channel->unhurried) {
		channel->unhurried--;
		return false;
	}
	begin = now_ns();
	done = keg_disk_try(channel->disk, request, result);
	if (done && now_ns() - begin > SLOW_NS)
		channel->unhurried = UNHURRIED;
	return done;
}

/* Where reads miss the page cache again and again, asking it first is a call for nothing. */
static bool try_now(struct keg_disk_channel *channel, struct keg_disk_request *request, int *result)
{
	bool done;

	if (request->op == KEG_DISK_OP_WRITE)
		return try_write_now(channel, request, result);
	if (request->op != KEG_DISK_OP_READ)
		return keg_disk_try(channel->disk, request, result);
	if (channel->misses >= MANY_MISSES && ++channel->reads % SELDOM)
		return false;
	done = keg_disk_try(channel->disk, request, result);
	channel->misses = done ? 0 : channel->misses + 1;
	return done;
}

static void begin(struct keg_disk_channel *channel, struct keg_disk_request *request)
{
	int result;

	if (keg_disk_is_cancelled(request)) {
		answer(channel, request, -ECANCELED);
	} else if (try_now(channel, request, &result)) {
		answer(channel, request, result);
	} else if (channel->ring && keg_ring_takes(channel->disk, request)) {
		keg_ring_prepare(channel->ring, request);
	} else if (channel->pool || !open_pool(channel)) {
		channel->in_pool++;
		keg_pool_submit(channel->pool, request);
	} else {
		answer(channel, request, keg_disk_perform(channel->disk, request));
	}
}

static void begin_all(struct keg_disk_channel *channel)
{
	while (channel->first) {
		struct keg_disk_request *request = channel->first;

		channel->first = request->next;
		if (!channel->first)
			channel->last = &channel->first;
		begin(channel, request);
	}
}

static void reap_pool(struct keg_disk_channel *channel)
{
	struct keg_disk_request *request = keg_pool_reap(channel->pool);

	while (request) {
		struct keg_disk_request *next = request->next;

		channel->in_pool--;
		answer(channel, request, request->result);
		request = next;
	}
}

static int wait_for_ring(struct keg_disk_channel *channel, const int wake[WAKERS], bool wait)
{
	struct keg_disk_request *request;
	uint32_t signalled = 0;
	int rc = 0;

	if (!channel->watching)
		for (uint32_t i = 0; i < WAKERS; i++)
			keg_ring_watch(channel->ring, i, wake[i]);
	channel->watching = true;
	/* Who does not wait comes again at once, and then begins all that there is by then: but for
	 * who has an answer, and may come with more requests, again and again. */
	if (wait || (channel->answered && keg_ring_is_busy(channel->ring)))
		rc = keg_ring_enter(channel->ring, wait && !channel->answered);
	while ((request = keg_ring_reap(channel->ring, &signalled)))
		answer(channel, request, request->result);
	if (signalled & POOL_BIT)
		reap_pool(channel);
	return rc ? rc : (int)(signalled & (POOL_BIT - 1));
}

static int wait_for_pool(struct keg_disk_channel *channel, const int wake[WAKERS], bool wait)
{
	struct pollfd fds[] = {
		{.fd = wake[0], .events = POLLIN},
		{.fd = wake[1], .events = POLLIN},
		{.fd = keg_pool_fd(channel->pool), .events = POLLIN},
	};
	int signalled = 0;

	if (wait && poll(fds, 3, channel->answered ? 0 : -1) < 0)
		return errno == EINTR ? 0 : -errno;
	for (uint32_t i = 0; i < WAKERS; i++) {
		uint64_t count;

		if (fds[i].revents && read(wake[i], &count, sizeof(count)) > 0)
			signalled |= 1 << i;
	}
	if (channel->in_pool)
		reap_pool(channel);
	return signalled;
}

int keg_disk_channel_wait(struct keg_disk_channel *channel, const int wake[2], bool wait)
{
	channel->answered = 0;
	begin_all(channel);
	return channel->ring ? wait_for_ring(channel, wake, wait)
			     : wait_for_pool(channel, wake, wait);
}
