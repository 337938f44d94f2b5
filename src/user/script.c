/* SPDX-License-Identifier: MIT */
/* Scripts: #! PROGRAM [ARGUMENT] (execve(2), "Interpreter scripts"). */
#include <string.h>

#include "base/error.h"
#include "user/elf.h"

bool keg_script_is(const void *start, size_t bytes)
{
	return bytes >= 2 && !memcmp(start, "#!", 2);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int keg_script_read(const char *start, size_t bytes, struct keg_script *script)
{
	const char *at = start + 2, *end, *name;
	bool whole;

	*script = (struct keg_script){0};
	if (!keg_script_is(start, bytes))
		return keg_fail(ENOEXEC, "no script");
	if (bytes > KEG_SCRIPT_LINE)
		bytes = KEG_SCRIPT_LINE;
	/* A zero ends the line as well: names cannot have one. */
	for (end = at; end < start + bytes && *end && *end != '\n';)
		end++;
	whole = end < start + bytes || bytes < KEG_SCRIPT_LINE;
	while (end > at && is_blank(end[-1]))
		end--;
	while (at < end && is_blank(*at))
		at++;
	for (name = at; at < end && !is_blank(*at);)
		at++;
	if (at == name)
		return keg_fail(ENOEXEC, "a script that names no interpreter after #!");
	if (at == start + bytes && !whole)
		return keg_fail(ENOEXEC, "a script whose interpreter's name is too long");
	memcpy(script->interpreter, name, (size_t)(at - name));
	while (at < end && is_blank(*at))
		at++;
	/* An argument that is too long is cut, as Linux does. */
	memcpy(script->argument, at, (size_t)(end - at));
	return 0;
}
