/* SPDX-License-Identifier: MIT */
/* Exits by reason, with their times. */
#include "run_stats.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include <keg/vcpu.h>

#include "cli.h"
#include "style.h"

static const char *reason_name(uint32_t reason, char *buffer, size_t size)
{
	const char *name = keg_exit_name(reason);

	if (name)
		return name;
	snprintf(buffer, size, "reason %" PRIu32, reason);
	return buffer;
}

/* Three digits and a unit: "7.31 us", "412 ms". */
static void format_ns(double ns, char *text, size_t size)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	unsigned int unit = 0;

	while (ns >= 999.5 && unit < 3) {
		ns /= 1000;
		unit++;
	}
	snprintf(text, size, "%.*f %-2s",
		unit == 0 || ns >= 99.95 ? 0
		: ns >= 9.995            ? 1
					 : 2,
		ns, units[unit]);
}

static void print_row(const char *name, const struct keg_exit_stat *exit, uint64_t all)
{
	char guest[32], handle[32], each[32];
	double count = (double)exit->count;

	format_ns((double)exit->guest_ns, guest, sizeof(guest));
	format_ns((double)exit->handle_ns, handle, sizeof(handle));
	format_ns(count > 0 ? (double)exit->handle_ns / count : 0, each, sizeof(each));
	fprintf(stderr, "  %-18s%10" PRIu64 "%8.1f%%%13s%13s%13s\n", name, exit->count,
		all ? 100 * count / (double)all : 0, guest, handle, each);
}

void run_stats_print(const struct keg_board_stats *stats)
{
	struct keg_exit_stat sum = {0};
	char create[32], run[32], buffer[32];

	for (size_t i = 0; i < stats->exit_kinds; i++) {
		sum.count += stats->exits[i].count;
		sum.guest_ns += stats->exits[i].guest_ns;
		sum.handle_ns += stats->exits[i].handle_ns;
	}
	fprintf(stderr, "\n%s  %-18s%10s%9s%13s%13s%13s%s\n", style_on(stderr, STYLE_TITLE), "exit",
		"count", "share", "in guest", "handling", "each", style_off(stderr, STYLE_TITLE));
	for (size_t i = 0; i < stats->exit_kinds; i++)
		print_row(reason_name(stats->exits[i].reason, buffer, sizeof(buffer)),
			&stats->exits[i], sum.count);
	print_row("all", &sum, sum.count);
	format_ns((double)stats->create_ns, create, sizeof(create));
	format_ns((double)stats->run_ns, run, sizeof(run));
	fprintf(stderr,
		"\n  set-up %s  run %s  unclaimed accesses: %" PRIu64 " to ports, %" PRIu64
		" to memory\n",
		create, run, stats->unclaimed_ports, stats->unclaimed_memory);
}

/* ---- JSON ---- */

static json_t *exits_json(const struct keg_board_stats *stats)
{
	json_t *array = json_array();
	char buffer[32];

	for (size_t i = 0; i < stats->exit_kinds; i++) {
		const struct keg_exit_stat *exit = &stats->exits[i];

		json_array_append_new(
			array, json_pack("{s:s, s:I, s:I, s:I, s:I}", "name",
				       reason_name(exit->reason, buffer, sizeof(buffer)), "reason",
				       (json_int_t)exit->reason, "count", (json_int_t)exit->count,
				       "guest_ns", (json_int_t)exit->guest_ns, "handle_ns",
				       (json_int_t)exit->handle_ns));
	}
	return array;
}

int run_stats_json(const struct keg_board_stats *stats, const struct run_end *end, const char *path)
{
	json_t *object = json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:o}", "end", end->name,
		"status", end->status, "message", end->message, "create_ns",
		(json_int_t)stats->create_ns, "run_ns", (json_int_t)stats->run_ns,
		"unclaimed_ports", (json_int_t)stats->unclaimed_ports, "unclaimed_memory",
		(json_int_t)stats->unclaimed_memory, "exits", exits_json(stats));
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
