/* SPDX-License-Identifier: MIT */
/* Limits of time. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "user/process.h"
#include "user/time.h"
#include "user/watch.h"

struct keg_watch {
	struct keg_user *user;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool ends;
	uint64_t sleeps_until;     /* with the lock; 0: until it is woken */
	_Atomic uint64_t deadline; /* 0: none */
};

/* The time is up: all tasks come to rest, and the run says why. Unless the deadline has been moved
 * since: with the lock, so that it is this run's, and no later one's. */
static void stop_run(struct keg_watch *watch, uint64_t deadline)
{
	struct keg_user *user = watch->user;

	pthread_mutex_lock(&user->lock);
	if (atomic_compare_exchange_strong(&watch->deadline, &deadline, 0) && user->running &&
		user->end == 0) {
		user->end = KEG_USER_TIME;
		user->stopping = true;
		keg_user_kick_all(user);
	}
	pthread_mutex_unlock(&user->lock);
}

static void sleep_until(struct keg_watch *watch, uint64_t when)
{
	struct timespec time = {(time_t)(when / 1000000000u), (long)(when % 1000000000u)};

	watch->sleeps_until = when;
	if (when)
		pthread_cond_timedwait(&watch->changed, &watch->lock, &time);
	else
		pthread_cond_wait(&watch->changed, &watch->lock);
}

static void *watch_main(void *context)
{
	struct keg_watch *watch = context;
	uint64_t deadline;

	pthread_mutex_lock(&watch->lock);
	while (!watch->ends) {
		deadline = atomic_load(&watch->deadline);
		if (deadline && deadline <= keg_now_ns()) {
			pthread_mutex_unlock(&watch->lock);
			stop_run(watch, deadline);
			pthread_mutex_lock(&watch->lock);
			continue;
		}
		sleep_until(watch, deadline);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

static int create(struct keg_user *user)
{
	struct keg_watch *watch = calloc(1, sizeof(*watch));
	int rc;

	if (!watch)
		return keg_fail(ENOMEM, "out of memory for a limit of time");
	watch->user = user;
	rc = pthread_mutex_init(&watch->lock, NULL);
	if (rc)
		goto out;
	rc = keg_time_condition(&watch->changed);
	if (rc)
		goto out_lock;
	rc = keg_thread_create(&watch->thread, NULL, watch_main, watch);
	if (rc)
		goto out_condition;
	user->watch = watch;
	return 0;
out_condition:
	pthread_cond_destroy(&watch->changed);
out_lock:
	pthread_mutex_destroy(&watch->lock);
out:
	free(watch);
	return keg_fail_errno(rc, "making a thread to watch the limit of time");
}

int keg_watch_set(struct keg_user *user, uint64_t deadline)
{
	struct keg_watch *watch = user->watch;

	if (!watch && !deadline)
		return 0;
	if (!watch) {
		int result = create(user);

		if (result < 0)
			return result;
		watch = user->watch;
	}
	atomic_store(&watch->deadline, deadline);
	/* It sleeps until then or longer only if it did not know. It reads the deadline with the
	 * lock, and so does this. */
	if (deadline) {
		pthread_mutex_lock(&watch->lock);
		if (watch->sleeps_until == 0 || watch->sleeps_until > deadline)
			pthread_cond_signal(&watch->changed);
		pthread_mutex_unlock(&watch->lock);
	}
	return 0;
}

void keg_watch_destroy(struct keg_user *user)
{
	struct keg_watch *watch = user->watch;

	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->ends = true;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	pthread_join(watch->thread, NULL);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
	user->watch = NULL;
}
