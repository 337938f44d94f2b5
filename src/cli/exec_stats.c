/* SPDX-License-Identifier: MIT */
/* --stats: what a run of keg exec has cost. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "exec.h"
#include "style.h"

static const char *const ends[] = {
	[KEG_USER_EXITED] = "exited",
	[KEG_USER_KILLED] = "killed",
	[KEG_USER_INTERRUPTED] = "interrupted",
	[KEG_USER_TIME] = "out of time",
	[KEG_USER_MEMORY] = "out of memory",
	[KEG_USER_REACHED] = "reached",
	[KEG_USER_RETURNED] = "returned",
	[KEG_USER_FAILED] = "failed",
	[KEG_USER_STOPPED] = "stopped",
};

static int by_time(const void *left, const void *right)
{
	const struct keg_user_count *a = left, *b = right;

	return a->time_ns < b->time_ns ? 1 : a->time_ns > b->time_ns ? -1 : 0;
}

static void print_calls(const struct keg_user_count *counts, size_t count)
{
	fprintf(stderr, "\n  %10s %12s %10s %10s  %s\n", "calls", "us in all", "us each",
		"not done", "system call");
	for (size_t i = 0; i < count; i++) {
		const struct keg_user_count *one = &counts[i];
		uint64_t undone = one->unserved + one->refused;

		fprintf(stderr, "  %10" PRIu64 " %12.1f %10.2f ", one->calls,
			(double)one->time_ns / 1e3,
			(double)one->time_ns / 1e3 / (double)one->calls);
		if (undone)
			fprintf(stderr, "%10" PRIu64, undone);
		else
			fprintf(stderr, "%10s", "");
		if (one->name)
			fprintf(stderr, "  %s%s\n", one->name, one->refused ? " (refused)" : "");
		else
			fprintf(stderr, "  number %" PRIu64 "\n", one->number);
	}
}

static void print_text(const struct keg_user_stats *stats, const struct keg_user_stop *stop,
	uint64_t start_ns, const struct keg_user_count *counts, size_t count)
{
	fprintf(stderr, "keg: %s",
		stop->end < sizeof(ends) / sizeof(ends[0]) ? ends[stop->end] : "?");
	if (stop->end == KEG_USER_EXITED)
		fprintf(stderr, " with status %" PRId32, stop->status);
	else if (stop->end == KEG_USER_KILLED)
		fprintf(stderr, " by signal %" PRId32 " (%s)", stop->signal,
			strsignal(stop->signal));
	fprintf(stderr,
		"\n"
		"  time            %.3f ms, and %.3f ms before it began\n"
		"  exits           %" PRIu64 ", of them %" PRIu64 " for system calls, %" PRIu64
		" for page faults\n"
		"  memory          %.1f MiB at most, of %.0f\n"
		"  processes       %" PRIu64 ", with %" PRIu64 " thread%s\n",
		(double)stats->time_ns / 1e6, (double)start_ns / 1e6, stats->exits, stats->syscalls,
		stats->faults, (double)stats->memory_highest / 1048576,
		(double)stats->memory_limit / 1048576, stats->processes, stats->threads,
		stats->threads == 1 ? "" : "s");
	print_calls(counts, count);
}

static json_t *json_of_calls(const struct keg_user_count *counts, size_t count)
{
	json_t *calls = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			calls, json_pack("{s:s?, s:I, s:I, s:I, s:I, s:f}", "name", counts[i].name,
				       "number", (json_int_t)counts[i].number, "calls",
				       (json_int_t)counts[i].calls, "unserved",
				       (json_int_t)counts[i].unserved, "refused",
				       (json_int_t)counts[i].refused, "seconds",
				       (double)counts[i].time_ns / 1e9));
	return calls;
}

static void print_json(const struct keg_user_stats *stats, const struct keg_user_stop *stop,
	uint64_t start_ns, const struct keg_user_count *counts, size_t count)
{
	json_t *root = json_pack(
		"{s:s, s:i, s:i, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "end",
		stop->end < sizeof(ends) / sizeof(ends[0]) ? ends[stop->end] : "?", "status",
		stop->status, "signal", stop->signal, "seconds", (double)stats->time_ns / 1e9,
		"start_seconds", (double)start_ns / 1e9, "exits", (json_int_t)stats->exits,
		"syscalls", (json_int_t)stats->syscalls, "faults", (json_int_t)stats->faults,
		"memory_highest", (json_int_t)stats->memory_highest, "memory_limit",
		(json_int_t)stats->memory_limit, "processes", (json_int_t)stats->processes,
		"threads", (json_int_t)stats->threads, "calls", json_of_calls(counts, count));

	if (root)
		json_dumpf(root, stderr, JSON_COMPACT | JSON_REAL_PRECISION(12));
	fputc('\n', stderr);
	json_decref(root);
}

void exec_stats_print(
	struct keg_user *user, const struct keg_user_stop *stop, uint64_t start_ns, bool json)
{
	struct keg_user_stats stats = {.size = sizeof(stats)};
	static struct keg_user_count counts[512];
	size_t count = sizeof(counts) / sizeof(counts[0]);

	if (keg_user_stats(user, &stats) < 0 || keg_user_counts(user, counts, &count) < 0)
		return;
	qsort(counts, count, sizeof(counts[0]), by_time);
	if (json)
		print_json(&stats, stop, start_ns, counts, count);
	else
		print_text(&stats, stop, start_ns, counts, count);
}
