/* SPDX-License-Identifier: MIT */
/* keg run: a guest, its serial port on the terminal, until it ends. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <keg/board.h>
#include <keg/error.h>

#include "cli.h"
#include "commands.h"
#include "console.h"
#include "default_guest.h"
#include "image.h"
#include "run_end.h"
#include "run_settings.h"
#include "run_stats.h"

enum { DEFAULT_GUEST_CPUS = 4, COMMAND_LINE = 4096 };
static const uint64_t default_memory = UINT64_C(256) << 20;

/* Everything that a run holds. */
struct run {
	const struct run_settings *settings;
	struct image image, initrd;
	char command_line[COMMAND_LINE];
	struct keg_boot_config boot;
	struct keg_board_config config;
	struct keg_host *host;
	struct keg_board *board;
	struct console console;
	struct run_end end;
};

/* ---- From settings to configurations ---- */

static int set_machine(struct run *run)
{
	const struct run_settings *settings = run->settings;
	uint64_t cpus = settings->image ? 1 : DEFAULT_GUEST_CPUS;
	uint64_t memory = settings->memory.given ? settings->memory.value : default_memory;

	if (settings->cpus.given)
		cpus = settings->cpus.value;
	if (cpus == 0 || cpus > UINT16_MAX) {
		cli_error("--cpus takes a number from 1 to what KVM allows, not %" PRIu64, cpus);
		return -1;
	}
	if (memory == 0 || memory % 4096) {
		cli_error("--memory takes a multiple of 4096 bytes, not %" PRIu64, memory);
		return -1;
	}
	run->config = (struct keg_board_config){
		.size = sizeof(run->config),
		.memory_bytes = memory,
		.cpus = (uint32_t)cpus,
		.kick_signal = SIGRTMIN,
		.statistics = settings->stats || settings->json.given,
		.boot = &run->boot,
		.console_output = console_output,
		.console_room = console_room,
		.console_context = &run->console,
	};
	return 0;
}

/* The guest that is built in wants to know how many CPUs there are. */
static int set_command_line(struct run *run)
{
	const char *append = run->settings->append ? run->settings->append : "";
	int length;

	if (run->settings->image)
		length = snprintf(run->command_line, COMMAND_LINE, "%s", append);
	else
		length = snprintf(run->command_line, COMMAND_LINE, "cpus=%" PRIu32 "%s%s",
			run->config.cpus, *append ? " " : "", append);
	if (length < COMMAND_LINE)
		return 0;
	cli_error("--append takes %d characters at most", COMMAND_LINE - 1);
	return -1;
}

static int set_boot(struct run *run)
{
	const struct run_settings *settings = run->settings;
	uint64_t limit = run->config.memory_bytes;

	if (settings->image && image_read(settings->image, limit, &run->image) != 0)
		return -1;
	if (settings->initrd && image_read(settings->initrd, limit, &run->initrd) != 0)
		return -1;
	run->boot = (struct keg_boot_config){
		.size = sizeof(run->boot),
		.kind = (enum keg_image_kind)settings->kind,
		.mode = (enum keg_entry_mode)settings->mode,
		.image = settings->image ? run->image.bytes : default_guest_bytes(),
		.image_bytes = settings->image ? run->image.count : default_guest_size(),
		.initrd = run->initrd.bytes,
		.initrd_bytes = run->initrd.count,
		.command_line = run->command_line,
		.initrd_line = settings->initrd,
		.load_address = settings->load_address.value,
		.entry = settings->entry.value,
		.flags = (settings->load_address.given ? KEG_BOOT_LOAD_ADDRESS : 0U) |
			 (settings->entry.given ? KEG_BOOT_ENTRY : 0U),
	};
	return 0;
}

/* ---- Running ---- */

static int complain(void)
{
	cli_error("%s", keg_error_message());
	return -1;
}

static int make_board(struct run *run)
{
	char why[CLI_WHY];

	run->host = cli_open_host(run->settings->device, why);
	if (!run->host) {
		cli_error("%s", why);
		return -1;
	}
	if (keg_kick_install(SIGRTMIN) < 0)
		return complain();
	if (keg_board_create(run->host, &run->config, &run->board) < 0)
		return complain();
	return 0;
}

/* What is told after the guest's last line. */
static int report(struct run *run)
{
	const struct run_settings *settings = run->settings;
	bool json_here = settings->json.given && !settings->json.value;
	struct keg_board_stats stats;

	if (run->console.output.mid_line && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	if (run->end.status != RUN_POWER_OFF && !json_here)
		cli_error("%s", run->end.message);
	if (!run->config.statistics)
		return 0;
	keg_board_get_stats(run->board, &stats);
	if (settings->stats)
		run_stats_print(&stats);
	if (settings->json.given)
		return run_stats_json(&stats, &run->end, settings->json.value);
	return 0;
}

static int run_board(struct run *run)
{
	struct keg_board_result result;
	int rc;

	if (console_start(&run->console, run->board, run->settings->timeout.value) != 0)
		return -1;
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
	keg_board_destroy(run->board);
	keg_host_destroy(run->host);
	console_fini(&run->console);
	return rc;
}

int run_guest(const void *given)
{
	struct run run = {.settings = given, .end = {.status = RUN_USAGE}};
	int rc = set_machine(&run);

	if (rc == 0)
		rc = set_command_line(&run);
	if (rc != 0)
		return RUN_USAGE;
	rc = set_boot(&run);
	if (rc == 0)
		rc = console_init(&run.console);
	if (rc == 0)
		rc = run_with_console(&run);
	image_release(&run.image);
	image_release(&run.initrd);
	return rc == 0 ? run_end_exit(&run.end) : RUN_FAILED;
}
