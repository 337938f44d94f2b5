/* SPDX-License-Identifier: MIT */
/* What a run has cost, for people: exits by reason with their times, and what devices have done. */
#include "run_stats.h"

#include <inttypes.h>
#include <stdlib.h>

#include <keg/vcpu.h>

#include "cli.h"
#include "style.h"

/* ---- Asking the board ---- */

static int out_of_memory(struct run_stats *stats)
{
	run_stats_release(stats);
	cli_error("out of memory");
	return -1;
}

static int get_devices(struct run_stats *stats)
{
	struct keg_device_stats device, *devices;

	while (keg_board_get_device_stats(stats->board, stats->device_count, &device) == 0) {
		devices = realloc(stats->devices, (stats->device_count + 1) * sizeof(*devices));
		if (!devices)
			return out_of_memory(stats);
		stats->devices = devices;
		devices[stats->device_count++] = device;
	}
	return 0;
}

static int get_unclaimed(struct run_stats *stats)
{
	struct keg_unclaimed one, *all;

	while (keg_board_get_unclaimed(stats->board, stats->unclaimed_count, &one) == 0) {
		all = realloc(stats->unclaimed, (stats->unclaimed_count + 1) * sizeof(*all));
		if (!all)
			return out_of_memory(stats);
		stats->unclaimed = all;
		all[stats->unclaimed_count++] = one;
	}
	return 0;
}

int run_stats_get(struct keg_board *board, uint64_t read_ns, struct run_stats *stats)
{
	*stats = (struct run_stats){.board = board, .read_ns = read_ns};
	keg_board_get_stats(board, &stats->totals);
	if (stats->totals.first_entry_ns)
		stats->start_ns = stats->totals.first_entry_ns - cli_began();
	return get_devices(stats) == 0 ? get_unclaimed(stats) : -1;
}

void run_stats_release(struct run_stats *stats)
{
	free(stats->devices);
	free(stats->unclaimed);
	*stats = (struct run_stats){0};
}

/* ---- Exits ---- */

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

static void print_exits(const struct keg_board_stats *stats)
{
	struct keg_exit_stat sum = {0};
	char buffer[32];

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
}

/* ---- Devices ---- */

static void print_device(const struct keg_device_stats *device)
{
	fprintf(stderr,
		"  %-18s%10" PRIu64 "%9" PRIu64 "%13" PRIu64 "%13" PRIu64 "%13" PRIu64 "%13" PRIu64
		"\n",
		device->name, device->requests, device->errors, device->bytes_in, device->bytes_out,
		device->notifications, device->interrupts);
	if (*device->broken)
		fprintf(stderr, "      needs a reset: %s\n", device->broken);
}

static void print_devices(const struct run_stats *stats)
{
	if (!stats->device_count)
		return;
	fprintf(stderr, "\n%s  %-18s%10s%9s%13s%13s%13s%13s%s\n", style_on(stderr, STYLE_TITLE),
		"device", "requests", "errors", "bytes in", "bytes out", "by exits", "interrupts",
		style_off(stderr, STYLE_TITLE));
	for (size_t i = 0; i < stats->device_count; i++)
		print_device(&stats->devices[i]);
}

/* ---- All of it ---- */

void run_stats_print(const struct run_stats *stats)
{
	const struct keg_board_stats *totals = &stats->totals;
	char start[32], read[32], create[32], load[32], run[32];

	print_exits(totals);
	print_devices(stats);
	format_ns((double)stats->start_ns, start, sizeof(start));
	format_ns((double)stats->read_ns, read, sizeof(read));
	format_ns((double)totals->create_ns, create, sizeof(create));
	format_ns((double)totals->load_ns, load, sizeof(load));
	format_ns((double)totals->run_ns, run, sizeof(run));
	fprintf(stderr, "\n  start to guest %s: reading files %s, set-up %s, of that loading %s\n",
		stats->start_ns ? start : "never", read, create, load);
	fprintf(stderr,
		"  run %s  unclaimed accesses: %" PRIu64 " to ports, %" PRIu64 " to memory\n", run,
		totals->unclaimed_ports, totals->unclaimed_memory);
}

void run_stats_print_unclaimed(const struct run_stats *stats)
{
	fprintf(stderr, "\n%s  %-24s%13s%13s%s\n", style_on(stderr, STYLE_TITLE), "unclaimed",
		"reads", "writes", style_off(stderr, STYLE_TITLE));
	for (size_t i = 0; i < stats->unclaimed_count; i++) {
		const struct keg_unclaimed *one = &stats->unclaimed[i];

		fprintf(stderr, "  %-7s0x%-15" PRIx64 "%13" PRIu64 "%13" PRIu64 "\n",
			one->port ? "port" : "memory", one->address, one->reads, one->writes);
	}
	if (!stats->unclaimed_count)
		fprintf(stderr, "  none\n");
}
