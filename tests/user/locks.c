/* SPDX-License-Identifier: MIT */
/* Record locks: what is in whose way, how they are cut and joined, and who waits for whom. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "user/locks.h"
#include "user/task.h"

static const char one, two, three; /* owners */

static struct keg_lock lock(const void *owner, int type, uint64_t first, uint64_t last)
{
	return (struct keg_lock){.inode = 1,
		.first = first,
		.last = last,
		.type = type,
		.owner = owner,
		.pid = owner == &one ? 1 : 2};
}

static int set(struct keg_locks *locks, const void *owner, int type, uint64_t first, uint64_t last)
{
	const struct keg_lock wanted = lock(owner, type, first, last);

	return keg_locks_set(locks, &wanted);
}

/* Whose lock is in the way of another's write lock of all from `first` on: where it begins, or -1.
 */
static int64_t found(struct keg_locks *locks, uint64_t first, uint64_t *last)
{
	struct keg_lock wanted = lock(&three, F_WRLCK, first, INT64_MAX);

	keg_locks_test(locks, &wanted);
	if (wanted.type == F_UNLCK)
		return -1;
	*last = wanted.last;
	return (int64_t)wanted.first;
}

static struct keg_locks *none(void)
{
	struct keg_locks *locks;

	assert_ok(keg_locks_create(&locks));
	return locks;
}

static void readers_share_and_writers_do_not(void **state)
{
	struct keg_locks *locks = none();
	struct keg_lock elsewhere = lock(&two, F_WRLCK, 0, 9);

	(void)state;
	assert_ok(set(locks, &one, F_RDLCK, 0, 9));
	assert_ok(set(locks, &two, F_RDLCK, 5, 20));
	assert_int_equal(set(locks, &one, F_WRLCK, 0, 9), -EAGAIN);
	assert_ok(set(locks, &one, F_WRLCK, 0, 4));
	assert_int_equal(set(locks, &two, F_RDLCK, 4, 4), -EAGAIN);
	elsewhere.inode = 2;
	assert_ok(keg_locks_set(locks, &elsewhere));
	keg_locks_release(locks);
}

static void a_lock_is_cut_and_joined(void **state)
{
	struct keg_locks *locks = none();
	uint64_t last = 0;

	(void)state;
	assert_ok(set(locks, &one, F_WRLCK, 0, 99));
	assert_ok(set(locks, &one, F_UNLCK, 40, 59));
	assert_int_equal(found(locks, 0, &last), 0);
	assert_int_equal(last, 39);
	assert_int_equal(found(locks, 40, &last), 60);
	assert_int_equal(last, 99);
	assert_ok(set(locks, &two, F_WRLCK, 45, 50));
	assert_ok(set(locks, &two, F_UNLCK, 0, INT64_MAX));
	assert_ok(set(locks, &one, F_WRLCK, 40, 59));
	assert_int_equal(found(locks, 0, &last), 0);
	assert_int_equal(last, 99);
	assert_ok(set(locks, &one, F_RDLCK, 10, 10));
	assert_ok(set(locks, &two, F_RDLCK, 10, 10));
	assert_int_equal(set(locks, &two, F_RDLCK, 11, 11), -EAGAIN);
	keg_locks_release(locks);
}

static void an_owners_locks_end_with_it(void **state)
{
	struct keg_locks *locks = none();
	uint64_t last;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		assert_ok(set(locks, i % 2 ? &one : &two, F_WRLCK, 3 * i, 3 * i));
	keg_locks_drop(locks, &one, -1);
	assert_int_equal(found(locks, 1, &last), 6);
	keg_locks_drop(locks, &two, -1);
	assert_int_equal(found(locks, 0, &last), -1);
	keg_locks_release(locks);
}

static void there_is_an_end_to_how_many_there_are(void **state)
{
	struct keg_locks *locks = none();
	uint64_t i;
	int r = 0;

	(void)state;
	for (i = 0; r == 0 && i < 2 * KEG_LOCKS_MOST; i++)
		r = set(locks, &one, F_WRLCK, 2 * i, 2 * i);
	assert_int_equal(r, -ENOLCK);
	assert_true(i <= KEG_LOCKS_MOST);
	keg_locks_release(locks);
}

/* Whatever is locked and unlocked, each byte is as a plain array of bytes has it. */
static void it_is_as_a_byte_for_each_byte_would_be(void **state)
{
	enum { BYTES = 48, ROUNDS = 20000 };
	const char *const owners[] = {&one, &two};
	struct keg_locks *locks = none();
	int model[2][BYTES] = {{0}};

	(void)state;
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		int type = (int[]){F_RDLCK, F_WRLCK, F_UNLCK}[rand() % 3], owner = rand() % 2;
		int first = rand() % BYTES, last = first + rand() % (BYTES - first);
		bool free = true;

		for (int i = first; i <= last && type != F_UNLCK; i++) {
			int other = model[!owner][i];

			free = free && !(other == F_WRLCK + 1 || (other && type == F_WRLCK));
		}
		assert_int_equal(set(locks, owners[owner], type, (uint64_t)first, (uint64_t)last),
			free ? 0 : -EAGAIN);
		for (int i = first; i <= last && free; i++)
			model[owner][i] = type == F_UNLCK ? 0 : type + 1;
	}
	keg_locks_release(locks);
}

/* ---- Waiting ---- */

struct waiting {
	struct keg_locks *locks;
	struct keg_lock lock;
	struct keg_task *task;
	int result;
};

static void *wait_for(void *argument)
{
	struct waiting *waiting = argument;

	waiting->result = keg_locks_wait(waiting->locks, waiting->task, &waiting->lock);
	return NULL;
}

/* Until the waiter is noted: its own wait would be a deadlock for who blocks it. */
static void until_it_waits(struct keg_locks *locks, struct keg_task *task)
{
	const struct keg_lock back = lock(&one, F_WRLCK, 100, 100);

	atomic_store(&task->attention, 1);
	while (keg_locks_wait(locks, task, &back) != -EDEADLK)
		sched_yield();
	atomic_store(&task->attention, 0);
}

static void who_waits_gets_it_or_would_wait_for_ever(void **state)
{
	struct keg_task *task = calloc(2, sizeof(*task));
	struct waiting waiting = {
		.locks = none(), .lock = lock(&two, F_WRLCK, 0, 0), .task = &task[1]};
	pthread_t thread;

	(void)state;
	assert_non_null(task);
	assert_ok(set(waiting.locks, &one, F_WRLCK, 0, 9));
	assert_ok(set(waiting.locks, &two, F_WRLCK, 100, 100));
	assert_int_equal(pthread_create(&thread, NULL, wait_for, &waiting), 0);
	until_it_waits(waiting.locks, &task[0]);
	assert_ok(set(waiting.locks, &one, F_UNLCK, 0, 0));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_ok(waiting.result);
	assert_int_equal(set(waiting.locks, &one, F_WRLCK, 0, 0), -EAGAIN);
	keg_locks_release(waiting.locks);
	free(task);
}

static void a_kicked_task_waits_no_more(void **state)
{
	struct keg_task *task = calloc(1, sizeof(*task));
	struct waiting waiting = {.locks = none(), .lock = lock(&two, F_WRLCK, 0, 0), .task = task};

	(void)state;
	assert_non_null(task);
	assert_ok(set(waiting.locks, &one, F_WRLCK, 0, 9));
	atomic_store(&task->attention, 1);
	wait_for(&waiting);
	assert_int_equal(waiting.result, -EINTR);
	keg_locks_release(waiting.locks);
	free(task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_share_and_writers_do_not),
		cmocka_unit_test(a_lock_is_cut_and_joined),
		cmocka_unit_test(an_owners_locks_end_with_it),
		cmocka_unit_test(there_is_an_end_to_how_many_there_are),
		cmocka_unit_test(it_is_as_a_byte_for_each_byte_would_be),
		cmocka_unit_test(who_waits_gets_it_or_would_wait_for_ever),
		cmocka_unit_test(a_kicked_task_waits_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
