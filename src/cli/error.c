/* SPDX-License-Identifier: MIT */
/* The one way to complain. */
#include "cli.h"

#include <stdarg.h>

void cli_error(const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Names come from files and from other people: they are not to steer a terminal. */
	for (char *at = text; *at; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
	}
	/* In one piece, whatever other threads write. */
	fprintf(stderr, "keg: %s\n", text);
}
