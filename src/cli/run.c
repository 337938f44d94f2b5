/* SPDX-License-Identifier: MIT */
/* keg run: a guest, its serial port on the terminal, until it ends. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <keg/board.h>
#include <keg/error.h>

#include "cli.h"
#include "commands.h"
#include "console.h"
#include "dry_run.h"
#include "run_end.h"
#include "run_machine.h"
#include "run_stats.h"
#include "settle.h"

/* Everything that a run holds. */
struct run {
	const struct run_settings *settings;
	struct run_machine machine;
	struct keg_host *host;
	struct keg_board *board;
	struct ports *ports; /* or NULL */
	struct console console;
	struct run_end end;
};

static int complain(void)
{
	cli_error("%s", keg_error_message());
	return -1;
}

/* What KVM refused is told before the guest's first line, where that can matter. */
static void tell_notes(struct run *run)
{
	const char *note;

	if (!run->settings->stats && !run->settings->cpu)
		return;
	for (size_t i = 0; (note = keg_board_note(run->board, i)); i++)
		cli_error("note: %s", note);
}

/* Each queue and each interrupt vector has descriptors of its own: as many as may be had. What is
 * allowed at first is little for the sake of programs that use select(2) (setrlimit(2)). */
static void raise_limit_of_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int make_board(struct run *run)
{
	char why[CLI_WHY];

	raise_limit_of_files();
	run->host = cli_open_host(run->settings->device, why);
	if (!run->host) {
		cli_error("%s", why);
		return -1;
	}
	if (keg_kick_install(SIGRTMIN) < 0)
		return complain();
	if (keg_board_create(run->host, &run->machine.board, &run->board) < 0)
		return complain();
	run_machine_release_images(&run->machine);
	tell_notes(run);
	return 0;
}

/* What is told after the guest's last line. */
static int report(struct run *run)
{
	const struct run_settings *settings = run->settings;
	bool json_here = settings->json.given && !settings->json.value;
	struct run_stats stats;
	int rc = 0;

	if (run->console.output.mid_line && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	if (run->end.status != RUN_POWER_OFF && !json_here)
		cli_error("%s", run->end.message);
	if (!settings->stats && !settings->json.given && !settings->list_unclaimed)
		return 0;
	if (run_stats_get(run->board, run->machine.read_ns, &stats) != 0)
		return -1;
	if (settings->stats)
		run_stats_print(&stats);
	if (settings->list_unclaimed)
		run_stats_print_unclaimed(&stats);
	if (settings->json.given)
		rc = run_stats_json(&stats, &run->end, settings->json.value);
	run_stats_release(&stats);
	return rc;
}

static int run_board(struct run *run)
{
	const struct console_settings settings = {
		.limit_ns = run->settings->timeout.value,
		.grace_ns = run->machine.grace_ns,
		.virtio = run->settings->console == RUN_CONSOLE_VIRTIO,
	};
	struct keg_board_result result;
	int rc;

	if (console_start(&run->console, run->board, &settings) != 0 ||
		ports_start(run->ports, run->board) != 0)
		return -1;
	settle();
	rc = keg_board_run(run->board, &result);
	if (rc < 0)
		run_end_failed(&run->end);
	console_finish(&run->console);
	if (rc >= 0)
		run_end_of(&result, &run->console, &run->end);
	return report(run);
}

static int run_with_console(struct run *run)
{
	int rc = make_board(run);

	if (rc == 0)
		rc = run_board(run);
	console_finish(&run->console);
	ports_stop(run->ports);
	keg_board_destroy(run->board);
	keg_host_destroy(run->host);
	console_fini(&run->console);
	return rc;
}

static int run_machine(struct run *run)
{
	const struct cli_list *list = &run->settings->ports;
	int rc = 0;

	if (list->count) {
		run->ports = ports_open(list);
		rc = run->ports ? 0 : -1;
	}
	if (rc == 0)
		rc = console_init(&run->console);
	if (rc == 0) {
		run_machine_connect(
			&run->machine, run->ports, console_show, console_room, &run->console);
		rc = run_with_console(run);
	}
	ports_close(run->ports);
	return rc;
}

int run_guest(const void *given)
{
	struct run run = {.settings = given, .end = {.status = RUN_USAGE}};
	int status = run_machine_make(given, &run.machine);

	if (status == 0 && run.settings->dry_run)
		status = dry_run(&run.machine) == 0 ? 0 : RUN_FAILED;
	else if (status == 0)
		status = run_machine(&run) == 0 ? run_end_exit(&run.end) : RUN_FAILED;
	run_machine_release(&run.machine);
	return status;
}
