/* SPDX-License-Identifier: MIT */
/* The rows of the table: kept, judged and printed. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

void bench_add(struct bench *bench, const struct bench_row *row)
{
	bench->rows = reallocarray(bench->rows, bench->count + 1, sizeof(*bench->rows));
	if (!bench->rows)
		bench_die("no memory for results");
	bench->rows[bench->count] = *row;
	bench->rows[bench->count].bench = bench->current;
	if (!bench->silent)
		rows_print(&bench->rows[bench->count]);
	bench->count++;
}

void bench_skip(struct bench *bench, const char *why)
{
	if (!bench->silent)
		printf("%s: skipped: %s\n", bench->current, why);
}

void rows_free(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		free(bench->rows[i].keg.values);
		free(bench->rows[i].peer.values);
	}
	free(bench->rows);
}

/* What of the samples is compared. */
static double figure(const struct bench_row *row, const struct bench_samples *samples)
{
	struct bench_summary summary;

	bench_summarize(samples, &summary);
	return row->tail ? summary.p99 : summary.median;
}

/* Of each round, keg's figure to the peer's, which was taken right before or after. */
static double paired_ratio(const struct bench_row *row)
{
	struct bench_samples ratios = {.count = 0};
	struct bench_summary summary;

	for (size_t i = 0; i < row->keg.count; i++) {
		if (row->peer.values[i] > 0)
			bench_samples_add(&ratios, row->keg.values[i] / row->peer.values[i]);
	}
	bench_summarize(&ratios, &summary);
	free(ratios.values);
	return summary.median;
}

double bench_ratio(const struct bench_row *row)
{
	double ratio;

	if (row->keg.count == row->peer.count && !row->tail)
		ratio = paired_ratio(row);
	else
		ratio = figure(row, &row->peer) > 0
				? figure(row, &row->keg) / figure(row, &row->peer)
				: 0;
	return row->floor == BENCH_AT_LEAST && ratio > 0 ? 1 / ratio : ratio;
}

bool bench_met(const struct bench_row *row)
{
	double ratio = bench_ratio(row);

	return row->floor == BENCH_AT_LEAST ? ratio >= row->limit : ratio <= row->limit;
}

const char *rows_verdict(const struct bench_row *row)
{
	if (row->floor == BENCH_NO_FLOOR)
		return "";
	if (row->moot)
		return "moot";
	return bench_met(row) ? "met" : "NOT MET";
}

static const char layout[] = "%-43s %-22s %5s %9s %9s %7s %8s %s\n";

void rows_print_head(void)
{
	printf(layout, "what", "against", "unit", "keg", "against", "ratio", "floor", "");
	fflush(stdout);
}

void rows_print(const struct bench_row *row)
{
	char keg[24], peer[24] = "", ratio[24] = "", floor[24] = "";

	snprintf(keg, sizeof(keg), "%.*f", row->unit_digits, figure(row, &row->keg));
	if (row->peer.count) {
		snprintf(peer, sizeof(peer), "%.*f", row->unit_digits, figure(row, &row->peer));
		snprintf(ratio, sizeof(ratio), "%.3f", bench_ratio(row));
	}
	if (row->floor != BENCH_NO_FLOOR)
		snprintf(floor, sizeof(floor), "%s %.2f",
			row->floor == BENCH_AT_LEAST ? ">=" : "<=", row->limit);
	printf(layout, row->what, row->peer_name ? row->peer_name : "", row->unit, keg, peer, ratio,
		floor, rows_verdict(row));
	if (row->moot)
		printf("    %s\n", row->moot);
	fflush(stdout);
}
