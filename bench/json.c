/* SPDX-License-Identifier: MIT */
/* The results as JSON. */
#include "json.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "rows.h"

static json_t *of_facts(const struct facts *facts)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:I, s:f}", "kernel",
		facts->system.release, "architecture", facts->system.machine, "kvm_module",
		facts->kvm_module, "guest_kernel_code", facts->speed.native ? "native" : "emulated",
		"guest_mips", facts->speed.guest_mips, "host_mips", facts->speed.host_mips, "cpus",
		(json_int_t)facts->cpus, "load", facts->load);
}

static json_t *of_samples(const struct bench_samples *samples)
{
	struct bench_summary summary;

	bench_summarize(samples, &summary);
	return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)summary.count,
		"min", summary.least, "p25", summary.p25, "median", summary.median, "p75",
		summary.p75, "p99", summary.p99, "max", summary.most);
}

static json_t *of_floor(const struct bench_row *row)
{
	json_t *floor = json_pack("{s:s, s:f}", "is",
		row->floor == BENCH_AT_LEAST ? "at least" : "at most", "ratio", row->limit);

	if (row->moot)
		json_object_set_new(floor, "moot", json_string(row->moot));
	else
		json_object_set_new(floor, "met", json_boolean(bench_met(row)));
	return floor;
}

static json_t *of_row(const struct bench_row *row)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:o}", "benchmark", row->bench, "what",
		row->what, "unit", row->unit, "keg", of_samples(&row->keg));

	if (row->peer.count) {
		json_object_set_new(object, "against", json_string(row->peer_name));
		json_object_set_new(object, "peer", of_samples(&row->peer));
		json_object_set_new(object, "compared", json_string(row->tail ? "p99" : "median"));
		json_object_set_new(object, "ratio", json_real(bench_ratio(row)));
		json_object_set_new(object, "ratio_is",
			json_string(row->floor == BENCH_AT_LEAST ? "peer / keg" : "keg / peer"));
	}
	if (row->floor != BENCH_NO_FLOOR)
		json_object_set_new(object, "floor", of_floor(row));
	return object;
}

void json_write(const char *path, const struct bench *bench, const struct facts *facts)
{
	const size_t flags = JSON_INDENT(2) | JSON_REAL_PRECISION(6);
	json_t *rows = json_array(), *root;
	int rc;

	for (size_t i = 0; i < bench->count; i++)
		json_array_append_new(rows, of_row(&bench->rows[i]));
	root = json_pack("{s:s, s:o, s:o}", "version", KEG_VERSION, "host", of_facts(facts),
		"results", rows);
	if (!root)
		bench_die("no memory for the results' JSON");
	if (strcmp(path, "-") == 0) {
		rc = json_dumpf(root, stdout, flags);
		putchar('\n');
	} else {
		rc = json_dump_file(root, path, flags);
	}
	json_decref(root);
	if (rc)
		bench_die("%s cannot be written", path);
}
