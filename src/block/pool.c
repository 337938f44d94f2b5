/* SPDX-License-Identifier: MIT */
/* Threads that serve requests. */
#include "block/pool.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/thread.h"

enum {
	MAX_THREADS = 16,
};

struct keg_pool {
	struct keg_disk *disk;
	int fd;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	struct keg_disk_request *first, **last; /* to be served */
	struct keg_disk_request *done;
	uint32_t waiting; /* how many there are to be served */
	uint32_t idle, count, max;
	bool ending;
	pthread_t threads[MAX_THREADS];
};

/* The next request, or NULL when the pool ends. The lock is held. */
static struct keg_disk_request *take(struct keg_pool *pool)
{
	struct keg_disk_request *request;

	pool->idle++;
	while (!pool->first && !pool->ending)
		pthread_cond_wait(&pool->work, &pool->lock);
	pool->idle--;
	request = pool->first;
	if (!request)
		return NULL;
	pool->waiting--;
	pool->first = request->next;
	if (!pool->first)
		pool->last = &pool->first;
	return request;
}

static void answer(struct keg_pool *pool, struct keg_disk_request *request)
{
	const uint64_t one = 1;

	request->next = pool->done;
	pool->done = request;
	if (request->next)
		return;
	/* The first of a batch. It cannot fail for good: a counter that is full is signalled. */
	while (write(pool->fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *serve(void *context)
{
	struct keg_pool *pool = context;
	struct keg_disk_request *request;

	pthread_mutex_lock(&pool->lock);
	while ((request = take(pool))) {
		pthread_mutex_unlock(&pool->lock);
		request->result = keg_disk_perform(pool->disk, request);
		pthread_mutex_lock(&pool->lock);
		answer(pool, request);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void add_thread(struct keg_pool *pool)
{
	if (!keg_thread_create(&pool->threads[pool->count], NULL, serve, pool))
		pool->count++;
}

void keg_pool_submit(struct keg_pool *pool, struct keg_disk_request *request)
{
	bool helpless;

	pthread_mutex_lock(&pool->lock);
	request->next = NULL;
	*pool->last = request;
	pool->last = &request->next;
	pool->waiting++;
	if (pool->waiting > pool->idle && pool->count < pool->max)
		add_thread(pool);
	helpless = !pool->count;
	if (helpless) {
		request = take(pool);
		request->result = keg_disk_perform(pool->disk, request);
		answer(pool, request);
	}
	pthread_mutex_unlock(&pool->lock);
	if (!helpless)
		pthread_cond_signal(&pool->work);
}

struct keg_disk_request *keg_pool_reap(struct keg_pool *pool)
{
	struct keg_disk_request *done;
	uint64_t count;

	pthread_mutex_lock(&pool->lock);
	done = pool->done;
	pool->done = NULL;
	if (done && read(pool->fd, &count, sizeof(count)) < 0)
		count = 0; /* never: it was signalled, under the lock */
	pthread_mutex_unlock(&pool->lock);
	return done;
}

int keg_pool_fd(const struct keg_pool *pool)
{
	return pool->fd;
}

int keg_pool_open(struct keg_disk *disk, uint32_t depth, struct keg_pool **made)
{
	struct keg_pool *pool = calloc(1, sizeof(*pool));
	int rc = 0;

	if (!pool)
		return keg_fail(ENOMEM, "no memory for a disk's threads");
	pool->disk = disk;
	pool->last = &pool->first;
	pool->max = depth < MAX_THREADS ? depth : MAX_THREADS;
	pool->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->fd < 0) {
		rc = keg_fail_errno(errno, "making an eventfd for a disk's threads");
		goto no_fd;
	}
	rc = pthread_mutex_init(&pool->lock, NULL);
	if (rc)
		goto no_lock;
	rc = pthread_cond_init(&pool->work, NULL);
	if (!rc) {
		*made = pool;
		return 0;
	}
	pthread_mutex_destroy(&pool->lock);
no_lock:
	rc = keg_fail_errno(rc, "making the lock of a disk's threads");
	close(pool->fd);
no_fd:
	free(pool);
	return rc;
}

void keg_pool_close(struct keg_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_broadcast(&pool->work);
	for (uint32_t i = 0; i < pool->count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->lock);
	close(pool->fd);
	free(pool);
}
