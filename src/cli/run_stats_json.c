/* SPDX-License-Identifier: MIT */
/* What a run has cost, for programs. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include <keg/vcpu.h>

#include "cli.h"
#include "run_stats.h"

static json_t *exits_json(const struct keg_board_stats *stats)
{
	json_t *array = json_array();
	char buffer[32];

	for (size_t i = 0; i < stats->exit_kinds; i++) {
		const struct keg_exit_stat *exit = &stats->exits[i];
		const char *name = keg_exit_name(exit->reason);

		snprintf(buffer, sizeof(buffer), "reason %" PRIu32, exit->reason);
		json_array_append_new(array,
			json_pack("{s:s, s:I, s:I, s:I, s:I}", "name", name ? name : buffer,
				"reason", (json_int_t)exit->reason, "count",
				(json_int_t)exit->count, "guest_ns", (json_int_t)exit->guest_ns,
				"handle_ns", (json_int_t)exit->handle_ns));
	}
	return array;
}

static json_t *devices_json(const struct run_stats *stats)
{
	json_t *array = json_array();

	for (size_t i = 0; i < stats->device_count; i++) {
		const struct keg_device_stats *device = &stats->devices[i];

		json_array_append_new(
			array, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s?}", "name",
				       device->name, "requests", (json_int_t)device->requests,
				       "errors", (json_int_t)device->errors, "bytes_in",
				       (json_int_t)device->bytes_in, "bytes_out",
				       (json_int_t)device->bytes_out, "notifications",
				       (json_int_t)device->notifications, "interrupts",
				       (json_int_t)device->interrupts, "broken",
				       *device->broken ? device->broken : NULL));
	}
	return array;
}

static json_t *notes_json(const struct run_stats *stats)
{
	json_t *array = json_array();
	const char *note;

	for (size_t i = 0; (note = keg_board_note(stats->board, i)); i++)
		json_array_append_new(array, json_string(note));
	return array;
}

static json_t *unclaimed_json(const struct run_stats *stats)
{
	json_t *array = json_array();

	for (size_t i = 0; i < stats->unclaimed_count; i++) {
		const struct keg_unclaimed *one = &stats->unclaimed[i];

		json_array_append_new(array,
			json_pack("{s:s, s:I, s:I, s:I}", "space", one->port ? "port" : "memory",
				"address", (json_int_t)one->address, "reads",
				(json_int_t)one->reads, "writes", (json_int_t)one->writes));
	}
	return array;
}

static json_t *all_json(const struct run_stats *stats, const struct run_end *end)
{
	const struct keg_board_stats *totals = &stats->totals;

	return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o}",
		"end", end->name, "status", end->status, "message", end->message, "start_ns",
		(json_int_t)stats->start_ns, "read_ns", (json_int_t)stats->read_ns, "create_ns",
		(json_int_t)totals->create_ns, "load_ns", (json_int_t)totals->load_ns, "run_ns",
		(json_int_t)totals->run_ns, "unclaimed_ports", (json_int_t)totals->unclaimed_ports,
		"unclaimed_memory", (json_int_t)totals->unclaimed_memory, "exits",
		exits_json(totals), "devices", devices_json(stats), "notes", notes_json(stats),
		"unclaimed", unclaimed_json(stats));
}

int run_stats_json(const struct run_stats *stats, const struct run_end *end, const char *path)
{
	json_t *object = all_json(stats, end);
	FILE *file = path ? fopen(path, "we") : stderr;
	int rc = -1;

	if (!object) {
		cli_error("could not make the JSON: out of memory");
	} else if (file) {
		rc = json_dumpf(object, file, JSON_INDENT(2));
		fputc('\n', file);
		rc = fflush(file) || ferror(file) ? -1 : rc;
	}
	if (object && rc)
		cli_error("cannot write %s: %s", path ? path : "standard error", strerror(errno));
	if (path && file)
		fclose(file);
	json_decref(object);
	return rc;
}
