/* SPDX-License-Identifier: MIT */
/* The event loop: who is called, in which thread, and when no more. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/loop.h"

struct rig;

struct other {
	struct keg_loop_source source;
	struct rig *rig;
	_Atomic unsigned calls;
	_Atomic uint32_t events;
};

struct rig {
	struct keg_loop loop;
	struct other a, b;
	sem_t called;
	pthread_t thread; /* of the last call */
	void (*then)(struct other *other);
};

static void drain(int fd)
{
	uint64_t count;

	assert_int_equal(read(fd, &count, sizeof(count)), sizeof(count));
}

static void raise_fd(int fd)
{
	const uint64_t one = 1;

	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
}

static void ready(void *context, uint32_t events)
{
	struct other *other = context;

	other->calls++;
	other->events = events;
	other->rig->thread = pthread_self();
	if (other->rig->then)
		other->rig->then(other);
	else
		drain(other->source.fd);
	sem_post(&other->rig->called);
}

static void wait_for_call(struct rig *rig)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	assert_int_equal(sem_timedwait(&rig->called, &end), 0);
}

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));
	struct other *others[] = {&rig->a, &rig->b};

	assert_int_equal(sem_init(&rig->called, 0, 0), 0);
	assert_ok(keg_loop_init(&rig->loop));
	for (int i = 0; i < 2; i++) {
		others[i]->source = (struct keg_loop_source){
			eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), ready, others[i]};
		others[i]->rig = rig;
		assert_ok(keg_loop_add(&rig->loop, &others[i]->source, EPOLLIN));
	}
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	struct rig *rig = *state;

	keg_loop_fini(&rig->loop);
	close(rig->a.source.fd);
	close(rig->b.source.fd);
	sem_destroy(&rig->called);
	test_free(rig);
	return 0;
}

static void who_is_ready_is_called_in_the_thread(void **state)
{
	struct rig *rig = *state;
	char name[16];

	assert_ok(keg_loop_start(&rig->loop, "loop-test"));
	for (unsigned i = 1; i <= 100; i++) {
		raise_fd(rig->a.source.fd);
		wait_for_call(rig);
		assert_int_equal(rig->a.calls, i);
	}
	assert_int_equal(rig->a.events, EPOLLIN);
	assert_int_equal(rig->b.calls, 0);
	assert_true(pthread_equal(rig->thread, rig->loop.thread));
	assert_int_equal(pthread_getname_np(rig->loop.thread, name, sizeof(name)), 0);
	assert_string_equal(name, "loop-test");
}

static void what_came_before_the_start_is_not_lost(void **state)
{
	struct rig *rig = *state;

	raise_fd(rig->b.source.fd);
	assert_ok(keg_loop_start(&rig->loop, "loop"));
	wait_for_call(rig);
	assert_int_equal(rig->b.calls, 1);
}

static void nobody_is_called_after_the_stop(void **state)
{
	struct rig *rig = *state;

	for (unsigned i = 1; i <= 3; i++) {
		assert_ok(keg_loop_start(&rig->loop, "loop"));
		assert_fails(keg_loop_start(&rig->loop, "loop"), EBUSY, "runs already");
		raise_fd(rig->a.source.fd);
		wait_for_call(rig);
		keg_loop_stop(&rig->loop);
		keg_loop_stop(&rig->loop);
		raise_fd(rig->a.source.fd);
		assert_int_equal(rig->a.calls, i);
		drain(rig->a.source.fd);
	}
}

static void signals_are_blocked_in_the_thread(void **state)
{
	struct rig *rig = *state;
	sigset_t before, after;

	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &before), 0);
	assert_ok(keg_loop_start(&rig->loop, "loop"));
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
	for (int signo = 1; signo < NSIG; signo++)
		assert_int_equal(sigismember(&after, signo), sigismember(&before, signo));
	/* It would end the program. */
	assert_int_equal(pthread_kill(rig->loop.thread, SIGUSR1), 0);
	raise_fd(rig->a.source.fd);
	wait_for_call(rig);
}

/* Both are ready at once; whoever is called first removes the other. */
static void remove_other(struct other *other)
{
	struct rig *rig = other->rig;

	drain(other->source.fd);
	keg_loop_remove(&rig->loop, other == &rig->a ? &rig->b.source : &rig->a.source);
}

static void who_is_removed_in_a_callback_is_not_called_any_more(void **state)
{
	struct rig *rig = *state;

	rig->then = remove_other;
	raise_fd(rig->a.source.fd);
	raise_fd(rig->b.source.fd);
	assert_ok(keg_loop_start(&rig->loop, "loop"));
	wait_for_call(rig);
	keg_loop_stop(&rig->loop);
	assert_int_equal(rig->a.calls + rig->b.calls, 1);
}

static void fall_silent(struct other *other)
{
	assert_ok(keg_loop_modify(&other->rig->loop, &other->source, 0));
}

static void wait_for_room(struct other *other)
{
	other->rig->then = fall_silent;
	assert_ok(keg_loop_modify(&other->rig->loop, &other->source, EPOLLOUT));
}

static void what_is_waited_for_can_be_changed_in_a_callback(void **state)
{
	struct rig *rig = *state;

	rig->then = fall_silent;
	raise_fd(rig->a.source.fd);
	assert_ok(keg_loop_start(&rig->loop, "loop"));
	wait_for_call(rig);
	/* It is still readable, and silent: the next to be called is the other. */
	rig->then = wait_for_room;
	raise_fd(rig->b.source.fd);
	wait_for_call(rig);
	wait_for_call(rig);
	keg_loop_stop(&rig->loop);
	assert_int_equal(rig->a.calls, 1);
	assert_int_equal(rig->b.calls, 2);
	assert_int_equal(rig->b.events, EPOLLOUT);
}

static void a_regular_file_is_refused(void **state)
{
	struct rig *rig = *state;
	struct keg_loop_source file = {.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};

	assert_fails(keg_loop_add(&rig->loop, &file, EPOLLIN), EPERM, "file descriptor");
	assert_fails(keg_loop_add(&rig->loop, &rig->a.source, EPOLLIN), EEXIST, "file descriptor");
	close(file.fd);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(who_is_ready_is_called_in_the_thread),
		WITH_RIG(what_came_before_the_start_is_not_lost),
		WITH_RIG(nobody_is_called_after_the_stop),
		WITH_RIG(signals_are_blocked_in_the_thread),
		WITH_RIG(who_is_removed_in_a_callback_is_not_called_any_more),
		WITH_RIG(what_is_waited_for_can_be_changed_in_a_callback),
		WITH_RIG(a_regular_file_is_refused),
	};

	return cmocka_run_group_tests_name("event loop", tests, NULL, NULL);
}
