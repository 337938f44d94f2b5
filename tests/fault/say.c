/* SPDX-License-Identifier: MIT */
/* Telling of what a fault has come to. */
#include "fault/say.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault/run.h"

/* Where the program begins: the linker's. */
extern const char __executable_start[];

/* "function at file:line" by addr2line, where it is; else how to ask it. */
static void print_site(FILE *out, const void *site)
{
	/* A return address: the call is before it. */
	unsigned long offset = (unsigned long)((const char *)site - __executable_start) - 1;
	char program[512], command[640], line[512];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	FILE *answer;

	program[length > 0 ? length : 0] = 0;
	snprintf(command, sizeof(command), "addr2line -fpie '%s' 0x%lx", program, offset);
	fprintf(out, "    at 0x%lx: %s\n", offset, command);
	fflush(out);
	strcat(command, " 2>/dev/null");
	answer = popen(command, "r");
	while (answer && fgets(line, sizeof(line), answer))
		fprintf(out, "        %s", line);
	if (answer)
		pclose(answer);
}

void fault_report_begin(struct fault_report *report, const struct fault_scenario *scenario,
	const struct fault_record *record, const struct fault *fault)
{
	static const char *const modes[] = {
		[FAULT_ONCE] = "once",
		[FAULT_BURST] = "a hundred times",
		[FAULT_FROM_THEN_ON] = "from then on",
	};
	char call[64];

	report->findings = 0;
	report->site = record ? record->site : NULL;
	if (!record) {
		snprintf(report->title, sizeof(report->title), "%s, unharmed", scenario->name);
		return;
	}
	snprintf(report->title, sizeof(report->title),
		"%s, step %s: call %u of %s fails with %s, %s", scenario->name,
		record->step == FAULT_END_STEP ? "(the end)" : scenario->steps[record->step].name,
		fault->n, fault_name(record->call, record->request, call, sizeof(call)),
		strerrorname_np(fault->error), modes[fault->mode]);
}

size_t fault_report_end(struct fault_report *report)
{
	return report->findings;
}

static void print_title(struct fault_report *report)
{
	if (report->findings++)
		return;
	fprintf(report->out, "%s\n", report->title);
	if (report->site)
		print_site(report->out, report->site);
}

void fault_say(struct fault_report *report, const char *format, ...)
{
	va_list args;

	print_title(report);
	fprintf(report->out, "    -> ");
	va_start(args, format);
	vfprintf(report->out, format, args);
	va_end(args);
	fprintf(report->out, "\n");
}

void fault_say_site(struct fault_report *report, const char *what, const void *site)
{
	fault_say(report, "%s", what);
	if (site)
		print_site(report->out, site);
}
