/* SPDX-License-Identifier: MIT */
/* keg info: what the KVM at hand can do. */
#include "info.h"

#include <signal.h>

#include <keg/error.h>
#include <keg/vcpu.h>

#include "access.h"
#include "commands.h"
#include "options.h"

enum { MEASURE_MS = 50 };

struct info_settings {
	const char *device;
	bool all, brief, json, no_measure;
};

/* A measurement that fails is no reason to keep the rest back. */
static void measure(struct info *info)
{
	if (keg_kick_install(SIGRTMIN) < 0)
		return;
	info->measured =
		keg_measure_guest_speed(info->host, SIGRTMIN, MEASURE_MS, &info->speed) == 0;
	if (!info->measured)
		cli_error("could not measure how fast guest code runs: %s", keg_error_message());
}

static int info_run(const void *given)
{
	const struct info_settings *settings = given;
	struct info info = {
		.path = settings->device ? settings->device : ACCESS_DEFAULT_PATH,
		.module = access_module(""),
	};
	enum info_detail detail = settings->all     ? INFO_ALL
				  : settings->brief ? INFO_BRIEF
						    : INFO_SCREEN;
	char why[CLI_WHY];
	int rc = 0;

	access_mode(info.path, info.mode, sizeof(info.mode));
	info.host = cli_open_host(info.path, why);
	if (!info.host) {
		if (settings->json)
			info_print_json_unusable(&info, why);
		cli_error("%s", why);
		return CLI_FAILED;
	}
	if (!settings->no_measure)
		measure(&info);
	if (settings->json)
		rc = info_print_json(&info);
	else
		info_print(&info, detail);
	keg_host_destroy(info.host);
	return rc ? CLI_FAILED : CLI_OK;
}

static const struct cli_option options[] = {
	{.name = "all",
		.letter = 'a',
		.help = "every capability, processor feature and MSR",
		.set = cli_set_flag,
		.field = offsetof(struct info_settings, all)},
	{.name = "brief",
		.letter = 'b',
		.help = "only the device, its speed and its limits",
		.set = cli_set_flag,
		.field = offsetof(struct info_settings, brief)},
	{.name = "json",
		.letter = 'j',
		.help = "everything, as JSON",
		.set = cli_set_flag,
		.field = offsetof(struct info_settings, json)},
	{.name = "no-measure",
		.help = "do not measure how fast guest code runs (50 ms)",
		.set = cli_set_flag,
		.field = offsetof(struct info_settings, no_measure)},
	{.name = "device",
		.letter = 'd',
		.argument = "PATH",
		.help = "KVM's device, if it is not /dev/kvm",
		.set = cli_set_string,
		.field = offsetof(struct info_settings, device)},
	{0},
};

static const struct cli_section sections[] = {
	{"Exit status", "  0  KVM can be used\n"
			"  1  it cannot: the message says why, and what to do\n"
			"  2  wrong usage"},
	{"Examples", "  keg info                    one screen\n"
		     "  keg info --all | less       every capability by name and value\n"
		     "  keg info --json | jq .capabilities.KVM_CAP_NR_MEMSLOTS"},
	{NULL, NULL},
};

const struct cli_command command_info = {
	.name = "info",
	.summary = "what this machine's KVM can do, and how fast",
	.about =
		"Shows the KVM at hand: whether it can be used and what to do if not, its limits,\n"
		"its capabilities, the processor that guests see, and whether their kernel code\n"
		"runs natively or is emulated.",
	.options = options,
	.sections = sections,
	.settings_size = sizeof(struct info_settings),
	.run = info_run,
	.failed = CLI_FAILED,
};
