/* SPDX-License-Identifier: MIT */
/* The program: every scenario is swept, and then no call of libkeg may have been left out. */
#include <stdlib.h>
#include <string.h>

#include "fault/fault.h"
#include "fault/jobs.h"
#include "fault/sites.h"
#include "testing.h"

static const char usage[] =
	"usage: %s [--quick|--full] [SCENARIO]...\n"
	"\n"
	"Makes every call of the scenarios fail. --full, the default, tries every error, once and\n"
	"from then on; --quick, the default in the lab (KEG_LAB), one error for each call, by "
	"turns.\n"
	"\n"
	"scenarios:\n";

static const struct fault_suite *const suites[] = {
	&fault_host,
	&fault_memory,
	&fault_interrupts,
	&fault_vcpu,
	&fault_registers,
	&fault_arch,
	&fault_board,
	&fault_devices,
	&fault_disks,
	&fault_nets,
	&fault_linux,
	&fault_machines,
	&fault_programs,
	&fault_plugins,
};
enum { SUITES = sizeof(suites) / sizeof(suites[0]), MOST_SCENARIOS = 128 };

/* What the command line asks for. */
struct options {
	enum fault_effort effort;
	char **names; /* of scenarios; none: all */
	int count;
};

static int print_usage(FILE *out, const char *program)
{
	fprintf(out, usage, program);
	for (size_t i = 0; i < SUITES; i++) {
		for (size_t j = 0; j < suites[i]->count; j++)
			fprintf(out, "  %s\n", suites[i]->scenarios[j].name);
	}
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_wanted(const struct options *options, const struct fault_scenario *scenario)
{
	for (int i = 0; i < options->count; i++) {
		if (strcmp(options->names[i], scenario->name) == 0)
			return true;
	}
	if (options->count)
		return false;
	if (scenario->large && options->effort == FAULT_QUICK)
		printf("%s: left out of a quick sweep\n", scenario->name);
	return !scenario->large || options->effort != FAULT_QUICK;
}

static int run(const struct options *options)
{
	const struct fault_scenario *wanted[MOST_SCENARIOS];
	size_t count = 0, failed;

	for (size_t i = 0; i < SUITES; i++) {
		for (size_t j = 0; j < suites[i]->count && count < MOST_SCENARIOS; j++) {
			if (is_wanted(options, &suites[i]->scenarios[j]))
				wanted[count++] = &suites[i]->scenarios[j];
		}
	}
	if (options->effort == FAULT_QUICK)
		printf("quick: one error for each call, by turns (--full tries all)\n");
	fault_sites_share();
	/* What only libslirp decides to do: it has done with a socket, or with a timer. */
	fault_excuse("wait_for");
	fault_excuse("keg_user_poll_remove_timer");
	/* What only the kernel decides: that a mapping begins at no multiple of a large page. */
	fault_excuse("map_arena");
	failed = fault_sweep_all(wanted, count, options->effort);
	if (!options->count)
		failed += fault_sites_check(stdout, options->effort == FAULT_FULL);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = {
		.effort = getenv("KEG_LAB") ? FAULT_QUICK : FAULT_FULL,
		.names = argv + 1,
		.count = argc - 1,
	};

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return print_usage(stdout, argv[0]);
	if (argc > 1 && strncmp(argv[1], "--", 2) == 0) {
		if (strcmp(argv[1], "--quick") && strcmp(argv[1], "--full"))
			return print_usage(stderr, argv[0]);
		options.effort = strcmp(argv[1], "--quick") ? FAULT_FULL : FAULT_QUICK;
		options.names++;
		options.count--;
	}
	require_kvm();
	return run(&options);
}
