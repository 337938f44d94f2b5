/* SPDX-License-Identifier: MIT */
/* The main function of programs of scenarios. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault/fault.h"
#include "testing.h"

static const char usage[] =
	"usage: %s [--quick|--full] [SCENARIO]...\n"
	"\n"
	"Makes every call of the scenarios fail. --full, the default, tries every error, once and\n"
	"from then on; --quick, the default in the lab (KEG_LAB), one error for each call, by "
	"turns.\n"
	"\n"
	"scenarios:\n";

struct options {
	enum fault_effort effort;
	int first; /* of the names in argv; 0: all */
};

static int print_usage(
	FILE *out, const char *program, const struct fault_scenario *scenarios, size_t count)
{
	fprintf(out, usage, program);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "  %s\n", scenarios[i].name);
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_wanted(const char *name, int argc, char **argv, int first)
{
	for (int i = first; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return true;
	}
	return first == argc;
}

static size_t sweep(const struct fault_scenario *scenario, enum fault_effort effort)
{
	struct timespec began, ended;
	struct fault_tally tally;

	clock_gettime(CLOCK_MONOTONIC, &began);
	tally = fault_sweep(scenario, effort, stderr);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	printf("%s %s: %zu calls, %zu faults, %zu findings, %.1f s\n",
		tally.findings ? "not ok" : "ok", scenario->name, tally.calls, tally.faults,
		tally.findings,
		(double)(ended.tv_sec - began.tv_sec) +
			(double)(ended.tv_nsec - began.tv_nsec) / 1e9);
	fflush(stdout);
	return tally.findings;
}

int fault_main(int argc, char **argv, const struct fault_scenario *scenarios, size_t count)
{
	enum fault_effort effort = getenv("KEG_LAB") ? FAULT_QUICK : FAULT_FULL;
	size_t findings = 0;
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return print_usage(stdout, argv[0], scenarios, count);
	if (argc > 1 && strncmp(argv[1], "--", 2) == 0) {
		if (strcmp(argv[1], "--quick") && strcmp(argv[1], "--full"))
			return print_usage(stderr, argv[0], scenarios, count);
		effort = strcmp(argv[1], "--quick") ? FAULT_FULL : FAULT_QUICK;
		first = 2;
	}
	require_kvm();
	if (effort == FAULT_QUICK)
		printf("quick: one error for each call, by turns (--full tries all)\n");
	for (size_t i = 0; i < count; i++) {
		if (is_wanted(scenarios[i].name, argc, argv, first))
			findings += sweep(&scenarios[i], effort);
	}
	return findings ? EXIT_FAILURE : EXIT_SUCCESS;
}
