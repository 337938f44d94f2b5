/* SPDX-License-Identifier: MIT */
/* The one way to complain. */
#include "cli.h"

#include <stdarg.h>

void cli_error(const char *format, ...)
{
	va_list args;

	/* In one piece, whatever other threads write. */
	flockfile(stderr);
	fputs("keg: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	funlockfile(stderr);
}
