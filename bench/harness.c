/* SPDX-License-Identifier: MIT */
/* Samples, and arms that take turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

void bench_die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("keg-bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

int bench_needed(int rc, const char *call)
{
	if (rc < 0)
		bench_die("%s: %s", call, keg_error_message());
	return rc;
}

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool bench_long_enough(uint64_t began)
{
	const uint64_t ns = 20000000000;

	return bench_now() - began > ns;
}

void bench_samples_add(struct bench_samples *samples, double value)
{
	if (samples->count == samples->capacity) {
		samples->capacity = samples->capacity ? samples->capacity * 2 : 64;
		samples->values =
			reallocarray(samples->values, samples->capacity, sizeof(*samples->values));
		if (!samples->values)
			bench_die("no memory for samples");
	}
	samples->values[samples->count++] = value;
}

void bench_samples_copy(struct bench_samples *to, const struct bench_samples *from)
{
	for (size_t i = 0; i < from->count; i++)
		bench_samples_add(to, from->values[i]);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double at(const double *sorted, size_t count, double quantile)
{
	double place = quantile * (double)(count - 1);
	size_t below = (size_t)place;

	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

void bench_summarize(const struct bench_samples *samples, struct bench_summary *summary)
{
	size_t count = samples->count;
	double *sorted;

	*summary = (struct bench_summary){.count = count};
	if (!count)
		return;
	sorted = reallocarray(NULL, count, sizeof(*sorted));
	if (!sorted)
		bench_die("no memory for samples");
	memcpy(sorted, samples->values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	summary->least = sorted[0];
	summary->p25 = at(sorted, count, 0.25);
	summary->median = at(sorted, count, 0.5);
	summary->p75 = at(sorted, count, 0.75);
	summary->p99 = at(sorted, count, 0.99);
	summary->most = sorted[count - 1];
	free(sorted);
}

unsigned int bench_rounds(const struct bench *bench, unsigned int rounds)
{
	const unsigned int few = 2;

	if (bench->rounds)
		return bench->rounds;
	return bench->quick && rounds > few ? few : rounds;
}

static void measure(const struct bench_arm *arm, bool counts)
{
	double value = arm->measure(arm->context);

	if (counts)
		bench_samples_add(arm->samples, value);
}

void bench_take_turns(
	const struct bench_arm *arms, size_t count, unsigned int warm_up, unsigned int rounds)
{
	uint64_t began = bench_now();

	for (unsigned int round = 0; round < warm_up + rounds; round++) {
		if (round > warm_up && bench_long_enough(began))
			break;
		for (size_t turn = 0; turn < count; turn++) {
			size_t turned = round & 1 ? count - 1 - turn : turn;

			/* Every second round backwards, each pair of rounds from another arm on. */
			measure(&arms[(turned + round / 2) % count], round >= warm_up);
		}
	}
}
