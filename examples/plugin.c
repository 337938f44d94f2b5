/* SPDX-License-Identifier: MIT */
/*
 * Calls the functions of a program that is not trusted (examples/plugin_filter.c), in a machine of
 * their own, thousands of times, each from the same state; and survives those that loop and those
 * that destroy what they can reach.
 *
 *     plugin FILTER-PROGRAM
 */
#include <keg/keg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 4096, CALLS = 5000 };

/* A filter is a function of the plugin's: text and length, a number back. */
struct plugin {
	struct keg_user *user;
	uint64_t buffer; /* in the plugin's memory */
};

static void check(int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "plugin: %s\n", keg_error_message());
	exit(EXIT_FAILURE);
}

/* Loads the program, and runs it until it says that it is ready: that state is marked, so that each
 * call can begin with it. */
static void load(struct plugin *plugin, struct keg_host *host, const char *path)
{
	const struct keg_user_config config = {
		.size = sizeof(config),
		.memory = 64 << 20,
		.kick_signal = SIGRTMIN, /* for limits of time */
	};
	const char *const words[] = {path, NULL};
	struct keg_user_stop stop;
	uint64_t ready;

	check(keg_user_create(host, &config, &plugin->user));
	check(keg_user_bind(plugin->user, path, NULL, 0)); /* all that it sees */
	check(keg_user_load(plugin->user, path, words, NULL));
	check(keg_user_symbol(plugin->user, "filter_ready", &ready));
	check(keg_user_run_to(plugin->user, ready, &stop));
	if (stop.end != KEG_USER_REACHED) {
		fprintf(stderr, "plugin: %s ended before it was ready: %s\n", path, stop.what);
		exit(EXIT_FAILURE);
	}
	check(keg_user_allocate(plugin->user, ROOM, &plugin->buffer));
	check(keg_user_mark(plugin->user));
}

/* Calls a filter on a text, which is changed in place. False: it did not return, and why is said.
 */
static int filter(
	struct plugin *plugin, const char *name, char *text, uint64_t limit_ns, uint64_t *result)
{
	const uint64_t length = strlen(text);
	const uint64_t arguments[] = {plugin->buffer, length};
	struct keg_user_stop stop;
	uint64_t function;

	check(keg_user_symbol(plugin->user, name, &function));
	check(keg_user_write(plugin->user, plugin->buffer, text, length));
	check(keg_user_call(plugin->user, function, arguments, 2, limit_ns, result, &stop));
	switch (stop.end) {
	case KEG_USER_RETURNED:
		check(keg_user_read(plugin->user, plugin->buffer, text, length));
		return 1;
	case KEG_USER_TIME:
		printf("%s: stopped, it takes too long\n", name);
		return 0;
	default:
		printf("%s: ended: %s\n", name, stop.what);
		return 0;
	}
}

static void show(struct plugin *plugin, const char *name)
{
	char text[] = "The quick brown fox jumps over the lazy dog";
	uint64_t result;

	if (filter(plugin, name, text, 0, &result))
		printf("%s: %llu, \"%s\"\n", name, (unsigned long long)result, text);
	check(keg_user_reset(plugin->user));
}

/* The same function thousands of times, and how long it took. */
static void call_often(struct plugin *plugin)
{
	const uint64_t arguments[] = {plugin->buffer, 10};
	struct timespec began, ended;
	struct keg_user_stop stop;
	uint64_t function, calls, result;

	check(keg_user_symbol(plugin->user, "filter_upper", &function));
	clock_gettime(CLOCK_MONOTONIC, &began);
	for (int i = 0; i < CALLS; i++) {
		check(keg_user_write(plugin->user, plugin->buffer, "a letter b", 10));
		check(keg_user_call(plugin->user, function, arguments, 2, 0, &result, &stop));
		check(keg_user_reset(plugin->user));
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	fprintf(stderr, "%d calls and resets, %.1f us each\n", CALLS,
		((double)(ended.tv_sec - began.tv_sec) * 1e9 +
			(double)(ended.tv_nsec - began.tv_nsec)) /
			1e3 / CALLS);
	/* Each of them was the first, as far as the plugin knows. */
	check(keg_user_symbol(plugin->user, "filter_calls", &calls));
	check(keg_user_read(plugin->user, calls, &result, sizeof(result)));
	printf("%d calls, and it counts %llu\n", CALLS, (unsigned long long)result);
}

/* One that never returns, and one that destroys its own memory: a reset makes all good. */
static void misbehave(struct plugin *plugin)
{
	static const char *const bad[] = {"filter_loop", "filter_scribble"};
	const uint64_t limit_ns = 50000000;

	for (size_t i = 0; i < 2; i++) {
		char text[] = "some text";
		uint64_t result;

		filter(plugin, bad[i], text, limit_ns, &result);
		check(keg_user_reset(plugin->user));
		show(plugin, "filter_rot13");
	}
}

int main(int argc, char *argv[])
{
	char *path = argc == 2 ? realpath(argv[1], NULL) : NULL; /* bound as it is: absolute */
	struct plugin plugin;
	struct keg_host *host;

	if (!path) {
		fprintf(stderr, "usage: plugin FILTER-PROGRAM\n");
		return 2;
	}
	check(keg_kick_install(SIGRTMIN));
	check(keg_host_create(NULL, &host));
	load(&plugin, host, path);
	free(path);
	show(&plugin, "filter_upper");
	show(&plugin, "filter_rot13");
	show(&plugin, "filter_words");
	call_often(&plugin);
	misbehave(&plugin);
	keg_user_destroy(plugin.user);
	keg_host_destroy(host);
	return 0;
}
