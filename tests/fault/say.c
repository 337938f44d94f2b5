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

/* A return address: the call is before it. */
static unsigned long offset_of(const void *site)
{
	return (unsigned long)((const char *)site - __executable_start) - 1;
}

static void program_path(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);

	path[length > 0 ? length : 0] = 0;
}

/* Asks addr2line. NULL where there is none. */
static FILE *ask(const void *site, char *command, size_t size)
{
	char program[512];

	program_path(program, sizeof(program));
	snprintf(command, size, "addr2line -fpie '%s' 0x%lx 2>/dev/null", program, offset_of(site));
	return popen(command, "r");
}

/* Writes addresses to a file, for addr2line to read. */
static bool write_offsets(const void *const *sites, size_t count, const char *path)
{
	FILE *file = fopen(path, "w");

	for (size_t i = 0; file && i < count; i++)
		fprintf(file, "0x%lx\n", offset_of(sites[i]));
	return file && fclose(file) == 0;
}

void fault_places(
	const void *const *sites, size_t count, fault_place_handler *handler, void *context)
{
	char program[512], path[] = "/tmp/fault-XXXXXX", command[640], line[512];
	int fd = mkstemp(path);
	FILE *answer = NULL;

	program_path(program, sizeof(program));
	snprintf(command, sizeof(command), "addr2line -fpe '%s' <%s 2>/dev/null", program, path);
	if (fd >= 0 && write_offsets(sites, count, path))
		answer = popen(command, "r");
	for (size_t i = 0; answer && fgets(line, sizeof(line), answer); i++) {
		char *remark = strstr(line, " (discriminator");

		line[strcspn(line, "\n")] = 0;
		if (remark)
			*remark = 0;
		/* "??" or a line "?": without debugging information. */
		if (!strchr(line, '?'))
			handler(context, i, line);
	}
	if (answer)
		pclose(answer);
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
}

/* Each function that is there, innermost first; or else how to ask. */
static void print_site(FILE *out, const void *site)
{
	char command[640], line[512];
	FILE *answer = ask(site, command, sizeof(command));
	bool known = false;

	while (answer && fgets(line, sizeof(line), answer)) {
		fprintf(out, "    %s", line);
		known = true;
	}
	if (answer)
		pclose(answer);
	if (!known)
		fprintf(out, "    to know where: %s\n", command);
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
