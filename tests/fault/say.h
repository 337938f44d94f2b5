/* SPDX-License-Identifier: MIT */
/* Telling of what a fault has come to, and where it was. */
#ifndef KEG_TESTS_FAULT_SAY_H
#define KEG_TESTS_FAULT_SAY_H

#include "fault/fault.h"

/* What is found of one run: its title is printed before the first finding. */
struct fault_report {
	FILE *out;
	char title[512];
	const void *site; /* of the call that fails */
	size_t findings;
};

/* Begins a run's report. NULL: the unharmed run. */
void fault_report_begin(struct fault_report *report, const struct fault_scenario *scenario,
	const struct fault_record *record, const struct fault *fault);

/* How many findings there were. */
size_t fault_report_end(struct fault_report *report);

/* A finding; and one that has a place in the code (or NULL). */
void fault_say(struct fault_report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void fault_say_site(struct fault_report *report, const char *what, const void *site);

/*
 * Hands out "function at file:line" of the calls that return to `sites`: of those where it is
 * known.
 */
typedef void fault_place_handler(void *context, size_t index, const char *place);
void fault_places(
	const void *const *sites, size_t count, fault_place_handler *handler, void *context);

#endif
