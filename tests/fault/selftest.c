/* SPDX-License-Identifier: MIT */
/* The sweep itself: scenarios with a mistake each, which it must find, and tell where it is. */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#include "base/error.h"
#include "fault/fault.h"
#include "testing.h"

/* What mistakes leave, for the end of the test to clear up. */
static void *left_memory[64];
static size_t left_count;
static pthread_mutex_t locks[2];

/* What is given back at once would else not be allocated at all. */
static void *allocate(void)
{
	void *memory = malloc(16);

	__asm__ volatile("" : "+r"(memory));
	return memory;
}

static int no_memory(void)
{
	return keg_fail_errno(ENOMEM, "making something");
}

/* Two allocations, and nothing wrong. */
static int careful(struct rig *rig)
{
	void *one = allocate(), *two;

	(void)rig;
	if (!one)
		return no_memory();
	two = allocate();
	free(one);
	if (!two)
		return no_memory();
	free(two);
	return 0;
}

static int leaks_memory(struct rig *rig)
{
	void *one = allocate(), *two;

	(void)rig;
	if (!one)
		return no_memory();
	two = allocate();
	if (!two) {
		left_memory[left_count++] = one;
		return no_memory();
	}
	free(two);
	free(one);
	return 0;
}

static int does_not_notice(struct rig *rig)
{
	void *memory = allocate();

	(void)rig;
	free(memory);
	return 0;
}

static int says_nothing(struct rig *rig)
{
	void *memory = allocate();

	(void)rig;
	free(memory);
	return memory ? 0 : -ENOMEM;
}

static int says_too_little(struct rig *rig)
{
	void *memory = allocate();

	(void)rig;
	free(memory);
	return memory ? 0 : keg_fail(ENOMEM, "malloc");
}

static int says_another_error(struct rig *rig)
{
	void *memory = allocate();

	(void)rig;
	free(memory);
	return memory ? 0 : keg_fail(EINVAL, "making something failed");
}

static int leaves_a_descriptor(struct rig *rig)
{
	void *memory;

	rig->words[0] = (uint64_t)eventfd(0, EFD_CLOEXEC);
	if ((int)rig->words[0] < 0)
		return keg_fail_errno(errno, "making an eventfd");
	memory = allocate();
	if (!memory)
		return no_memory();
	free(memory);
	close((int)rig->words[0]);
	return 0;
}

static int leaves_a_mapping(struct rig *rig)
{
	void *area = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)rig;
	if (area == MAP_FAILED)
		return keg_fail_errno(errno, "mapping something");
	if (mprotect(area, 4096, PROT_READ | PROT_WRITE))
		return keg_fail_errno(errno, "protecting something");
	munmap(area, 4096);
	return 0;
}

static int leaves_a_lock(struct rig *rig)
{
	int rc = pthread_mutex_init(&locks[0], NULL);

	(void)rig;
	if (rc)
		return keg_fail_errno(rc, "making a lock");
	rc = pthread_mutex_init(&locks[1], NULL);
	if (rc)
		return keg_fail_errno(rc, "making a lock");
	pthread_mutex_destroy(&locks[1]);
	pthread_mutex_destroy(&locks[0]);
	return 0;
}

static int ends_what_is_not(struct rig *rig)
{
	int rc = pthread_mutex_init(&locks[0], NULL);

	(void)rig;
	pthread_mutex_destroy(&locks[0]);
	return rc ? keg_fail_errno(rc, "making a lock") : 0;
}

static int leaves_a_timer(struct rig *rig)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		return keg_fail_errno(errno, "making a timer");
	if (keg_eventfd_drain(rig->file) < 0)
		return keg_fail(EBADF, "reading failed, as expected");
	timer_delete(timer);
	return 0;
}

static int does_not_retry(struct rig *rig)
{
	uint64_t count = 1;

	if (rig->event < 0)
		rig->event = eventfd(1, EFD_CLOEXEC);
	if (rig->event < 0)
		return keg_fail_errno(errno, "making an eventfd");
	if (write(rig->event, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return keg_fail_errno(errno, "signalling something");
	return 0;
}

/* Takes the rig for good before it can fail. */
static int cannot_be_done_again(struct rig *rig)
{
	void *memory;

	if (rig->words[0]++)
		return keg_fail(EBUSY, "it is taken");
	memory = allocate();
	free(memory);
	return memory ? 0 : no_memory();
}

static int fails_at_once(struct rig *rig)
{
	(void)rig;
	return keg_fail(EPERM, "it may not be done");
}

/* One mistake, and what is said of it. */
static const struct mistake {
	struct fault_step step;
	const char *words;
} mistakes[] = {
	{FAULT_STEP("leaks_memory", leaks_memory, 0), "memory is left"},
	{FAULT_STEP("does_not_notice", does_not_notice, 0), "nobody noticed"},
	{FAULT_STEP("says_nothing", says_nothing, 0), "without a message"},
	{FAULT_STEP("says_too_little", says_too_little, 0), "tells nothing: \"malloc\""},
	{FAULT_STEP("says_another_error", says_another_error, 0),
		"it failed with -22, not with -12"},
	{FAULT_STEP("leaves_a_descriptor", leaves_a_descriptor, 0), "[eventfd]) was left open"},
	{FAULT_STEP("leaves_a_mapping", leaves_a_mapping, 0), "1 pages are left mapped"},
	{FAULT_STEP("leaves_a_lock", leaves_a_lock, 0), "a lock is left"},
	{FAULT_STEP("ends_what_is_not", ends_what_is_not, 0),
		"a lock was given back that was not held"},
	{FAULT_STEP("leaves_a_timer", leaves_a_timer, 0), "a timer is left"},
	{FAULT_STEP("does_not_retry", does_not_retry, 0), "it was not retried: -4"},
	{FAULT_STEP("cannot_be_done_again", cannot_be_done_again, 0),
		"afterwards step cannot_be_done_again failed: -16, \"it is taken\""},
	{FAULT_STEP("fails_at_once", fails_at_once, 0), "-1, \"it may not be done\""},
};

static struct fault_tally sweep(const struct fault_step *step, char **said)
{
	const struct fault_scenario scenario = {.name = "self", .steps = step, .count = 1};
	struct fault_tally tally;
	size_t size;
	FILE *out = open_memstream(said, &size);

	assert_non_null(out);
	tally = fault_sweep(&scenario, FAULT_FULL, out);
	fclose(out);
	return tally;
}

static void test_mistakes_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		const struct mistake *mistake = &mistakes[i];
		char *said = NULL;
		struct fault_tally tally = sweep(&mistake->step, &said);

		if (!tally.findings || !strstr(said, mistake->words))
			fail_msg("%s: \"%s\" lacks \"%s\"", mistake->step.name, said,
				mistake->words);
		/* Where it failed, unless it was not made to. */
		if (tally.faults && !strstr(said, "selftest.c") && !strstr(said, "addr2line"))
			fail_msg("%s: it does not say where: %s", mistake->step.name, said);
		free(said);
	}
}

static void test_care_is_not_found_fault_with(void **state)
{
	const struct fault_step step = FAULT_STEP("careful", careful, 0);
	char *said = NULL;
	struct fault_tally tally = sweep(&step, &said);

	(void)state;
	assert_string_equal(said, "");
	assert_int_equal(tally.calls, 2);
	/* One error each, once and from then on. */
	assert_int_equal(tally.faults, 4);
	assert_int_equal(tally.findings, 0);
	free(said);
}

static void test_what_is_forgiven_is_not_found(void **state)
{
	const struct fault_step step = FAULT_STEP("forgiven", does_not_notice, FAULT_FORGIVING);
	char *said = NULL;
	struct fault_tally tally = sweep(&step, &said);

	(void)state;
	assert_string_equal(said, "");
	assert_int_equal(tally.faults, 2);
	free(said);
}

static int clear_up(void **state)
{
	(void)state;
	while (left_count)
		free(left_memory[--left_count]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_mistakes_are_found, clear_up),
		cmocka_unit_test(test_care_is_not_found_fault_with),
		cmocka_unit_test(test_what_is_forgiven_is_not_found),
	};

	return cmocka_run_group_tests_name("fault-self", tests, NULL, NULL);
}
