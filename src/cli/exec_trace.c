/* SPDX-License-Identifier: MIT */
/* --trace: a line for each system call. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include <keg/error.h>

#include "exec.h"

static void print_json(const struct exec_trace *trace, const struct keg_user_syscall *call)
{
	json_t *arguments = json_array();
	json_t *line = json_pack("{s:i, s:i, s:I, s:s?, s:f, s:f, s:b, s:s}", "pid", call->pid,
		"tid", call->tid, "number", (json_int_t)call->number, "call", call->name, "at",
		(double)(call->began_ns - trace->began) / 1e9, "seconds",
		(double)call->took_ns / 1e9, "served", call->served, "text", call->text);

	for (int i = 0; i < 6; i++)
		json_array_append_new(arguments, json_integer((json_int_t)call->arguments[i]));
	/* What the program wrote need not be UTF-8: the words are ASCII, so only memory can lack.
	 */
	if (line) {
		json_object_set(line, "arguments", arguments);
		json_object_set_new(
			line, "result", call->returned ? json_integer(call->result) : json_null());
		json_dumpf(line, trace->file, JSON_COMPACT | JSON_REAL_PRECISION(12));
		fputc('\n', trace->file);
	}
	json_decref(arguments);
	json_decref(line);
}

static void print(void *context, const struct keg_user_syscall *call)
{
	struct exec_trace *trace = context;

	if (trace->json)
		print_json(trace, call);
	else
		fprintf(trace->file, "%" PRId32 " %s%s\n", call->tid, call->text,
			call->served || !call->returned ? "" : " [not served]");
}

int exec_trace_begin(
	struct exec_trace *trace, struct keg_user *user, const struct exec_settings *settings)
{
	if (!settings->trace.given)
		return 0;
	trace->json = settings->json;
	trace->began = cli_began();
	trace->file = settings->trace.value ? fopen(settings->trace.value, "we") : stderr;
	if (!trace->file) {
		cli_error("--trace=%s: %s", settings->trace.value, strerror(errno));
		return -1;
	}
	if (keg_user_set_tracer(user, print, trace) < 0) {
		cli_error("%s", keg_error_message());
		return -1;
	}
	return 0;
}

void exec_trace_end(struct exec_trace *trace)
{
	if (trace->file && trace->file != stderr && fclose(trace->file) != 0)
		cli_error("--trace: %s", strerror(errno));
	trace->file = NULL;
}
