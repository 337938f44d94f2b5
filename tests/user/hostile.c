/* SPDX-License-Identifier: MIT */
/*
 * Hostile programs, a sandbox for each, all in this one process: each is contained. It ends as it
 * may end, and in time; nothing of this process's has changed: its descriptors, its threads, its
 * memory, the files beside the sandbox's; and a good program runs after it.
 *
 * The programs are guests/hostile*.c: one file with many cases, which lists them itself.
 */
#include "hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include <keg/keg.h>

/* As guests/hostile.h has them. */
enum {
	EXITS = 1 << 0,
	KILLED = 1 << 1,
	TIME = 1 << 2,
	MEMORY = 1 << 3,
	STATUS = 1 << 4,
	NOT_CONTAINED = 99,
};
enum { MOST_CASES = 256, LIMIT_SECONDS = 10, MEMORY_BYTES = 96 << 20 };

struct hostile_case {
	char name[64];
	unsigned ends, seconds;
};

static struct hostile_case cases[MOST_CASES];
static struct CMUnitTest tests[MOST_CASES];
static size_t count;
static const char *program;
static struct keg_host *host;
static struct hostile_place place;

/* ---- A sandbox ---- */

static void run(const char *name, unsigned seconds, struct keg_user_stop *stop)
{
	const struct keg_user_config config = {
		.size = sizeof(config),
		.memory = MEMORY_BYTES,
		.time_ns = seconds * 1000000000ull,
		.processes = 40,
		.threads = 60,
		.files = 256,
		.kick_signal = SIGRTMIN,
	};
	const char *const words[] = {"hostile", name, getenv("KEG_TEST_FULL") ? "10" : "1", NULL};
	struct keg_user *user;

	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind(user, program, "/hostile", 0));
	assert_ok(keg_user_bind_system(user));
	assert_ok(keg_user_bind_empty(user, "/tmp", 8 << 20));
	assert_ok(keg_user_bind(user, place.writable, "/rw", KEG_USER_WRITABLE));
	assert_ok(keg_user_bind(user, place.readable, "/ro", 0));
	for (int i = 0; i < HOSTILE_STREAMS; i++)
		assert_ok(keg_user_set_stream(user, i, place.streams[i]));
	assert_ok(keg_user_load(user, "/hostile", words, NULL));
	assert_ok(keg_user_run(user, stop));
	keg_user_destroy(user);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- A case ---- */

static bool may_end_so(const struct hostile_case *which, const struct keg_user_stop *stop)
{
	switch (stop->end) {
	case KEG_USER_EXITED:
		return stop->status == 0 ? which->ends & EXITS
					 : stop->status != NOT_CONTAINED && which->ends & STATUS;
	case KEG_USER_KILLED:
		return which->ends & KILLED;
	case KEG_USER_TIME:
		return which->ends & TIME;
	case KEG_USER_MEMORY:
		return which->ends & MEMORY;
	default:
		return false;
	}
}

static void is_contained(void **state)
{
	const struct hostile_case *which = *state;
	unsigned seconds = which->seconds ? which->seconds : LIMIT_SECONDS;
	uint64_t began = now_ms(), took;
	struct keg_user_stop stop = {0};

	hostile_before(&place);
	run(which->name, seconds, &stop);
	took = now_ms() - began;
	hostile_after(&place);
	print_message("    %s: %llu ms, end %u, status %d, signal %d: %s\n", which->name,
		(unsigned long long)took, stop.end, stop.status, stop.signal, stop.what);
	if (!may_end_so(which, &stop))
		fail_msg("it ended by %u, status %d, signal %d: %s; %s", stop.end, stop.status,
			stop.signal, stop.what, place.said);
	/* Taking it apart takes its time as well, but not for ever. */
	assert_true(took < seconds * 1000 + 10000);
	run("good", LIMIT_SECONDS, &stop);
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 0);
}

/* ---- All of them ---- */

/* Asks the program, in a sandbox, what cases it has. */
static void list(void)
{
	struct keg_user_stop stop;
	FILE *said;

	run("list", LIMIT_SECONDS, &stop);
	assert_int_equal(stop.end, KEG_USER_EXITED);
	said = fdopen(dup(place.streams[1]), "r");
	assert_non_null(said);
	rewind(said);
	while (count < MOST_CASES && fscanf(said, "%63s %u %u", cases[count].name,
					     &cases[count].ends, &cases[count].seconds) == 3) {
		tests[count] = (struct CMUnitTest){
			.name = cases[count].name,
			.test_func = is_contained,
			.initial_state = &cases[count],
		};
		count++;
	}
	fclose(said);
}

/* At least so many there are to be. */
static void there_are_a_hundred(void **state)
{
	(void)state;
	assert_true(count >= 100);
}

/* By its name, or "race-*" by how it begins. */
static bool matches(const char *pattern, const char *name)
{
	size_t length = strcspn(pattern, "*");

	return strncmp(pattern, name, length) == 0 && (pattern[length] || !name[length]);
}

static int run_all(char **names)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		bool wanted = !*names;

		for (char **name = names; *name; name++)
			wanted |= matches(*name, cases[i].name);
		if (wanted)
			failed += _cmocka_run_group_tests(cases[i].name, &tests[i], 1, NULL, NULL);
	}
	return failed;
}

static int prepare(void **state)
{
	(void)state;
	assert_ok(keg_kick_install(SIGRTMIN));
	assert_ok(keg_host_create(NULL, &host));
	hostile_prepare(&place);
	list();
	return 0;
}

/* PROGRAM [NAME...] */
int main(int argc, char **argv)
{
	const struct CMUnitTest first[] = {cmocka_unit_test(there_are_a_hundred)};
	char path[PATH_MAX];
	int failed;

	/* The sandbox wants to know where it is, wherever this is run. */
	if (argc < 2 || !realpath(argv[1], path))
		return 2;
	program = path;
	require_kvm();
	failed = cmocka_run_group_tests_name("hostile programs", first, prepare, NULL);
	if (!failed)
		failed = run_all(argv + 2);
	keg_host_destroy(host);
	hostile_remove(&place);
	return failed != 0;
}
