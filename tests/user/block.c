/* SPDX-License-Identifier: MIT */
/* Blocking calls and kicks: no kick is lost, and nothing that was read. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include <keg/vcpu.h>

#include "user/block.h"
#include "user/task.h"

enum { READERS = 3 };

static struct keg_user user;
static struct keg_process process = {.user = &user};

struct reader {
	struct keg_task task;
	int pipe[2];
	atomic_ullong kicks_seen, bytes_read, spurious;
	atomic_bool end;
	bool failed;
};

static int64_t read_pipe(struct reader *reader)
{
	char bytes[16];

	return keg_block(&reader->task, SYS_read, (uint64_t)reader->pipe[0], (uint64_t)bytes,
		sizeof(bytes), 0, 0, 0);
}

static void *read_and_answer(void *argument)
{
	struct reader *reader = argument;

	while (!atomic_load(&reader->end)) {
		int64_t got = read_pipe(reader);

		if (got > 0)
			atomic_fetch_add(&reader->bytes_read, (unsigned long long)got);
		else if (got != -EINTR)
			reader->failed = true;
		if (atomic_exchange(&reader->task.attention, 0))
			atomic_fetch_add(&reader->kicks_seen, 1);
		else if (got == -EINTR)
			atomic_fetch_add(&reader->spurious, 1);
	}
	return NULL;
}

static void kick(struct reader *reader)
{
	atomic_store(&reader->task.attention, 1);
	keg_block_wake(&reader->task);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Until the counter has reached it, or long after it should have. */
static void await(atomic_ullong *counter, unsigned long long value)
{
	double limit = seconds() + 20;

	while (atomic_load(counter) < value) {
		if (seconds() > limit)
			fail_msg("%llu, not %llu: it was lost", atomic_load(counter), value);
		sched_yield();
	}
}

static void start(struct reader *reader)
{
	reader->task.process = &process;
	assert_int_equal(pipe(reader->pipe), 0);
	assert_int_equal(pthread_create(&reader->task.thread, NULL, read_and_answer, reader), 0);
}

static void finish(struct reader *reader)
{
	atomic_store(&reader->end, true);
	kick(reader);
	assert_int_equal(pthread_join(reader->task.thread, NULL), 0);
	assert_false(reader->failed);
	close(reader->pipe[0]);
	close(reader->pipe[1]);
}

static void a_task_that_is_kicked_already_does_not_block(void **state)
{
	struct reader reader = {.task = {.process = &process, .attention = 1}};

	(void)state;
	assert_int_equal(pipe(reader.pipe), 0);
	assert_int_equal(write(reader.pipe[1], "x", 1), 1);
	assert_int_equal(read_pipe(&reader), -EINTR);
	atomic_store(&reader.task.attention, 0);
	assert_int_equal(read_pipe(&reader), 1);
	assert_false(atomic_load(&reader.task.blocking));
	close(reader.pipe[0]);
	assert_int_equal(read_pipe(&reader), -EBADF);
	close(reader.pipe[1]);
}

/* Each kick is waited for, so that they meet the reader at every point of its way. */
static void no_kick_and_no_byte_is_lost(void **state)
{
	const unsigned rounds = be_quick() ? 2000 : 60000;
	static struct reader readers[READERS];
	unsigned long long kicks[READERS] = {0}, bytes[READERS] = {0};
	unsigned seed = 1;

	(void)state;
	memset(readers, 0, sizeof(readers));
	for (int i = 0; i < READERS; i++)
		start(&readers[i]);
	for (unsigned round = 0; round < rounds; round++) {
		unsigned chance = (unsigned)rand_r(&seed), i = chance % READERS;

		if (chance & 0x10000)
			bytes[i] += (unsigned long long)write(readers[i].pipe[1], "abc", 3);
		for (unsigned delay = chance >> 20 & 0xff; delay; delay--)
			__asm__ volatile("" ::: "memory");
		kick(&readers[i]);
		await(&readers[i].kicks_seen, ++kicks[i]);
	}
	for (int i = 0; i < READERS; i++) {
		await(&readers[i].bytes_read, bytes[i]);
		finish(&readers[i]);
		assert_int_equal(readers[i].bytes_read, bytes[i]);
		print_message("%llu kicks, %llu bytes, %llu late signals\n", kicks[i], bytes[i],
			readers[i].spurious);
	}
}

static struct {
	int pipe[2];
	atomic_bool begun;
	ssize_t got;
} own;

static void *read_plainly(void *argument)
{
	char byte;

	(void)argument;
	atomic_store(&own.begun, true);
	own.got = read(own.pipe[0], &byte, 1);
	return NULL;
}

/* The library's user may rely on SA_RESTART in its own calls. */
static void the_callers_own_calls_are_restarted(void **state)
{
	pthread_t thread;

	(void)state;
	assert_int_equal(pipe(own.pipe), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_plainly, NULL), 0);
	while (!atomic_load(&own.begun))
		sched_yield();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(pthread_kill(thread, user.kick_signal), 0);
	assert_int_equal(write(own.pipe[1], "x", 1), 1);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(own.got, 1);
	close(own.pipe[0]);
	close(own.pipe[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_task_that_is_kicked_already_does_not_block),
		cmocka_unit_test(no_kick_and_no_byte_is_lost),
		cmocka_unit_test(the_callers_own_calls_are_restarted),
	};

	user.kick_signal = SIGRTMIN;
	if (keg_kick_install(user.kick_signal))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
