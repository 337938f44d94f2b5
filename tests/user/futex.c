/* SPDX-License-Identifier: MIT */
/* Futexes' waiters and wakers, by keys that are nobody's: no wake-up is lost. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include <keg/vcpu.h>

#include "user/block.h"
#include "user/futex.h"
#include "user/futex_wait.h"
#include "user/task.h"

static struct keg_user user;
static struct keg_process process = {.user = &user};

static const struct keg_futex_key here = {.of = &user, .at = 0x1000};
static const struct keg_futex_key there = {.of = &user, .at = 0x2000};

static int make_futexes(void **state)
{
	(void)state;
	return keg_futexes_create(&user.futexes);
}

static int end_futexes(void **state)
{
	(void)state;
	keg_futexes_destroy(user.futexes);
	return 0;
}

/* The program's word; what a waiter expects of it is in the waiter's own. */
static _Atomic uint32_t word;

static int64_t check(void *context)
{
	const uint32_t *expected = context;

	return atomic_load(&word) == *expected ? 0 : -EAGAIN;
}

static int64_t wait_for(struct keg_task *task, const struct keg_futex_key *key, uint32_t expected,
	uint32_t bits, const struct timespec *until)
{
	struct keg_futex_waiter waiter = {.key = *key, .bits = bits};
	int64_t result = keg_futex_wait_begin(user.futexes, &waiter, check, &expected);

	return result ? result : keg_futex_wait_end(task, &waiter, until, false);
}

static struct timespec in_ms(long ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_nsec += ms * 1000000;
	if (now.tv_nsec >= 1000000000)
		now.tv_sec++, now.tv_nsec -= 1000000000;
	return now;
}

static void a_word_that_has_changed_is_not_waited_for(void **state)
{
	struct keg_task task = {.process = &process, .thread = pthread_self()};

	(void)state;
	atomic_store(&word, 1);
	assert_int_equal(wait_for(&task, &here, 0, 1, NULL), -EAGAIN);
	assert_int_equal(keg_futex_wake_key(user.futexes, &here, 9, UINT32_MAX), 0);
}

static void a_wait_ends_with_its_time_or_a_kick(void **state)
{
	struct keg_task task = {.process = &process, .thread = pthread_self()};
	struct timespec soon = in_ms(2);

	(void)state;
	atomic_store(&word, 0);
	assert_int_equal(wait_for(&task, &here, 0, 1, &soon), -ETIMEDOUT);
	atomic_store(&task.attention, 1);
	assert_int_equal(wait_for(&task, &here, 0, 1, NULL), -EINTR);
	/* Neither is waiting any more. */
	assert_int_equal(keg_futex_wake_key(user.futexes, &here, 9, UINT32_MAX), 0);
}

struct sleeper {
	struct keg_task task;
	const struct keg_futex_key *key;
	uint32_t bits;
	int64_t result;
};

static void *sleep_once(void *argument)
{
	struct sleeper *sleeper = argument;

	sleeper->result = wait_for(&sleeper->task, sleeper->key, 0, sleeper->bits, NULL);
	return NULL;
}

static void start(struct sleeper *sleeper, const struct keg_futex_key *key, uint32_t bits)
{
	*sleeper = (struct sleeper){.task.process = &process, .key = key, .bits = bits};
	assert_int_equal(pthread_create(&sleeper->task.thread, NULL, sleep_once, sleeper), 0);
}

static void join(struct sleeper *sleeper)
{
	assert_int_equal(pthread_join(sleeper->task.thread, NULL), 0);
	assert_int_equal(sleeper->result, 0);
}

/* Tries until as many have been woken: they may not have begun to wait. */
static void wake_in_all(const struct keg_futex_key *key, uint32_t bits, int count)
{
	while (count > 0) {
		count -= keg_futex_wake_key(user.futexes, key, (uint32_t)count, bits);
		sched_yield();
	}
}

static void bits_tell_waiters_apart(void **state)
{
	struct sleeper one, two;

	(void)state;
	atomic_store(&word, 0);
	start(&one, &here, 1);
	start(&two, &here, 2);
	wake_in_all(&here, 2, 1);
	join(&two);
	assert_int_equal(keg_futex_wake_key(user.futexes, &here, 9, 4 | 2), 0);
	wake_in_all(&here, 1, 1);
	join(&one);
}

static int64_t always(void *context)
{
	(void)context;
	return 0;
}

static void requeued_waiters_wait_elsewhere(void **state)
{
	const struct keg_futex_move move = {.from = here, .to = there, .wake = 1, .requeue = 9};
	struct sleeper sleepers[4];
	int64_t moved = 0;

	(void)state;
	atomic_store(&word, 0);
	for (int i = 0; i < 4; i++)
		start(&sleepers[i], &here, UINT32_MAX);
	/* One is woken by each, the others are there; in the end nobody is here. */
	for (int woken = 0; woken < 1;) {
		moved = keg_futex_requeue_key(user.futexes, &move, always, NULL);
		woken += moved > 0;
	}
	for (int left = 3; left > 0; sched_yield()) {
		left -= keg_futex_wake_key(user.futexes, &here, 9, UINT32_MAX);
		left -= keg_futex_wake_key(user.futexes, &there, 9, UINT32_MAX);
	}
	for (int i = 0; i < 4; i++)
		join(&sleepers[i]);
}

/* ---- A lock made of a futex, with kicks on top ---- */

enum { THREADS = 4 };

struct worker {
	struct keg_task task;
	unsigned rounds;
	unsigned long long kicked;
};

static unsigned long long in_turn; /* under the lock only */
static atomic_bool kicking;
static atomic_int finished;

/* Ulrich Drepper, "Futexes Are Tricky", section 5: 0 free, 1 held, 2 held and waited for. */
static void lock(struct worker *worker)
{
	uint32_t seen = 0;

	if (atomic_compare_exchange_strong(&word, &seen, 1))
		return;
	while (atomic_exchange(&word, 2) != 0) {
		if (wait_for(&worker->task, &here, 2, UINT32_MAX, NULL) == -EINTR) {
			worker->kicked++;
			atomic_store(&worker->task.attention, 0);
		}
	}
}

static void unlock(void)
{
	if (atomic_exchange(&word, 0) == 2)
		keg_futex_wake_key(user.futexes, &here, 1, UINT32_MAX);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (unsigned i = 0; i < worker->rounds; i++) {
		lock(worker);
		in_turn++;
		/* Others come, and find it held; on a busy machine it is long until they let go. */
		if (i % 64 == 0)
			sched_yield();
		unlock();
	}
	atomic_fetch_add(&finished, 1);
	return NULL;
}

static void *kick_all(void *argument)
{
	struct worker *workers = argument;

	for (unsigned i = 0; atomic_load(&kicking); i++) {
		struct keg_task *task = &workers[i % THREADS].task;

		atomic_store(&task->attention, 1);
		keg_block_wake(task);
		sched_yield();
	}
	return NULL;
}

static void a_lock_keeps_its_promise_in_a_storm(void **state)
{
	static struct worker workers[THREADS];
	unsigned rounds = be_quick() ? 3000 : 20000;
	unsigned long long kicked = 0;
	pthread_t kicker;

	(void)state;
	atomic_store(&word, 0);
	in_turn = 0;
	atomic_store(&kicking, true);
	atomic_store(&finished, 0);
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.task.process = &process, .rounds = rounds};
		assert_int_equal(
			pthread_create(&workers[i].task.thread, NULL, work, &workers[i]), 0);
	}
	assert_int_equal(pthread_create(&kicker, NULL, kick_all, workers), 0);
	/* Those whom it kicks must not have been joined before. */
	while (atomic_load(&finished) < THREADS)
		sched_yield();
	atomic_store(&kicking, false);
	assert_int_equal(pthread_join(kicker, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(workers[i].task.thread, NULL), 0);
		kicked += workers[i].kicked;
	}
	assert_int_equal(in_turn, (unsigned long long)rounds * THREADS);
	print_message("%llu kicks came in between\n", kicked);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_futexes, end_futexes)
	const struct CMUnitTest tests[] = {
		TEST(a_word_that_has_changed_is_not_waited_for),
		TEST(a_wait_ends_with_its_time_or_a_kick),
		TEST(bits_tell_waiters_apart),
		TEST(requeued_waiters_wait_elsewhere),
		TEST(a_lock_keeps_its_promise_in_a_storm),
	};

	user.kick_signal = SIGRTMIN;
	if (keg_kick_install(user.kick_signal))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
